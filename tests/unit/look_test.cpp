// Looking at a queue without disturbing it: stats and peek.
#include <gtest/gtest.h>

#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;

TEST(Stats, CountWhatWasDone) {
  TestBus test;
  Queue queue = test.queue("q", {.visibility_timeout = 10s});
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(queue.send("12345"));
  std::vector<Receipt> receipts;
  for (int i = 0; i < 4; ++i) receipts.push_back(receive_one(queue));
  EXPECT_EQ(queue.acknowledge(receipts[0]), Errc::kOk);
  EXPECT_EQ(queue.release(receipts[1]), Errc::kOk);
  EXPECT_EQ(queue.acknowledge(receive_one(queue)), Errc::kOk);
  test.clock().advance(11s);
  static_cast<void>(receive_one(queue));
  const QueueStats stats = queue.stats();
  EXPECT_EQ(stats.sent, 5u);
  EXPECT_EQ(stats.sent_bytes, 25u);
  EXPECT_EQ(stats.received, 6u);
  EXPECT_EQ(stats.redelivered, 2u);
  EXPECT_EQ(stats.acknowledged, 2u);
  EXPECT_EQ(stats.released, 1u);
  EXPECT_EQ(stats.expired, 2u);
  EXPECT_EQ(stats.visible, 2u);
  EXPECT_EQ(stats.in_flight, 1u);
  EXPECT_EQ(stats.delayed, 0u);
}

TEST(Stats, SumOverAllParticipantsAlsoThoseThatAreGone) {
  TestBus test;
  Queue queue = test.queue();
  for (int i = 0; i < 40; ++i) {  // more than there are stripes
    Bus bus = test.attach();
    Queue other = bus.open_queue("q").value();
    ASSERT_TRUE(other.send("x"));
  }
  EXPECT_EQ(queue.stats().sent, 40u);
}

TEST(Stats, CountForMoreParticipantsAtOnceThanThereAreStripes) {
  TestBus test;
  std::vector<Bus> buses;
  std::vector<Queue> queues;
  static_cast<void>(test.queue());
  for (int i = 0; i < 40; ++i) {
    buses.push_back(test.attach());
    queues.push_back(buses.back().open_queue("q").value());
  }
  for (int round = 0; round < 3; ++round) {
    for (Queue& each : queues) ASSERT_TRUE(each.send("x"));
  }
  EXPECT_EQ(queues.front().stats().sent, 120u);
  EXPECT_EQ(test.findings(), "");
}

TEST(Stats, CountAMessageWhoseLeaseOrDelayIsOverAsVisibleBeforeAnybodyReceives) {
  TestBus test;
  Queue queue = test.queue("q", {.visibility_timeout = 10s});
  ASSERT_TRUE(queue.send("x"));
  static_cast<void>(receive_one(queue));
  ASSERT_TRUE(queue.send("y", {.delay = 10s}));
  test.clock().advance(11s);
  const QueueStats stats = queue.stats();
  EXPECT_EQ(stats.visible, 2u);
  EXPECT_EQ(stats.in_flight + stats.delayed, 0u);
  for (const PeekedMessage& each : queue.peek(2)) EXPECT_EQ(each.state, MessageState::kVisible);
}

TEST(Stats, TellTheAgeOfTheOldestMessageThatIsThere) {
  TestBus test;
  Queue queue = test.queue();
  EXPECT_EQ(queue.stats().oldest_age, 0s);
  ASSERT_TRUE(queue.send("x"));
  test.clock().advance(10s);
  ASSERT_TRUE(queue.send("y"));
  test.clock().advance(5s);
  EXPECT_EQ(queue.stats().oldest_age, 15s);
  auto received = queue.receive().value();
  EXPECT_EQ(queue.stats().oldest_age, 15s);  // in flight is not gone
  EXPECT_EQ(received.front().acknowledge(), Errc::kOk);
  EXPECT_EQ(queue.stats().oldest_age, 5s);
}

