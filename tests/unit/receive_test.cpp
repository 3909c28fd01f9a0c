// Receiving: order, counts, batches, visibility, limits.
#include <gtest/gtest.h>

#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;

TEST(Receive, OfAnEmptyQueueSaysSoAtOnce) {
  TestBus test;
  Queue queue = test.queue();
  EXPECT_EQ(code_of(queue.receive()), Errc::kEmpty);
}

TEST(Receive, GivesMessagesOldestFirst) {
  TestBus test;
  Queue queue = test.queue();
  for (const char* body : {"a", "b", "c"}) ASSERT_TRUE(queue.send(body));
  EXPECT_EQ(drain(queue), (std::vector<std::string>{"a", "b", "c"}));
}

TEST(Receive, HidesTheMessageFromEverybodyElse) {
  TestBus test;
  Queue queue = test.queue();
  Bus other_bus = test.attach();
  Queue other = other_bus.queue("q").value();
  ASSERT_TRUE(queue.send("x"));
  auto mine = queue.receive();
  ASSERT_TRUE(mine);
  EXPECT_EQ(code_of(other.receive()), Errc::kEmpty);
  EXPECT_EQ(code_of(queue.receive()), Errc::kEmpty);
}

TEST(Receive, ShowsTheMessageAgainWhenItsVisibilityTimeoutIsOver) {
  TestBus test;
  Queue queue = test.queue("q", {.visibility_timeout = 30s});
  ASSERT_TRUE(queue.send("x"));
  EXPECT_EQ(bodies(queue).size(), 1u);
  test.clock().advance(30s - 1ms);
  EXPECT_EQ(code_of(queue.receive()), Errc::kEmpty);
  test.clock().advance(2ms);
  EXPECT_EQ(bodies(queue), std::vector<std::string>{"x"});
}

TEST(Receive, ShowsAnExpiredMessageAtItsOldPlace) {
  TestBus test;
  Queue queue = test.queue("q", {.visibility_timeout = 30s});
  for (const char* body : {"a", "b", "c"}) ASSERT_TRUE(queue.send(body));
  EXPECT_EQ(bodies(queue, 1), std::vector<std::string>{"a"});
  test.clock().advance(31s);
  EXPECT_EQ(bodies(queue), (std::vector<std::string>{"a", "b", "c"}));
}

TEST(Receive, LetsNoMessageWaitBehindTheLeaseOfAnother) {
  TestBus test;
  Queue queue = test.queue("q", {.slots = 64});
  for (int i = 0; i < 1'000; ++i) {
    ASSERT_TRUE(queue.send(std::to_string(i)));
    if (i == 0) {
      EXPECT_EQ(bodies(queue), std::vector<std::string>{"0"});  // and is never settled
    } else {
      EXPECT_EQ(drain(queue), std::vector<std::string>{std::to_string(i)});
    }
  }
  EXPECT_EQ(queue.stats().rings, 1u);
}

TEST(Receive, TakesTheTimeoutOfTheCallBeforeThatOfTheQueue) {
  TestBus test;
  Queue queue = test.queue("q", {.visibility_timeout = 30s});
  ASSERT_TRUE(queue.send("x"));
  ASSERT_TRUE(queue.receive({.visibility_timeout = 5s}));
  test.clock().advance(6s);
  ASSERT_TRUE(queue.receive({.visibility_timeout = 60s}));
  test.clock().advance(59s);
  EXPECT_EQ(code_of(queue.receive()), Errc::kEmpty);
  test.clock().advance(2s);
  EXPECT_TRUE(queue.receive());
}

TEST(Receive, WithAVisibilityTimeoutOfZeroLeavesTheMessageVisible) {
  TestBus test;
  Queue queue = test.queue();
  ASSERT_TRUE(queue.send("x"));
  const Receipt receipt = queue.receive({.visibility_timeout = 0s}).value().front().receipt();
  test.clock().advance(1ms);
  EXPECT_EQ(queue.stats().in_flight + queue.stats().visible, 1u);
  EXPECT_EQ(queue.acknowledge(receipt), Errc::kOk);
  EXPECT_EQ(code_of(queue.receive()), Errc::kEmpty);
}

TEST(Receive, CountsEachReceiveOfAMessage) {
  TestBus test;
  Queue queue = test.queue("q", {.visibility_timeout = 10s});
  ASSERT_TRUE(queue.send("x"));
  for (std::uint32_t count = 1; count <= 5; ++count) {
    EXPECT_EQ(queue.receive().value().front().receive_count(), count);
    test.clock().advance(11s);
  }
}

