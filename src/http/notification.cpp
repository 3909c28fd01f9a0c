#include "http/notification.hpp"

namespace ringpost::push {

HttpHeaders notification_headers(const NotificationOf& of) {
  HttpHeaders headers = {
      {"Content-Type",
       std::string(of.content_type.empty() ? "text/plain; charset=UTF-8" : of.content_type)},
      {"User-Agent", "Amazon Simple Notification Service Agent"},
      {"Accept-Encoding", "gzip,deflate"},
      {"x-amz-sns-message-type", "Notification"},
      {"x-amz-sns-message-id", std::string(of.message_id)},
      {"x-amz-sns-topic-arn", std::string(of.topic_arn)},
      {"x-amz-sns-subscription-arn", std::string(of.subscription_arn)}};
  if (of.raw) headers.emplace_back("x-amz-sns-rawdelivery", "true");
  return headers;
}

Verdict verdict_of(unsigned status, bool lenient) noexcept {
  constexpr unsigned kTooManyRequests = 429;
  const unsigned kind = status / 100;
  if (kind == 2) return Verdict::kDelivered;
  if (kind == 3 || (kind == 4 && status != kTooManyRequests)) {
    return lenient ? Verdict::kDelivered : Verdict::kRefused;
  }
  return Verdict::kFailed;
}

}  // namespace ringpost::push
