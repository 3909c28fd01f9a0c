// What sweepers do about streams.
#pragma once

#include <cstdint>
#include <optional>

#include "ringpost/result.hpp"
#include "stream/membership.hpp"

namespace ringpost::stream {

struct SweptStreams {
  std::uint64_t claims_voided = 0;
  std::uint64_t files_removed = 0;
  /// Why a journal could not be looked at, if that will pass: the dead one may be named there.
  std::optional<Error> failure;
};

/// In every journal of the bus: claims that the dead one did not publish, and its writer roles. The
/// caller holds its liveness lock.
///
/// Crash  idempotent: another sweeper does it again.
[[nodiscard]] SweptStreams sweep_participant(shm::BusFiles& bus, std::uint16_t dead);

/// Journals that no stream names, of makers that are not at work any more or of shards that have
/// let go of them, and streams that were deleted half-way. Returns how many files were removed.
std::uint64_t remove_orphans(const Membership& member, std::uint16_t dead);

/// Finishes what the dead have begun and lets go of what is not needed any more, in each stream
/// that nobody is changing just now.
void tidy_up(const Membership& member);

}  // namespace ringpost::stream
