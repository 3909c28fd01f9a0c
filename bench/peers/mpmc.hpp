// Peer `mpmc`: the well-known bounded queue for many producers and many consumers.
//
// Dmitry Vyukov's: a sequence number in each slot says for which position it is free or full; one
// CAS on the tail claims it for a producer, one CAS on the head for a consumer. No lease, and a
// process that dies between its CAS and its store blocks the ring for ever. Two variants: looking
// again at once, and after some pauses (ChannelOptions::idle_pauses), which spares the line being
// written.
#pragma once

#include <atomic>
#include <cstdint>

#include "harness/shared_region.hpp"
#include "harness/transport.hpp"

namespace ringpost::bench::peers {

class Mpmc {
 public:
  static constexpr bool kBlocking = false;
  static constexpr bool kOrdered = true;

  explicit Mpmc(const ChannelOptions& options)
      : mask_(options.capacity - 1),
        bytes_(options.message_bytes),
        stride_(round_up(sizeof(std::uint64_t) + bytes_, kCacheLineBytes)),
        region_(sizeof(Indices) + options.capacity * stride_),
        indices_(region_.construct<Indices>(0)) {
    for (std::uint64_t i = 0; i <= mask_; ++i) sequence_of(slot(i)).store(i);
  }

  class Producer {
   public:
    explicit Producer(Mpmc& ring) noexcept : ring_(&ring) {}
    template <class Fill>
    std::size_t send_some(std::size_t /*count*/, Fill&& fill) {
      auto& tail = ring_->indices_->tail;
      std::uint64_t position = tail.load(std::memory_order_relaxed);
      while (true) {
        std::byte* const slot = ring_->slot(position);
        const std::uint64_t sequence = sequence_of(slot).load(std::memory_order_acquire);
        const auto ahead = static_cast<std::int64_t>(sequence - position);
        if (ahead < 0) return 0;
        if (ahead > 0) {
          position = tail.load(std::memory_order_relaxed);
        } else if (tail.compare_exchange_weak(position, position + 1, std::memory_order_relaxed)) {
          fill(std::span(slot + sizeof(std::uint64_t), ring_->bytes_), std::size_t{0});
          sequence_of(slot).store(position + 1, std::memory_order_release);
          return 1;
        }
      }
    }

   private:
    Mpmc* ring_;
  };

  class Consumer {
   public:
    explicit Consumer(Mpmc& ring) noexcept : ring_(&ring) {}
    template <class Visit>
    std::size_t receive_some(std::size_t /*count*/, Visit&& visit) {
      auto& head = ring_->indices_->head;
      std::uint64_t position = head.load(std::memory_order_relaxed);
      while (true) {
        std::byte* const slot = ring_->slot(position);
        const std::uint64_t sequence = sequence_of(slot).load(std::memory_order_acquire);
        const auto ahead = static_cast<std::int64_t>(sequence - (position + 1));
        if (ahead < 0) return 0;
        if (ahead > 0) {
          position = head.load(std::memory_order_relaxed);
        } else if (head.compare_exchange_weak(position, position + 1, std::memory_order_relaxed)) {
          visit(std::span<const std::byte>(slot + sizeof(std::uint64_t), ring_->bytes_));
          sequence_of(slot).store(position + ring_->mask_ + 1, std::memory_order_release);
          return 1;
        }
      }
    }

   private:
    Mpmc* ring_;
  };

  Producer producer(unsigned /*index*/) noexcept { return Producer(*this); }
  Consumer consumer(unsigned /*index*/) noexcept { return Consumer(*this); }

 private:
  struct Indices {
    alignas(kHotLineBytes) std::atomic<std::uint64_t> head{0};
    alignas(kHotLineBytes) std::atomic<std::uint64_t> tail{0};
  };
  std::byte* slot(std::uint64_t position) const noexcept {
    return region_.at(sizeof(Indices) + (position & mask_) * stride_);
  }
  static std::atomic_ref<std::uint64_t> sequence_of(std::byte* slot) noexcept {
    return std::atomic_ref(*reinterpret_cast<std::uint64_t*>(slot));
  }

  std::uint64_t mask_;
  std::size_t bytes_;
  std::size_t stride_;
  SharedRegion region_;
  Indices* indices_;
};

}  // namespace ringpost::bench::peers
