#include <gtest/gtest.h>

#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;

TEST(Purge, RemovesVisibleDelayedAndInFlightMessages) {
  TestBus test;
  Queue queue = test.queue();
  ASSERT_TRUE(queue.send("in flight"));
  const Receipt receipt = receive_one(queue);
  ASSERT_TRUE(queue.send("visible"));
  ASSERT_TRUE(queue.send("delayed", {.delay = 10s}));
  EXPECT_EQ(queue.purge().value(), 3u);
  const QueueStats stats = queue.stats();
  EXPECT_EQ(stats.visible + stats.in_flight + stats.delayed, 0u);
  EXPECT_EQ(stats.purged, 3u);
  test.clock().advance(1h);
  EXPECT_EQ(code_of(queue.receive()), Errc::kEmpty);
  EXPECT_EQ(queue.acknowledge(receipt), Errc::kStaleReceipt);
}

TEST(Purge, RemovesReturnedMessages) {
  TestBus test;
  Queue queue = test.queue();
  ASSERT_TRUE(queue.send("x"));
  ASSERT_EQ(queue.release(receive_one(queue)), Errc::kOk);
  EXPECT_EQ(queue.purge().value(), 1u);
  EXPECT_EQ(code_of(queue.receive()), Errc::kEmpty);
}

TEST(Purge, OfAnEmptyQueueRemovesNothing) {
  TestBus test;
  Queue queue = test.queue();
  EXPECT_EQ(queue.purge().value(), 0u);
  ASSERT_TRUE(queue.send("x"));
  static_cast<void>(drain(queue));
  EXPECT_EQ(queue.purge().value(), 0u);
}

TEST(Purge, LeavesMessagesThatAreSentAfterIt) {
  TestBus test;
  Queue queue = test.queue();
  ASSERT_TRUE(queue.send("old"));
  ASSERT_TRUE(queue.purge());
  ASSERT_TRUE(queue.send("new"));
  EXPECT_EQ(drain(queue), std::vector<std::string>{"new"});
}

TEST(Purge, FreesTheBlocksOfLargeMessages) {
  TestBus test;
  Queue queue = test.queue();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(queue.send(std::string(3'000, 'x')));
  static_cast<void>(receive_one(queue));
  EXPECT_EQ(queue.purge().value(), 20u);
  EXPECT_EQ(inspect(test.bus()).arena.blocks_used, 0u);
  EXPECT_EQ(test.findings(), "");
}

TEST(Purge, LeavesTheBytesUnderAReaderInPlace) {
  TestBus test;
  Queue queue = test.queue("q", {.slots = 64, .fixed = true});
  const std::string body(3'000, 'x');
  ASSERT_TRUE(queue.send(body));
  auto held = queue.receive().value();
  EXPECT_EQ(queue.purge().value(), 1u);
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(queue.send(std::string(3'000, 'y')));
    static_cast<void>(drain(queue));
  }
  EXPECT_EQ(held.front().text(), body);
  EXPECT_EQ(held.front().acknowledge(), Errc::kStaleReceipt);
  EXPECT_EQ(test.findings_after_sweep(), "");
  EXPECT_EQ(inspect(test.bus()).arena.blocks_used, 0u);
}

TEST(Purge, ReachesEveryRingOfAQueueThatHasGrown) {
  TestBus test;
  Queue queue = test.queue("q", {.slots = 64});
  for (int i = 0; i < 1'000; ++i) ASSERT_TRUE(queue.send("x"));
  EXPECT_GT(queue.stats().rings, 1u);
  EXPECT_EQ(queue.purge().value(), 1'000u);
  EXPECT_EQ(code_of(queue.receive()), Errc::kEmpty);
}

TEST(Purge, MakesRoomInAFullQueue) {
  TestBus test;
  Queue queue = test.queue("q", {.slots = 64, .fixed = true});
  EXPECT_EQ(fill(queue), 64u);
  EXPECT_EQ(queue.purge().value(), 64u);
  EXPECT_EQ(fill(queue), 64u);
  EXPECT_EQ(drain(queue).size(), 64u);
}

}  // namespace
}  // namespace ringpost::test
