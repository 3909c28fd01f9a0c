// Message move tasks of FIFO queues: semantics of SQS, section 8, X07, X13, X14.
#include <gtest/gtest.h>

#include <algorithm>

#include "support/child.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

class FifoMoveTasks : public testing::Test {
 protected:
  static constexpr Duration kVisibility = 10s;

  static void send(Queue& queue, std::string_view body) {  // "a1": group a
    ASSERT_EQ(code_of(queue.send(body, {.group = body.substr(0, 1)})), Errc::kOk) << body;
  }
  /// Sends the messages and receives them until they are dead letters.
  void bury(const Texts& texts) {
    for (const std::string& text : texts) send(queue_, text);
    for (int rounds = 0; rounds < 20 && dead_.stats().visible < texts.size(); ++rounds) {
      for (Leases leases; queue_.receive(leases, {.max_messages = 100}) == Errc::kOk;) {
      }
      test_.clock().advance(kVisibility + 1s);
    }
    EXPECT_EQ(queue_.stats().visible + queue_.stats().in_flight, 0u);
  }
  /// Group by group, each in its order.
  [[nodiscard]] static Texts by_group(Texts texts) {
    std::stable_sort(texts.begin(), texts.end(),
                     [](const std::string& a, const std::string& b) { return a[0] < b[0]; });
    return texts;
  }
  [[nodiscard]] MoveRunner start(const MoveOptions& options = {}) {
    return std::move(test_.bus().start_move("dead", options)).value();
  }
  void TearDown() override { EXPECT_EQ(test_.findings_after_sweep(), ""); }

  TestBus test_;
  Queue dead_ = test_.queue("dead", {.visibility_timeout = kVisibility, .fifo = true});
  Queue queue_ = test_.queue(
      "q", {.visibility_timeout = kVisibility, .redrive = RedrivePolicy{"dead", 1}, .fifo = true});
};

TEST_F(FifoMoveTasks, KeepTheOrderOfEachGroup) {  // X07
  const Texts sent{"a1", "b1", "a2", "c1", "b2", "a3"};
  bury(sent);
  const MoveTask task = start().run().value();
  EXPECT_EQ(task.status, TaskStatus::kCompleted);
  EXPECT_EQ(task.to_move, 6u);
  EXPECT_EQ(task.moved, 6u);
  EXPECT_EQ(test_.findings(), "");
  EXPECT_EQ(by_group(drain(queue_)), by_group(sent));
  EXPECT_EQ(dead_.stats().visible + dead_.stats().in_flight, 0u);
}

TEST_F(FifoMoveTasks, MakeNewMessagesOfTheSameGroupNamedByTheirOldId) {  // X07
  bury({"a1"});
  const MessageId id = dead_.peek(1).front().id;
  EXPECT_EQ(start().run()->moved, 1u);
  auto received = queue_.receive();
  Lease& lease = received->front();
  EXPECT_EQ(lease.group(), "a");
  EXPECT_EQ(lease.dedup_id(), id.to_string());
  EXPECT_FALSE(lease.id() == id);
  EXPECT_EQ(lease.receive_count(), 1u);
  EXPECT_EQ(lease.dead_letter_source(), "");
}

TEST_F(FifoMoveTasks, OfAnySizeArrive) {
  Texts sent;
  for (const std::size_t size : {1u, 80u, 128u, 129u, 5'000u, 200'000u}) {
    sent.push_back(std::string(size, static_cast<char>('a' + sent.size())));
  }
  bury(sent);
  EXPECT_EQ(start().run()->moved, sent.size());
  EXPECT_EQ(test_.findings(), "");
  EXPECT_EQ(by_group(drain(queue_)), sent);
  EXPECT_EQ(inspect(test_.bus()).arena.blocks_used, 0u);
}

