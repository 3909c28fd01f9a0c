// The ends of a message in a fair ring: a claim given up, settling, removal. As in a standard ring
// (ring/settle.hpp), with its meaning of stale: but counted, and never in the middle of a list.
#pragma once

#include "fair/lists.hpp"
#include "group/settle.hpp"

namespace ringpost::fair {

using group::Settler;
using ring::Delivery;
using ring::Settled;

/// Gives a claim up that consumers have gone past, be it delayed already.
void give_up(ring::Ring& ring, std::uint64_t position) noexcept;

/// As ring::acknowledge.
Settled acknowledge(ring::Ring& ring, Lists& lists, const Delivery& delivery,
                    const ring::LeaseWord* known, const Settler& settler) noexcept;

/// As ring::release.
Settled release(ring::Ring& ring, Lists& lists, const Delivery& delivery, bool by_receipt,
                const Settler& settler) noexcept;

/// As ring::extend.
Settled extend(ring::Ring& ring, Lists& lists, const Delivery& delivery, std::uint64_t deadline,
               bool keep, const Settler& settler) noexcept;

/// Removes the message of lap `lap` in `slot` if it is still there, visible, delayed or in flight,
/// and consumers have gone past its position. Returns whether this call removed it.
/// Crash  a removed one that is not out of its list yet is anybody's: Lists::trim().
bool discard(ring::Ring& ring, Lists& lists, std::uint32_t slot, std::uint64_t lap,
             const Settler& settler) noexcept;

}  // namespace ringpost::fair
