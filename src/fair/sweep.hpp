// Clearing up in a fair ring after a participant that died, and repairing its hints.
#pragma once

#include <span>

#include "fair/lists.hpp"
#include "ring/sweep.hpp"

namespace ringpost::fair {

/// As ring::sweep_participant; also takes what is leased or gone off the lists, and counts anew
/// what the tenants have in flight. `counts`: see Tenants::count_anew.
ring::SweptRing sweep_participant(ring::Ring& ring, Lists& lists, std::uint16_t dead,
                                  std::span<std::uint32_t> counts) noexcept;

/// Hints of slots and lists, deadlines, limbo, counts. Returns how many hints were missing.
std::uint64_t repair_hints(ring::Ring& ring, Lists& lists,
                           std::span<std::uint32_t> counts) noexcept;

}  // namespace ringpost::fair
