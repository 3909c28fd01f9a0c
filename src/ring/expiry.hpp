// Ending what is over: leases past their deadline, delays that are due.
#pragma once

#include <cstdint>

#include "ring/ring.hpp"

namespace ringpost::ring {

enum class Ended : std::uint8_t { kNo, kLease, kDelay };

/// Ends the lease or delay of `slot` if it is over at `now`. Anybody may do this.
/// Crash  the hint is set before the state changes: a message is never visible without one.
inline Ended end_if_over(Ring& ring, std::uint32_t slot, LeaseWord word,
                         std::uint64_t now) noexcept {
  if (word.deadline() > now) return Ended::kNo;
  if (word.state() == LeaseState::kLeased) {
    ring.hints.set(slot);
    // Marked: its holder may be reading in place (limbo.hpp).
    if (!ring.view.move_lease(slot, word, LeaseWord::returned(word.lap(), word.count(), true))) {
      return Ended::kNo;
    }
    ring.receivers.wake_one();
    return Ended::kLease;
  }
  if (word.state() == LeaseState::kDelayed) {
    ring.hints.set(slot);
    const Claim claim{ring.view.claim(slot).load(std::memory_order_acquire)};
    const std::uint64_t publish =
        ring.view.slot(slot).publish.load(std::memory_order_acquire);  // [publish]
    const LeaseWord next = publish == claim.lap() ? LeaseWord::returned(word.lap(), 0, false)
                                                  : LeaseWord::await(word.lap());
    if (!ring.view.move_lease(slot, word, next)) return Ended::kNo;
    ring.receivers.wake_one();
    return Ended::kDelay;
  }
  return Ended::kNo;
}

}  // namespace ringpost::ring
