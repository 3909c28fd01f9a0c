// The sender's last steps in a FIFO ring. Slots are claimed as in every ring (ring/sender.hpp).
#pragma once

#include "ring/ring.hpp"
#include "ring/sender.hpp"

namespace ringpost::group {

/// Makes the message in the claimed and filled slot visible; false: consumers have gone past the
/// position. Then give the claim up, make another one and fill that.
///
/// Blocking    never.
/// Crash       before the CAS on the publish word: an unpublished claim of the dead, which the
///             sweeper voids. After it: the message needs nobody.
bool publish(ring::Ring& ring, ring::Sender& sender, std::uint64_t position) noexcept;

/// Gives a claim up.
void void_claim(ring::Ring& ring, std::uint64_t position) noexcept;

}  // namespace ringpost::group
