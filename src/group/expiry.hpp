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
  groups.hint(slot);
  // Marked: its holder may be reading in place (ring/limbo.hpp).
  const LeaseWord next = leased ? LeaseWord::returned(word.lap(), word.count(), true)
                                : LeaseWord::returned(word.lap(), 0, false);
  if (!ring.view.move_lease(slot, word, next)) return false;
  ring.receivers.wake_one();
  return true;
}

}  // namespace ringpost::group
