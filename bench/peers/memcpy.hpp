// Peer `memcpy`: the same bytes copied into shared memory by one process and out by the other.
//
// The limit of everything that moves payloads by copying: two copies for each message over a few
// buffers that stay in the cache, flags of the smallest possible protocol, and only the first and
// last word of the payload written and checked (Check::kStamp).
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <vector>

#include "harness/shared_region.hpp"
#include "harness/transport.hpp"

namespace ringpost::bench::peers {

class Memcpy {
 public:
  static constexpr bool kBlocking = false;
  static constexpr bool kOrdered = true;

  explicit Memcpy(const ChannelOptions& options)
      : bytes_(options.message_bytes),
        stride_(kHotLineBytes + round_up(bytes_, kHotLineBytes)),
        region_(kBufferCount * stride_) {
    if (options.producers != 1 || options.consumers != 1) throw Unsupported("one to one only");
    if (options.check != Check::kStamp) throw Unsupported("bare copies are not checked bytewise");
  }

  class Producer {
   public:
    explicit Producer(Memcpy& shared) : shared_(&shared), own_(shared.bytes_) {}
    template <class Fill>
    std::size_t send_some(std::size_t /*count*/, Fill&& fill) {
      std::byte* const buffer = shared_->buffer(next_);
      if (flag_of(buffer).load(std::memory_order_acquire) != 0) return 0;
      fill(std::span(own_), std::size_t{0});
      std::memcpy(buffer + kHotLineBytes, own_.data(), own_.size());
      flag_of(buffer).store(1, std::memory_order_release);
      ++next_;
      return 1;
    }

   private:
    Memcpy* shared_;
    std::vector<std::byte> own_;
    std::uint64_t next_ = 0;
  };

  class Consumer {
   public:
    explicit Consumer(Memcpy& shared) : shared_(&shared), own_(shared.bytes_) {}
    template <class Visit>
    std::size_t receive_some(std::size_t /*count*/, Visit&& visit) {
      std::byte* const buffer = shared_->buffer(next_);
      if (flag_of(buffer).load(std::memory_order_acquire) != 1) return 0;
      std::memcpy(own_.data(), buffer + kHotLineBytes, own_.size());
      flag_of(buffer).store(0, std::memory_order_release);
      ++next_;
      visit(std::span<const std::byte>(own_));
      return 1;
    }

   private:
    Memcpy* shared_;
    std::vector<std::byte> own_;
    std::uint64_t next_ = 0;
  };

  Producer producer(unsigned /*index*/) { return Producer(*this); }
  Consumer consumer(unsigned /*index*/) { return Consumer(*this); }

 private:
  static constexpr std::size_t kBufferCount = 4;
  std::byte* buffer(std::uint64_t position) const noexcept {
    return region_.at(position % kBufferCount * stride_);
  }
  static std::atomic_ref<std::uint64_t> flag_of(std::byte* buffer) noexcept {
    return std::atomic_ref(*reinterpret_cast<std::uint64_t*>(buffer));
  }

  std::size_t bytes_;
  std::size_t stride_;
  SharedRegion region_;
};

}  // namespace ringpost::bench::peers
