// Blocking receives and sends: what wakes them, and how they end.
#include <gtest/gtest.h>

#include <future>

#include "support/child.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;

/// A participant of its own for another thread, and its handle on the queue.
struct Other {
  Other(const Bus& from, Waiting waiting)
      : bus(from.clone().value()), queue(bus.open_queue("q").value()) {
    queue.set_waiting(waiting);
  }
  Bus bus;
  Queue queue;
};

class Wait : public ::testing::TestWithParam<Waiting> {
 protected:
  /// Another thread makes the call with a handle of its own.
  template <class Call>
  [[nodiscard]] auto elsewhere(Call call) {
    auto other = std::make_unique<Other>(test_.bus(), GetParam());
    return std::async(std::launch::async,
                      [other = std::move(other), call] { return call(other->queue); });
  }
  /// Receives and acknowledges one message; its text, or the name of the error.
  [[nodiscard]] std::future<std::string> receiver(Duration wait = kForever) {
    return elsewhere([wait](Queue& queue) {
      auto received = queue.receive({.wait = wait});
      if (!received) return std::string(name(received.error()));
      const std::string text(received->front().text());
      EXPECT_EQ(received->front().acknowledge(), Errc::kOk);
      return text;
    });
  }
  void let_it_sleep() {
    if (GetParam() != Waiting::kSpin) test_.wait_for_sleeping_receiver("q");
  }

  /// Lets time pass until the call returns; a spinning one may not even have begun.
  template <class Future>
  [[nodiscard]] auto after_a_while(Future& result) {
    do {
      test_.clock().advance(11s);
    } while (result.wait_for(1ms) != std::future_status::ready);
    return result.get();
  }

  TestBus test_;
  Queue queue_ = test_.queue("q", {.visibility_timeout = 30s, .slots = 64, .fixed = true});
};

INSTANTIATE_TEST_SUITE_P(Of, Wait,
                         ::testing::Values(Waiting::kAdaptive, Waiting::kSpin, Waiting::kPark),
                         [](const auto& each) {
                           return each.param == Waiting::kSpin   ? "Spinning"
                                  : each.param == Waiting::kPark ? "Parking"
                                                                 : "Adapting";
                         });

TEST_P(Wait, ReceiveGetsAMessageThatIsThereAtOnce) {
  ASSERT_TRUE(queue_.send("x"));
  EXPECT_EQ(receiver().get(), "x");
}

TEST_P(Wait, ReceiveWakesOnASend) {
  auto text = receiver();
  let_it_sleep();
  ASSERT_TRUE(queue_.send("x"));
  EXPECT_EQ(text.get(), "x");
}

TEST_P(Wait, ReceiveWakesOnABatch) {
  auto text = receiver();
  let_it_sleep();
  const OutMessage batch[] = {{as_bytes("a"), {}}, {as_bytes("b"), {}}};
  ASSERT_TRUE(queue_.send_batch(batch));
  EXPECT_EQ(text.get(), "a");
}

TEST_P(Wait, ReceiveWakesWhenADelayEnds) {
  ASSERT_TRUE(queue_.send("x", {.delay = 10s}));
  auto text = receiver();
  let_it_sleep();
  test_.clock().advance(11s);
  EXPECT_EQ(text.get(), "x");
}

TEST_P(Wait, ReceiveWakesWhenALeaseEnds) {
  ASSERT_TRUE(queue_.send("x"));
  static_cast<void>(receive_one(queue_));
  auto text = receiver();
  let_it_sleep();
  test_.clock().advance(31s);
  EXPECT_EQ(text.get(), "x");
}

TEST_P(Wait, ReceiveWakesOnARelease) {
  ASSERT_TRUE(queue_.send("x"));
  const Receipt receipt = receive_one(queue_);
  auto text = receiver();
  let_it_sleep();
  ASSERT_EQ(queue_.release(receipt), Errc::kOk);
  EXPECT_EQ(text.get(), "x");
}

TEST_P(Wait, ReceiveWakesWhenALeaseIsShortened) {
  ASSERT_TRUE(queue_.send("x"));
  const Receipt receipt = receive_one(queue_);
  auto text = receiver();
  let_it_sleep();
  ASSERT_EQ(queue_.extend(receipt, 1s), Errc::kOk);
  test_.clock().advance(2s);
  EXPECT_EQ(text.get(), "x");
}

