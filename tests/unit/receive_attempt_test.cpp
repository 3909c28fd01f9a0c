// A receive whose answer got lost is made again under the same id. The rule is F10 of sqs.md.
#include <gtest/gtest.h>

#include "group/attempts.hpp"
#include "support/child.hpp"
#include "support/raw_ring.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;
using group::Attempts;
using Texts = std::vector<std::string>;

class ReceiveAttempt : public ::testing::Test {
 protected:
  void send_all(std::initializer_list<std::string_view> bodies) {
    for (const auto body : bodies) {  // "a1": group a
      ASSERT_EQ(code_of(queue_.send(body, {.group = body.substr(0, 1)})), Errc::kOk) << body;
    }
  }
  static Texts receive(Queue& queue, std::string_view id, Leases& leases,
                       std::uint32_t count = 10) {
    Texts texts;
    if (queue.receive(leases, {.max_messages = count, .attempt_id = id}) != Errc::kOk) return texts;
    for (const Lease& lease : leases) texts.emplace_back(lease.text());
    return texts;
  }
  Texts receive(std::string_view id, std::uint32_t count = 10) {
    Leases leases;
    return receive(queue_, id, leases, count);
  }
  static std::vector<std::string> receipts(Leases& leases) {
    std::vector<std::string> texts;
    for (const Lease& lease : leases) texts.push_back(lease.receipt().to_string());
    return texts;
  }

  TestBus test_;
  Queue queue_ = test_.queue("q", {.visibility_timeout = 30s, .slots = 64, .fifo = true});
};

TEST_F(ReceiveAttempt, GivesTheSameMessagesWithTheSameReceiptsAgain) {
  send_all({"a1", "a2", "a3"});
  Leases first, second;
  EXPECT_EQ(receive(queue_, "once", first, 2), (Texts{"a1", "a2"}));
  send_all({"b1"});
  EXPECT_EQ(receive(queue_, "once", second, 1), (Texts{"a1", "a2"}));  // as many as then
  EXPECT_EQ(receipts(first), receipts(second));
  EXPECT_EQ(second[1].receive_count(), 1u);
  EXPECT_EQ(second[1].group(), "a");
  EXPECT_EQ(second[1].id(), first[1].id());
  EXPECT_EQ(second[1].sequence(), first[1].sequence());
  EXPECT_EQ(receive("other"), Texts{"b1"});
}

