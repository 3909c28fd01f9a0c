// As ring/pick.hpp, in a ring with groups: only the first message of a group can be picked, and
// none while one of its group is in flight.
#pragma once

#include "group/groups.hpp"
#include "ring/pick.hpp"

namespace ringpost::group {

/// Leases the message of lap `lap` in `slot`, if it is visible and the first of its group. It is
/// not delayed, as no message is that came from another queue. Whoever finds messages at the head
/// of the ring must have placed them. `expired` counts the leases that were over.
///
/// Blocking    never; retries only after somebody changed a word.
/// Crash       as for a receive.
bool pick(ring::Ring& ring, Groups& groups, std::uint32_t slot, std::uint64_t lap,
          const ring::LeaseTimes& times, std::uint16_t me, shm::HazardOwner& hazards,
          ring::Taken& taken, std::uint64_t& expired) noexcept;

/// As ring::put_back: its group goes on with it.
bool put_back(ring::Ring& ring, const Groups& groups, const ring::Delivery& delivery,
              std::uint16_t me) noexcept;

}  // namespace ringpost::group
