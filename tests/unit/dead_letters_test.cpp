// Dead-letter queues: semantics of SQS, section 8, L01 to L09.
#include <gtest/gtest.h>

#include <future>

#include "support/raw_ring.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;

class DeadLetters : public testing::Test {
 protected:
  static constexpr Duration kVisibility = 10s;

  /// Receives until nothing is visible and lets the leases run out.
  std::vector<std::string> receive_in_vain(Queue& queue) {
    std::vector<std::string> texts = bodies(queue);
    test_.clock().advance(kVisibility + 1s);
    return texts;
  }
  [[nodiscard]] Queue source(const std::string& name, std::uint32_t receives,
                             const std::string& dead = "dead") {
    return test_.queue(
        name, {.visibility_timeout = kVisibility, .redrive = RedrivePolicy{dead, receives}});
  }
  void TearDown() override { EXPECT_EQ(test_.findings_after_sweep(), ""); }

  TestBus test_;
  Queue dead_ = test_.queue("dead", {.visibility_timeout = kVisibility});
};

using Texts = std::vector<std::string>;

TEST_F(DeadLetters, AreDeliveredAsOftenAsAllowedAndThenMoved) {  // L01
  Queue queue = source("q", 3);
  ASSERT_TRUE(queue.send("poison"));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(receive_in_vain(queue), Texts{"poison"});
    EXPECT_EQ(dead_.stats().visible, 0u) << "not before the next receive";
  }
  EXPECT_EQ(bodies(queue), Texts{});
  EXPECT_EQ(queue.stats().visible + queue.stats().in_flight, 0u);
  EXPECT_EQ(queue.stats().dead_lettered, 1u);
  EXPECT_EQ(dead_.stats().moved_in, 1u);
  EXPECT_EQ(drain(dead_), Texts{"poison"});
}

TEST_F(DeadLetters, MoveAtTheSecondReceiveWithOneAllowedAndNoTimeout) {  // section 13, 3
  Queue queue = source("q", 1);
  ASSERT_TRUE(queue.send("poison"));
  ASSERT_TRUE(queue.receive({.visibility_timeout = 0s}));
  test_.clock().advance(1ms);
  EXPECT_EQ(code_of(queue.receive({.visibility_timeout = 0s})), Errc::kEmpty);
  EXPECT_EQ(drain(dead_), Texts{"poison"});
}

TEST_F(DeadLetters, LetTheNextMessageThroughInTheSameReceive) {  // section 13, 1
  Queue queue = source("q", 1);
  ASSERT_TRUE(queue.send("poison"));
  EXPECT_EQ(receive_in_vain(queue), Texts{"poison"});
  ASSERT_TRUE(queue.send("good"));
  EXPECT_EQ(bodies(queue), Texts{"good"});
  EXPECT_EQ(dead_.stats().visible, 1u);
}

TEST_F(DeadLetters, AreThoseWhoseReleasesCountToo) {  // section 13, 10
  Queue queue = source("q", 2);
  ASSERT_TRUE(queue.send("poison"));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(queue.receive()->front().release(), Errc::kOk);
  EXPECT_EQ(code_of(queue.receive()), Errc::kEmpty);
  EXPECT_EQ(dead_.stats().visible, 1u);
}

