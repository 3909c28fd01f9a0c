// Topics to which durable queues are subscribed.
#include <gtest/gtest.h>

#include <map>

#include "process/rig/random.hpp"
#include "support/durable_bus.hpp"
#include "support/durable_machine.hpp"
#include "support/talking_child.hpp"
#include "topic/payload.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

class DurableSubscriber : public DurableQueue {
 protected:
  static QueueSettings small() {
    return {.message_bytes_max = 16u << 10,
            .slots = 64,
            .bytes_max = 64u << 10,
            .log_segment_bytes = 64u << 10};
  }
  /// Of "q", as it was published.
  Topic subscribed(SubscriptionSettings settings = {}) {
    Topic topic = bus_->topic("prices").value();
    settings.raw = true;
    topic.subscribe("q", settings).value();
    return topic;
  }
};

TEST_F(DurableSubscriber, HasWhatWasPublishedAfterAReboot) {
  static_cast<void>(make());
  static_cast<void>(make("document"));
  Queue memory = bus_->queue("memory").value();
  const Attribute colour[] = {{"colour", "red"}};
  const std::string large(50'000, 'L');
  {
    Topic topic = subscribed();
    topic.subscribe("memory", {.raw = true}).value();
    topic.subscribe("document", {.raw = false}).value();
    const Published first = topic.publish("a", {.attributes = colour}).value();
    EXPECT_EQ(first.delivered, 3u);
    EXPECT_EQ(topic.publish(large).value().delivered, 3u);
  }
  EXPECT_EQ(drain(memory), (Texts{"a", large}));
  reboot_with([&] { memory = Queue(); });
  EXPECT_FALSE(bus_->open_queue("memory"));
  Queue queue = open();
  auto got = queue.receive({.max_messages = 10}).value();
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[0].text(), "a");
  EXPECT_EQ(got[0].attributes().find("colour")->value, "red");
  EXPECT_EQ(got[1].text(), large);
  for (Lease& each : got) ASSERT_EQ(each.acknowledge(), Errc::kOk);
  Queue document = open("document");
  const Texts texts = drain(document);
  ASSERT_EQ(texts.size(), 2u);
  EXPECT_NE(texts[0].find("\"Message\""), std::string::npos) << texts[0];
}

TEST_F(DurableSubscriber, DoesNotBringBackWhatWasAcknowledged) {
  {
    Queue queue = make();
    Topic topic = subscribed();
    ASSERT_TRUE(topic.publish("a"));
    ASSERT_TRUE(topic.publish("b"));
    EXPECT_EQ(receive_one(queue).to_string().empty(), false);
    auto got = queue.receive().value();
    EXPECT_EQ(got[0].text(), "b");
    ASSERT_EQ(got[0].acknowledge(), Errc::kOk);
    ASSERT_TRUE(topic.publish("c"));
  }
  reboot();
  Queue queue = open();
  EXPECT_EQ(drain(queue), (Texts{"a", "c"}));
}

TEST_F(DurableSubscriber, KeepsTheDelayOfItsQueue) {
  {
    static_cast<void>(make("q", {.delay = 10min}));
    Topic topic = subscribed();
    ASSERT_TRUE(topic.publish("later"));
  }
  reboot();  // takes a minute
  Queue queue = open();
  EXPECT_EQ(drain(queue), Texts{});
  clock_.advance(9min + 1s);
  EXPECT_EQ(drain(queue), Texts{"later"});
}

TEST_F(DurableSubscriber, TakesMoreThanItsMemoryHolds) {
  Queue queue = make("q", small());
  Topic topic = subscribed({.when_full = WhenFull::kFail});
  Texts sent;
  for (int i = 0; i < 800; ++i) {
    sent.push_back(std::to_string(i));
    ASSERT_EQ(topic.publish(sent.back()).value().delivered, 1u);
  }
  EXPECT_GT(queue.stats().beyond_memory, 400u);
  EXPECT_EQ(queue.stats().sent, 800u);
  Texts first;
  for (int i = 0; i < 100; ++i) {
    auto got = queue.receive().value();
    first.emplace_back(got[0].text());
    ASSERT_EQ(got[0].acknowledge(), Errc::kOk);
  }
  EXPECT_EQ(first, Texts(sent.begin(), sent.begin() + 100));
  ASSERT_TRUE(topic.publish("last"));
  sent.push_back("last");
  reboot_with([&] {
    queue = Queue();
    topic = Topic();
  });
  queue = open();
  EXPECT_EQ(drain(queue), Texts(sent.begin() + 100, sent.end()));
  EXPECT_EQ(queue.stats().beyond_memory, 0u);
}

