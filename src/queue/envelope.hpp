// What a message that came from another queue of the bus brought along: the last bytes of its slot.
#pragma once

#include <algorithm>
#include <cstdint>

#include "ring/ring_view.hpp"
#include "ringpost/types.hpp"

namespace ringpost::queue {

struct Envelope {
  static constexpr unsigned kPositionBits = 52;
  static constexpr std::uint32_t kReceivedMax = (1u << (64 - kPositionBits)) - 1;

  MessageId id;                       ///< that it was given when it was sent
  std::uint64_t source = 0;           ///< id of the queue that it was moved from
  std::uint32_t received_before = 0;  ///< deliveries in other queues; stops at kReceivedMax
  std::uint64_t sent_ns = 0;          ///< FIFO: when it was sent; the slot's says when it came here
};

namespace detail {
inline std::uint64_t* envelope_words(const ring::RingView& view, std::uint32_t slot) noexcept {
  return reinterpret_cast<std::uint64_t*>(view.payload(slot) + view.inline_bytes() -
                                          ring::envelope_bytes(view.geometry().kind));
}
}  // namespace detail

/// relaxed: the publish of the slot carries them, as all content.
inline void write_envelope(const ring::RingView& view, std::uint32_t slot,
                           const Envelope& envelope) noexcept {
  std::uint64_t* const words = detail::envelope_words(view, slot);
  const std::uint64_t received = std::min(envelope.received_before, Envelope::kReceivedMax);
  __atomic_store_n(&words[0], envelope.id.ring, __ATOMIC_RELAXED);
  __atomic_store_n(&words[1], envelope.id.position | received << Envelope::kPositionBits,
                   __ATOMIC_RELAXED);
  __atomic_store_n(&words[2], envelope.source, __ATOMIC_RELAXED);
  if (view.geometry().kind == ring::RingKind::kFifo) {
    __atomic_store_n(&words[3], envelope.sent_ns, __ATOMIC_RELAXED);
  }
}

/// Of a slot whose lengths say has_envelope().
inline Envelope read_envelope(const ring::RingView& view, std::uint32_t slot) noexcept {
  const std::uint64_t* const words = detail::envelope_words(view, slot);
  const std::uint64_t position = __atomic_load_n(&words[1], __ATOMIC_RELAXED);
  return {{__atomic_load_n(&words[0], __ATOMIC_RELAXED),
           position & ((std::uint64_t{1} << Envelope::kPositionBits) - 1)},
          __atomic_load_n(&words[2], __ATOMIC_RELAXED),
          static_cast<std::uint32_t>(position >> Envelope::kPositionBits),
          view.geometry().kind == ring::RingKind::kFifo
              ? __atomic_load_n(&words[3], __ATOMIC_RELAXED)
              : 0};
}

}  // namespace ringpost::queue
