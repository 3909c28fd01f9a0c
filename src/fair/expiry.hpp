// Ending what is over in a fair ring: as in a standard one, and counted.
#pragma once

#include "fair/lists.hpp"
#include "ring/expiry.hpp"

namespace ringpost::fair {

/// As ring::end_if_over.
inline ring::Ended end_if_over(ring::Ring& ring, Lists& lists, std::uint32_t slot,
                               ring::LeaseWord word, std::uint64_t now) noexcept {
  const std::uint64_t tenant = lists.tenant_at(slot);  // while the word holds
  const ring::Ended ended = ring::end_if_over(ring, slot, word, now);
  if (ended == ring::Ended::kLease) lists.tenants().ended(tenant, now);
  return ended;
}

}  // namespace ringpost::fair