TEST_F(DurableSubscriber, GetsNothingOfAPublishThatFails) {
  {
    Queue queue = make("q", small());
    Queue full = bus_->queue("full", {.slots = 64, .fixed = true}).value();
    static_cast<void>(fill(full));
    Topic topic = subscribed({.when_full = WhenFull::kFail});
    topic.subscribe("full", {.raw = true, .when_full = WhenFull::kFail}).value();
    EXPECT_EQ(code_of(topic.publish("a")), Errc::kFull);
    EXPECT_EQ(code_of(topic.publish("b")), Errc::kFull);
    EXPECT_EQ(code_of(queue.receive()), Errc::kEmpty);
    ASSERT_TRUE(queue.send("other")) << "no claim is left that holds it up";
  }
  reboot();
  Queue queue = open();
  EXPECT_EQ(drain(queue), Texts{"other"});
}

TEST_F(DurableSubscriber, WhoseLogHasFailedIsOneThatTakesNothing) {
  Queue dead = bus_->queue("dead").value();
  Queue other = bus_->queue("other").value();
  Queue queue = make();
  Topic topic = subscribed({.dead_letter_queue = "dead"});
  topic.subscribe("other", {.raw = true}).value();
  let_the_log_fail();
  const Published published = topic.publish("a").value();
  EXPECT_EQ(published.delivered, 1u);
  EXPECT_EQ(published.dead_letters, 1u);
  EXPECT_EQ(drain(dead), Texts{"a"});
  EXPECT_EQ(drain(other), Texts{"a"});
  topic.set_subscription(topic.subscriptions().value()[0].id, {.when_full = WhenFull::kFail})
      .value();
  EXPECT_EQ(code_of(topic.publish("b")), Errc::kLogFailed);
  EXPECT_EQ(drain(other), Texts{}) << "nobody gets it";
  ASSERT_TRUE(queue.recover_log());
  ASSERT_TRUE(topic.publish("c"));
  EXPECT_EQ(drain(queue), Texts{"c"});
}

TEST_F(DurableSubscriber, MayBeAQueueThatOnlyTheDiskKnows) {
  { ASSERT_TRUE(make().send("before")); }
  reboot();
  Topic topic = subscribed();
  ASSERT_TRUE(topic.publish("after"));
  Queue queue = open();
  EXPECT_EQ(drain(queue), (Texts{"before", "after"}));
}

TEST_F(DurableSubscriber, IsAStandardQueueOfAStandardTopicAndNoDeadLetterQueue) {
  static_cast<void>(make());
  static_cast<void>(make("fifo", {.fifo = true}));
  static_cast<void>(bus_->queue("memory").value());
  Topic fifo = bus_->topic("orders", {.fifo = true}).value();
  EXPECT_EQ(code_of(fifo.subscribe("q")), Errc::kUnsupported);
  EXPECT_EQ(code_of(fifo.subscribe("fifo")), Errc::kUnsupported);
  Topic topic = bus_->topic("prices").value();
  EXPECT_EQ(code_of(topic.subscribe("fifo")), Errc::kUnsupported);
  EXPECT_EQ(code_of(topic.subscribe("memory", {.dead_letter_queue = "q"})), Errc::kUnsupported);
}

/// How far a publisher has come with the delivery to "q", after the commit.
enum class Step { kClaimed, kNamed, kLogged };

class DurableSubscriberOfTheDead : public DurableSubscriber {
 protected:
  /// As topic/fanout.hpp says, in a process that is killed after that step. Body: "x".
  void die_at(Step last) {
    in_a_child_that_dies([&] {
      Bus bus = Bus::open("test", options()).value();
      client::Member& member = client::Member::of(bus);
      const auto queue =
          detail::QueueCore::open(member.membership(), member.context().queues.open("q").value())
              .value();
      const topic::Message form{as_bytes("x")};
      topic::PayloadPlan plan;
      shm::Block payload;
      shm::BlockRef ref;
      shm::Share* share = nullptr;
      if (plan.make({&form, 1}, {}) != Errc::kOk) ::_exit(1);
      if (member.arena().allocate(plan.bytes(), payload) != Errc::kOk) ::_exit(1);
      if (member.arena().allocate_share(ref, share) != Errc::kOk) ::_exit(1);
      plan.write({&form, 1}, {}, payload.data);
      member.arena().share_out(payload.ref, 1);
      share->payload = payload.ref.block;
      share->payload_generation = payload.ref.generation;
      plan.describe_in(*share);
      share->sent_ns = clock_.monotonic_ns();
      share->count = 1;
      share->bit = 0;
      share->second = 0;
      share->targets[0] = queue->mapping().queue_id();
      share->entries[0].store_halves(shm::ShareEntry::unset(ref.generation).word);
      member.arena().open_share(ref, 1);
      member.arena().commit(payload.ref);
      detail::QueueCore::LoggedClaim claim;
      if (queue->claim_logged(claim, 1, Duration::zero(), 0) != Errc::kOk) ::_exit(1);
      if (last == Step::kClaimed) die();
      const detail::QueueCore::Delivery what{.payload = payload.ref,
                                             .ref = {ref, 0},
                                             .lengths = plan.form(0).lengths,
                                             .sent_ns = clock_.monotonic_ns()};
      base::Pair64 place{shm::kInLog, claim.record.position};
      if (claim.slot.lane != nullptr) {
        queue->fill_delivery(claim.slot, what);
        place = shm::pair_of(detail::QueueCore::place_of(claim.slot));
      }
      share->entries[0].store_low_last(place);
      if (last == Step::kNamed) die();
      queue->publish_logged(claim, what, {payload.data, 1});
      die();
    });
  }
  /// How often it is received.
  [[nodiscard]] long received() {
    bus_->sweep();
    EXPECT_EQ(findings(), "");
    long count = 0;
    Queue queue = open();
    for (int looks = 0; looks < 3; ++looks) {
      const Texts got = drain(queue);
      count += std::count(got.begin(), got.end(), "x");
      bus_->sweep();  // once there is room
    }
    EXPECT_EQ(queue.stats().beyond_memory, 0u);
    EXPECT_EQ(inspect(*bus_).arena.blocks_used, 0u);
    return count;
  }
};

