// Whether a message may be visible, for whoever only waits; a ring of any kind.
#pragma once

#include "group/groups.hpp"
#include "ring/visible.hpp"

namespace ringpost::group {

/// As ring::may_have_message. A hinted group may be locked: then the due index says until when.
inline bool may_have_message(const ring::RingView& view) noexcept {
  if (view.geometry().kind == ring::RingKind::kStandard) return ring::may_have_message(view);
  // Of a fair ring hints of slots come first, and no list is locked.
  const bool fair = view.geometry().kind == ring::RingKind::kFair;
  const auto is_there = [&](std::uint32_t hint) {
    if (fair && hint < view.slots()) return ring::may_be_visible(view, hint);
    const Record record = read_record(record_word(view, fair ? hint - view.slots() : hint));
    if (!record.occupied() || fair) return record.occupied();
    const ring::LeaseState state = view.lease_word(view.slot_of(record.first())).state();
    return state != ring::LeaseState::kLeased && state != ring::LeaseState::kDelayed;
  };
  return ring::Hints(view).any_of(is_there) || ring::has_unpassed_claim(view);
}

}  // namespace ringpost::group