TEST(Receive, TellsWhenAMessageWasSentAndFirstReceived) {
  TestBus test;
  Queue queue = test.queue("q", {.visibility_timeout = 10s});
  const auto at = [&] { return std::chrono::nanoseconds(test.clock().wall_ns()); };
  const auto sent = at();
  ASSERT_TRUE(queue.send("x", {.delay = 5s}));
  test.clock().advance(6s);
  const auto first = at();
  for (int i = 0; i < 3; ++i) {
    auto received = queue.receive().value();
    EXPECT_EQ(received.front().sent_at().time_since_epoch(), sent);
    EXPECT_NEAR(
        static_cast<double>(received.front().first_received_at().time_since_epoch().count()),
        static_cast<double>(first.count()), 1e5);
    test.clock().advance(11s);
  }
}

TEST(Receive, GivesUpToAsManyMessagesAsWereAskedFor) {
  TestBus test;
  Queue queue = test.queue();
  for (int i = 0; i < 25; ++i) ASSERT_TRUE(queue.send(std::to_string(i)));
  EXPECT_EQ(queue.receive({.max_messages = 10}).value().size(), 10u);
  EXPECT_EQ(queue.receive({.max_messages = 1}).value().size(), 1u);
  EXPECT_EQ(queue.receive({.max_messages = 20}).value().size(), 14u);
}

TEST(Receive, GivesABatchOfNewAndReturnedMessagesTogether) {
  TestBus test;
  Queue queue = test.queue("q", {.visibility_timeout = 10s});
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(queue.send(std::to_string(i)));
  EXPECT_EQ(bodies(queue, 2), (std::vector<std::string>{"0", "1"}));
  test.clock().advance(11s);
  EXPECT_EQ(bodies(queue), (std::vector<std::string>{"0", "1", "2", "3"}));
}

