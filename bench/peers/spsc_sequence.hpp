// Peer `spsc`, first of two: a ring for one producer and one consumer, sequence in the slot.
//
// The sequence number lies in the first line of the slot, beside the payload, so that a small
// message moves one line in all: the fastest published way to hand a message over (FastForward,
// Giacomoni and others 2008; Aeron's length field). Room is told as in rigtorp/SPSCQueue: the
// producer keeps a copy of the consumer's index and looks again only when the copy says full; the
// consumer publishes that index once in a while, so that its line hardly ever moves. Consumers only
// read slot lines.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "harness/shared_region.hpp"
#include "harness/transport.hpp"

namespace ringpost::bench::peers {

class SpscSequence {
 public:
  static constexpr bool kBlocking = false;
  static constexpr bool kOrdered = true;

  explicit SpscSequence(const ChannelOptions& options)
      : mask_(options.capacity - 1),
        bytes_(options.message_bytes),
        stride_(round_up(sizeof(std::uint64_t) + bytes_, kCacheLineBytes)),
        region_(kHotLineBytes + options.capacity * stride_),
        consumed_(region_.construct<std::atomic<std::uint64_t>>(0)) {
    if (options.producers != 1 || options.consumers != 1) throw Unsupported("one to one only");
  }

  class Producer {
   public:
    explicit Producer(SpscSequence& ring) noexcept : ring_(&ring) {}
    template <class Fill>
    std::size_t send_some(std::size_t /*count*/, Fill&& fill) {
      if (next_ - consumed_ > ring_->mask_) {
        consumed_ = ring_->consumed_->load(std::memory_order_acquire);
        if (next_ - consumed_ > ring_->mask_) return 0;
      }
      std::byte* const slot = ring_->slot(next_);
      fill(std::span(slot + sizeof(std::uint64_t), ring_->bytes_), std::size_t{0});
      sequence_of(slot).store(++next_, std::memory_order_release);
      return 1;
    }

   private:
    SpscSequence* ring_;
    std::uint64_t next_ = 0;
    std::uint64_t consumed_ = 0;
  };

  class Consumer {
   public:
    explicit Consumer(SpscSequence& ring) noexcept
        : ring_(&ring), publish_every_(std::min<std::uint64_t>(32, (ring.mask_ + 1) / 4)) {}
    template <class Visit>
    std::size_t receive_some(std::size_t /*count*/, Visit&& visit) {
      std::byte* const slot = ring_->slot(next_);
      if (sequence_of(slot).load(std::memory_order_acquire) != next_ + 1) return 0;
      visit(std::span<const std::byte>(slot + sizeof(std::uint64_t), ring_->bytes_));
      if (++next_ % publish_every_ == 0) {
        ring_->consumed_->store(next_, std::memory_order_release);
      }
      return 1;
    }

   private:
    SpscSequence* ring_;
    std::uint64_t publish_every_;
    std::uint64_t next_ = 0;
  };

  Producer producer(unsigned /*index*/) noexcept { return Producer(*this); }
  Consumer consumer(unsigned /*index*/) noexcept { return Consumer(*this); }

 private:
  std::byte* slot(std::uint64_t position) const noexcept {
    return region_.at(kHotLineBytes + (position & mask_) * stride_);
  }
  // Zeroed memory is a sequence number that no position has.
  static std::atomic_ref<std::uint64_t> sequence_of(std::byte* slot) noexcept {
    return std::atomic_ref(*reinterpret_cast<std::uint64_t*>(slot));
  }

  std::uint64_t mask_;
  std::size_t bytes_;
  std::size_t stride_;
  SharedRegion region_;
  std::atomic<std::uint64_t>* consumed_;
};

}  // namespace ringpost::bench::peers
