// LIMBO: a message that is gone while somebody may still be reading it in place.
#pragma once

#include <cstdint>

#include "ring/ring.hpp"

namespace ringpost::ring {

/// Ends the limbo of a slot if no live reader's hazard names its content: the slot becomes idle for
/// the next lap and its payload block is let go. Returns whether the slot left limbo (by anybody).
inline bool try_end_limbo(Ring& ring, std::uint32_t slot, LeaseWord word) noexcept {
  const std::uint64_t content_lap =
      ring.view.slot(slot).publish.load(std::memory_order_acquire) & kLapMask;
  if (ring.hazards.names(shm::hazard_key(slot, content_lap))) return false;
  const Holding held = holding_of(ring.view, slot);
  if (!ring.view.move_lease(slot, word, LeaseWord::idle(word.lap() + 1))) return true;
  let_go(ring.blocks, held);
  ring.senders.wake_one();
  return true;
}

}  // namespace ringpost::ring
