// Peer `spsc`, second of two: a ring for one producer and one consumer, indices kept apart.
//
// rigtorp/SPSCQueue: head and tail on lines of their own, and each side keeps a copy of the other's
// index, read again only when the copy says full or empty. A payload of 64 bytes is one line
// exactly, and while the consumer is behind it reads many messages for one look at the tail.
#pragma once

#include <atomic>
#include <cstdint>

#include "harness/shared_region.hpp"
#include "harness/transport.hpp"

namespace ringpost::bench::peers {

class SpscCached {
 public:
  static constexpr bool kBlocking = false;
  static constexpr bool kOrdered = true;

  explicit SpscCached(const ChannelOptions& options)
      : mask_(options.capacity - 1),
        bytes_(options.message_bytes),
        stride_(round_up(bytes_, kCacheLineBytes)),
        region_(sizeof(Indices) + options.capacity * stride_),
        indices_(region_.construct<Indices>(0)) {
    if (options.producers != 1 || options.consumers != 1) throw Unsupported("one to one only");
  }

  class Producer {
   public:
    explicit Producer(SpscCached& ring) noexcept : ring_(&ring) {}
    template <class Fill>
    std::size_t send_some(std::size_t /*count*/, Fill&& fill) {
      if (tail_ - head_copy_ > ring_->mask_) {
        head_copy_ = ring_->indices_->head.load(std::memory_order_acquire);
        if (tail_ - head_copy_ > ring_->mask_) return 0;
      }
      fill(std::span(ring_->slot(tail_), ring_->bytes_), std::size_t{0});
      ring_->indices_->tail.store(++tail_, std::memory_order_release);
      return 1;
    }

   private:
    SpscCached* ring_;
    std::uint64_t tail_ = 0;
    std::uint64_t head_copy_ = 0;
  };

  class Consumer {
   public:
    explicit Consumer(SpscCached& ring) noexcept : ring_(&ring) {}
    template <class Visit>
    std::size_t receive_some(std::size_t /*count*/, Visit&& visit) {
      if (head_ == tail_copy_) {
        tail_copy_ = ring_->indices_->tail.load(std::memory_order_acquire);
        if (head_ == tail_copy_) return 0;
      }
      visit(std::span<const std::byte>(ring_->slot(head_), ring_->bytes_));
      ring_->indices_->head.store(++head_, std::memory_order_release);
      return 1;
    }

   private:
    SpscCached* ring_;
    std::uint64_t head_ = 0;
    std::uint64_t tail_copy_ = 0;
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

  std::uint64_t mask_;
  std::size_t bytes_;
  std::size_t stride_;
  SharedRegion region_;
  Indices* indices_;
};

}  // namespace ringpost::bench::peers
