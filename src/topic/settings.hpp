// Settings of topics and subscriptions: defaults, limits, comparison.
#pragma once

#include "queue/queue_mapping.hpp"
#include "ringpost/topic.hpp"

namespace ringpost::topic {

[[nodiscard]] TopicSettings with_defaults(const TopicSettings& given);
[[nodiscard]] SubscriptionSettings with_defaults(const SubscriptionSettings& given);

/// kInvalidArgument names the setting and its limits.
[[nodiscard]] Result<void> check_limits(const TopicSettings& given);
/// As they are kept: the delivery policy with every field. Errors kInvalidArgument, also those of
/// check_limits().
[[nodiscard]] Result<TopicSettings> normalised(const TopicSettings& given);
/// The name of the first given setting that differs, or null.
[[nodiscard]] const char* first_difference(const TopicSettings& given,
                                           const TopicSettings& existing) noexcept;

/// `existing` with what is given.
[[nodiscard]] SubscriptionSettings changed(const SubscriptionSettings& existing,
                                           const SubscriptionSettings& given);
/// As they are kept: the delivery policy, which only an endpoint has, with every field. Errors
/// kInvalidArgument.
[[nodiscard]] Result<SubscriptionSettings> normalised(const SubscriptionSettings& given,
                                                      bool is_endpoint);
/// Of complete settings: the filter parses, the dead-letter queue exists, is of that kind, as the
/// subscribed queue is (nothing: it is gone), and is not that queue itself. Errors
/// kInvalidArgument, kNotFound.
[[nodiscard]] Result<void> check(queue::QueueMappings& queues, const std::string& queue,
                                 std::optional<ring::RingKind> kind,
                                 const SubscriptionSettings& settings);

}  // namespace ringpost::topic
