#include "fair/sweep.hpp"

#include "ring/limbo.hpp"

namespace ringpost::fair {

using ring::LeaseState;
using ring::LeaseWord;

namespace {

void tidy_lists(ring::Ring& ring, Lists& lists) noexcept {
  for (std::uint32_t index = 0; index < lists.groups().count(); ++index) lists.trim(index);
  for (std::uint32_t slot = 0; slot < ring.view.slots(); ++slot) {
    if (ring.view.lease_word(slot).state() == LeaseState::kAcked) lists.finish(slot);
  }
}

/// What is found by the hint of its slot has one; returns whether it was missing.
bool repair_slot(ring::Ring& ring, std::uint32_t slot) noexcept {
  const LeaseWord word = ring.view.lease_word(slot);
  switch (word.state()) {
    case LeaseState::kReturned:
    case LeaseState::kAwait: {
      const std::uint64_t publish = ring.view.slot(slot).publish.load(std::memory_order_acquire);
      const bool skipped = word.state() == LeaseState::kAwait && (publish & ring::kSkipped) != 0;
      if (word.is_listed() || skipped || ring.hints.is_set(slot)) return false;
      ring.hints.set(slot);
      return true;
    }
    case LeaseState::kLeased:
    case LeaseState::kDelayed:
    case LeaseState::kAcked:
      ring.due.lower(slot, word.deadline());
      return false;
    case LeaseState::kLimbo:
      ring::try_end_limbo(ring, slot, word);
      return false;
    case LeaseState::kIdle:
    case LeaseState::kMoved:
      return false;
  }
  return false;
}

}  // namespace

ring::SweptRing sweep_participant(ring::Ring& ring, Lists& lists, std::uint16_t dead,
                                  std::span<std::uint32_t> counts) noexcept {
  const ring::SweptRing swept = ring::sweep_participant(ring, dead);
  tidy_lists(ring, lists);
  lists.tenants().count_anew(counts);
  return swept;
}

std::uint64_t repair_hints(ring::Ring& ring, Lists& lists,
                           std::span<std::uint32_t> counts) noexcept {
  std::uint64_t repaired = 0;
  tidy_lists(ring, lists);
  for (std::uint32_t slot = 0; slot < ring.view.slots(); ++slot) {
    if (repair_slot(ring, slot)) ++repaired;
  }
  for (std::uint32_t index = 0; index < lists.groups().count(); ++index) {
    const group::Record record = lists.groups().read(index);
    if (!record.occupied() || ring.hints.is_set(lists.hint_of(index))) continue;
    // One that was leased where it was placed needs none; behind it there may be others.
    const LeaseWord front = ring.view.lease_word(lists.groups().slot_of(record.first()));
    if (!front.is_listed()) continue;
    lists.hint(index);
    ++repaired;
  }
  lists.tenants().count_anew(counts);
  return repaired;
}

}  // namespace ringpost::fair
