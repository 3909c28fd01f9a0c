// Whether a message may be visible, judged from shared words alone: for whoever only waits.
#pragma once

#include <cstdint>

#include "ring/hints.hpp"
#include "ring/ring_view.hpp"

namespace ringpost::ring {

/// Whether a message is published, or about to be, that no consumer has gone past.
inline bool has_unpassed_claim(const RingView& view) noexcept {
  std::uint64_t head = view.hot().head.load(std::memory_order_acquire);
  for (std::uint32_t i = 0; i < view.slots(); ++i, ++head) {  // the shared head may lag
    const std::uint32_t slot = view.slot_of(head);
    const std::uint64_t lap = view.lap_of(head);
    if (view.lease_word(slot).passed(lap)) continue;
    const Claim claim{view.claim(slot).load(std::memory_order_acquire)};
    return view.slot(slot).publish.load(std::memory_order_acquire) == lap ||
           (!claim.sealed() && claim.lap() >= lap);
  }
  return false;
}

/// Whether what a hinted slot holds is visible.
inline bool may_be_visible(const RingView& view, std::uint32_t slot) noexcept {
  const LeaseWord word = view.lease_word(slot);
  if (word.state() == LeaseState::kReturned) return true;
  if (word.state() != LeaseState::kAwait) return false;  // its producer wakes whoever sleeps
  const Claim claim{view.claim(slot).load(std::memory_order_acquire)};
  return view.slot(slot).publish.load(std::memory_order_acquire) == claim.lap();
}

/// True if a receive would perhaps find a message. False is certain at the time of the look, after
/// a fence, but for leases and delays that become due (due_index.hpp).
inline bool may_have_message(const RingView& view) noexcept {
  const auto is_there = [&](std::uint32_t slot) { return may_be_visible(view, slot); };
  return Hints(view).any_of(is_there) || has_unpassed_claim(view);
}

}  // namespace ringpost::ring
