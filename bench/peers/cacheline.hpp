// Peer `cacheline`: one 8-byte word that two processes write in turn.
//
// Nothing between two cores can be faster: a round trip moves one cache line there and back. Plain
// stores and loads (release and acquire cost nothing on x86), busy polling without pause.
#pragma once

#include <atomic>
#include <cstdint>

#include "harness/shared_region.hpp"
#include "harness/transport.hpp"

namespace ringpost::bench::peers {

class CacheLine {
 public:
  explicit CacheLine(const ChannelOptions& /*options*/)
      : region_(kHotLineBytes), word_(region_.construct<Word>(0)) {}

  class Side {
   public:
    explicit Side(std::atomic<std::uint64_t>& word) noexcept : word_(&word) {}
    void ping() noexcept {
      word_->store(next_ + 1, std::memory_order_release);
      while (word_->load(std::memory_order_acquire) != next_ + 2) {
      }
      next_ += 2;
    }
    bool serve() noexcept {
      if (word_->load(std::memory_order_acquire) != next_ + 1) return false;
      next_ += 2;
      word_->store(next_, std::memory_order_release);
      return true;
    }

   private:
    std::atomic<std::uint64_t>* word_;
    std::uint64_t next_ = 0;
  };

  Side client() noexcept { return Side(*word_); }
  Side server() noexcept { return Side(*word_); }

 private:
  using Word = std::atomic<std::uint64_t>;
  SharedRegion region_;
  Word* word_;
};

}  // namespace ringpost::bench::peers
