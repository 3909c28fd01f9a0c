// Settling a lease: acknowledge, release, extend. protocols.md, section 1.
#pragma once

#include <cstdint>

#include "ring/ring.hpp"

namespace ringpost::ring {

/// Names one delivery of one message: slot, lap of the content, receive count.
struct Delivery {
  std::uint32_t slot = 0;
  std::uint64_t lap = 0;
  std::uint32_t count = 0;
};

enum class Settled : std::uint8_t { kDone, kStale };

/// The message is gone for ever. `known` is the lease word that the receive left, if the caller has
/// it: then the common case is one CAS. Also settles a lease that has expired while nobody else has
/// received the message since. Without `known` it is settled by receipt: whoever received it may be
/// reading in place, so the slot is not reused before no hazard names it.
///
/// Blocking    never; retries only after somebody changed the word (skip, extension, expiry).
/// Crash       before the CAS: returned by the sweeper or at the deadline. After it: gone; a block
///             that was not freed yet is found by the sweeper through its back reference.
Settled acknowledge(Ring& ring, const Delivery& delivery, const LeaseWord* known) noexcept;

/// Makes the message visible again; its receive count stays. `by_receipt`: as for acknowledge.
Settled release(Ring& ring, const Delivery& delivery, bool by_receipt) noexcept;

/// Moves the end of the lease to `deadline`. A lease that has expired while nobody else has
/// received the message since begins anew, with the same receive count. From then on the lease
/// lives and dies with participant `me`, who may be another than the one that received; without
/// `keep` with nobody: only the deadline ends it.
Settled extend(Ring& ring, const Delivery& delivery, std::uint64_t deadline, std::uint16_t me,
               bool keep) noexcept;

/// The lease that I have just made `mine` becomes nobody's, unless somebody has ended or extended
/// it since; a sender may have raised its lap.
void leave_to_nobody(const RingView& view, std::uint32_t slot, LeaseWord mine) noexcept;

/// Ends the message in `slot`, whose lease word is `word`, by one CAS; its block is freed after it.
/// `viewed`: somebody may be reading it in place. False: the word has changed.
bool finish(Ring& ring, std::uint32_t slot, LeaseWord word, bool viewed) noexcept;

/// Removes the message of lap `lap` in `slot` if it is still there: visible, delayed or in flight.
/// Returns whether this call removed it.
bool discard(Ring& ring, std::uint32_t slot, std::uint64_t lap) noexcept;

/// Whether the message that (slot, lap) held is gone for good. Once true, true for ever.
[[nodiscard]] bool is_gone(const RingView& view, std::uint32_t slot, std::uint64_t lap) noexcept;

}  // namespace ringpost::ring