TEST(Receive, TakesMoreThanTheCapacityOfALeasesObjectForThatCapacity) {
  TestBus test;
  Queue queue = test.queue();
  for (std::uint32_t i = 0; i < Leases::kCapacity + 5; ++i) ASSERT_TRUE(queue.send("x"));
  auto received = queue.receive({.max_messages = 100'000});
  ASSERT_TRUE(received);
  EXPECT_EQ(received->size(), Leases::kCapacity);
}

TEST(Receive, RefusesValuesBeyondTheirLimits) {
  TestBus test;
  Queue queue = test.queue();
  ASSERT_TRUE(queue.send("x"));
  EXPECT_EQ(code_of(queue.receive({.max_messages = 0})), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(queue.receive({.visibility_timeout = -1ns})), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(queue.receive({.visibility_timeout = 12h + 1ns})), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(queue.receive({.visibility_timeout = 12h})), Errc::kOk);
}

TEST(Receive, ClearsTheObjectThatItIsGiven) {
  TestBus test;
  Queue queue = test.queue();
  ASSERT_TRUE(queue.send("x"));
  Leases leases;
  ASSERT_EQ(queue.receive(leases), Errc::kOk);
  EXPECT_EQ(leases.size(), 1u);
  EXPECT_EQ(queue.receive(leases), Errc::kEmpty);
  EXPECT_TRUE(leases.empty());
}

TEST(Receive, SaysHeldWhenTheParticipantHoldsAsManyInPlaceAsItMay) {
  TestBus test;
  Queue queue = test.queue();
  for (std::uint32_t i = 0; i < 2 * Leases::kCapacity; ++i) ASSERT_TRUE(queue.send("x"));
  Leases leases;
  ASSERT_EQ(queue.receive(leases, {.max_messages = Leases::kCapacity}), Errc::kOk);
  ASSERT_EQ(leases.size(), Leases::kCapacity);
  EXPECT_EQ(code_of(queue.receive()), Errc::kHeld);
  EXPECT_EQ(inspect(test.bus()).participants.front().messages_held, Leases::kCapacity);
  leases[7] = Lease();
  EXPECT_EQ(queue.receive({.max_messages = 10}).value().size(), 1u);
  leases.clear();
  EXPECT_EQ(queue.receive({.max_messages = 10}).value().size(), 10u);
}

TEST(Receive, KeepsTheBytesInPlaceWhileTheLeaseObjectLivesEvenWhenTheLeaseIsOver) {
  TestBus test;
  Queue queue = test.queue("q", {.visibility_timeout = 10s, .slots = 64, .fixed = true});
  for (const char* body : {"short",
                           "a body that is far too long to lie in the slot itself, which "
                           "holds one hundred and four bytes of payload and no more"}) {
    ASSERT_TRUE(queue.send(body));
    auto held = queue.receive().value();
    test.clock().advance(11s);
    EXPECT_EQ(drain(queue), std::vector<std::string>{body});  // another one has finished it
    for (int i = 0; i < 500; ++i) {
      ASSERT_TRUE(queue.send(std::string(200, 'z')));
      static_cast<void>(drain(queue));
    }
    EXPECT_EQ(held.front().text(), body);
    EXPECT_EQ(held.front().acknowledge(), Errc::kStaleReceipt);
  }
  EXPECT_EQ(test.findings_after_sweep(), "");
}

TEST(Receive, ThatDropsTheLeaseObjectKeepsTheMessageInvisible) {
  TestBus test;
  Queue queue = test.queue("q", {.visibility_timeout = 10s});
  ASSERT_TRUE(queue.send("x"));
  { auto received = queue.receive(); }
  EXPECT_EQ(code_of(queue.receive()), Errc::kEmpty);
  test.clock().advance(11s);
  EXPECT_TRUE(queue.receive());
}

TEST(Receive, MovesLeasesIntoAnotherObject) {
  TestBus test;
  Queue queue = test.queue();
  ASSERT_TRUE(queue.send("a"));
  ASSERT_TRUE(queue.send("b"));
  Leases first = queue.receive({.max_messages = 2}).value();
  Leases second = std::move(first);
  ASSERT_EQ(second.size(), 2u);
  Lease kept = std::move(second.front());
  second.clear();
  EXPECT_EQ(kept.text(), "a");
  EXPECT_EQ(kept.acknowledge(), Errc::kOk);
}

TEST(InFlightMax, StopsReceivesAndNothingElse) {
  TestBus test;
  Queue queue = test.queue("q", {.visibility_timeout = 10s, .in_flight_max = 3});
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(queue.send(std::to_string(i)));
  std::vector<Receipt> receipts;
  for (int i = 0; i < 3; ++i) receipts.push_back(receive_one(queue));
  EXPECT_EQ(code_of(queue.receive()), Errc::kOverLimit);
  EXPECT_TRUE(queue.send("more"));
  EXPECT_EQ(queue.acknowledge(receipts[0]), Errc::kOk);
  EXPECT_EQ(code_of(queue.receive()), Errc::kOk);
  EXPECT_EQ(code_of(queue.receive()), Errc::kOverLimit);
  EXPECT_EQ(queue.release(receipts[1]), Errc::kOk);
  EXPECT_EQ(code_of(queue.receive()), Errc::kOk);
  EXPECT_EQ(code_of(queue.receive()), Errc::kOverLimit);
}

TEST(InFlightMax, CountsTheMessagesOfABatch) {
  TestBus test;
  Queue queue = test.queue("q", {.in_flight_max = 3});
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(queue.send(std::to_string(i)));
  EXPECT_EQ(queue.receive({.max_messages = 10}).value().size(), 3u);
  EXPECT_EQ(code_of(queue.receive()), Errc::kOverLimit);
}

TEST(InFlightMax, CountsLeasesOfEveryParticipantAndNotThoseThatAreOver) {
  TestBus test;
  Queue queue = test.queue("q", {.visibility_timeout = 10s, .in_flight_max = 2});
  Bus other_bus = test.attach();
  Queue other = other_bus.queue("q").value();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(queue.send(std::to_string(i)));
  static_cast<void>(receive_one(queue));
  static_cast<void>(receive_one(other));
  EXPECT_EQ(code_of(queue.receive()), Errc::kOverLimit);
  EXPECT_EQ(code_of(other.receive()), Errc::kOverLimit);
  test.clock().advance(11s);
  EXPECT_EQ(code_of(other.receive()), Errc::kOk);
}

TEST(InFlightMax, CountsLeasesInRingsThatOthersHaveAdded) {
  TestBus test;
  Queue queue = test.queue("q", {.in_flight_max = 1, .slots = 64});
  Bus other_bus = test.attach();
  Queue other = other_bus.queue("q").value();
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(queue.send("in the ring that both know", {.delay = 5s}));
  ASSERT_TRUE(queue.send("in a new one"));
  static_cast<void>(receive_one(queue));
  test.clock().advance(6s);
  EXPECT_EQ(code_of(other.receive()), Errc::kOverLimit);
}

TEST(InFlightMax, HoldsForWhoeverLearnsOfANewRingInThatReceive) {
  TestBus test;
  Queue queue = test.queue("q", {.in_flight_max = 70, .slots = 64});
  Bus other_bus = test.attach();
  Queue other = other_bus.queue("q").value();
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(queue.send("old"));
  for (int i = 0; i < 71; ++i) ASSERT_TRUE(queue.send("new"));
  for (int i = 0; i < 64; ++i) ASSERT_EQ(queue.receive()->front().acknowledge(), Errc::kOk);
  ASSERT_EQ(queue.receive({.max_messages = 70})->size(), 70u);
  EXPECT_EQ(code_of(other.receive()), Errc::kOverLimit);
}

}  // namespace
}  // namespace ringpost::test
