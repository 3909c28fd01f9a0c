// Message move tasks: semantics of SQS, section 8, X01 to X15, and L08.
#include <gtest/gtest.h>

#include <algorithm>

#include "queue/task_table.hpp"
#include "support/child.hpp"
#include "support/raw_ring.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

class MoveTasks : public testing::Test {
 protected:
  static constexpr Duration kVisibility = 10s;

  [[nodiscard]] Queue source(const std::string& name, const std::string& dead = "dead") {
    return test_.queue(name,
                       {.visibility_timeout = kVisibility, .redrive = RedrivePolicy{dead, 1}});
  }
  /// Sends the messages and receives them until they are dead letters.
  void bury(Queue& queue, const Texts& texts) {
    for (const std::string& text : texts) ASSERT_TRUE(queue.send(text));
    Leases leases;
    while (queue.receive(leases, {.max_messages = 100}) == Errc::kOk) {
    }
    leases.clear();
    test_.clock().advance(kVisibility + 1s);
    EXPECT_EQ(bodies(queue), Texts{});
  }
  [[nodiscard]] static Texts numbers(int from, int to) {
    Texts texts;
    for (int i = from; i < to; ++i) texts.push_back(std::to_string(i));
    return texts;
  }
  [[nodiscard]] MoveRunner start(const MoveOptions& options = {}) {
    return std::move(test_.bus().start_move("dead", options)).value();
  }
  [[nodiscard]] MoveTask latest() { return test_.bus().move_tasks("dead").value().front(); }
  [[nodiscard]] queue::TaskRecord& record_of(const TaskId& id) {
    return *queue::find_task(raw_.mapping().tasks(), id.number);
  }
  /// Looks for dead participants and tasks, as a receiver does now and then.
  void look_after_others(Queue& queue) {
    test_.clock().advance(1s);
    EXPECT_EQ(code_of(queue.receive()), Errc::kEmpty);
  }
  void TearDown() override { EXPECT_EQ(test_.findings_after_sweep(), ""); }

  TestBus test_;
  Queue dead_ = test_.queue("dead", {.visibility_timeout = kVisibility});
  Queue queue_ = source("q");
  RawRing raw_{test_.bus(), "dead"};
};

TEST_F(MoveTasks, StartAtADeadLetterQueueOnly) {  // X01
  EXPECT_EQ(code_of(test_.bus().start_move("q")), Errc::kNotDeadLetterQueue);
  EXPECT_TRUE(test_.bus().start_move("dead"));
  ASSERT_TRUE(queue_.set({.redrive = RedrivePolicy{}}));
  EXPECT_EQ(code_of(test_.bus().start_move("dead")), Errc::kNotDeadLetterQueue);
}

TEST_F(MoveTasks, SayWhichQueueIsMissing) {  // X02
  const auto no_source = test_.bus().start_move("nowhere");
  EXPECT_EQ(code_of(no_source), Errc::kNotFound);
  EXPECT_NE(std::string(no_source.error().what).find("queue \"nowhere\""), std::string::npos);
  const auto no_destination = test_.bus().start_move("dead", {.destination = "nowhere"});
  EXPECT_EQ(code_of(no_destination), Errc::kNotFound);
  EXPECT_NE(std::string(no_destination.error().what).find("destination queue"), std::string::npos);
  EXPECT_EQ(code_of(test_.bus().move_tasks("nowhere")), Errc::kNotFound);
  EXPECT_EQ(code_of(test_.bus().move_tasks("no name")), Errc::kNotFound);
}

TEST_F(MoveTasks, TakeEachMessageBackToWhereItCameFrom) {  // X03
  Queue other = source("other");
  bury(queue_, {"a", "b"});
  bury(other, {"c"});
  const MoveTask task = start().run().value();
  EXPECT_EQ(task.status, TaskStatus::kCompleted);
  EXPECT_EQ(task.source, "dead");
  EXPECT_EQ(task.destination, "");
  EXPECT_EQ(task.to_move, 3u);
  EXPECT_EQ(task.moved, 3u);
  EXPECT_EQ(bodies(queue_), (Texts{"a", "b"}));
  EXPECT_EQ(bodies(other), Texts{"c"});
  EXPECT_EQ(dead_.stats().visible, 0u);
  EXPECT_EQ(queue_.stats().moved_in, 2u);
}

