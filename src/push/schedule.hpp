// The delays of a retry policy (sns.md, R10–R21).
#pragma once

#include "ringpost/delivery_policy.hpp"

namespace ringpost::push {

/// Before retry number `retry` (from 0), without chance in it; nothing: there is none.
[[nodiscard]] std::optional<Duration> delay_before(const RetryPolicy& policy,
                                                   std::uint32_t retry) noexcept;

/// Of all retries.
[[nodiscard]] Duration total_delay(const RetryPolicy& policy) noexcept;

}  // namespace ringpost::push
