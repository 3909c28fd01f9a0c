// Peer `futex`: a bare wake. Two processes that sleep in FUTEX_WAIT and wake each other in turn.
//
// What any parked wait costs at least: store, FUTEX_WAKE of one, FUTEX_WAIT on a word of one's own;
// no spinning before the sleep, no count of sleepers to look at.
#pragma once

#include <atomic>
#include <cstdint>

#include "harness/futex.hpp"
#include "harness/shared_region.hpp"
#include "harness/transport.hpp"

namespace ringpost::bench::peers {

class Futex {
 public:
  explicit Futex(const ChannelOptions& /*options*/)
      : region_(sizeof(Words)), words_(region_.construct<Words>(0)) {}

  class Side {
   public:
    using Word = std::atomic<std::uint32_t>;
    Side(Word& mine, Word& theirs) noexcept : mine_(&mine), theirs_(&theirs) {}
    void ping() noexcept {
      wake();
      sleep();
    }
    bool serve() noexcept {
      return serve([] {});
    }
    /// Does something between the sleep and the answer.
    template <class Work>
    bool serve(Work&& work) noexcept(noexcept(work())) {
      sleep();
      work();
      wake();
      return true;
    }

   private:
    void wake() noexcept {
      theirs_->store(++sent_, std::memory_order_release);
      futex_wake(*theirs_, 1);
    }
    void sleep() noexcept {
      while (mine_->load(std::memory_order_acquire) == seen_) futex_wait(*mine_, seen_);
      ++seen_;
    }
    Word* mine_;
    Word* theirs_;
    std::uint32_t sent_ = 0;
    std::uint32_t seen_ = 0;
  };

  Side client() noexcept { return {words_->back, words_->there}; }
  Side server() noexcept { return {words_->there, words_->back}; }

 private:
  struct Words {
    alignas(kHotLineBytes) std::atomic<std::uint32_t> there{0};
    alignas(kHotLineBytes) std::atomic<std::uint32_t> back{0};
  };
  SharedRegion region_;
  Words* words_;
};

}  // namespace ringpost::bench::peers