TEST_F(MoveTasks, TakeAllToOneDestination) {  // X03
  Queue other = source("other");
  Queue there = test_.queue("there");
  bury(queue_, {"a"});
  bury(other, {"b"});
  const MoveTask task = start({.destination = "there"}).run().value();
  EXPECT_EQ(task.status, TaskStatus::kCompleted);
  EXPECT_EQ(task.destination, "there");
  EXPECT_EQ(drain(there), (Texts{"a", "b"}));
}

TEST_F(MoveTasks, GoToAnotherQueueOfTheSameKind) {  // X03
  static_cast<void>(test_.queue("fifo", {.fifo = true}));
  EXPECT_EQ(code_of(test_.bus().start_move("dead", {.destination = "fifo"})),
            Errc::kInvalidArgument);
  EXPECT_EQ(code_of(test_.bus().start_move("dead", {.destination = "dead"})),
            Errc::kInvalidArgument);
}

TEST_F(MoveTasks, KeepToTheRate) {  // X04
  for (const std::uint32_t rate : {0u, 501u}) {
    EXPECT_EQ(code_of(test_.bus().start_move("dead", {.per_second = rate})),
              Errc::kInvalidArgument);
  }
  bury(queue_, numbers(0, 100));
  MoveRunner runner = start({.per_second = 20});
  std::uint64_t moved = 0;
  for (int slices = 0; slices < 20; ++slices) {
    const auto step = runner.step();
    moved += step->moved;
    EXPECT_LE(step->moved, 3u) << "a tenth of a second's worth at once";
    EXPECT_FALSE(step->ended);
    EXPECT_GT(step->wait, 0ns);
    EXPECT_LE(step->wait, 50ms);
    test_.clock().advance(50ms);
  }
  EXPECT_GE(moved, 20u);
  EXPECT_LE(moved, 23u);
  test_.clock().advance(1h);
  EXPECT_LE(runner.step()->moved, 3u) << "what was not used is lost";
  EXPECT_TRUE(runner.cancel());
}

TEST_F(MoveTasks, RunOneAtATime) {  // X05
  bury(queue_, {"a"});
  MoveRunner first = start();
  EXPECT_EQ(code_of(test_.bus().start_move("dead")), Errc::kTaskRunning);
  EXPECT_TRUE(first.step()->ended);
  EXPECT_TRUE(start().step()->ended);
  EXPECT_EQ(test_.bus().move_tasks("dead")->size(), 2u);
}

TEST_F(MoveTasks, MakeNewMessages) {  // X07
  const Attribute attributes[] = {{"kind", "bad"}};
  const MessageId id = queue_.send("poison", {.attributes = attributes}).value();
  for (int i = 0; i < 2; ++i) {
    static_cast<void>(queue_.receive());
    test_.clock().advance(kVisibility + 1s);
  }
  static_cast<void>(receive_one(dead_));
  test_.clock().advance(kVisibility + 1s);
  const WallTime before{std::chrono::duration_cast<WallTime::duration>(
      Duration(static_cast<std::int64_t>(test_.clock().wall_ns())))};
  EXPECT_EQ(start().run()->moved, 1u);
  auto received = queue_.receive();
  ASSERT_TRUE(received);
  Lease& lease = received->front();
  EXPECT_EQ(lease.text(), "poison");
  EXPECT_EQ(lease.attributes().find("kind")->value, "bad");
  EXPECT_FALSE(lease.id() == id);
  EXPECT_EQ(lease.receive_count(), 1u);
  EXPECT_EQ(lease.dead_letter_source(), "");
  EXPECT_GE(lease.sent_at() + 1ms, before);
  EXPECT_GE(lease.first_received_at() + 1ms, before);
}

TEST_F(MoveTasks, BeginTheRetentionAnew) {  // X07
  ASSERT_TRUE(queue_.set({.retention = 60s}));
  bury(queue_, {"a"});
  test_.clock().advance(40s);
  EXPECT_EQ(start().run()->moved, 1u);
  test_.clock().advance(40s);
  EXPECT_EQ(bodies(queue_), Texts{"a"});
}

TEST_F(MoveTasks, MoveTheOldestFirst) {  // X07
  bury(queue_, numbers(0, 50));
  MoveRunner runner = start();
  EXPECT_EQ(runner.step(10)->moved, 10u);
  EXPECT_EQ(bodies(queue_, 100), numbers(0, 10));
  EXPECT_EQ(runner.step(100)->moved, 40u);
  EXPECT_EQ(bodies(queue_, 100), numbers(10, 50));
}

