// A ring that does one thing wrong: what the drivers must notice.
#pragma once

#include <vector>

#include "peers/spsc_sequence.hpp"

namespace ringpost::bench {

enum class Fault { kNone, kDrop, kTwice, kReorder, kCorrupt };

/// The wrong is done to message number 5.
template <Fault What>
class Faulty {
 public:
  static constexpr bool kBlocking = false;
  static constexpr bool kOrdered = true;

  explicit Faulty(const ChannelOptions& options) : ring_(options), bytes_(options.message_bytes) {}

  class Producer {
   public:
    Producer(peers::SpscSequence::Producer inner, std::size_t bytes)
        : inner_(inner), held_(bytes) {}
    template <class Fill>
    std::size_t send_some(std::size_t count, Fill&& fill) {
      if (number_ != 5) return counted(inner_.send_some(count, fill));
      if (What == Fault::kDrop) {
        fill(std::span(held_), std::size_t{0});
        return counted(1);
      }
      if (What == Fault::kTwice)
        while (inner_.send_some(1, fill) == 0) {
        }
      if (What == Fault::kReorder) return swapped(fill);
      return counted(inner_.send_some(1, [&](std::span<std::byte> body, std::size_t k) {
        fill(body, k);
        if (What == Fault::kCorrupt) body[body.size() / 2] ^= std::byte{1};
      }));
    }

   private:
    std::size_t counted(std::size_t sent) {
      number_ += sent;
      return sent;
    }
    // The next message first, then this one.
    template <class Fill>
    std::size_t swapped(Fill&& fill) {
      for (const std::size_t k : {1u, 0u}) {
        const auto fill_k = [&](std::span<std::byte> body, std::size_t /*k*/) { fill(body, k); };
        while (inner_.send_some(1, fill_k) == 0) {
        }
      }
      return counted(2);
    }

    peers::SpscSequence::Producer inner_;
    std::vector<std::byte> held_;
    std::size_t number_ = 0;
  };

  Producer producer(unsigned index) { return Producer(ring_.producer(index), bytes_); }
  auto consumer(unsigned index) { return ring_.consumer(index); }

 private:
  peers::SpscSequence ring_;
  std::size_t bytes_;
};

}  // namespace ringpost::bench
