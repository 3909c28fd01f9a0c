// Dead letters of FIFO queues: semantics of SQS, F11, L01 to L07, D08.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <future>

#include "ring/move.hpp"
#include "support/child.hpp"
#include "support/raw_ring.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;

class FifoDeadLetters : public testing::Test {
 protected:
  static constexpr Duration kVisibility = 10s;

  void send(Queue& queue, std::string_view body) {  // "a1": group a
    ASSERT_EQ(code_of(queue.send(body, {.group = body.substr(0, 1)})), Errc::kOk) << body;
  }
  /// Receives until nothing is visible and lets the leases run out.
  std::vector<std::string> receive_in_vain(Queue& queue) {
    std::vector<std::string> texts;
    for (auto more = bodies(queue); !more.empty(); more = bodies(queue)) {
      texts.insert(texts.end(), more.begin(), more.end());
    }
    test_.clock().advance(kVisibility + 1s);
    return texts;
  }
  [[nodiscard]] Queue source(const std::string& name, std::uint32_t receives,
                             const std::string& dead = "dead") {
    return test_.queue(name, {.visibility_timeout = kVisibility,
                              .redrive = RedrivePolicy{dead, receives},
                              .slots = 64,
                              .fifo = true});
  }
  [[nodiscard]] WallTime now() {
    return WallTime(std::chrono::duration_cast<WallTime::duration>(
        std::chrono::nanoseconds(test_.clock().wall_ns())));
  }
  void TearDown() override { EXPECT_EQ(test_.findings_after_sweep(), ""); }

  TestBus test_;
  Queue dead_ = test_.queue("dead", {.visibility_timeout = kVisibility, .slots = 64, .fifo = true});
};

using Texts = std::vector<std::string>;

TEST_F(FifoDeadLetters, AreDeliveredAsOftenAsAllowedAndThenMoved) {  // L01
  Queue queue = source("q", 3);
  send(queue, "a1");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(receive_in_vain(queue), Texts{"a1"});
    EXPECT_EQ(dead_.stats().visible, 0u) << "not before the next receive";
  }
  EXPECT_EQ(bodies(queue), Texts{});
  EXPECT_EQ(queue.stats().visible + queue.stats().in_flight, 0u);
  EXPECT_EQ(queue.stats().dead_lettered, 1u);
  EXPECT_EQ(dead_.stats().moved_in, 1u);
  EXPECT_EQ(test_.findings(), "");
  EXPECT_EQ(drain(dead_), Texts{"a1"});
}

TEST_F(FifoDeadLetters, MakeWayForTheNextOfTheirGroupInTheSameReceive) {  // F11
  Queue queue = source("q", 2);
  send(queue, "a1");
  for (int i = 0; i < 2; ++i) EXPECT_EQ(receive_in_vain(queue), Texts{"a1"});
  for (const char* text : {"a2", "a3"}) send(queue, text);
  EXPECT_EQ(bodies(queue), (Texts{"a2", "a3"}));
  EXPECT_EQ(drain(dead_), Texts{"a1"});
}

TEST_F(FifoDeadLetters, OfOneBatchAllMoveInTheirOrder) {
  Queue queue = source("q", 1);
  for (const char* text : {"a1", "a2", "b1", "a3"}) send(queue, text);
  EXPECT_EQ(receive_in_vain(queue), (Texts{"a1", "a2", "a3", "b1"}));
  send(queue, "a4");
  EXPECT_EQ(bodies(queue), Texts{"a4"});
  EXPECT_EQ(queue.stats().dead_lettered, 4u);
  EXPECT_EQ(bodies(dead_, 1), Texts{"a1"});
  EXPECT_EQ(bodies(dead_, 1), Texts{"b1"}) << "its group is locked there";
}