TEST_F(DurableSubscriberOfTheDead, HasTheMessageOnce) {
  static_cast<void>(make("q", small()));
  for (const Step last : {Step::kClaimed, Step::kNamed, Step::kLogged}) {
    die_at(last);
    EXPECT_EQ(received(), 1) << static_cast<int>(last);
  }
  reboot();
  EXPECT_EQ(received(), 0) << "it was acknowledged";
}

TEST_F(DurableSubscriberOfTheDead, HasTheMessageOnceBehindABacklogBeyondMemory) {
  Queue queue = make("q", small());
  for (const Step last : {Step::kClaimed, Step::kNamed, Step::kLogged}) {
    while (queue.stats().beyond_memory == 0) ASSERT_TRUE(queue.send("before"));
    die_at(last);
    EXPECT_EQ(received(), 1) << static_cast<int>(last);
    ASSERT_TRUE(queue.send("behind it")) << "nothing holds up the log";
  }
  reboot_with([&] { queue = Queue(); });
  EXPECT_EQ(received(), 0);
}

/// What is known of each publish.
enum class Known { kPublishing, kPublished, kEnded, kGone };
using Model = std::map<std::string, Known>;

class DurableSubscriberAndPower : public testing::TestWithParam<std::uint64_t> {
 protected:
  static void check(Queue& queue, const Model& model) {
    std::map<std::string, int> found;
    for (const std::string& body : drain(queue)) ++found[body];
    for (const auto& [body, count] : found) {
      EXPECT_EQ(count, 1) << body;
      EXPECT_TRUE(model.contains(body)) << body;
    }
    for (const auto& [body, known] : model) {
      EXPECT_TRUE(found.contains(body) || known != Known::kPublished) << body;
      EXPECT_TRUE(!found.contains(body) || known != Known::kGone) << body;
    }
  }
  void publish(Topic& topic) {
    const std::string name = std::to_string(++bodies_) + " ";
    const std::string body = name + std::string(random_.below(4) == 0 ? 3'000 : 20, 'x');
    model_[body] = Known::kPublishing;
    ASSERT_EQ(topic.publish(body).value().delivered, 1u);
    model_[body] = Known::kPublished;
    for (auto& [each, known] : model_) {  // the disk was waited for
      if (known == Known::kEnded) known = Known::kGone;
    }
  }
  void acknowledge_one(Queue& queue) {
    auto got = queue.receive();
    if (!got) return;
    model_[std::string(got->front().text())] = Known::kEnded;
    ASSERT_EQ(got->front().acknowledge(), Errc::kOk);
  }

  rig::Random random_{GetParam()};
  Model model_;
  int bodies_ = 0;
};

TEST_P(DurableSubscriberAndPower, LosesNothingThatWasPublishedAndGetsNothingTwice) {
  const QueueSettings settings{.visibility_timeout = 1h,
                               .message_bytes_max = 4096,
                               .slots = 64,
                               .bytes_max = 64u << 10,
                               .durability = Durability::kDurable,
                               .log_segment_bytes = 64u << 10};
  cut_power(
      GetParam(), random_, model_, settings, 150,
      [this](Bus& bus, Queue& queue) {
        Topic topic = bus.topic("prices").value();
        topic.subscribe("q", {.raw = true}).value();
        for (int i = 0; i < 400; ++i) {
          if (random_.below(5) < 4) {
            publish(topic);
          } else {
            acknowledge_one(queue);
          }
        }
      },
      [](Queue& queue, const Model& model) { check(queue, model); });
}

INSTANTIATE_TEST_SUITE_P(Seeds, DurableSubscriberAndPower, testing::Range<std::uint64_t>(1, 3));

}  // namespace
}  // namespace ringpost::test