TEST_F(DeadLetters, KeepWhatTheyAre) {  // L04
  Queue queue = source("q", 2);
  const Attribute attributes[] = {{"kind", "bad"}};
  const MessageId id = queue.send("poison", {.attributes = attributes}).value();
  test_.clock().advance(5s);
  Leases first = std::move(queue.receive({.visibility_timeout = 1s}).value());
  const WallTime sent_at = first.front().sent_at();
  const WallTime received_at = first.front().first_received_at();
  first.clear();
  for (int i = 0; i < 2; ++i) {
    test_.clock().advance(2s);
    static_cast<void>(queue.receive({.visibility_timeout = 1s}));
  }
  for (std::uint32_t count = 3; count < 5; ++count) {
    auto received = dead_.receive();
    ASSERT_TRUE(received);
    Lease& lease = received->front();
    EXPECT_EQ(lease.text(), "poison");
    EXPECT_EQ(lease.attributes().find("kind")->value, "bad");
    EXPECT_EQ(lease.id(), id);
    EXPECT_LE(std::chrono::abs(lease.sent_at() - sent_at), 1ms);
    EXPECT_LE(std::chrono::abs(lease.first_received_at() - received_at), 1ms);
    EXPECT_EQ(lease.receive_count(), count);
    EXPECT_EQ(lease.dead_letter_source(), "q");
    ASSERT_EQ(dead_.peek(1).size(), 1u);
    const PeekedMessage peeked = dead_.peek(1).front();
    EXPECT_EQ(peeked.id, id);
    EXPECT_EQ(peeked.receive_count, count);
    EXPECT_EQ(peeked.dead_letter_source, "q");
    test_.clock().advance(kVisibility + 1s);
  }
}

TEST_F(DeadLetters, CanBeSettledLikeAnyMessage) {
  Queue queue = source("q", 1);
  for (const char* text : {"a", "b", "c"}) ASSERT_TRUE(queue.send(text));
  receive_in_vain(queue);
  EXPECT_EQ(bodies(queue), Texts{});
  auto first = dead_.receive();
  EXPECT_EQ(first->front().extend(60s), Errc::kOk);
  EXPECT_EQ(first->front().acknowledge(), Errc::kOk);
  const Receipt second = receive_one(dead_);
  EXPECT_EQ(dead_.release(second), Errc::kOk);
  EXPECT_EQ(dead_.acknowledge(receive_one(dead_)), Errc::kOk);
  EXPECT_EQ(drain(dead_).size(), 1u);
}

TEST_F(DeadLetters, OfMessagesThatWereSentThereAreNone) {
  ASSERT_TRUE(dead_.send("sent"));
  EXPECT_EQ(dead_.receive()->front().dead_letter_source(), "");
  EXPECT_EQ(dead_.peek(1).front().dead_letter_source, "");
}

TEST_F(DeadLetters, SayThatTheirSourceIsDeleted) {
  {
    Queue queue = source("q", 1);
    ASSERT_TRUE(queue.send("poison"));
    receive_in_vain(queue);
    EXPECT_EQ(bodies(queue), Texts{});
  }
  ASSERT_TRUE(test_.bus().delete_queue("q"));
  EXPECT_EQ(dead_.receive()->front().dead_letter_source(), "(deleted)");
}

TEST_F(DeadLetters, OfAnySizeArrive) {
  Queue queue = source("q", 1);
  Texts sent;
  for (const std::size_t size : {0u, 1u, 40u, 80u, 81u, 104u, 105u, 5'000u, 200'000u}) {
    sent.push_back(std::string(size, static_cast<char>('a' + sent.size())));
    ASSERT_TRUE(queue.send(sent.back()));
  }
  EXPECT_EQ(receive_in_vain(queue), sent);
  EXPECT_EQ(bodies(queue), Texts{});
  EXPECT_EQ(test_.findings(), "");
  EXPECT_EQ(drain(dead_), sent);
  EXPECT_EQ(inspect(test_.bus()).arena.blocks_used, 0u);
}