TEST_F(MoveTasks, OfAnySizeArrive) {
  Texts sent;
  for (const std::size_t size : {0u, 1u, 80u, 81u, 104u, 105u, 5'000u, 200'000u}) {
    sent.push_back(std::string(size, static_cast<char>('a' + sent.size())));
  }
  bury(queue_, sent);
  EXPECT_EQ(start().run()->moved, sent.size());
  EXPECT_EQ(test_.findings(), "");
  EXPECT_EQ(drain(queue_), sent);
  EXPECT_EQ(inspect(test_.bus()).arena.blocks_used, 0u);
}

TEST_F(MoveTasks, LeaveAloneWhatWasSentThere) {  // X08
  ASSERT_TRUE(dead_.send("sent 1"));
  bury(queue_, {"a"});
  ASSERT_TRUE(dead_.send("sent 2"));
  bury(queue_, {"b"});
  MoveRunner runner = start();
  const auto step = runner.step();
  EXPECT_EQ(step->moved, 2u);
  EXPECT_TRUE(step->ended);
  EXPECT_EQ(runner.info()->to_move, 2u);
  EXPECT_EQ(dead_.stats().visible, 2u);
  auto left = dead_.receive({.max_messages = 10});
  ASSERT_EQ(left->size(), 2u);
  for (Lease& lease : *left) EXPECT_EQ(lease.receive_count(), 1u);
}

TEST_F(MoveTasks, LeaveAloneWhatIsInFlight) {  // X13
  bury(queue_, {"a", "b", "c"});
  auto held = dead_.receive();
  EXPECT_EQ(start().run()->moved, 2u);
  EXPECT_EQ(held->front().text(), "a");
  EXPECT_EQ(held->front().acknowledge(), Errc::kOk);
  EXPECT_EQ(bodies(queue_), (Texts{"b", "c"}));
}

TEST_F(MoveTasks, AreListedNewestFirstTheLastTen) {  // X09
  std::vector<TaskId> ids;
  for (int i = 0; i < 13; ++i) {
    test_.clock().advance(1s);
    MoveRunner runner = start();
    ids.push_back(runner.id());
    EXPECT_EQ(runner.info()->status, TaskStatus::kRunning);
    EXPECT_EQ(runner.run()->status, TaskStatus::kCompleted);
  }
  const auto tasks = test_.bus().move_tasks("dead").value();
  ASSERT_EQ(tasks.size(), 10u);
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    EXPECT_EQ(tasks[i].id, ids[ids.size() - 1 - i]);
    EXPECT_EQ(tasks[i].status, TaskStatus::kCompleted);
    EXPECT_EQ(tasks[i].failure_reason, "");
    EXPECT_EQ(i == 0 || tasks[i].started < tasks[i - 1].started, true);
  }
  EXPECT_EQ(name(TaskStatus::kCancelling), std::string("CANCELLING"));
}

TEST_F(MoveTasks, HaveAnIdThatCanBeWritten) {  // X12
  const TaskId id = start().id();
  EXPECT_EQ(TaskId::parse(id.to_string()), id);
  EXPECT_EQ(id.to_string().size(), 36u);
  EXPECT_FALSE(TaskId::parse("no id"));
}

TEST_F(MoveTasks, EndWhenCancelledByAnyProcess) {  // X10
  bury(queue_, numbers(0, 20));
  MoveRunner runner = start();
  EXPECT_EQ(runner.step(5)->moved, 5u);
  Bus other = test_.attach();
  EXPECT_EQ(other.cancel_move(runner.id()).value(), 5u);
  EXPECT_EQ(runner.info()->status, TaskStatus::kCancelled);
  const auto step = runner.step();
  EXPECT_EQ(step->moved, 0u);
  EXPECT_TRUE(step->ended);
  EXPECT_EQ(bodies(queue_, 100), numbers(0, 5)) << "what was moved stays moved";
  EXPECT_EQ(dead_.stats().visible, 15u);
  EXPECT_EQ(code_of(other.cancel_move(runner.id())), Errc::kNoTask) << "it runs no more";
  EXPECT_EQ(code_of(other.cancel_move({runner.id().queue, 17})), Errc::kNoTask);
  EXPECT_EQ(code_of(other.cancel_move({17, 1})), Errc::kNoTask);
}