TEST_F(FifoDeadLetters, KeepWhatTheyAreAndTakeTheirIdForDeduplication) {  // L04, D08
  Queue queue = source("q", 2);
  const Attribute attributes[] = {{"kind", "bad"}};
  const SendOptions options{.attributes = attributes, .group = "orders", .dedup_id = "order-1"};
  const MessageId id = queue.send("poison", options).value();
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
    EXPECT_EQ(lease.group(), "orders");
    EXPECT_EQ(lease.id(), id);
    EXPECT_EQ(lease.dedup_id(), id.to_string());
    EXPECT_LE(std::chrono::abs(lease.sent_at() - sent_at), 1ms);
    EXPECT_LE(std::chrono::abs(lease.first_received_at() - received_at), 1ms);
    EXPECT_EQ(lease.receive_count(), count);
    EXPECT_EQ(lease.dead_letter_source(), "q");
    ASSERT_EQ(dead_.peek(1).size(), 1u);
    const PeekedMessage peeked = dead_.peek(1).front();
    EXPECT_EQ(peeked.id, id);
    EXPECT_EQ(peeked.group, "orders");
    EXPECT_EQ(peeked.receive_count, count);
    EXPECT_EQ(peeked.dead_letter_source, "q");
    test_.clock().advance(kVisibility + 1s);
  }
}

TEST_F(FifoDeadLetters, GetANewPlaceInTheOrderOfTheirQueue) {  // L04
  Queue queue = source("q", 1);
  const MessageId id = queue.send("a1", {.group = "a"}).value();
  receive_in_vain(queue);
  send(dead_, "a0");
  EXPECT_EQ(bodies(queue), Texts{});
  auto received = dead_.receive({.max_messages = 2}).value();
  ASSERT_EQ(received.size(), 2u);
  EXPECT_EQ(received[0].text(), "a0");
  EXPECT_EQ(received[1].text(), "a1");
  EXPECT_EQ(received[1].id(), id);
  EXPECT_GT(received[1].sequence(), received[0].sequence());
}

TEST_F(FifoDeadLetters, OfEqualBodiesAllArriveWhereBodiesAreDeduplicated) {  // D08
  Queue exact = test_.queue(
      "exact", {.slots = 64, .fifo = true, .dedup = Dedup::kByContent, .dedup_entries = 100});
  Queue queue = source("q", 1, "exact");
  for (int i = 0; i < 3; ++i) send(queue, "a");
  receive_in_vain(queue);
  EXPECT_EQ(bodies(queue), Texts{});
  EXPECT_EQ(drain(exact), (Texts{"a", "a", "a"}));
  EXPECT_EQ(exact.stats().duplicates, 0u);
}

TEST_F(FifoDeadLetters, AreRetainedFromTheMoveOn) {  // L05
  ASSERT_TRUE(dead_.set({.retention = 60s}));
  Queue queue = source("q", 1);
  const MessageId id = queue.send("a1", {.group = "a"}).value();
  test_.clock().advance(100s);
  receive_in_vain(queue);
  EXPECT_EQ(bodies(queue), Texts{});
  test_.clock().advance(59s);
  {
    auto received = dead_.receive();
    ASSERT_TRUE(received) << "it came a minute ago, whenever it was sent";
    EXPECT_EQ(received->front().id(), id);
    const Duration age = now() - received->front().sent_at();
    EXPECT_GT(age, 160s) << "which is told as ever";
  }
  test_.clock().advance(kVisibility + 1s);
  EXPECT_EQ(code_of(dead_.receive()), Errc::kEmpty);
  EXPECT_EQ(dead_.stats().dropped_by_retention, 1u);
}

TEST_F(FifoDeadLetters, OfAnySizeArrive) {
  Queue queue = source("q", 1);
  Texts sent;
  for (const std::size_t size : {1u, 20u, 47u, 48u, 78u, 79u, 80u, 105u, 5'000u, 200'000u}) {
    sent.push_back(std::string(size, static_cast<char>('a' + sent.size())));
    ASSERT_TRUE(queue.send(sent.back(), {.group = "g", .dedup_id = "i"}));
  }
  EXPECT_EQ(receive_in_vain(queue), sent);
  EXPECT_EQ(bodies(queue), Texts{});
  EXPECT_EQ(test_.findings(), "");
  auto received = dead_.receive({.max_messages = 10}).value();
  ASSERT_EQ(received.size(), sent.size());
  for (std::uint32_t i = 0; i < sent.size(); ++i) {
    EXPECT_EQ(received[i].text(), sent[i]);
    EXPECT_EQ(received[i].group(), "g");
    EXPECT_EQ(received[i].dedup_id(), received[i].id().to_string());
    EXPECT_EQ(received[i].acknowledge(), Errc::kOk);
  }
  EXPECT_EQ(inspect(test_.bus()).arena.blocks_used, 0u);
}