TEST_P(Wait, ReceiveWakesWhenTheHolderOfTheMessageDies) {
  ASSERT_TRUE(queue_.send("x"));
  Child child([&](const Line& line) {
    Bus bus = Bus::open(TestBus::kName, test_.options()).value();
    Queue queue = bus.open_queue("q").value();
    auto received = queue.receive().value();
    line.tell("received");
    static_cast<void>(line.hear());
  });
  EXPECT_EQ(child.hear(), "received");
  auto text = receiver();
  let_it_sleep();
  child.kill();
  // A waiting receiver looks for the dead now and then, by the clock.
  while (text.wait_for(1ms) != std::future_status::ready) test_.clock().advance(100ms);
  EXPECT_EQ(text.get(), "x");
  EXPECT_LT(test_.clock().monotonic_ns(), 1'000'000'000u + 30'000'000'000u);
}

TEST_P(Wait, ReceiveEndsWhenTheTimeIsOver) {
  auto text = receiver(10s);
  let_it_sleep();
  EXPECT_EQ(after_a_while(text), "TimedOut");
}

TEST_P(Wait, ReceiveTakesTheWaitOfTheQueueUnlessTheCallHasOne) {
  ASSERT_TRUE(queue_.set({.receive_wait = 10s}));
  EXPECT_EQ(code_of(queue_.receive({.wait = 0s})), Errc::kEmpty);
  auto code = elsewhere([](Queue& queue) { return code_of(queue.receive()); });
  let_it_sleep();
  EXPECT_EQ(after_a_while(code), Errc::kTimedOut);
}

TEST_P(Wait, ReceiveEndsWhenTheQueueIsDeleted) {
  auto text = receiver();
  let_it_sleep();
  ASSERT_TRUE(test_.bus().delete_queue("q"));
  EXPECT_EQ(text.get(), "Deleted");
}

TEST_P(Wait, ReceiveGoesOnWaitingAfterAPurge) {
  auto text = receiver();
  let_it_sleep();
  ASSERT_TRUE(queue_.purge());
  ASSERT_TRUE(queue_.send("x"));
  EXPECT_EQ(text.get(), "x");
}

TEST_P(Wait, ReceiveKeepsItsOwnWaitWhenTheSettingChanges) {
  auto text = receiver(10s);
  let_it_sleep();
  ASSERT_TRUE(queue_.set({.receive_wait = 1s}));
  test_.clock().advance(5s);
  ASSERT_TRUE(queue_.send("x"));
  EXPECT_EQ(text.get(), "x");
}

TEST_P(Wait, EverySleeperGetsAMessageWhenThereAreEnough) {
  std::vector<std::future<std::string>> texts;
  for (int i = 0; i < 4; ++i) texts.push_back(receiver());
  let_it_sleep();
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(queue_.send("x"));
  for (auto& each : texts) EXPECT_EQ(each.get(), "x");
}

TEST_P(Wait, EveryWaiterOfOneBatchGetsAMessage) {
  std::vector<std::future<std::string>> texts;
  for (int i = 0; i < 3; ++i) texts.push_back(receiver());
  let_it_sleep();
  const OutMessage message{as_bytes("x"), {}};
  const std::vector<OutMessage> batch(3, message);
  ASSERT_EQ(queue_.send_batch(batch).value(), 3u);
  for (auto& each : texts) EXPECT_EQ(each.get(), "x");
}

TEST_P(Wait, ReceiveFromAnotherProcessWakesOnASend) {
  Child child([&](const Line& line) {
    Bus bus = Bus::open(TestBus::kName, test_.options()).value();
    Queue queue = bus.open_queue("q").value();
    queue.set_waiting(GetParam());
    line.tell("ready");
    auto received = queue.receive({.wait = kForever}).value();
    line.tell(std::string(received.front().text()));
  });
  EXPECT_EQ(child.hear(), "ready");
  let_it_sleep();
  ASSERT_TRUE(queue_.send("x"));
  EXPECT_EQ(child.hear(), "x");
  EXPECT_EQ(child.finish(), 0);
}

/// Another thread sends one message into the full queue.
class WaitForRoom : public Wait {
 protected:
  WaitForRoom() { EXPECT_EQ(fill(queue_), 64u); }
  [[nodiscard]] std::future<Errc> sender(Duration wait = kForever) {
    return elsewhere([wait](Queue& queue) { return code_of(queue.send("late", {.wait = wait})); });
  }
  void let_it_sleep() {
    if (GetParam() != Waiting::kSpin) test_.wait_for_sleeping_sender("q");
  }
};

