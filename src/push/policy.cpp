// Delivery policies as JSON: from and to text (sns.md, R10–R21).
#include <algorithm>
#include <boost/json.hpp>
#include <iterator>
#include <utility>

#include "push/schedule.hpp"
#include "sys/error.hpp"

namespace ringpost {
namespace {

namespace json = boost::json;

constexpr std::size_t kTextBytesMax = 16 * 1024;
constexpr std::chrono::seconds kTotalMax{3600};

constexpr std::string_view kFunctions[] = {"linear", "arithmetic", "geometric", "exponential"};
constexpr std::string_view kContentTypeByDefault = "text/plain; charset=UTF-8";
constexpr std::string_view kContentTypes[] = {"application/atom+xml",
                                              "application/json",
                                              "application/octet-stream",
                                              "application/soap+xml",
                                              "application/xml",
                                              "application/x-www-form-urlencoded",
                                              "application/xhtml+xml",
                                              "text/css",
                                              "text/csv",
                                              "text/html",
                                              "text/plain",
                                              "text/xml"};

/// The members of a policy, which a topic calls otherwise than a subscription.
struct PartNames {
  std::string_view retry;
  std::string_view throttle;
  std::string_view request;
};
constexpr PartNames kOfSubscription{"healthyRetryPolicy", "throttlePolicy", "requestPolicy"};
constexpr PartNames kOfTopic{"defaultHealthyRetryPolicy", "defaultThrottlePolicy",
                             "defaultRequestPolicy"};
constexpr std::string_view kHttp = "http";
constexpr std::string_view kDisableOverrides = "disableSubscriptionOverrides";

Unexpected<Error> refused(std::string_view field, std::string_view why) {
  return sys::error(Errc::kInvalidArgument, "delivery policy: " + std::string(field), why);
}

std::string_view view_of(json::string_view text) { return {text.data(), text.size()}; }
json::string_view json_of(std::string_view text) { return {text.data(), text.size()}; }

/// A member that is there and not null.
const json::value* given(const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(json_of(name));
  return value == nullptr || value->is_null() ? nullptr : value;
}

/// Null: it was not given. An error: it is something else.
Result<const json::object*> object_in(const json::object& parent, std::string_view name) {
  const json::value* const value = given(parent, name);
  if (value == nullptr) return static_cast<const json::object*>(nullptr);
  if (!value->is_object()) return refused(name, "must be an object");
  return &value->get_object();
}

struct Limits {
  std::uint32_t min;
  std::uint32_t max;
};

Result<void> read_number(const json::object& from, std::string_view name, Limits limits,
                         std::uint32_t& to) {
  const json::value* const value = given(from, name);
  if (value == nullptr) return {};
  json::error_code failed;
  const auto number = value->to_number<std::uint32_t>(failed);
  if (failed || value->is_double() || number < limits.min || number > limits.max) {
    return refused(name, "must be a whole number from " + std::to_string(limits.min) + " to " +
                             std::to_string(limits.max));
  }
  to = number;
  return {};
}

Result<void> read_backoff(const json::object& from, BackoffFunction& to) {
  constexpr std::string_view kName = "backoffFunction";
  const json::value* const value = given(from, kName);
  if (value == nullptr) return {};
  const json::string* const text = value->if_string();
  const auto* const found =
      text == nullptr ? std::end(kFunctions)
                      : std::find(std::begin(kFunctions), std::end(kFunctions), view_of(*text));
  if (found == std::end(kFunctions)) {
    return refused(kName, "must be linear, arithmetic, geometric or exponential");
  }
  to = static_cast<BackoffFunction>(found - std::begin(kFunctions));
  return {};
}

Result<void> check(const RetryPolicy& retry, std::string_view part) {
  if (retry.min_delay > retry.max_delay) {
    return refused("minDelayTarget", "must be at most maxDelayTarget");
  }
  if (retry.no_delay_retries + retry.min_delay_retries + retry.max_delay_retries > retry.retries) {
    return refused("numRetries",
                   "must be at least numNoDelayRetries + numMinDelayRetries + numMaxDelayRetries");
  }
  if (push::total_delay(retry) > kTotalMax) {
    return refused(part, "all delays together must be at most 3600 s");
  }
  return {};
}

Result<void> read_retry(const json::object& all, std::string_view name, DeliveryPolicy& policy) {
  const auto part = object_in(all, name);
  if (!part) return Unexpected(part.error());
  if (*part == nullptr) return {};
  const json::object& from = **part;
  RetryPolicy retry;
  const struct {
    std::string_view name;
    Limits limits;
    std::uint32_t& to;
  } numbers[] = {{"minDelayTarget", {1, 3600}, retry.min_delay},
                 {"maxDelayTarget", {1, 3600}, retry.max_delay},
                 {"numRetries", {0, 100}, retry.retries},
                 {"numNoDelayRetries", {0, 100}, retry.no_delay_retries},
                 {"numMinDelayRetries", {0, 100}, retry.min_delay_retries},
                 {"numMaxDelayRetries", {0, 100}, retry.max_delay_retries}};
  for (const auto& each : numbers) {
    if (auto read = read_number(from, each.name, each.limits, each.to); !read) return read;
  }
  if (auto read = read_backoff(from, retry.backoff); !read) return read;
  if (auto checked = check(retry, name); !checked) return checked;
  policy.retry = retry;
  return {};
}

/// With an optional "; charset=…" of one word.
bool is_content_type(std::string_view text) {
  const std::size_t end = text.find(';');
  const std::string_view type = text.substr(0, end);
  if (std::find(std::begin(kContentTypes), std::end(kContentTypes), type) ==
      std::end(kContentTypes)) {
    return false;
  }
  if (end == std::string_view::npos) return true;
  std::string_view rest = text.substr(end + 1);
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  constexpr std::string_view kCharset = "charset=";
  if (!rest.starts_with(kCharset)) return false;
  rest.remove_prefix(kCharset.size());
  return !rest.empty() && std::all_of(rest.begin(), rest.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
}

Result<void> read_throttle(const json::object& all, std::string_view name, DeliveryPolicy& policy) {
  const auto part = object_in(all, name);
  if (!part) return Unexpected(part.error());
  if (*part == nullptr) return {};
  std::uint32_t rate = 0;
  if (auto read = read_number(**part, "maxReceivesPerSecond", {1, 1'000'000'000}, rate); !read) {
    return read;
  }
  if (rate != 0) policy.receives_per_second = rate;
  return {};
}

Result<void> read_request(const json::object& all, std::string_view name, DeliveryPolicy& policy) {
  constexpr std::string_view kName = "headerContentType";
  const auto part = object_in(all, name);
  if (!part) return Unexpected(part.error());
  const json::value* const value = *part == nullptr ? nullptr : given(**part, kName);
  if (value == nullptr) return {};
  if (!value->is_string() || !is_content_type(view_of(value->get_string()))) {
    return refused(kName, "must be a media type that SNS knows, such as application/json");
  }
  policy.content_type = view_of(value->get_string());
  return {};
}

/// Of JSON text.
Result<json::object> read_object(std::string_view text) {
  if (text.size() > kTextBytesMax) return refused("text", "must have at most 16 KiB");
  json::error_code failed;
  json::value value = json::parse(json_of(text), failed);
  if (failed || !value.is_object()) return refused("text", "must be a JSON object");
  return std::move(value.get_object());
}

Result<DeliveryPolicy> read_parts(const json::object& from, const PartNames& names) {
  DeliveryPolicy policy;
  if (auto read = read_retry(from, names.retry, policy); !read) return Unexpected(read.error());
  if (auto read = read_throttle(from, names.throttle, policy); !read) {
    return Unexpected(read.error());
  }
  if (auto read = read_request(from, names.request, policy); !read) return Unexpected(read.error());
  return policy;
}

json::value json_of(const RetryPolicy& retry) {
  const std::string_view function = kFunctions[static_cast<std::size_t>(retry.backoff)];
  return json::object{{"minDelayTarget", retry.min_delay},
                      {"maxDelayTarget", retry.max_delay},
                      {"numRetries", retry.retries},
                      {"numMaxDelayRetries", retry.max_delay_retries},
                      {"numNoDelayRetries", retry.no_delay_retries},
                      {"numMinDelayRetries", retry.min_delay_retries},
                      {"backoffFunction", json_of(function)}};
}

json::value throttle_json(const DeliveryPolicy& policy) {
  if (!policy.receives_per_second) return nullptr;
  return json::object{{"maxReceivesPerSecond", *policy.receives_per_second}};
}

json::value request_json(const DeliveryPolicy& policy) {
  if (policy.content_type.empty()) return nullptr;
  return json::object{{"headerContentType", json_of(std::string_view(policy.content_type))}};
}

}  // namespace

Result<DeliveryPolicy> DeliveryPolicy::parse(std::string_view text) {
  if (text.empty()) return DeliveryPolicy{};
  const auto all = read_object(text);
  if (!all) return Unexpected(all.error());
  return read_parts(*all, kOfSubscription);
}

std::string DeliveryPolicy::to_json() const {
  json::object all;
  all[json_of(kOfSubscription.retry)] = retry ? json_of(*retry) : json::value();
  all["sicklyRetryPolicy"] = nullptr;
  all[json_of(kOfSubscription.throttle)] = throttle_json(*this);
  all[json_of(kOfSubscription.request)] = request_json(*this);
  all["guaranteed"] = false;
  return json::serialize(all);
}

Result<TopicDeliveryPolicy> TopicDeliveryPolicy::parse(std::string_view text) {
  if (text.empty()) return TopicDeliveryPolicy{};
  const auto all = read_object(text);
  if (!all) return Unexpected(all.error());
  const auto http = object_in(*all, kHttp);
  if (!http) return Unexpected(http.error());
  // What a subscription takes has none: it would be passed over unseen.
  if (*http == nullptr) return refused(kHttp, "must be given, an object");
  auto defaults = read_parts(**http, kOfTopic);
  if (!defaults) return Unexpected(defaults.error());
  const json::value* const disable = given(**http, kDisableOverrides);
  if (disable != nullptr && !disable->is_bool()) {
    return refused(kDisableOverrides, "must be true or false");
  }
  return TopicDeliveryPolicy{std::move(*defaults), disable != nullptr && disable->get_bool()};
}

std::string TopicDeliveryPolicy::to_json() const {
  json::object http;
  http[json_of(kOfTopic.retry)] = defaults.retry ? json_of(*defaults.retry) : json::value();
  http[json_of(kDisableOverrides)] = disable_overrides;
  http[json_of(kOfTopic.throttle)] = throttle_json(defaults);
  http[json_of(kOfTopic.request)] = request_json(defaults);
  return json::serialize(json::object{{json_of(kHttp), std::move(http)}});
}

DeliveryPolicy TopicDeliveryPolicy::effective(const DeliveryPolicy& subscription) const {
  DeliveryPolicy all = defaults;
  if (!disable_overrides) {
    if (subscription.retry) all.retry = subscription.retry;
    if (subscription.receives_per_second) {
      all.receives_per_second = subscription.receives_per_second;
    }
  }
  if (!all.retry) all.retry.emplace();
  if (!subscription.content_type.empty()) all.content_type = subscription.content_type;
  if (all.content_type.empty()) all.content_type = kContentTypeByDefault;
  return all;
}

}  // namespace ringpost