TEST_F(MoveTasks, AreCancellingWhileSomebodyIsAtWork) {  // X10, X15
  bury(queue_, numbers(0, 5));
  MoveRunner runner = start();
  Bus stopped = test_.attach();  // in the middle of a step
  const auto index = static_cast<std::uint16_t>(stopped.participant_index());
  ASSERT_TRUE(queue::take_up(record_of(runner.id()), index));
  EXPECT_EQ(runner.step()->hindrance, Errc::kBusy);
  EXPECT_EQ(test_.bus().sweep().messages_moved, 0u);
  EXPECT_EQ(runner.cancel().value(), 0u);
  EXPECT_EQ(latest().status, TaskStatus::kCancelling);
  EXPECT_EQ(code_of(test_.bus().start_move("dead")), Errc::kTaskRunning);
  Queue other_dead = test_.queue("dead2");
  Queue other = source("q2", "dead2");
  bury(other, {"x"});
  EXPECT_EQ(std::move(test_.bus().start_move("dead2")).value().run()->moved, 1u)
      << "he holds up no other task";
  queue::put_down(record_of(runner.id()), index);
  EXPECT_TRUE(runner.step()->ended);
  EXPECT_EQ(latest().status, TaskStatus::kCancelled);
  EXPECT_EQ(dead_.stats().visible, 5u);
}

TEST_F(MoveTasks, FailWhenTheirDestinationIsDeleted) {  // X11
  static_cast<void>(test_.queue("there"));
  bury(queue_, {"a", "b"});
  MoveRunner runner = start({.destination = "there"});
  EXPECT_EQ(runner.step(1)->moved, 1u);
  ASSERT_TRUE(test_.bus().delete_queue("there"));
  EXPECT_TRUE(runner.step()->ended);
  const MoveTask task = latest();
  EXPECT_EQ(task.status, TaskStatus::kFailed);
  EXPECT_EQ(task.failure, Errc::kDeleted);
  EXPECT_NE(task.failure_reason.find("\"there\" was deleted"), std::string::npos);
  EXPECT_EQ(task.moved, 1u);
  EXPECT_EQ(dead_.receive()->front().receive_count(), 2u) << "one delivery before, and this";
}

TEST_F(MoveTasks, FailWhenAnotherQueueHasTheNameOfTheirDestination) {  // X11
  static_cast<void>(test_.queue("there"));
  bury(queue_, {"a"});
  MoveRunner runner = start({.destination = "there"});
  ASSERT_TRUE(test_.bus().delete_queue("there"));
  Queue there = test_.queue("there");
  EXPECT_EQ(runner.run()->status, TaskStatus::kFailed);
  EXPECT_EQ(there.stats().visible, 0u);
}

TEST_F(MoveTasks, FailWhenTheQueueOfAMessageIsGone) {  // X11
  bury(queue_, {"a"});
  Queue other = source("other");
  ASSERT_TRUE(test_.bus().delete_queue("q"));
  const MoveTask task = start().run().value();
  EXPECT_EQ(task.status, TaskStatus::kFailed);
  EXPECT_NE(task.failure_reason.find("start again with a destination"), std::string::npos);
  EXPECT_EQ(start({.destination = "other"}).run()->moved, 1u);
  EXPECT_EQ(bodies(other), Texts{"a"});
}

TEST_F(MoveTasks, GoWithTheirSource) {
  Queue gone = test_.queue("gone");
  Queue other = source("other", "gone");
  bury(other, {"a"});
  MoveRunner runner = std::move(test_.bus().start_move("gone")).value();
  ASSERT_TRUE(test_.bus().delete_queue("gone"));
  EXPECT_EQ(code_of(runner.step()), Errc::kDeleted);
  ASSERT_TRUE(other.set({.redrive = RedrivePolicy{}}));
}

TEST_F(MoveTasks, MoveWhatWasThereWhenTheyStarted) {  // X15
  bury(queue_, {"a", "b"});
  MoveRunner runner = start();
  EXPECT_EQ(runner.step(1)->moved, 1u);
  bury(queue_, {"later"});  // "a" dies once more, too
  EXPECT_EQ(runner.info()->to_move, 2u) << "fixed at the start";
  EXPECT_EQ(runner.run()->moved, 2u);
  EXPECT_EQ(bodies(queue_), Texts{"b"});
  EXPECT_EQ(drain(dead_).size(), 2u);
}

TEST_F(MoveTasks, WaitForRoomInTheirDestination) {
  Queue there = test_.queue("there", {.slots = 64, .fixed = true});
  bury(queue_, numbers(0, 70));
  MoveRunner runner = start({.destination = "there"});
  const auto full = runner.step();
  EXPECT_EQ(full->moved, 64u);
  EXPECT_EQ(full->hindrance, Errc::kFull);
  EXPECT_FALSE(full->ended);
  EXPECT_GT(full->wait, 0ns);
  EXPECT_EQ(dead_.stats().visible, 6u) << "nobody has them";
  EXPECT_EQ(runner.step()->hindrance, Errc::kFull);
  EXPECT_EQ(drain(there), numbers(0, 64));
  EXPECT_EQ(runner.run()->moved, 70u);
  EXPECT_EQ(drain(there), numbers(64, 70));
}

