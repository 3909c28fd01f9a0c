// What is sent to an HTTP endpoint, and what its answer means (sns.md, H01–H04, E11).
#pragma once

#include "http/http_client.hpp"

namespace ringpost::push {

struct NotificationOf {
  std::string_view topic_arn;
  std::string_view subscription_arn;
  std::string_view message_id;
  std::string_view content_type;  ///< empty: text/plain; charset=UTF-8
  bool raw = false;
};

[[nodiscard]] HttpHeaders notification_headers(const NotificationOf& of);

enum class Verdict : std::uint8_t {
  kDelivered,
  kFailed,   ///< to be tried again
  kRefused,  ///< for good
};

/// Of the status of an answer, 0: none. Redirects, and what the endpoint calls the sender's fault,
/// are refusals; with `lenient` they are deliveries, as Amazon's SNS has been seen to count them.
[[nodiscard]] Verdict verdict_of(unsigned status, bool lenient) noexcept;

}  // namespace ringpost::push
