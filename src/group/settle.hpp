// Settling a lease of a FIFO ring. A receipt is void once its lease is over (sqs.md, V03).
#pragma once

#include "group/groups.hpp"
#include "ring/settle.hpp"

namespace ringpost::group {

using ring::Delivery;
using ring::Settled;

/// Who settles, and when (deadline units).
struct Settler {
  std::uint16_t me = 0;
  std::uint64_t now = 0;
};

/// The message is gone for ever; with the last one in flight its group goes on. `known`: the lease
/// word that the receive left, if the caller has it.
///
/// Blocking    never.
/// Crash       before the first CAS: as for a lease. After it: gone; what remains to be done for
///             its group is done by the sweeper, or by anybody at the deadline of the lease.
Settled acknowledge(ring::Ring& ring, Groups& groups, const Delivery& delivery,
                    const ring::LeaseWord* known, const Settler& settler) noexcept;

/// Visible again, as the first of its group that is not in flight.
Settled release(ring::Ring& ring, Groups& groups, const Delivery& delivery, bool by_receipt,
                const Settler& settler) noexcept;

/// Moves the end of the lease to `deadline`. `keep`: as for ring::extend.
Settled extend(ring::Ring& ring, const Delivery& delivery, std::uint64_t deadline, bool keep,
               const Settler& settler) noexcept;

/// Removes the message of lap `lap` in `slot`, visible, delayed or in flight, if it is still there
/// and in its group. Returns whether this call removed it.
bool discard(ring::Ring& ring, Groups& groups, std::uint32_t slot, std::uint64_t lap,
             const Settler& settler) noexcept;

}  // namespace ringpost::group