TEST_F(MoveTasks, LeaveMessagesAsTheyWereThatDoNotFit) {
  static_cast<void>(test_.queue("there", {.slots = 64, .fixed = true}));
  Queue there = test_.bus().open_queue("there").value();
  ASSERT_EQ(fill(there), 64u);
  bury(queue_, {"a"});
  MoveRunner runner = start({.destination = "there"});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(runner.step()->hindrance, Errc::kFull);
  EXPECT_EQ(dead_.receive()->front().receive_count(), 2u) << "one delivery before, and this";
  EXPECT_TRUE(runner.cancel());
}

TEST_F(MoveTasks, DoNotMoveWhatIsOverItsRetention) {
  ASSERT_TRUE(dead_.set({.retention = 60s}));
  bury(queue_, {"a"});
  test_.clock().advance(100s);
  EXPECT_EQ(start().run()->moved, 0u);
  EXPECT_EQ(code_of(dead_.receive()), Errc::kEmpty);
}

TEST_F(MoveTasks, GoThroughEveryRingOfASourceThatGrew) {
  Queue small = test_.queue("small", {.slots = 64});
  Queue queue = source("q2", "small");
  ASSERT_TRUE(small.send("sent"));
  bury(queue, numbers(0, 500));
  EXPECT_GT(small.stats().rings, 1u);
  EXPECT_EQ(std::move(test_.bus().start_move("small")).value().run()->moved, 500u);
  EXPECT_EQ(drain(queue).size(), 500u);
  EXPECT_EQ(drain(small), Texts{"sent"});
}

TEST_F(MoveTasks, AreCarriedOnAfterTheDeathOfTheirStarter) {
  bury(queue_, numbers(0, 30));
  Child child([&](const Line& line) {
    Bus bus = Bus::open(TestBus::kName, test_.options()).value();
    MoveRunner runner = std::move(bus.start_move("dead")).value();
    require(runner.step(10)->moved == 10, "step");
    line.tell("ready");
    static_cast<void>(line.hear());
  });
  ASSERT_EQ(child.hear(), "ready");
  child.kill();
  EXPECT_EQ(latest().status, TaskStatus::kRunning);
  EXPECT_EQ(test_.bus().sweep().messages_moved, 20u);
  EXPECT_EQ(latest().status, TaskStatus::kCompleted);
  EXPECT_EQ(latest().moved, 30u);
  EXPECT_EQ(bodies(queue_, 100), numbers(0, 30));
}

TEST_F(MoveTasks, AreCarriedOnAfterADeathInTheMiddleOfAStep) {
  bury(queue_, numbers(0, 30));
  const TaskId id = start().id();
  Child child([&](const Line& line) {
    Bus bus = Bus::open(TestBus::kName, test_.options()).value();
    RawRing raw(bus, "dead");
    const auto me = static_cast<std::uint16_t>(bus.participant_index());
    require(queue::take_up(*queue::find_task(raw.mapping().tasks(), id.number), me), "take up");
    line.tell("ready");
    static_cast<void>(line.hear());
  });
  ASSERT_EQ(child.hear(), "ready");
  look_after_others(queue_);
  EXPECT_EQ(latest().moved, 0u) << "somebody is at work";
  child.kill();
  EXPECT_NE(test_.findings().find("who is dead, is at work at a message move task"),
            std::string::npos);
  look_after_others(queue_);
  EXPECT_EQ(latest().status, TaskStatus::kCompleted);
  EXPECT_EQ(bodies(queue_, 100), numbers(0, 30));
}

TEST_F(MoveTasks, LoseAndDoubleNothingWheneverTheirStarterIsKilled) {
  for (int kills = 0; kills < 20; ++kills) {
    const Texts texts = numbers(0, 200);
    bury(queue_, texts);
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
    EXPECT_EQ(latest().status, TaskStatus::kCompleted);
    EXPECT_LE(latest().moved, 200u);
    EXPECT_GE(latest().moved, 199u) << "one may have been moved and not counted";
    Texts back = drain(queue_);
    std::sort(back.begin(), back.end());
    Texts sorted = texts;
    std::sort(sorted.begin(), sorted.end());
    ASSERT_EQ(back, sorted) << "after kill " << kills;
    EXPECT_EQ(dead_.stats().visible + dead_.stats().in_flight, 0u);
  }
}

