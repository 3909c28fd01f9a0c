// Whether a message may be visible, for whoever only waits; a ring of either kind.
#pragma once

#include "group/groups.hpp"
#include "ring/visible.hpp"

namespace ringpost::group {

/// As ring::may_have_message. A hinted group may turn out to be locked: then a receive clears it.
inline bool may_have_message(const ring::RingView& view) noexcept {
  if (view.geometry().kind == ring::RingKind::kStandard) return ring::may_have_message(view);
  return ring::Hints(view).any() || ring::has_unpassed_claim(view);
}

}  // namespace ringpost::group
