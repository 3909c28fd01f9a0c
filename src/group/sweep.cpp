#include "group/sweep.hpp"

#include "ring/limbo.hpp"

namespace ringpost::group {

using ring::LeaseState;
using ring::LeaseWord;

namespace {

/// A lease of the dead: visible again at once, before its group is left to others.
bool return_lease(ring::Ring& ring, Groups& groups, std::uint32_t slot,
                  std::uint16_t dead) noexcept {
  for (;;) {
    const LeaseWord word = ring.view.lease_word(slot);
    if (word.state() != LeaseState::kLeased || word.owner() != dead) return false;
    groups.hint(slot);
    if (ring.view.move_lease(slot, word, LeaseWord::returned(word.lap(), word.count(), true))) {
      return true;
    }
  }
}

/// What the dead one has acknowledged: out of its group, or nobody's while others are before it.
void finish_acked(ring::Ring& ring, Groups& groups, std::uint32_t slot,
                  std::uint16_t dead) noexcept {
  for (;;) {
    const LeaseWord word = ring.view.lease_word(slot);
    if (word.state() != LeaseState::kAcked || word.owner() != dead) return;
    if (groups.finish(slot)) return;
    if (ring.view.move_lease(slot, word, word.with_owner(0))) return;
  }
}

}  // namespace

ring::SweptRing sweep_participant(ring::Ring& ring, Groups& groups, std::uint16_t dead) noexcept {
  ring::SweptRing swept;
  for (std::uint32_t slot = 0; slot < ring.view.slots(); ++slot) {
    if (return_lease(ring, groups, slot, dead)) ++swept.leases_returned;
    finish_acked(ring, groups, slot, dead);
    if (ring::void_claim(ring, slot, dead)) ++swept.claims_voided;
  }
  if (swept.leases_returned != 0) ring.receivers.wake_all();
  if (swept.claims_voided != 0) ring.senders.wake_all();
  return swept;
}

std::uint64_t repair_hints(ring::Ring& ring, Groups& groups) noexcept {
  for (std::uint32_t slot = 0; slot < ring.view.slots(); ++slot) {
    const LeaseWord word = ring.view.lease_word(slot);
    switch (word.state()) {
      case LeaseState::kLeased:
      case LeaseState::kDelayed:
      case LeaseState::kAcked:
        ring.due.lower(slot, word.deadline());
        break;
      case LeaseState::kMoved:
        ring.due.lower(slot, 0);
        break;
      case LeaseState::kLimbo:
        ring::try_end_limbo(ring, slot, word);
        break;
      default:
        break;
    }
  }
  std::uint64_t repaired = 0;
  for (std::uint32_t index = 0; index < groups.count(); ++index) {
    if (!Groups::has_record(index)) continue;
    const Record record = groups.read(index);
    if (!record.occupied() || ring.hints.is_set(index)) continue;
    const LeaseState state = ring.view.lease_word(groups.slot_of(record.first())).state();
    const bool waits = state == LeaseState::kReturned || state == LeaseState::kAcked ||
                       state == LeaseState::kMoved;
    if (!waits) continue;
    ring.hints.set(index);
    ++repaired;
  }
  return repaired;
}

}  // namespace ringpost::group