TEST_F(MoveTasks, AreCarriedOnByWhoeverLooksForMessagesWhenNobodyAttendsToThem) {
  bury(queue_, numbers(0, 30));
  { const MoveRunner forgotten = start(); }
  Queue idle = test_.queue("idle");
  EXPECT_EQ(code_of(idle.receive()), Errc::kEmpty);
  EXPECT_EQ(latest().moved, 0u) << "he may come back";
  look_after_others(idle);
  EXPECT_EQ(latest().status, TaskStatus::kCompleted);
  EXPECT_EQ(latest().moved, 30u);
  EXPECT_EQ(inspect(test_.bus()).participants.size(), 1u);
}

TEST_F(MoveTasks, OfALimitedRateAreCarriedOnAtThatRate) {
  bury(queue_, numbers(0, 30));
  { const MoveRunner forgotten = start({.per_second = 10}); }
  Queue idle = test_.queue("idle");
  look_after_others(idle);
  for (int i = 0; i < 10; ++i) {
    test_.clock().advance(200ms);
    EXPECT_EQ(code_of(idle.receive()), Errc::kEmpty);
  }
  EXPECT_GE(latest().moved, 10u);
  EXPECT_LE(latest().moved, 23u);
  EXPECT_TRUE(test_.bus().cancel_move(latest().id));
}

TEST_F(MoveTasks, AreLeftToTheirStarterWhileHeAttendsToThem) {
  bury(queue_, numbers(0, 30));
  Queue idle = test_.queue("idle");
  MoveRunner runner = start();
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(runner.step(1)->moved, 1u);
    test_.clock().advance(500ms);
    EXPECT_EQ(code_of(idle.receive()), Errc::kEmpty);
  }
  EXPECT_EQ(latest().moved, 10u);
  EXPECT_EQ(runner.run()->moved, 30u);
}

TEST_F(MoveTasks, MayHaveSeveralWorkersOneAfterTheOther) {
  bury(queue_, numbers(0, 300));
  MoveRunner runner = start();
  Bus other = test_.attach();
  EXPECT_EQ(runner.step(100)->moved, 100u);
  EXPECT_EQ(other.sweep().messages_moved, 200u);
  const auto step = runner.step(100);
  EXPECT_EQ(step->moved, 0u);
  EXPECT_TRUE(step->ended);
  EXPECT_EQ(runner.info()->moved, 300u);
  EXPECT_EQ(bodies(queue_, 120).size() + bodies(queue_, 120).size() + bodies(queue_, 120).size(),
            300u);
}

TEST_F(MoveTasks, AreNotLookedForWhereThereAreNone) {
  const shm::TaskHint hint(raw_.member().files().header().tasks);
  EXPECT_FALSE(shm::TaskHint::is_raised(hint.look()));
  { const MoveRunner runner = start(); }
  EXPECT_TRUE(shm::TaskHint::is_raised(hint.look()));
  test_.bus().sweep();
  EXPECT_EQ(latest().status, TaskStatus::kCompleted);
  test_.bus().sweep();
  EXPECT_FALSE(shm::TaskHint::is_raised(hint.look()));
}

TEST_F(MoveTasks, OfADeadLetterQueueAreAskedForByItsSources) {  // L08
  static_cast<void>(source("b"));
  static_cast<void>(source("a"));
  EXPECT_EQ(test_.bus().dead_letter_sources("dead").value(), (Texts{"a", "b", "q"}));
  EXPECT_EQ(test_.bus().dead_letter_sources("q").value(), Texts{});
  EXPECT_EQ(code_of(test_.bus().dead_letter_sources("nowhere")), Errc::kNotFound);
}

TEST_F(MoveTasks, CannotBeUsedInTheChildOfAFork) {
  MoveRunner runner = start();
  EXPECT_EQ(in_child([&] {
              require(code_of(runner.step()) == Errc::kForked, "step");
              require(code_of(runner.cancel()) == Errc::kForked, "cancel");
              require(code_of(test_.bus().start_move("dead")) == Errc::kForked, "start");
              require(code_of(test_.bus().move_tasks("dead")) == Errc::kForked, "list");
            }),
            0);
  EXPECT_TRUE(runner.step()->ended);
}

}  // namespace
}  // namespace ringpost::test
