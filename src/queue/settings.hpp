// Settings of a queue: defaults, limits (semantics of SQS, sections 3 and 5), comparison.
#pragma once

#include "queue/queue_layout.hpp"
#include "ringpost/options.hpp"
#include "ringpost/result.hpp"

namespace ringpost::queue {

/// Every setting given, or its default.
[[nodiscard]] QueueSettings with_defaults(const QueueSettings& given);
/// kInvalidArgument names the setting and its limits.
[[nodiscard]] Result<void> check_limits(const QueueSettings& given);
/// Of a fair queue: what does not go with that.
[[nodiscard]] Result<void> check_fair(bool fair, const QueueSettings& given);
/// Of a message and its attributes in a durable queue.
inline constexpr std::uint64_t kDurableMessageBytesMax = 1u << 20;
/// Of a durable queue, or of one for which a setting is given that only those have.
[[nodiscard]] Result<void> check_durable(const QueueSettings& given);
/// Every setting in force.
[[nodiscard]] QueueSettings load_settings(QueueHeader& header);
/// The name of the first given setting that differs, or null.
[[nodiscard]] const char* first_difference(const QueueSettings& given,
                                           const QueueSettings& existing) noexcept;

[[nodiscard]] ring::RingKind kind_of(const QueueSettings& settings) noexcept;
/// Bytes of a slot before its payload.
[[nodiscard]] std::uint32_t head_bytes_of(ring::RingKind kind) noexcept;
/// Bytes of a slot that holds `inline_bytes` of payload.
[[nodiscard]] std::uint32_t stride_for(std::uint32_t inline_bytes, ring::RingKind kind) noexcept;

}  // namespace ringpost::queue
