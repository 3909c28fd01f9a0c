// Clearing up in a ring after a participant that died, and repairing its hints.
#pragma once

#include <cstdint>

#include "ring/ring.hpp"

namespace ringpost::ring {

struct SweptRing {
  std::uint64_t leases_returned = 0;
  std::uint64_t claims_voided = 0;
};

/// Returns the leases and voids the unpublished claims of participant `dead`. The caller holds the
/// dead one's liveness lock, so the index cannot be reused meanwhile (protocols.md, habit 3).
/// Afterwards no word of the ring names it, save published claims, which mean nothing.
///
/// Crash  idempotent: another sweeper does it again.
SweptRing sweep_participant(Ring& ring, std::uint16_t dead) noexcept;

/// Voids the claim of `dead` in `slot` if it is not published: the slot is free for the next lap.
bool void_claim(Ring& ring, std::uint32_t slot, std::uint16_t dead) noexcept;

/// Makes the message of that lap visible, unless it is or was: of a slot that an entry of a
/// committed fan-out names (shm/share.hpp). Its content was complete before the entry named it, so
/// anybody may do this at any time, and more than once. Returns whether this call did it.
bool publish_named(Ring& ring, std::uint32_t slot, std::uint64_t lap) noexcept;

/// Rebuilds what can be rebuilt: hints of visible slots behind the head, due index, limbo.
/// Returns how many hints were missing.
std::uint64_t repair_hints(Ring& ring) noexcept;

/// Closes one ring of a chain for senders, slot by slot, if nothing is left in it. Returns whether
/// every slot is sealed now. Only once senders write to a later ring.
bool try_seal(Ring& ring) noexcept;

}  // namespace ringpost::ring
