// Taking one chosen message, wherever it lies, and putting it back as if nobody had had it: for who
// moves some messages of a ring and leaves the others alone.
#pragma once

#include <cstdint>

#include "ring/receiver.hpp"
#include "ring/settle.hpp"

namespace ringpost::ring {

/// Whether the message of lap `lap` in `slot` is there and visible at `now` (deadline units).
[[nodiscard]] bool is_visible(const RingView& view, std::uint32_t slot, std::uint64_t lap,
                              std::uint64_t now) noexcept;

/// Leases the message of lap `lap` in `slot`, if it is visible. One that no receiver has come to
/// yet is made a returned one first: only those may be leased out of turn, because the scan of due
/// deadlines looks at ready ones in order. `expired` counts the leases that were over.
///
/// Blocking    never; retries only after somebody changed the word.
/// Crash       before the lease: a returned message, with its hint. After it: as for a receive.
bool pick(Ring& ring, std::uint32_t slot, std::uint64_t lap, const LeaseTimes& times,
          std::uint16_t me, shm::HazardOwner& hazards, Taken& taken,
          std::uint64_t& expired) noexcept;

/// What was picked is visible again, with the receive count that it had before. False: somebody
/// else has ended the lease by now.
///
/// Crash       before the CAS: a lease of the dead, which counts as a delivery.
bool put_back(Ring& ring, const Delivery& delivery, std::uint16_t me) noexcept;

}  // namespace ringpost::ring
