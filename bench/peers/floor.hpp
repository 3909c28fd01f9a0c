// Peer `floor`: a bare ring plus the locked operations that any lock-free leased queue must pay.
//
// One 64-bit CAS for each send (the claim), two 128-bit CAS for each receive (the lease and its
// end), on lines that nobody else touches: they cost their instructions and the wait for earlier
// stores, never a cache miss.
#pragma once

#include <cstdint>
#include <utility>

#include "harness/shared_region.hpp"
#include "harness/transport.hpp"

namespace ringpost::bench::peers {

template <Transport Ring>
class Floor {
 public:
  static constexpr bool kBlocking = Ring::kBlocking;
  static constexpr bool kOrdered = Ring::kOrdered;

  explicit Floor(const ChannelOptions& options)
      : ring_(options), region_(sizeof(Words)), words_(region_.construct<Words>(0)) {}

  template <class Inner>
  class Producer {
   public:
    Producer(Inner inner, std::uint64_t& word) : inner_(std::move(inner)), word_(&word) {}
    template <class Fill>
    std::size_t send_some(std::size_t count, Fill&& fill) {
      return inner_.send_some(count, [&](std::span<std::byte> body, std::size_t k) {
        claimed_ += __sync_bool_compare_and_swap(word_, claimed_, claimed_ + 1);
        fill(body, k);
      });
    }

   private:
    Inner inner_;
    std::uint64_t* word_;
    std::uint64_t claimed_ = 0;
  };

  template <class Inner>
  class Consumer {
   public:
    Consumer(Inner inner, auto& word) : inner_(std::move(inner)), word_(&word) {}
    template <class Visit>
    std::size_t receive_some(std::size_t count, Visit&& visit) {
      return inner_.receive_some(count, [&](std::span<const std::byte> body) {
        swap();
        visit(body);
        swap();
      });
    }

   private:
    void swap() noexcept { leased_ += __sync_bool_compare_and_swap(word_, leased_, leased_ + 1); }
    Inner inner_;
    typename Floor::Wide* word_;
    typename Floor::Wide leased_ = 0;
  };

  auto producer(unsigned index) {
    auto inner = ring_.producer(index);
    return Producer<decltype(inner)>(std::move(inner), words_->claim);
  }
  auto consumer(unsigned index) {
    auto inner = ring_.consumer(index);
    return Consumer<decltype(inner)>(std::move(inner), words_->lease);
  }

 private:
  __extension__ using Wide = unsigned __int128;
  struct Words {
    alignas(kHotLineBytes) std::uint64_t claim = 0;
    alignas(kHotLineBytes) Wide lease = 0;
  };
  Ring ring_;
  SharedRegion region_;
  Words* words_;
};

}  // namespace ringpost::bench::peers
