// When a delivery that failed is tried again. The rules are those of SNS for HTTP endpoints.
//
//   attempt → failed → no delay… → shortest delay… → growing delays… → longest delay… → given up
//
// Threads: any. Blocking: never. Nothing here looks at a clock or at shared memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ringpost/export.hpp"
#include "ringpost/result.hpp"
#include "ringpost/types.hpp"

namespace ringpost {

/// How the growing delays go from the shortest to the longest one: docs/push.md.
enum class BackoffFunction : std::uint8_t { kLinear, kArithmetic, kGeometric, kExponential };

/// Delays in whole seconds. The retries that are none of the three counts are those that grow.
struct RetryPolicy {
  std::uint32_t min_delay = 20;        ///< minDelayTarget: 1 to max_delay
  std::uint32_t max_delay = 20;        ///< maxDelayTarget: min_delay to 3,600
  std::uint32_t retries = 3;           ///< numRetries: 0 to 100
  std::uint32_t no_delay_retries = 0;  ///< at once, first; the three in all at most `retries`
  std::uint32_t min_delay_retries = 0;
  std::uint32_t max_delay_retries = 0;
  BackoffFunction backoff = BackoffFunction::kLinear;
  friend bool operator==(const RetryPolicy&, const RetryPolicy&) = default;
};

struct RINGPOST_API DeliveryPolicy {
  std::optional<RetryPolicy> retry{};                  ///< default: RetryPolicy{}
  std::optional<std::uint32_t> receives_per_second{};  ///< 1 or more; default: no limit
  std::string content_type{};                          ///< default: text/plain; charset=UTF-8

  /// The JSON that SNS takes as the DeliveryPolicy of a subscription; empty text: every default.
  /// Errors: kInvalidArgument names the field and its limits, also when all delays together are
  /// longer than 3,600 s. Members that are not known are passed over.
  [[nodiscard]] static Result<DeliveryPolicy> parse(std::string_view json);
  /// That JSON with every field; parts that were not given are null.
  [[nodiscard]] std::string to_json() const;

  /// How long after `failures` failed attempts (1 or more) the next one is made; nothing: no more.
  /// `random` shortens a delay by up to a tenth, so that not all come back at the same time.
  [[nodiscard]] std::optional<Duration> delay_after(std::uint32_t failures,
                                                    std::uint64_t random) const noexcept;
  friend bool operator==(const DeliveryPolicy&, const DeliveryPolicy&) = default;
};

/// What a topic says of the endpoints that are subscribed to it.
struct RINGPOST_API TopicDeliveryPolicy {
  DeliveryPolicy defaults{};       ///< of subscriptions that do not say otherwise
  bool disable_overrides = false;  ///< retries and the limit of a subscription do not hold

  /// The JSON that SNS takes as the DeliveryPolicy of a topic; empty text: none. Errors as those of
  /// DeliveryPolicy::parse(); also without "http".
  [[nodiscard]] static Result<TopicDeliveryPolicy> parse(std::string_view json);
  /// That JSON with every field; parts that were not given are null.
  [[nodiscard]] std::string to_json() const;

  /// What holds for a subscription: each part is its own, else the topic's, else the default, and
  /// none is left out but a limit that there is not. Its content type is its own in any case.
  [[nodiscard]] DeliveryPolicy effective(const DeliveryPolicy& subscription) const;
  friend bool operator==(const TopicDeliveryPolicy&, const TopicDeliveryPolicy&) = default;
};

}  // namespace ringpost