INSTANTIATE_TEST_SUITE_P(Of, WaitForRoom,
                         ::testing::Values(Waiting::kAdaptive, Waiting::kSpin, Waiting::kPark),
                         [](const auto& each) {
                           return each.param == Waiting::kSpin   ? "Spinning"
                                  : each.param == Waiting::kPark ? "Parking"
                                                                 : "Adapting";
                         });

TEST_P(WaitForRoom, SendGoesOnWhenMessagesAreAcknowledged) {
  auto code = sender();
  let_it_sleep();
  // One may not be enough: a sender goes past each slot that is leased just then, and has room when
  // the head has moved as far.
  Leases leases;
  for (int i = 0; i < 64; ++i) {
    ASSERT_EQ(queue_.receive(leases), Errc::kOk);
    ASSERT_EQ(leases.front().acknowledge(), Errc::kOk);
  }
  EXPECT_EQ(code.get(), Errc::kOk);
}

TEST_P(WaitForRoom, SendGoesOnWhenTheQueueIsPurged) {
  auto code = sender();
  let_it_sleep();
  ASSERT_TRUE(queue_.purge());
  EXPECT_EQ(code.get(), Errc::kOk);
}

TEST_P(WaitForRoom, SendEndsWithFullWhenTheTimeIsOver) {
  auto code = sender(10s);
  let_it_sleep();
  EXPECT_EQ(after_a_while(code), Errc::kFull);
  EXPECT_EQ(drain(queue_).size(), 64u);
}

TEST_P(WaitForRoom, SendEndsWhenTheQueueIsDeleted) {
  auto code = sender();
  let_it_sleep();
  ASSERT_TRUE(test_.bus().delete_queue("q"));
  EXPECT_EQ(code.get(), Errc::kDeleted);
}

TEST_P(WaitForRoom, EverySleepingSenderGetsItsTurn) {
  std::vector<std::future<Errc>> codes;
  for (int i = 0; i < 4; ++i) codes.push_back(sender());
  let_it_sleep();
  Leases leases;
  for (int i = 0; i < 64; ++i) {
    ASSERT_EQ(queue_.receive(leases), Errc::kOk);
    ASSERT_EQ(leases.front().acknowledge(), Errc::kOk);
  }
  for (auto& each : codes) EXPECT_EQ(each.get(), Errc::kOk);
  EXPECT_EQ(drain(queue_), std::vector<std::string>(4, "late"));
}

TEST_P(WaitForRoom, ABatchWaitsForItsFirstMessage) {
  auto sent = elsewhere([](Queue& queue) {
    const std::vector<OutMessage> batch(10, OutMessage{as_bytes("late"), {}});
    return queue.send_batch(batch, {.wait = kForever}).value();
  });
  let_it_sleep();
  EXPECT_EQ(queue_.purge().value(), 64u);
  EXPECT_GE(sent.get(), 1u);  // as many as there was room for when it woke
}

TEST(WaitingInRealTime, EndsAtTheEndOfALease) {
  const rig::Scratch scratch;
  Bus bus = Bus::open("real", {.shm_dir = scratch.path("shm")}).value();
  Queue queue = bus.queue("q", {.visibility_timeout = 20ms}).value();
  ASSERT_TRUE(queue.send("x"));
  static_cast<void>(receive_one(queue));
  auto again = queue.receive({.wait = kForever, .visibility_timeout = 1h});
  ASSERT_TRUE(again);
  EXPECT_EQ(again->front().receive_count(), 2u);
}

TEST(WaitingInRealTime, EndsAtTheEndOfADelayAndNotBefore) {
  const rig::Scratch scratch;
  Bus bus = Bus::open("real", {.shm_dir = scratch.path("shm")}).value();
  Queue queue = bus.queue("q").value();
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(queue.send("x", {.delay = 20ms}));
  ASSERT_TRUE(queue.receive({.wait = kForever}));
  EXPECT_GE(std::chrono::steady_clock::now() - start, 20ms);
}

TEST(WaitingInRealTime, IsOverNoEarlierThanItWasAskedFor) {
  const rig::Scratch scratch;
  Bus bus = Bus::open("real", {.shm_dir = scratch.path("shm")}).value();
  Queue queue = bus.queue("q").value();
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(code_of(queue.receive({.wait = 20ms})), Errc::kTimedOut);
  EXPECT_GE(std::chrono::steady_clock::now() - start, 20ms);
}

}  // namespace
}  // namespace ringpost::test