TEST_F(FifoMoveTasks, LeaveAGroupAloneOfWhichOneIsInFlight) {  // X13
  bury({"a1", "a2", "b1"});
  auto held = dead_.receive();
  ASSERT_EQ(held->front().text(), "a1");
  EXPECT_EQ(start().run()->moved, 1u) << "other groups go on";
  EXPECT_EQ(bodies(queue_), Texts{"b1"});
  EXPECT_EQ(held->front().release(), Errc::kOk);
  EXPECT_EQ(start().run()->moved, 2u);
  EXPECT_EQ(bodies(queue_), (Texts{"a1", "a2"}));
}

TEST_F(FifoMoveTasks, LeaveWhatIsBehindAMessageThatWasSentThere) {  // X08
  send(dead_, "a0");
  bury({"a1", "b1"});
  EXPECT_EQ(start().run()->moved, 1u);
  EXPECT_EQ(bodies(queue_), Texts{"b1"});
  auto left = dead_.receive({.max_messages = 10});
  ASSERT_EQ(left->size(), 2u);
  EXPECT_EQ((*left)[0].text(), "a0");
  EXPECT_EQ((*left)[0].receive_count(), 1u);
  EXPECT_EQ((*left)[1].receive_count(), 2u) << "one delivery before, and this";
  EXPECT_EQ((*left)[0].acknowledge(), Errc::kOk);
  EXPECT_EQ((*left)[1].release(), Errc::kOk);
  EXPECT_EQ(start().run()->moved, 1u);
}

TEST_F(FifoMoveTasks, LeaveMessagesAsTheyWereThatDoNotFit) {
  Queue there = test_.queue("there", {.slots = 64, .fifo = true});
  for (int i = 0; i < 63; ++i) send(there, "x");
  bury({"a1", "a2", "b1"});
  MoveRunner runner = start({.destination = "there"});
  EXPECT_EQ(runner.step()->moved, 1u);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(runner.step()->hindrance, Errc::kFull);
  for (const PeekedMessage& left : dead_.peek(10)) {
    EXPECT_EQ(left.state, MessageState::kVisible);
    EXPECT_EQ(left.receive_count, 1u) << "the one before it came here";
  }
  ASSERT_TRUE(there.purge());
  EXPECT_EQ(runner.run()->moved, 3u);
  EXPECT_EQ(by_group(drain(there)), (Texts{"a2", "b1"}));
}

TEST_F(FifoMoveTasks, MoveEqualBodiesAllToAQueueThatDeduplicatesByContent) {  // X14
  Queue there = test_.queue("there", {.fifo = true, .dedup = Dedup::kByContent});
  bury({"a", "a", "a"});
  EXPECT_EQ(start({.destination = "there"}).run()->moved, 3u);
  EXPECT_EQ(drain(there), (Texts{"a", "a", "a"}));
}

TEST_F(FifoMoveTasks, LoseAndDoubleNothingWheneverTheirStarterIsKilled) {
  Texts sent;
  for (int i = 0; i < 200; ++i) {
    sent.push_back(std::string(1, static_cast<char>('a' + i % 3)) + std::to_string(i));
  }
  for (int kills = 0; kills < 10; ++kills) {
    bury(sent);
    Child child([&](const Line& line) {
      Bus bus = Bus::open(TestBus::kName, test_.options()).value();
      MoveRunner runner = std::move(bus.start_move("dead")).value();
      line.tell("go");
      static_cast<void>(runner.run());
      static_cast<void>(line.hear());
    });
    ASSERT_EQ(child.hear(), "go");
    child.kill();
    test_.bus().sweep();
    EXPECT_EQ(test_.bus().move_tasks("dead")->front().status, TaskStatus::kCompleted);
    ASSERT_EQ(by_group(drain(queue_)), by_group(sent)) << "after kill " << kills;
    EXPECT_EQ(dead_.stats().visible + dead_.stats().in_flight, 0u);
  }
}

}  // namespace
}  // namespace ringpost::test
