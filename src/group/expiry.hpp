// Ending what is over in a FIFO ring: leases, delays, acknowledgements that nobody finished.
#pragma once

#include "group/groups.hpp"

namespace ringpost::group {

/// `word`, read from `slot`, is over. Returns whether this call ended it. Anybody may do this.
/// Crash  the hint is set before the state changes: a message is never visible without one.
inline bool end_over(ring::Ring& ring, Groups& groups, std::uint32_t slot,
                     ring::LeaseWord word) noexcept {
  using ring::LeaseState;
  using ring::LeaseWord;
  if (word.state() == LeaseState::kAcked) return groups.finish(slot);
  const bool leased = word.state() == LeaseState::kLeased;
  if (!leased && word.state() != LeaseState::kDelayed) return false;
  for (LeaseWord seen = word;; seen = ring.view.lease_word(slot)) {
    // Changed, but for a skip, or a look at a delay (receiver.cpp): somebody else has ended it.
    if (seen.state() != word.state() || seen.deadline() != word.deadline()) return false;
    groups.hint(slot);
    // Marked: its holder may be reading in place (ring/limbo.hpp).
    const LeaseWord next = leased ? LeaseWord::returned(seen.lap(), seen.count(), true)
                                  : LeaseWord::returned(seen.lap(), 0, false);
    if (ring.view.move_lease(slot, seen, next)) break;
  }
  ring.receivers.wake_one();
  return true;
}

}  // namespace ringpost::group
