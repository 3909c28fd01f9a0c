// Endpoints of a topic: subscriptions with a queue of their own, and giving up on a message.
#include <gtest/gtest.h>

#include "push/endpoint.hpp"
#include "ringpost/delivery_policy.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using Names = std::vector<std::string>;

class AnEndpoint : public testing::Test {
 protected:
  SubscriptionInfo subscribe(const std::string& endpoint,
                             const SubscriptionSettings& settings = {}) {
    auto made = prices_.subscribe(endpoint, settings);
    EXPECT_TRUE(made) << made.error().what;
    return made.value();
  }
  std::string fault_of(const std::string& endpoint, const SubscriptionSettings& settings = {}) {
    const auto made = prices_.subscribe(endpoint, settings);
    return made ? "none" : made.error().what;
  }
  Names queues() { return test_.bus().queue_names("prices").value(); }

  TestBus test_;
  Topic prices_ = test_.bus().topic("prices").value();
};

TEST_F(AnEndpoint, HasAQueueOfItsOwn) {
  const SubscriptionInfo made = subscribe("exec:cat");
  EXPECT_EQ(made.endpoint, "exec:cat");
  EXPECT_EQ(made.queue, push::queue_name("prices", made.id));
  EXPECT_EQ(queues(), Names{made.queue});
  const Queue queue = test_.bus().open_queue(made.queue).value();
  EXPECT_EQ(queue.tags().value().at("ringpost:topic"), "prices");
  EXPECT_EQ(queue.tags().value().at("ringpost:endpoint"), "exec:cat");
}

TEST_F(AnEndpoint, GetsWhatItsFilterAccepts) {
  const SubscriptionInfo made =
      subscribe("http://localhost/", {.filter = R"({"venue": ["spot"]})"});
  EXPECT_EQ(prices_.publish("no").value().delivered, 0u);
  EXPECT_EQ(prices_.publish("yes", {.attributes = {{"venue", "spot"}}}).value().delivered, 1u);
  Queue queue = test_.bus().open_queue(made.queue).value();
  EXPECT_EQ(drain(queue), Names{"yes"});
}

TEST_F(AnEndpoint, IsSubscribedOnce) {  // S03
  const SubscriptionInfo made = subscribe("exec:cat", {.raw = false});
  EXPECT_EQ(subscribe("exec:cat", {.raw = false}).id, made.id);
  EXPECT_EQ(fault_of("exec:cat", {.raw = true}),
            "endpoint \"exec:cat\": is subscribed with other settings: change or remove that "
            "subscription");
  EXPECT_EQ(queues().size(), 1u);
}

TEST_F(AnEndpoint, MustBeACommandOrAUrl) {  // S01, S02
  EXPECT_EQ(fault_of("ftp://host/"),
            "endpoint \"ftp://host/\": is neither exec:COMMAND nor a URL of http or https");
  EXPECT_EQ(fault_of("http://"), "endpoint \"http://\": is no URL");
  EXPECT_EQ(fault_of("https://host:port/"), "endpoint \"https://host:port/\": is no URL");
  EXPECT_EQ(fault_of("http://a b/"), "endpoint \"http://a b/\": is no URL");
  EXPECT_EQ(fault_of("exec: "), "endpoint \"exec: \": has no command: exec:COMMAND");
  EXPECT_EQ(fault_of("exec:" + std::string(2048, 'x')).substr(0, 10), "endpoint \"");
  EXPECT_EQ(queues(), Names{});
}

TEST_F(AnEndpoint, IsNoSubscriberOfAFifoTopic) {  // S12
  Topic ordered = test_.bus().topic("ordered", {.fifo = true}).value();
  const auto made = ordered.subscribe("exec:cat");
  ASSERT_FALSE(made);
  EXPECT_STREQ(made.error().what, "endpoint \"exec:cat\": a FIFO topic takes queues only");
}

TEST_F(AnEndpoint, KeepsItsDeliveryPolicyInFull) {  // U04
  const SubscriptionInfo made = subscribe("exec:cat", {.delivery_policy = "{}"});
  EXPECT_EQ(*made.settings.delivery_policy, DeliveryPolicy{}.to_json());
  const auto changed = prices_.set_subscription(
      made.id, {.delivery_policy = R"({"healthyRetryPolicy": {"numRetries": 7}})"});
  ASSERT_TRUE(changed) << changed.error().what;
  Topic seen = test_.bus().open_topic("prices").value();
  const SubscriptionInfo kept = seen.subscriptions().value().at(0);
  EXPECT_EQ(kept.endpoint, "exec:cat");
  EXPECT_EQ(DeliveryPolicy::parse(*kept.settings.delivery_policy).value().retry->retries, 7u);
  EXPECT_EQ(fault_of("exec:x", {.delivery_policy = "{"}),
            "delivery policy: text: must be a JSON object");
  const Queue book = test_.queue("book");
  EXPECT_EQ(fault_of("book", {.delivery_policy = "{}"}), "delivery policy: a queue has none");
}

