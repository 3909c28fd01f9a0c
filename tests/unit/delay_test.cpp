// Delay and retention.
#include <gtest/gtest.h>

#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;

TEST(Delay, HidesTheMessageUntilItIsDue) {
  TestBus test;
  Queue queue = test.queue();
  ASSERT_TRUE(queue.send("x", {.delay = 10s}));
  EXPECT_EQ(queue.stats().delayed, 1u);
  test.clock().advance(10s - 1ms);
  EXPECT_EQ(code_of(queue.receive()), Errc::kEmpty);
  test.clock().advance(2ms);
  auto received = queue.receive().value();
  EXPECT_EQ(received.front().text(), "x");
  EXPECT_EQ(received.front().receive_count(), 1u);
}

TEST(Delay, OfOneMessageHoldsUpNoOther) {
  TestBus test;
  Queue queue = test.queue();
  ASSERT_TRUE(queue.send("late", {.delay = 10s}));
  ASSERT_TRUE(queue.send("now"));
  EXPECT_EQ(drain(queue), std::vector<std::string>{"now"});
  test.clock().advance(11s);
  EXPECT_EQ(drain(queue), std::vector<std::string>{"late"});
}

TEST(Delay, OfTheCallComesBeforeThatOfTheQueueAlsoWhenItIsZero) {
  TestBus test;
  Queue queue = test.queue("q", {.delay = 1min});
  ASSERT_TRUE(queue.send("by default"));
  ASSERT_TRUE(queue.send("at once", {.delay = 0s}));
  ASSERT_TRUE(queue.send("soon", {.delay = 5s}));
  EXPECT_EQ(drain(queue), std::vector<std::string>{"at once"});
  test.clock().advance(6s);
  EXPECT_EQ(drain(queue), std::vector<std::string>{"soon"});
  test.clock().advance(55s);
  EXPECT_EQ(drain(queue), std::vector<std::string>{"by default"});
}

TEST(Delay, ChangedForTheQueueConcernsNewMessagesOnly) {
  TestBus test;
  Queue queue = test.queue("q", {.delay = 1min});
  ASSERT_TRUE(queue.send("old"));
  ASSERT_TRUE(queue.set({.delay = 0s}));
  ASSERT_TRUE(queue.send("new"));
  EXPECT_EQ(drain(queue), std::vector<std::string>{"new"});
  test.clock().advance(61s);
  EXPECT_EQ(drain(queue), std::vector<std::string>{"old"});
}

TEST(Delay, IsFifteenMinutesAtMost) {
  TestBus test;
  Queue queue = test.queue();
  EXPECT_EQ(code_of(queue.send("x", {.delay = 15min})), Errc::kOk);
  EXPECT_EQ(code_of(queue.send("x", {.delay = 15min + 1ns})), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(queue.send("x", {.delay = -1ns})), Errc::kInvalidArgument);
}

TEST(Delay, HoldsForEachMessageOfABatch) {
  TestBus test;
  Queue queue = test.queue();
  const OutMessage batch[] = {{as_bytes("a"), {}}, {as_bytes("b"), {}}};
  EXPECT_EQ(queue.send_batch(batch, {.delay = 10s}).value(), 2u);
  EXPECT_EQ(queue.stats().delayed, 2u);
  test.clock().advance(11s);
  EXPECT_EQ(drain(queue), (std::vector<std::string>{"a", "b"}));
}

TEST(Delay, OfManyMessagesEndsForEachAtItsOwnTime) {
  TestBus test;
  Queue queue = test.queue("q", {.slots = 4096});
  for (int second = 100; second > 0; --second) {
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(queue.send(std::to_string(second), {.delay = std::chrono::seconds(second)}));
    }
  }
  test.clock().advance(200ms);  // beyond the end of each full second
  for (int second = 1; second <= 100; ++second) {
    test.clock().advance(1s);
    EXPECT_EQ(drain(queue), std::vector<std::string>(20, std::to_string(second)));
  }
  EXPECT_EQ(test.findings(), "");
}

TEST(Delay, DoesNotShiftTheTimeOfSending) {
  TestBus test;
  Queue queue = test.queue();
  const auto sent = std::chrono::nanoseconds(test.clock().wall_ns());
  ASSERT_TRUE(queue.send("x", {.delay = 10s}));
  test.clock().advance(11s);
  EXPECT_EQ(queue.receive().value().front().sent_at().time_since_epoch(), sent);
}

TEST(Retention, NeverGivesAMessageThatIsOverAge) {
  TestBus test;
  Queue queue = test.queue("q", {.retention = 60s});
  ASSERT_TRUE(queue.send("old"));
  test.clock().advance(61s);
  ASSERT_TRUE(queue.send("new"));
  EXPECT_EQ(drain(queue), std::vector<std::string>{"new"});
  EXPECT_EQ(queue.stats().dropped_by_retention, 1u);
}

TEST(Retention, CountsFromTheSendAndIsNotRefreshedByAReceive) {
  TestBus test;
  Queue queue = test.queue("q", {.visibility_timeout = 25s, .retention = 60s});
  ASSERT_TRUE(queue.send("x"));
  EXPECT_EQ(bodies(queue).size(), 1u);
  test.clock().advance(30s);
  EXPECT_EQ(bodies(queue).size(), 1u);
  test.clock().advance(31s);
  EXPECT_EQ(code_of(queue.receive()), Errc::kEmpty);
}

TEST(Retention, LetsAMessageThatIsInFlightBeAcknowledged) {
  TestBus test;
  Queue queue = test.queue("q", {.visibility_timeout = 10min, .retention = 60s});
  ASSERT_TRUE(queue.send("x"));
  auto received = queue.receive().value();
  test.clock().advance(2min);
  EXPECT_EQ(received.front().text(), "x");
  EXPECT_EQ(received.front().acknowledge(), Errc::kOk);
}

TEST(Retention, LoweredRemovesOlderMessages) {
  TestBus test;
  Queue queue = test.queue();
  ASSERT_TRUE(queue.send("x"));
  test.clock().advance(2min);
  ASSERT_TRUE(queue.set({.retention = 60s}));
  EXPECT_EQ(code_of(queue.receive()), Errc::kEmpty);
  EXPECT_EQ(queue.stats().visible, 0u);
}

TEST(Retention, FreesTheMemoryOfWhatItDrops) {
  TestBus test;
  Queue queue = test.queue("q", {.retention = 60s});
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(queue.send(std::string(5'000, 'x')));
  EXPECT_EQ(inspect(test.bus()).arena.blocks_used, 10u);
  test.clock().advance(61s);
  EXPECT_EQ(code_of(queue.receive()), Errc::kEmpty);
  EXPECT_EQ(inspect(test.bus()).arena.blocks_used, 0u);
}

}  // namespace
}  // namespace ringpost::test
