// Delivery policies: which are refused, how they are kept, and the delays that they give.
#include <gtest/gtest.h>

#include "ringpost/delivery_policy.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;

/// In milliseconds, until there are no more.
std::vector<long> delays_ms(const RetryPolicy& retry) {
  const DeliveryPolicy policy{.retry = retry};
  std::vector<long> delays;
  for (std::uint32_t failures = 1;; ++failures) {
    const auto delay = policy.delay_after(failures, 0);
    if (!delay) return delays;
    delays.push_back(static_cast<long>(*delay / 1ms));
  }
}

std::string fault_of(const std::string& json) {
  const auto policy = DeliveryPolicy::parse(json);
  return policy ? "none" : policy.error().what;
}

std::string with_retry(const std::string& fields) {
  return R"({"healthyRetryPolicy": {)" + fields + "}}";
}

using Delays = std::vector<long>;

TEST(ADeliveryPolicy, RetriesThreeTimesEvery20SecondsUnlessItSaysOtherwise) {  // R03, R10–R14
  EXPECT_EQ(delays_ms({}), (Delays{20'000, 20'000, 20'000}));
  EXPECT_EQ(DeliveryPolicy::parse("").value(), DeliveryPolicy{});
}

TEST(ADeliveryPolicy, GoesThroughItsPhasesInOrder) {  // R13, R20
  EXPECT_EQ(delays_ms({.min_delay = 1,
                       .max_delay = 5,
                       .retries = 9,
                       .no_delay_retries = 2,
                       .min_delay_retries = 1,
                       .max_delay_retries = 1}),
            (Delays{0, 0, 1000, 1000, 2000, 3000, 4000, 5000, 5000}));
  EXPECT_EQ(delays_ms({.retries = 0}), Delays{});
  EXPECT_EQ(delays_ms({.min_delay = 3, .max_delay = 9, .retries = 1}), Delays{3000});
}

TEST(ADeliveryPolicy, GrowsByItsFunctionFromTheShortestToTheLongestDelay) {  // R14, R20
  RetryPolicy retry{.min_delay = 1, .max_delay = 16, .retries = 5};
  EXPECT_EQ(delays_ms(retry), (Delays{1000, 4750, 8500, 12'250, 16'000}));
  retry.backoff = BackoffFunction::kArithmetic;
  EXPECT_EQ(delays_ms(retry), (Delays{1000, 2500, 5500, 10'000, 16'000}));
  retry.backoff = BackoffFunction::kGeometric;
  EXPECT_EQ(delays_ms(retry), (Delays{1000, 2000, 4000, 8000, 16'000}));
  retry.backoff = BackoffFunction::kExponential;
  EXPECT_EQ(delays_ms(retry), (Delays{1000, 2000, 4000, 8000, 16'000}));
  retry.max_delay = 31;
  EXPECT_EQ(delays_ms(retry), (Delays{1000, 3000, 7000, 15'000, 31'000}));
}

TEST(ADeliveryPolicy, GivesTheScheduleOfQueuesToo) {  // R01, R02: as far as 100 retries go
  const Delays delays = delays_ms({.min_delay = 1,
                                   .max_delay = 20,
                                   .retries = 20,
                                   .no_delay_retries = 3,
                                   .min_delay_retries = 2,
                                   .max_delay_retries = 5,
                                   .backoff = BackoffFunction::kExponential});
  EXPECT_EQ(delays.size(), 20u);
  EXPECT_TRUE(std::is_sorted(delays.begin(), delays.end()));
  EXPECT_EQ(delays[2], 0);
  EXPECT_EQ(delays[5], 1000);
  EXPECT_EQ(delays[14], 20'000);
}

TEST(ADeliveryPolicy, IsShortenedByATenthAtMost) {  // R21
  const DeliveryPolicy policy;
  for (std::uint64_t random = 1; random != 0; random <<= 1) {
    const Duration delay = policy.delay_after(1, random).value();
    EXPECT_LE(delay, 20s);
    EXPECT_GE(delay, 18s);
  }
  EXPECT_NE(policy.delay_after(1, 12'345), policy.delay_after(1, 54'321));
  const DeliveryPolicy at_once{.retry = RetryPolicy{.no_delay_retries = 1}};
  EXPECT_EQ(at_once.delay_after(1, 12'345), Duration::zero());
}

TEST(ADeliveryPolicy, IsRefusedByTheNameOfItsField) {  // R10–R16
  EXPECT_EQ(fault_of("[]"), "delivery policy: text: must be a JSON object");
  EXPECT_EQ(fault_of("{"), "delivery policy: text: must be a JSON object");
  EXPECT_EQ(fault_of(R"({"healthyRetryPolicy": 1})"),
            "delivery policy: healthyRetryPolicy: must be an object");
  EXPECT_EQ(fault_of(with_retry(R"("minDelayTarget": 0)")),
            "delivery policy: minDelayTarget: must be a whole number from 1 to 3600");
  EXPECT_EQ(fault_of(with_retry(R"("numRetries": 101)")),
            "delivery policy: numRetries: must be a whole number from 0 to 100");
  EXPECT_EQ(fault_of(with_retry(R"("numRetries": 1.5)")),
            "delivery policy: numRetries: must be a whole number from 0 to 100");
  EXPECT_EQ(fault_of(with_retry(R"("minDelayTarget": 21)")),
            "delivery policy: minDelayTarget: must be at most maxDelayTarget");
  EXPECT_EQ(fault_of(with_retry(R"("numNoDelayRetries": 2, "numMaxDelayRetries": 2)")),
            "delivery policy: numRetries: must be at least numNoDelayRetries + "
            "numMinDelayRetries + numMaxDelayRetries");
  EXPECT_EQ(fault_of(with_retry(R"("backoffFunction": "cubic")")),
            "delivery policy: backoffFunction: must be linear, arithmetic, geometric or "
            "exponential");
  EXPECT_EQ(fault_of(R"({"throttlePolicy": {"maxReceivesPerSecond": 0}})"),
            "delivery policy: maxReceivesPerSecond: must be a whole number from 1 to 1000000000");
  EXPECT_EQ(fault_of(R"({"requestPolicy": {"headerContentType": "image/png"}})"),
            "delivery policy: headerContentType: must be a media type that SNS knows, such as "
            "application/json");
}

TEST(ADeliveryPolicy, LastsAnHourAtMost) {  // R17
  EXPECT_EQ(
      fault_of(with_retry(R"("numRetries": 100, "minDelayTarget": 36, "maxDelayTarget": 36)")),
      "none");
  EXPECT_EQ(
      fault_of(with_retry(R"("numRetries": 100, "minDelayTarget": 37, "maxDelayTarget": 37)")),
      "delivery policy: healthyRetryPolicy: all delays together must be at most 3600 s");
}

TEST(ADeliveryPolicy, IsKeptWithEveryField) {  // R15, R16, R19
  EXPECT_EQ(DeliveryPolicy::parse("{}").value().to_json(),
            R"({"healthyRetryPolicy":null,"sicklyRetryPolicy":null,"throttlePolicy":null,)"
            R"("requestPolicy":null,"guaranteed":false})");
  const std::string kept =
      R"({"healthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":30,"numRetries":3,)"
      R"("numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,)"
      R"("backoffFunction":"geometric"},"sicklyRetryPolicy":null,)"
      R"("throttlePolicy":{"maxReceivesPerSecond":10},)"
      R"("requestPolicy":{"headerContentType":"application/json; charset=UTF-8"},)"
      R"("guaranteed":false})";
  const auto policy = DeliveryPolicy::parse(
      R"({"healthyRetryPolicy": {"maxDelayTarget": 30, "backoffFunction": "geometric"},)"
      R"( "throttlePolicy": {"maxReceivesPerSecond": 10}, "sicklyRetryPolicy": {"numRetries": 7},)"
      R"( "requestPolicy": {"headerContentType": "application/json; charset=UTF-8"}})");
  ASSERT_TRUE(policy) << policy.error().what;
  EXPECT_EQ(policy->to_json(), kept);
  EXPECT_EQ(DeliveryPolicy::parse(kept).value(), *policy);
  EXPECT_EQ(policy->receives_per_second, 10u);
}

TopicDeliveryPolicy topic_policy(const std::string& json) {
  return TopicDeliveryPolicy::parse(json).value();
}

std::string topic_fault_of(const std::string& json) {
  const auto policy = TopicDeliveryPolicy::parse(json);
  return policy ? "none" : policy.error().what;
}

TEST(ATopicsDeliveryPolicy, IsRefusedByTheNameOfItsField) {  // P03, R18
  EXPECT_EQ(topic_fault_of("[]"), "delivery policy: text: must be a JSON object");
  EXPECT_EQ(topic_fault_of("{}"), "delivery policy: http: must be given, an object");
  EXPECT_EQ(topic_fault_of(with_retry(R"("numRetries": 1)")),
            "delivery policy: http: must be given, an object");
  EXPECT_EQ(topic_fault_of(R"({"http": 1})"), "delivery policy: http: must be an object");
  const auto fault = [](const std::string& parts) {
    return topic_fault_of(R"({"http": {)" + parts + "}}");
  };
  EXPECT_EQ(fault(R"("defaultHealthyRetryPolicy": [])"),
            "delivery policy: defaultHealthyRetryPolicy: must be an object");
  EXPECT_EQ(fault(R"("defaultHealthyRetryPolicy": {"numRetries": 101})"),
            "delivery policy: numRetries: must be a whole number from 0 to 100");
  EXPECT_EQ(
      fault(R"("defaultHealthyRetryPolicy": {"numRetries": 2, "maxDelayTarget": 3600,)"
            R"( "minDelayTarget": 3600})"),
      "delivery policy: defaultHealthyRetryPolicy: all delays together must be at most 3600 s");
  EXPECT_EQ(fault(R"("defaultThrottlePolicy": {"maxReceivesPerSecond": 0})"),
            "delivery policy: maxReceivesPerSecond: must be a whole number from 1 to 1000000000");
  EXPECT_EQ(fault(R"("defaultRequestPolicy": {"headerContentType": "image/png"})"),
            "delivery policy: headerContentType: must be a media type that SNS knows, such as "
            "application/json");
  EXPECT_EQ(fault(R"("disableSubscriptionOverrides": "true")"),
            "delivery policy: disableSubscriptionOverrides: must be true or false");
}

TEST(ATopicsDeliveryPolicy, IsKeptWithEveryField) {  // R18
  EXPECT_EQ(TopicDeliveryPolicy::parse("").value(), TopicDeliveryPolicy{});
  EXPECT_EQ(topic_policy(R"({"http": {}})").to_json(),
            R"({"http":{"defaultHealthyRetryPolicy":null,"disableSubscriptionOverrides":false,)"
            R"("defaultThrottlePolicy":null,"defaultRequestPolicy":null}})");
  const auto policy = topic_policy(
      R"({"http": {"defaultHealthyRetryPolicy": {"numRetries": 5}, "disableSubscriptionOverrides":)"
      R"( true, "defaultThrottlePolicy": {"maxReceivesPerSecond": 10}, "defaultRequestPolicy":)"
      R"( {"headerContentType": "application/json"}, "defaultSicklyRetryPolicy": null}})");
  EXPECT_EQ(policy.to_json(),
            R"({"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,)"
            R"("numRetries":5,"numMaxDelayRetries":0,"numNoDelayRetries":0,)"
            R"("numMinDelayRetries":0,"backoffFunction":"linear"},)"
            R"("disableSubscriptionOverrides":true,)"
            R"("defaultThrottlePolicy":{"maxReceivesPerSecond":10},)"
            R"("defaultRequestPolicy":{"headerContentType":"application/json"}}})");
  EXPECT_EQ(topic_policy(policy.to_json()), policy);
}

TEST(ATopicsDeliveryPolicy, HoldsForWhatASubscriptionDoesNotSay) {  // R21
  const TopicDeliveryPolicy topic{.defaults = {.retry = RetryPolicy{.retries = 5},
                                               .receives_per_second = 10,
                                               .content_type = "text/xml"}};
  EXPECT_EQ(topic.effective({}), topic.defaults);
  const DeliveryPolicy own{.retry = RetryPolicy{.retries = 7}, .receives_per_second = 20};
  EXPECT_EQ(
      topic.effective(own),
      (DeliveryPolicy{.retry = own.retry, .receives_per_second = 20, .content_type = "text/xml"}));
  EXPECT_EQ(topic.effective({.receives_per_second = 20}).retry->retries, 5u);
  EXPECT_EQ(TopicDeliveryPolicy{}.effective({}),
            (DeliveryPolicy{.retry = RetryPolicy{}, .content_type = "text/plain; charset=UTF-8"}));
}

TEST(ATopicsDeliveryPolicy, MayDisableWhatASubscriptionSaysButItsContentType) {  // R18, R21, K04
  const TopicDeliveryPolicy topic{
      .defaults = {.retry = RetryPolicy{.retries = 5}, .content_type = "text/xml"},
      .disable_overrides = true};
  const DeliveryPolicy own{.retry = RetryPolicy{.retries = 7},
                           .receives_per_second = 20,
                           .content_type = "application/json"};
  EXPECT_EQ(topic.effective(own),
            (DeliveryPolicy{.retry = topic.defaults.retry, .content_type = "application/json"}));
  EXPECT_EQ(topic.effective({}).content_type, "text/xml");
  EXPECT_EQ((TopicDeliveryPolicy{.disable_overrides = true}.effective(own).retry), RetryPolicy{});
}

}  // namespace
}  // namespace ringpost::test
