// Clearing up in a FIFO ring after a participant that died, and repairing its hints.
#pragma once

#include "group/groups.hpp"
#include "ring/sweep.hpp"

namespace ringpost::group {

/// As ring::sweep_participant; also finishes what the dead one has acknowledged.
ring::SweptRing sweep_participant(ring::Ring& ring, Groups& groups, std::uint16_t dead) noexcept;

/// Hints of groups whose first message is visible, deadlines, limbo. Returns how many hints were
/// missing.
std::uint64_t repair_hints(ring::Ring& ring, Groups& groups) noexcept;

}  // namespace ringpost::group