TEST_F(AnEndpoint, TakesItsQueueAlongWhenItEnds) {
  const SubscriptionInfo made = subscribe("exec:cat");
  static_cast<void>(prices_.publish("x").value());
  ASSERT_TRUE(prices_.unsubscribe(made.id));
  EXPECT_EQ(queues(), Names{});
  EXPECT_EQ(prices_.publish("y").value().delivered, 0u);
  EXPECT_EQ(test_.findings_after_sweep(), "");
}

TEST_F(AnEndpoint, EndsWithItsTopic) {
  subscribe("exec:cat");
  subscribe("exec:dog");
  ASSERT_TRUE(test_.bus().delete_topic("prices"));
  EXPECT_EQ(queues(), Names{});
}

TEST_F(AnEndpoint, WhoseSubscriberDiedLeavesAQueueThatTheNextRemoves) {
  const Queue left =
      test_.bus().queue(push::queue_name("prices", 7), {}, {{push::kTopicTag, "prices"}}).value();
  const Queue others =
      test_.bus().queue(push::queue_name("prices", 8), {}, {{push::kTopicTag, "other"}}).value();
  const Queue users = test_.bus().queue("prices--mine").value();
  const SubscriptionInfo made = subscribe("exec:cat");
  Names expected = {push::queue_name("prices", 8), "prices--mine", made.queue};
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(queues(), expected);
}

TEST_F(AnEndpoint, WhoseUnsubscriberDiedLeavesAQueueThatGoesWithTheTopic) {
  const Queue left =
      test_.bus().queue(push::queue_name("prices", 7), {}, {{push::kTopicTag, "prices"}}).value();
  const Queue users = test_.bus().queue("prices--mine").value();
  ASSERT_TRUE(test_.bus().delete_topic("prices"));
  EXPECT_EQ(queues(), Names{"prices--mine"});
}

TEST_F(AnEndpoint, OfALongTopicNameHasANameThatFits) {
  Topic longest = test_.bus().topic(std::string(80, 't')).value();
  const auto made = longest.subscribe("exec:cat");
  ASSERT_TRUE(made) << made.error().what;
  EXPECT_EQ(made->queue.size(), 80u);
}

TEST_F(AnEndpoint, GivesAMessageUpToItsDeadLetterQueueOnce) {  // D01, D02
  Queue dead = test_.queue("dead");
  const SubscriptionInfo made = subscribe("exec:cat", {.dead_letter_queue = "dead"});
  Queue queue = test_.bus().open_queue(made.queue).value();
  const std::string large(5000, 'x');
  static_cast<void>(prices_.publish(large, {.attributes = {{"venue", "spot"}}}).value());
  Leases leases = queue.receive().value();
  const MessageId id = leases.front().id();
  ASSERT_EQ(leases.front().move_to(dead), Errc::kOk);
  EXPECT_EQ(leases.front().acknowledge(), Errc::kStaleReceipt);
  EXPECT_EQ(queue.stats().dead_lettered, 1u);
  EXPECT_EQ(code_of(queue.receive()), Errc::kEmpty);
  Leases given_up = dead.receive().value();
  EXPECT_EQ(given_up.front().text(), large);
  EXPECT_EQ(given_up.front().attributes().find("venue")->value, "spot");
  EXPECT_EQ(given_up.front().id(), id);
  EXPECT_EQ(given_up.front().receive_count(), 2u);
  EXPECT_EQ(given_up.front().dead_letter_source(), made.queue);
  EXPECT_EQ(given_up.front().acknowledge(), Errc::kOk);
  EXPECT_EQ(test_.findings_after_sweep(), "");
}

TEST_F(AnEndpoint, KeepsAMessageThatItsDeadLetterQueueDoesNotTake) {
  Queue queue = test_.queue("q");
  Queue full = test_.queue("full", {.slots = 64, .fixed = true});
  static_cast<void>(fill(full));
  static_cast<void>(queue.send("x").value());
  Leases leases = queue.receive().value();
  EXPECT_EQ(leases.front().move_to(full), Errc::kFull);
  EXPECT_EQ(leases.front().move_to(queue), Errc::kInvalidArgument);
  Bus other = test_.attach();
  Queue anothers = other.queue("elsewhere").value();
  EXPECT_EQ(leases.front().move_to(anothers), Errc::kInvalidArgument);
  Queue ordered = test_.queue("ordered", {.fifo = true});
  EXPECT_EQ(leases.front().move_to(ordered), Errc::kInvalidArgument);
  EXPECT_EQ(leases.front().text(), "x");
  EXPECT_EQ(leases.front().release(), Errc::kOk);
  EXPECT_EQ(drain(queue), Names{"x"});
}

}  // namespace
}  // namespace ringpost::test