TEST(Stats, RecordTheTimeFromTheSendToTheFirstReceive) {
  TestBus test;
  Queue queue = test.queue("q", {.visibility_timeout = 10s});
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(queue.send("x"));
    test.clock().advance(3ms);
    static_cast<void>(receive_one(queue));
  }
  const Histogram latency = queue.stats().latency;
  EXPECT_EQ(latency.count(), 10u);
  EXPECT_NEAR(static_cast<double>(latency.percentile(50)), 3e6, 3e6 * 0.125);
}

TEST(Stats, StateTheMemoryOfAQueueWithinTheBudgetOfADefaultOne) {
  TestBus test;
  const QueueStats stats = test.queue().stats();
  EXPECT_EQ(stats.slots, 1024u);
  EXPECT_EQ(stats.rings, 1u);
  EXPECT_LE(stats.memory_bytes, 256u * 1024);
}

TEST(Stats, AndPeekDisturbNobody) {
  TestBus test;
  Queue queue = test.queue();
  ASSERT_TRUE(queue.send("x"));
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(queue.stats().received, 0u);
    EXPECT_EQ(queue.peek(10).size(), 1u);
  }
  EXPECT_EQ(queue.receive().value().front().receive_count(), 1u);
}

TEST(Peek, ShowsMessagesOldestFirstWithTheirStates) {
  TestBus test;
  Queue queue = test.queue("q", {.visibility_timeout = 30s});
  ASSERT_TRUE(queue.send("in flight"));
  static_cast<void>(receive_one(queue));
  ASSERT_TRUE(queue.send("visible", {.attributes = {{"a", "1"}}}));
  ASSERT_TRUE(queue.send("delayed", {.delay = 20s}));
  test.clock().advance(5s);
  const auto seen = queue.peek(10);
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0].body, "in flight");
  EXPECT_EQ(seen[0].state, MessageState::kInFlight);
  EXPECT_EQ(seen[0].receive_count, 1u);
  EXPECT_NEAR(static_cast<double>(seen[0].due_in.count()), 25e9, 1e6);
  EXPECT_EQ(seen[1].body, "visible");
  EXPECT_EQ(seen[1].state, MessageState::kVisible);
  EXPECT_EQ(seen[1].due_in, 0s);
  EXPECT_EQ(seen[1].age, 5s);
  EXPECT_EQ(seen[1].position, 1u);
  EXPECT_EQ(AttributeView(as_bytes(seen[1].encoded_attributes)).find("a")->value, "1");
  EXPECT_EQ(seen[2].state, MessageState::kDelayed);
  EXPECT_NEAR(static_cast<double>(seen[2].due_in.count()), 15e9, 1e6);
}

TEST(Peek, ShowsTheIdThatTheSendReturned) {
  TestBus test;
  Queue queue = test.queue();
  const MessageId id = queue.send("x").value();
  EXPECT_EQ(queue.peek(1).front().id, id);
}

TEST(Peek, ShowsAtMostAsManyAsWereAskedFor) {
  TestBus test;
  Queue queue = test.queue("q", {.slots = 64});
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(queue.send(std::to_string(i)));
  EXPECT_TRUE(queue.peek(0).empty());
  EXPECT_EQ(queue.peek(5).size(), 5u);
  const auto all = queue.peek(1'000);
  ASSERT_EQ(all.size(), 300u);
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i].body, std::to_string(i));
}

TEST(Peek, ShowsLargeBodiesToo) {
  TestBus test;
  Queue queue = test.queue();
  const std::string body(50'000, 'x');
  ASSERT_TRUE(queue.send(body));
  EXPECT_EQ(queue.peek(1).front().body, body);
}

TEST(Peek, ShowsNothingThatIsGone) {
  TestBus test;
  Queue queue = test.queue();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(queue.send("x"));
  static_cast<void>(drain(queue));
  EXPECT_TRUE(queue.peek(10).empty());
}

}  // namespace
}  // namespace ringpost::test