TEST_F(DeadLetters, FitIntoNarrowSlotsToo) {
  Queue narrow = test_.queue("narrow", {.inline_bytes = 40});
  Queue queue = source("q", 1, "narrow");
  Texts sent;
  for (const std::size_t size : {0u, 16u, 17u, 104u, 1'000u}) {
    sent.push_back(std::string(size, static_cast<char>('a' + sent.size())));
    ASSERT_TRUE(queue.send(sent.back()));
  }
  receive_in_vain(queue);
  EXPECT_EQ(bodies(queue), Texts{});
  EXPECT_EQ(test_.findings(), "");
  auto received = narrow.receive({.max_messages = 10});
  for (std::size_t i = 0; i < sent.size(); ++i) {
    EXPECT_EQ((*received)[static_cast<std::uint32_t>(i)].text(), sent[i]);
    EXPECT_EQ((*received)[static_cast<std::uint32_t>(i)].dead_letter_source(), "q");
  }
}

TEST_F(DeadLetters, TakeTheirBlockAlong) {
  Queue queue = source("q", 1);
  ASSERT_TRUE(queue.send(std::string(5'000, 'x')));
  receive_in_vain(queue);
  EXPECT_EQ(inspect(test_.bus()).arena.blocks_used, 1u);
  EXPECT_EQ(bodies(queue), Texts{});
  EXPECT_EQ(inspect(test_.bus()).arena.blocks_used, 1u);
}

TEST_F(DeadLetters, LeaveTheBytesToWhoeverStillReadsThem) {
  Bus other_bus = test_.attach();
  for (const std::size_t size : {50u, 5'000u}) {
    Queue queue = source("q" + std::to_string(size), 1);
    Queue other = other_bus.open_queue("q" + std::to_string(size)).value();
    const std::string text(size, 'x');
    ASSERT_TRUE(queue.send(text));
    Leases reading = std::move(other.receive().value());
    test_.clock().advance(kVisibility + 1s);
    EXPECT_EQ(bodies(queue), Texts{});
    EXPECT_EQ(drain(dead_), Texts{text});
    EXPECT_EQ(fill(queue, std::string(size, 'y')) > 100, true);
    EXPECT_EQ(reading.front().text(), text);
    EXPECT_EQ(reading.front().acknowledge(), Errc::kStaleReceipt);
    ASSERT_TRUE(queue.purge());
  }
}

TEST_F(DeadLetters, AgeFromTheFirstSend) {  // L05
  Queue queue = test_.queue(
      "q",
      {.visibility_timeout = kVisibility, .retention = 100s, .redrive = RedrivePolicy{"dead", 1}});
  ASSERT_TRUE(dead_.set({.retention = 60s}));
  ASSERT_TRUE(queue.send("poison"));
  receive_in_vain(queue);
  EXPECT_EQ(bodies(queue), Texts{});
  EXPECT_EQ(dead_.stats().visible, 1u);
  test_.clock().advance(50s);
  EXPECT_EQ(code_of(dead_.receive()), Errc::kEmpty);
  EXPECT_EQ(dead_.stats().dropped_by_retention, 1u);
}

TEST_F(DeadLetters, MayDieOnceMore) {  // L06
  Queue last = test_.queue("last");
  ASSERT_TRUE(dead_.set({.redrive = RedrivePolicy{"last", 2}}));
  Queue queue = source("q", 1);
  const MessageId id = queue.send("poison").value();
  receive_in_vain(queue);
  EXPECT_EQ(bodies(queue), Texts{});
  for (int i = 0; i < 2; ++i) EXPECT_EQ(receive_in_vain(dead_), Texts{"poison"});
  EXPECT_EQ(bodies(dead_), Texts{});
  auto received = last.receive();
  EXPECT_EQ(received->front().id(), id);
  EXPECT_EQ(received->front().receive_count(), 4u);
  EXPECT_EQ(received->front().dead_letter_source(), "dead");
}

TEST_F(DeadLetters, ComeFromManySources) {  // L06
  for (const char* name : {"a", "b"}) {
    Queue queue = source(name, 1);
    ASSERT_TRUE(queue.send(name));
    receive_in_vain(queue);
    EXPECT_EQ(bodies(queue), Texts{});
  }
  auto received = dead_.receive({.max_messages = 10});
  ASSERT_EQ(received->size(), 2u);
  for (Lease& lease : *received) EXPECT_EQ(lease.text(), lease.dead_letter_source());
}

TEST_F(DeadLetters, AreVisibleAtOnceAndWakeWhoWaits) {  // L07
  ASSERT_TRUE(dead_.set({.delay = 60s}));
  Queue queue = source("q", 1);
  ASSERT_TRUE(queue.send("poison"));
  receive_in_vain(queue);
  Bus other = test_.attach();
  Queue waiting = other.open_queue("dead").value();
  waiting.set_waiting(Waiting::kPark);
  auto got = std::async(std::launch::async, [&] {
    return bodies(waiting).size() + 10 * waiting.receive({.wait = kForever}).has_value();
  });
  test_.wait_for_sleeping_receiver("dead");
  EXPECT_EQ(bodies(queue), Texts{});
  EXPECT_EQ(got.get(), 10u);
}

TEST_F(DeadLetters, AreNoneWithoutAPolicy) {  // L09
  Queue queue = source("q", 2);
  ASSERT_TRUE(queue.set({.redrive = RedrivePolicy{}}));
  ASSERT_TRUE(queue.send("poison"));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(receive_in_vain(queue), Texts{"poison"});
}

TEST_F(DeadLetters, StayWhereTheyAreWhileTheirQueueIsFull) {
  Queue full = test_.queue("full", {.slots = 64, .fixed = true});
  Queue queue = source("q", 1, "full");
  ASSERT_EQ(fill(full), 64u);
  ASSERT_TRUE(queue.send("poison"));
  ASSERT_TRUE(queue.send("other"));
  const Receipt last = receive_one(queue);
  ASSERT_EQ(bodies(queue), Texts{"other"});
  test_.clock().advance(kVisibility + 1s);
  for (std::uint64_t i = 1; i < 5; ++i) {
    EXPECT_EQ(bodies(queue), Texts{}) << "no delivery beyond the limit";
    EXPECT_EQ(queue.stats().dead_letters_refused, 2 * i);
    EXPECT_EQ(bodies(queue), Texts{}) << "and no hurry";
    EXPECT_EQ(queue.stats().dead_letters_refused, 2 * i);
    test_.clock().advance(2s);
  }
  EXPECT_EQ(queue.acknowledge(last), Errc::kOk) << "whoever had it last may still settle it";
  ASSERT_TRUE(full.purge());
  EXPECT_EQ(bodies(queue), Texts{});
  auto received = full.receive();
  EXPECT_EQ(received->front().text(), "other");
  EXPECT_EQ(received->front().receive_count(), 2u) << "attempts are no deliveries";
  EXPECT_EQ(queue.stats().dead_lettered, 1u);
}

TEST_F(DeadLetters, StayWhereTheyAreWhileTheirQueueDoesNotExist) {
  Queue queue = source("q", 1);
  ASSERT_TRUE(queue.send("poison"));
  receive_in_vain(queue);
  ASSERT_TRUE(test_.bus().delete_queue("dead"));
  EXPECT_EQ(bodies(queue), Texts{});
  test_.clock().advance(2s);
  EXPECT_EQ(bodies(queue), Texts{});
  EXPECT_EQ(queue.stats().dead_letters_refused, 2u);
  dead_ = test_.queue("dead");
  test_.clock().advance(2s);
  EXPECT_EQ(bodies(queue), Texts{});
  EXPECT_EQ(drain(dead_), Texts{"poison"});
}

TEST_F(DeadLetters, FindAQueueThatGrows) {
  Queue small = test_.queue("small", {.slots = 64});
  Queue queue = source("q", 1, "small");
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(queue.send(std::to_string(i)));
  Leases leases;
  while (queue.receive(leases, {.max_messages = 100}) == Errc::kOk) {
  }
  leases.clear();
  test_.clock().advance(kVisibility + 1s);
  EXPECT_EQ(bodies(queue), Texts{});
  EXPECT_EQ(small.stats().visible, 500u);
  EXPECT_EQ(drain(small).size(), 500u);
  EXPECT_EQ(drain(queue).size(), 0u);
}

}  // namespace
}  // namespace ringpost::test
