// Whether a message may be visible, for whoever only waits; a ring of either kind.
#pragma once

#include "group/groups.hpp"
#include "ring/visible.hpp"

namespace ringpost::group {

/// As ring::may_have_message. A hinted group may be locked: then the due index says until when.
inline bool may_have_message(const ring::RingView& view) noexcept {
  if (view.geometry().kind == ring::RingKind::kStandard) return ring::may_have_message(view);
  const auto is_there = [&](std::uint32_t index) {
    const Record record = read_record(record_word(view, index));
    if (!record.occupied()) return false;
    const ring::LeaseState state = view.lease_word(view.slot_of(record.first())).state();
    return state != ring::LeaseState::kLeased && state != ring::LeaseState::kDelayed;
  };
  return ring::Hints(view).any_of(is_there) || ring::has_unpassed_claim(view);
}

}  // namespace ringpost::group