TEST_F(ReceiveAttempt, GivesMessagesThatLieInBlocksAgain) {
  const std::string large(5'000, 'x');
  ASSERT_TRUE(queue_.send(large, {.attributes = {{"k", "v"}}, .group = "a"}));
  EXPECT_EQ(receive("once"), Texts{large});
  Leases again;
  EXPECT_EQ(receive(queue_, "once", again), Texts{large});
  EXPECT_EQ(again.front().attributes().find("k")->value, "v");
  EXPECT_EQ(again.front().acknowledge(), Errc::kOk);
  again.clear();
  EXPECT_EQ(test_.findings_after_sweep(), "");
}

TEST_F(ReceiveAttempt, BeginsTheVisibilityTimeoutAnew) {
  send_all({"a1"});
  EXPECT_EQ(receive("once"), Texts{"a1"});
  test_.clock().advance(20s);
  EXPECT_EQ(receive("once"), Texts{"a1"});
  test_.clock().advance(20s);
  EXPECT_EQ(bodies(queue_), Texts{});
  test_.clock().advance(11s);
  EXPECT_EQ(bodies(queue_), Texts{"a1"});
}

TEST_F(ReceiveAttempt, TakesTheTimeoutOfTheLaterCallAlsoIfItIsShorter) {
  send_all({"a1"});
  EXPECT_EQ(receive("once"), Texts{"a1"});
  Leases again;
  EXPECT_EQ(queue_.receive(again, {.visibility_timeout = 5s, .attempt_id = "once"}), Errc::kOk);
  test_.clock().advance(6s);
  EXPECT_EQ(bodies(queue_), Texts{"a1"});
}

TEST_F(ReceiveAttempt, IsForEveryParticipant) {
  send_all({"a1", "a2"});
  Bus bus = test_.attach();
  Queue other = bus.open_queue("q").value();
  Leases first, second;
  EXPECT_EQ(receive(queue_, "once", first), (Texts{"a1", "a2"}));
  EXPECT_EQ(receive(other, "once", second), (Texts{"a1", "a2"}));
  EXPECT_EQ(receipts(first), receipts(second));
  EXPECT_EQ(second[0].acknowledge(), Errc::kOk);
  EXPECT_EQ(first[1].acknowledge(), Errc::kOk);
}

TEST_F(ReceiveAttempt, OutlivesTheHandleOfTheFirst) {
  send_all({"a1"});
  {
    Bus bus = test_.attach();
    Queue gone = bus.open_queue("q").value();
    Leases leases;
    EXPECT_EQ(receive(gone, "once", leases), Texts{"a1"});
  }
  EXPECT_EQ(receive("once"), Texts{"a1"});
}

TEST_F(ReceiveAttempt, MayBeSettledThroughEitherLeaseAndTheOtherOneIsStale) {
  send_all({"a1", "b1"});
  Leases first, second;
  EXPECT_EQ(receive(queue_, "once", first), (Texts{"a1", "b1"}));
  EXPECT_EQ(receive(queue_, "once", second), (Texts{"a1", "b1"}));
  EXPECT_EQ(first[0].acknowledge(), Errc::kOk);
  EXPECT_EQ(second[0].acknowledge(), Errc::kStaleReceipt);
  EXPECT_EQ(second[1].acknowledge(), Errc::kOk);
  EXPECT_EQ(first[1].acknowledge(), Errc::kStaleReceipt);
  EXPECT_EQ(queue_.stats().acknowledged, 2u);
}

TEST_F(ReceiveAttempt, LeavesTheBytesToWhoeverStillReadsThem) {
  send_all({"a1"});
  Leases first, second;
  EXPECT_EQ(receive(queue_, "once", first), Texts{"a1"});
  EXPECT_EQ(receive(queue_, "once", second), Texts{"a1"});
  EXPECT_EQ(first.front().acknowledge(), Errc::kOk);
  for (int i = 0; i < 300; ++i) {  // several times round the ring
    ASSERT_TRUE(queue_.send("x", {.group = "b"}));
    ASSERT_EQ(drain(queue_), Texts{"x"});
  }
  EXPECT_EQ(second.front().text(), "a1");
}

TEST_F(ReceiveAttempt, LeavesNothingBehindWhenAllLeasesAreGone) {
  for (int round = 0; round < 300; ++round) {
    send_all({"a1", "a2"});
    Leases first, second;
    ASSERT_EQ(receive(queue_, "once", first), (Texts{"a1", "a2"})) << round;
    ASSERT_EQ(receive(queue_, "once", second), (Texts{"a1", "a2"})) << round;
    ASSERT_EQ(first[0].acknowledge(), Errc::kOk);
    ASSERT_EQ(second[1].acknowledge(), Errc::kOk);
  }
  EXPECT_EQ(test_.findings_after_sweep(), "");
  for (int i = 0; i < 64; ++i) EXPECT_TRUE(queue_.send("x", {.group = "a"})) << i;
}

TEST_F(ReceiveAttempt, IsVoidOnceOneOfItsMessagesIsAcknowledged) {
  send_all({"a1", "a2", "b1"});
  Leases held;
  EXPECT_EQ(receive(queue_, "once", held, 2), (Texts{"a1", "a2"}));
  EXPECT_EQ(held[1].acknowledge(), Errc::kOk);
  EXPECT_EQ(receive("once"), Texts{"b1"});
  EXPECT_EQ(receive("once"), Texts{"b1"});  // the id is that of the later receive now
  EXPECT_EQ(held[0].acknowledge(), Errc::kOk);
}

TEST_F(ReceiveAttempt, IsVoidOnceOneOfItsMessagesIsReleased) {
  send_all({"a1", "b1"});
  Leases held, again;
  EXPECT_EQ(receive(queue_, "once", held), (Texts{"a1", "b1"}));
  EXPECT_EQ(queue_.release(held[1].receipt()), Errc::kOk);
  EXPECT_EQ(receive(queue_, "once", again), Texts{"b1"});
  EXPECT_EQ(again.front().receive_count(), 2u);
}

TEST_F(ReceiveAttempt, IsVoidOnceOneOfItsMessagesIsExtendedBeItToTheSameTime) {
  send_all({"a1"});
  Leases held;
  EXPECT_EQ(receive(queue_, "once", held), Texts{"a1"});
  EXPECT_EQ(held.front().extend(30s), Errc::kOk);
  EXPECT_EQ(receive("once"), Texts{});
  EXPECT_EQ(held.front().acknowledge(), Errc::kOk);
}

TEST_F(ReceiveAttempt, IsVoidWhenItsMessagesArePurged) {
  send_all({"a1"});
  EXPECT_EQ(receive("once"), Texts{"a1"});
  EXPECT_EQ(queue_.purge().value(), 1u);
  EXPECT_EQ(receive("once"), Texts{});
}

TEST_F(ReceiveAttempt, AfterTheEndOfALeaseIsAReceiveLikeAnyOther) {
  send_all({"a1", "b1"});
  EXPECT_EQ(receive("once", 1), Texts{"a1"});
  test_.clock().advance(31s);
  Leases again;
  EXPECT_EQ(receive(queue_, "once", again, 1).size(), 1u);
  EXPECT_EQ(bodies(queue_).size(), 1u);
}

TEST_F(ReceiveAttempt, IsForgottenFiveMinutesAfterTheFirst) {
  send_all({"a1"});
  Leases leases;
  const ReceiveOptions options{.visibility_timeout = 1h, .attempt_id = "once"};
  EXPECT_EQ(queue_.receive(leases, options), Errc::kOk);
  test_.clock().advance(4min + 59s);
  EXPECT_EQ(queue_.receive(leases, options), Errc::kOk);
  test_.clock().advance(2s);  // the second one has not prolonged it
  EXPECT_EQ(queue_.receive(leases, options), Errc::kEmpty);
}

TEST_F(ReceiveAttempt, CountsTwelveHoursFromTheFirst) {
  send_all({"a1"});
  EXPECT_EQ(receive("once"), Texts{"a1"});
  test_.clock().advance(20s);
  Leases again;
  EXPECT_EQ(receive(queue_, "once", again), Texts{"a1"});
  EXPECT_EQ(again.front().extend(12h - 1s), Errc::kInvalidArgument);
  EXPECT_EQ(again.front().extend(12h - 21s), Errc::kOk);
}

TEST_F(ReceiveAttempt, ThatGotNothingIsNotRemembered) {
  EXPECT_EQ(receive("once"), Texts{});
  send_all({"a1"});
  EXPECT_EQ(receive("once"), Texts{"a1"});
}

TEST_F(ReceiveAttempt, GivesTenMessagesAtMost) {
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(queue_.send("x", {.group = "a"}));
  Leases first, second;
  EXPECT_EQ(receive(queue_, "once", first, 120).size(), 10u);
  EXPECT_EQ(receive(queue_, "once", second, 120).size(), 10u);
  EXPECT_EQ(receipts(first), receipts(second));
}

TEST_F(ReceiveAttempt, NeedsAnIdOf1To128Characters) {
  Leases leases;
  for (const std::string& id : {std::string(129, 'x'), std::string("a b"), std::string("ä")}) {
    EXPECT_EQ(queue_.receive(leases, {.attempt_id = id}), Errc::kInvalidArgument) << id;
    EXPECT_EQ(queue_.receive(leases, {.wait = 1h, .attempt_id = id}), Errc::kInvalidArgument);
  }
  send_all({"a1"});
  EXPECT_EQ(receive(std::string(128, '~')), Texts{"a1"});
}

TEST_F(ReceiveAttempt, IsIgnoredByAStandardQueue) {
  Queue standard = test_.queue("standard");
  ASSERT_TRUE(standard.send("1") && standard.send("2"));
  Leases leases;
  EXPECT_EQ(receive(standard, "once", leases, 1), Texts{"1"});
  EXPECT_EQ(receive(standard, "once", leases, 1), Texts{"2"});
  EXPECT_EQ(receive(standard, "not an id", leases, 1), Texts{});
}

TEST_F(ReceiveAttempt, NeedNotWait) {
  send_all({"a1"});
  EXPECT_EQ(receive("once"), Texts{"a1"});
  Leases again;
  EXPECT_EQ(queue_.receive(again, {.wait = kForever, .attempt_id = "once"}), Errc::kOk);
  EXPECT_EQ(again.front().text(), "a1");
}

TEST_F(ReceiveAttempt, WaitsForAMessageLikeAnyOther) {
  Child sender([&](const Line& line) {
    Bus bus = Bus::open(TestBus::kName, test_.options()).value();
    require(line.hear() == "go", "go");
    require(bool(bus.open_queue("q").value().send("a1", {.group = "a"})), "send");
  });
  sender.tell("go");
  Leases first;
  EXPECT_EQ(queue_.receive(first, {.wait = kForever, .attempt_id = "once"}), Errc::kOk);
  EXPECT_EQ(receive("once"), Texts{"a1"});
  EXPECT_EQ(sender.finish(), 0);
}

TEST_F(ReceiveAttempt, IsNotStoppedByTheLimitInFlight) {
  ASSERT_TRUE(queue_.set({.in_flight_max = 1}));
  send_all({"a1", "b1"});
  EXPECT_EQ(receive("once", 1), Texts{"a1"});
  EXPECT_EQ(receive("other", 1), Texts{});
  EXPECT_EQ(receive("once", 1), Texts{"a1"});
}

TEST_F(ReceiveAttempt, IsNotCountedAsAReceive) {
  send_all({"a1"});
  EXPECT_EQ(receive("once"), Texts{"a1"});
  EXPECT_EQ(receive("once"), Texts{"a1"});
  EXPECT_EQ(queue_.stats().received, 1u);
  EXPECT_EQ(queue_.stats().redelivered, 0u);
  EXPECT_EQ(queue_.stats().in_flight, 1u);
}

TEST_F(ReceiveAttempt, IsStillThereWhenTooManyMessagesWereHeld) {
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(queue_.send("x", {.group = "a"}));
  Queue standard = test_.queue("standard");
  Leases first, again;
  EXPECT_EQ(receive(queue_, "once", first).size(), 2u);
  for (int i = 0; i < 117; ++i) ASSERT_TRUE(standard.send("x"));
  auto held = standard.receive({.max_messages = 117}).value();
  EXPECT_EQ(queue_.receive(again, {.attempt_id = "once"}), Errc::kHeld);
  held.clear();
  EXPECT_EQ(receive(queue_, "once", again).size(), 2u);
}

TEST_F(ReceiveAttempt, ReturnsWhatADeadReceiverHadToTheRetry) {
  send_all({"a1", "a2"});
  Child child([&](const Line& line) {
    Bus bus = Bus::open(TestBus::kName, test_.options()).value();
    Queue queue = bus.open_queue("q").value();
    Leases leases;
    require(receive(queue, "once", leases).size() == 2, "receive");
    line.tell("ready");
    static_cast<void>(line.hear());
  });
  ASSERT_EQ(child.hear(), "ready");
  child.kill();
  Leases again;
  EXPECT_EQ(receive(queue_, "once", again), (Texts{"a1", "a2"}));  // not swept yet
  EXPECT_EQ(again[0].receive_count(), 1u);
  EXPECT_EQ(test_.bus().sweep().leases_returned, 0u);  // they are mine now
  EXPECT_EQ(again[0].acknowledge(), Errc::kOk);
}

/// Another participant's end of the table, to stop half-way.
class AttemptUnderWay : public ReceiveAttempt {
 protected:
  [[nodiscard]] std::uint64_t now() { return test_.clock().monotonic_ns() / ring::kDeadlineUnitNs; }
  [[nodiscard]] dedup::Key key(std::string_view id) {
    return dedup::key_of_id(raw_.mapping().queue_id(), id);
  }

  Bus bus_ = test_.attach();
  RawRing raw_{bus_, "q"};
  Attempts other_{raw_.ring(), *raw_.mapping().attempts(), raw_.member().me().index(),
                  raw_.member().me().hazards()};
};

TEST_F(AttemptUnderWay, LetsNoOtherReceiveHaveItsId) {
  send_all({"a1"});
  const auto entered = other_.enter(key("once"), now());
  ASSERT_EQ(entered.outcome, Attempts::Outcome::kFirst);
  Leases leases;
  EXPECT_EQ(queue_.receive(leases, {.attempt_id = "once"}), Errc::kBusy);
  EXPECT_EQ(queue_.receive(leases, {.wait = 1h, .attempt_id = "once"}), Errc::kBusy);
  other_.give_up(entered);
  EXPECT_EQ(receive("once"), Texts{"a1"});
}

TEST_F(AttemptUnderWay, LosesItsIdWhenItStandsStillForASecond) {
  send_all({"a1"});
  const auto entered = other_.enter(key("once"), now());
  test_.clock().advance(1s + 1ms);
  EXPECT_EQ(receive("once"), Texts{"a1"});
  group::AttemptNotes late;
  late.add(12, 34);
  other_.keep(entered, late);  // nobody asks for it any more
  EXPECT_EQ(receive("once"), Texts{"a1"});
  for (int i = 0; i < 200; ++i) {  // its entry is in use again
    send_all({"b1"});
    Leases leases;
    ASSERT_EQ(receive(queue_, std::to_string(i), leases), Texts{"b1"});
    ASSERT_EQ(leases.front().acknowledge(), Errc::kOk);
  }
}

TEST_F(AttemptUnderWay, OfTheDeadIsFreedByTheSweep) {
  send_all({"a1"});
  Child child([&](const Line& line) {
    Bus bus = Bus::open(TestBus::kName, test_.options()).value();
    RawRing raw(bus, "q");
    Attempts dead(raw.ring(), *raw.mapping().attempts(), raw.member().me().index(),
                  raw.member().me().hazards());
    require(dead.enter(key("once"), now()).outcome == Attempts::Outcome::kFirst, "enter");
    line.tell("ready");
    static_cast<void>(line.hear());
  });
  ASSERT_EQ(child.hear(), "ready");
  child.kill();
  Leases leases;
  EXPECT_EQ(queue_.receive(leases, {.attempt_id = "once"}), Errc::kBusy);
  test_.bus().sweep();  // if that receive has not done it
  EXPECT_EQ(receive("once"), Texts{"a1"});
}

TEST_F(AttemptUnderWay, IsOneOf64AndFurtherReceivesAreNotRemembered) {
  send_all({"a1"});
  std::vector<Attempts::Entered> all;
  for (std::uint32_t i = 0; i < group::kAttempts; ++i) {
    all.push_back(other_.enter(key(std::to_string(i)), now()));
    ASSERT_EQ(all.back().outcome, Attempts::Outcome::kFirst) << i;
  }
  EXPECT_EQ(receive("once"), Texts{"a1"});
  EXPECT_EQ(receive("once"), Texts{});
  for (const auto& each : all) other_.give_up(each);
}

TEST_F(AttemptUnderWay, ThatFindsALeaseSettledMeanwhileLeavesTheOthersAsTheyWere) {
  send_all({"a1", "b1", "c1"});
  Leases held;
  EXPECT_EQ(receive(queue_, "once", held).size(), 3u);
  const auto again = other_.enter(key("once"), now());
  ASSERT_EQ(again.outcome, Attempts::Outcome::kAgain);
  ASSERT_EQ(again.noted.count, 3u);
  EXPECT_EQ(held[2].acknowledge(), Errc::kOk);
  std::array<ring::Taken, group::kAttemptMessages> taken;
  EXPECT_FALSE(other_.renew(again.noted, {now(), now() + 1'000'000'000}, taken));
  EXPECT_EQ(raw_.member().me().hazards().available(), shm::kHazardsPerParticipant);
  other_.give_up(again);
  test_.clock().advance(31s);
  EXPECT_EQ(bodies(queue_).size(), 2u);
}

/// A queue of which as many ids are remembered as it can.
class ManyReceiveAttempts : public ReceiveAttempt {
 protected:
  void SetUp() override {
    for (std::uint32_t i = 0; i < group::kAttempts; ++i) {
      held_.push_back(one("g" + std::to_string(i)));
      test_.clock().advance(1ms);
    }
  }
  Leases one(const std::string& group) {
    EXPECT_TRUE(many_.send(group, {.group = group}));
    Leases leases;
    EXPECT_EQ(receive(many_, group, leases), Texts{group});
    return leases;
  }
  Texts again(std::string_view id) {
    Leases leases;
    return receive(many_, id, leases);
  }

  Queue many_ = test_.queue("many", {.slots = 128, .fifo = true});
  std::vector<Leases> held_;
};

TEST_F(ManyReceiveAttempts, AreAllRemembered) {
  for (std::uint32_t i = 0; i < group::kAttempts; ++i) {
    EXPECT_EQ(again("g" + std::to_string(i)), Texts{"g" + std::to_string(i)});
  }
}

TEST_F(ManyReceiveAttempts, GiveWayIfTheirMessagesWereSettled) {
  for (const std::uint32_t i : {7u, 3u, 63u}) {
    EXPECT_EQ(held_[i].front().acknowledge(), Errc::kOk);
  }
  for (const char* group : {"x", "y", "z"}) one(group);
  for (std::uint32_t i = 0; i < group::kAttempts; ++i) {
    if (i == 7 || i == 3 || i == 63) continue;
    EXPECT_EQ(again("g" + std::to_string(i)), Texts{"g" + std::to_string(i)});
  }
  for (const char* group : {"x", "y", "z"}) EXPECT_EQ(again(group), Texts{group});
}

TEST_F(ManyReceiveAttempts, GiveWayTheOldestFirstIfNoneWasSettled) {
  one("x");
  one("y");
  EXPECT_EQ(again("x"), Texts{"x"});
  EXPECT_EQ(again("g2"), Texts{"g2"});
  EXPECT_EQ(again("g0"), Texts{});
  EXPECT_EQ(again("g1"), Texts{});
}

}  // namespace
}  // namespace ringpost::test