TEST_F(FifoDeadLetters, TakeTheirBlockAlong) {
  Queue queue = source("q", 1);
  send(queue, std::string(5'000, 'x'));
  receive_in_vain(queue);
  EXPECT_EQ(bodies(queue), Texts{});
  EXPECT_EQ(inspect(test_.bus()).arena.blocks_used, 1u);
  EXPECT_EQ(drain(dead_).size(), 1u);
  EXPECT_EQ(inspect(test_.bus()).arena.blocks_used, 0u);
}

TEST_F(FifoDeadLetters, LeaveTheBytesToWhoeverStillReadsThem) {
  Bus other_bus = test_.attach();
  for (const std::size_t size : {50u, 5'000u}) {
    Queue queue = source("q" + std::to_string(size), 1);
    Queue other = other_bus.open_queue("q" + std::to_string(size)).value();
    const std::string text(size, 'x');
    send(queue, text);
    Leases reading = std::move(other.receive().value());
    test_.clock().advance(kVisibility + 1s);
    EXPECT_EQ(bodies(queue), Texts{});
    EXPECT_EQ(drain(dead_), Texts{text});
    for (int i = 0; i < 60; ++i) send(queue, std::string(size, 'y'));
    EXPECT_EQ(reading.front().text(), text);
    EXPECT_EQ(reading.front().acknowledge(), Errc::kStaleReceipt);
    ASSERT_TRUE(queue.purge());
  }
}

TEST_F(FifoDeadLetters, MayDieOnceMore) {  // L06
  Queue last = test_.queue("last", {.slots = 64, .fifo = true});
  ASSERT_TRUE(dead_.set({.redrive = RedrivePolicy{"last", 2}}));
  Queue queue = source("q", 1);
  const MessageId id = queue.send("a1", {.group = "a"}).value();
  const WallTime sent_at = now();
  receive_in_vain(queue);
  EXPECT_EQ(bodies(queue), Texts{});
  for (int i = 0; i < 2; ++i) EXPECT_EQ(receive_in_vain(dead_), Texts{"a1"});
  EXPECT_EQ(bodies(dead_), Texts{});
  auto received = last.receive();
  EXPECT_EQ(received->front().id(), id);
  EXPECT_EQ(received->front().dedup_id(), id.to_string());
  EXPECT_EQ(received->front().group(), "a");
  EXPECT_LE(std::chrono::abs(received->front().sent_at() - sent_at), 1ms);
  EXPECT_EQ(received->front().receive_count(), 4u);
  EXPECT_EQ(received->front().dead_letter_source(), "dead");
}

TEST_F(FifoDeadLetters, OfManySourcesShareAQueue) {  // L06
  for (const char* name : {"a", "b"}) {
    Queue queue = source(name, 1);
    send(queue, name);
    receive_in_vain(queue);
    EXPECT_EQ(bodies(queue), Texts{});
  }
  auto received = dead_.receive({.max_messages = 10});
  ASSERT_EQ(received->size(), 2u);
  for (Lease& lease : *received) EXPECT_EQ(lease.text(), lease.dead_letter_source());
}

TEST_F(FifoDeadLetters, AreVisibleAtOnceAndWakeWhoWaits) {  // L07
  ASSERT_TRUE(dead_.set({.delay = 60s}));
  Queue queue = source("q", 1);
  send(queue, "a1");
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

TEST_F(FifoDeadLetters, CountAsVisibleWhateverTheDelay) {  // L07
  ASSERT_TRUE(dead_.set({.delay = 60s}));
  Queue queue = source("q", 1);
  send(queue, "a1");
  receive_in_vain(queue);
  EXPECT_EQ(bodies(queue), Texts{});
  EXPECT_EQ(dead_.stats().visible, 1u);
  EXPECT_EQ(dead_.peek(1).front().state, MessageState::kVisible);
  send(dead_, "a2");
  EXPECT_EQ(dead_.stats().delayed, 1u) << "as ever for what is sent there";
  EXPECT_EQ(bodies(dead_), Texts{"a1"});
}

/// What a mover has done of its work when it dies.
enum class Done : std::uint8_t { kAllButTheDecision, kTheDecision };

/// The first steps of the move of q's first message, which the caller has leased.
void move_in_part(const Bus& bus, Done done) {
  RawRing from(bus, "q");
  RawRing to(bus, "dead");
  shm::Participant& me = from.member().me();
  const ring::RingView& view = to.view();
  ring::Sender sender(to.ring(), me.index());
  std::uint64_t position = 0;
  ASSERT_EQ(sender.claim(position), ring::Sender::Claimed::kYes);
  const std::uint32_t slot = view.slot_of(position);
  const ring::LeaseWord leased = from.view().lease_word(0);
  std::memcpy(view.payload(slot) - sizeof(group::FifoHead),
              from.view().payload(0) - sizeof(group::FifoHead),
              sizeof(group::FifoHead) + view.inline_bytes());
  group::Groups(to.ring()).head(slot).key = group::key_of("a", to.mapping().queue_id());
  view.slot(slot).lengths = from.view().slot(0).lengths.load();
  view.slot(slot).sent_ns = from.view().slot(0).sent_ns.load();
  const std::uint64_t number = ring::write_note(me.move_note(), {from.ring(),
                                                                 from.ring_id(),
                                                                 {0, 1, leased.count()},
                                                                 0,
                                                                 to.ring(),
                                                                 to.ring_id(),
                                                                 sender,
                                                                 position,
                                                                 {}});
  view.slot(slot).publish = view.lap_of(position) | ring::kReserved;
  ASSERT_TRUE(from.view().move_lease(
      0, leased,
      ring::LeaseWord::moved(leased.lap(), me.index(), leased.count(), leased.viewed(), number)));
  shm::MoveWord open = shm::MoveWord::of(number, shm::MoveState::kOpen);
  if (done == Done::kTheDecision) {
    ASSERT_TRUE(me.move_note().change(open, shm::MoveState::kCommitted));
  }
}

class FifoDeadLettersOfTheDead : public FifoDeadLetters {
 protected:
  void die_after(Done done) {
    send(queue_, "a1");
    send(queue_, "a2");
    Child child([&](const Line& line) {
      Bus bus = Bus::open(TestBus::kName, test_.options()).value();
      static_cast<void>(receive_one(bus_queue(bus)));
      move_in_part(bus, done);
      line.tell("ready");
      static_cast<void>(line.hear());
    });
    ASSERT_EQ(child.hear(), "ready");
    EXPECT_EQ(test_.findings(), "") << "of one who is alive";
    if (before_ != nullptr) before_();
    child.kill();
  }
  static Queue& bus_queue(Bus& bus) {
    static Queue queue = bus.open_queue("q").value();
    return queue;
  }
  Queue queue_ = source("q", 100);
  std::function<void()> before_;  ///< while the mover stands still
};

TEST_F(FifoDeadLettersOfTheDead, AreWhereItWasDecided) {
  die_after(Done::kTheDecision);
  test_.bus().sweep();
  EXPECT_EQ(test_.findings(), "");
  EXPECT_EQ(drain(queue_), Texts{"a2"});
  EXPECT_EQ(drain(dead_), Texts{"a1"});
}

TEST_F(FifoDeadLettersOfTheDead, StayWhereNothingWasDecided) {
  die_after(Done::kAllButTheDecision);
  test_.bus().sweep();
  EXPECT_EQ(test_.findings(), "");
  EXPECT_EQ(drain(queue_), (Texts{"a1", "a2"}));
  EXPECT_EQ(drain(dead_), Texts{});
}

TEST_F(FifoDeadLettersOfTheDead, DoNotWaitForAMoverWhoStandsStillAfterTheDecision) {
  before_ = [&] {
    EXPECT_EQ(drain(dead_), Texts{"a1"}) << "published by whoever comes there";
    test_.clock().advance(kVisibility + 1s);
    EXPECT_EQ(drain(queue_), Texts{"a2"}) << "its lease is over";
  };
  die_after(Done::kTheDecision);
}

TEST_F(FifoDeadLettersOfTheDead, DoNotWaitForAMoverWhoStandsStillBeforeTheDecision) {
  before_ = [&] {
    EXPECT_EQ(drain(dead_), Texts{});
    send(dead_, "b1");
    EXPECT_EQ(drain(dead_), Texts{"b1"}) << "it goes past his place";
    test_.clock().advance(kVisibility + 1s);
    EXPECT_EQ(drain(queue_), (Texts{"a1", "a2"}));
  };
  die_after(Done::kAllButTheDecision);
}

TEST_F(FifoDeadLetters, WaitWithTheirGroupWhileTheirQueueIsFull) {
  Queue full = test_.queue("full", {.slots = 64, .fifo = true});
  Queue queue = source("q", 1, "full");
  for (int i = 0; i < 64; ++i) send(full, "x");
  send(queue, "a1");
  const Receipt last = receive_one(queue);
  send(queue, "a2");
  send(queue, "b1");
  EXPECT_EQ(bodies(queue), Texts{"b1"});
  test_.clock().advance(kVisibility + 1s);
  for (std::uint64_t i = 1; i < 5; ++i) {
    EXPECT_EQ(bodies(queue), Texts{}) << "no delivery beyond the limit, and none that overtakes";
    EXPECT_EQ(queue.stats().dead_letters_refused, 2 * i);
    EXPECT_EQ(bodies(queue), Texts{}) << "and no hurry";
    EXPECT_EQ(queue.stats().dead_letters_refused, 2 * i);
    EXPECT_EQ(test_.findings(), "");
    test_.clock().advance(2s);
  }
  EXPECT_EQ(queue.acknowledge(last), Errc::kStaleReceipt) << "its lease has ended: V03";
  ASSERT_TRUE(full.purge());
  EXPECT_EQ(bodies(queue), Texts{"a2"});
  auto received = full.receive({.max_messages = 2}).value();
  ASSERT_EQ(received.size(), 2u);
  EXPECT_EQ(received[0].receive_count(), 2u) << "attempts are no deliveries";
  EXPECT_EQ(queue.stats().dead_lettered, 2u);
}

TEST_F(FifoDeadLetters, AreDeliveredAgainOnceThereIsNoPolicyAnyMore) {
  Queue queue = source("q", 1);
  for (const char* text : {"a1", "a2"}) send(queue, text);
  receive_in_vain(queue);
  ASSERT_TRUE(test_.bus().delete_queue("dead"));
  EXPECT_EQ(bodies(queue), Texts{});
  EXPECT_EQ(queue.stats().dead_letters_refused, 1u);
  ASSERT_TRUE(queue.set({.redrive = RedrivePolicy{}}));
  test_.clock().advance(2s);
  EXPECT_EQ(drain(queue), (Texts{"a1", "a2"}));
}

TEST_F(FifoDeadLetters, DoNotGoToAQueueOfTheOtherKindThatHasTheName) {
  Queue queue = source("q", 1);
  send(queue, "a1");
  receive_in_vain(queue);
  ASSERT_TRUE(test_.bus().delete_queue("dead"));
  Queue standard = test_.queue("dead");
  EXPECT_EQ(bodies(queue), Texts{});
  EXPECT_EQ(queue.stats().dead_letters_refused, 1u);
  EXPECT_EQ(standard.stats().moved_in, 0u);
  ASSERT_TRUE(test_.bus().delete_queue("dead"));
  dead_ = test_.queue("dead", {.slots = 64, .fifo = true});
  test_.clock().advance(2s);
  EXPECT_EQ(bodies(queue), Texts{});
  EXPECT_EQ(drain(dead_), Texts{"a1"});
}

TEST_F(FifoDeadLetters, NeedAQueueOfTheSameKind) {  // F11, L02
  Queue standard = test_.queue("standard");
  const Error fifo =
      test_.bus().queue("q", {.redrive = RedrivePolicy{"standard", 3}, .fifo = true}).error();
  EXPECT_EQ(fifo.code, Errc::kInvalidArgument);
  EXPECT_NE(std::string_view(fifo.what).find("standard queue"), std::string_view::npos);
  const Error plain = standard.set({.redrive = RedrivePolicy{"dead", 3}}).error();
  EXPECT_EQ(plain.code, Errc::kInvalidArgument);
  EXPECT_NE(std::string_view(plain.what).find("is a FIFO queue"), std::string_view::npos);
  EXPECT_EQ(code_of(dead_.set({.redrive = RedrivePolicy{"dead", 3}})), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(dead_.set({.redrive = RedrivePolicy{"none", 3}})), Errc::kNotFound);
  ASSERT_TRUE(dead_.set({.redrive_allow = RedriveAllow{RedriveAllow::Permission::kDenyAll, {}}}));
  EXPECT_EQ(code_of(test_.bus().queue("q", {.redrive = RedrivePolicy{"dead", 3}, .fifo = true})),
            Errc::kInvalidArgument);
}

}  // namespace
}  // namespace ringpost::test
