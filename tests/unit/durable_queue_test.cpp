// Queues whose messages survive the loss of shared memory.
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "support/durable_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

TEST_F(DurableQueue, HasAfterARebootWhatWasSentToIt) {
  const std::string large(100'000, 'L');
  MessageId first;
  {
    Queue queue = make();
    const Attribute colour[] = {{"colour", "red"}};
    first = queue.send("one", {.attributes = colour}).value();
    ASSERT_TRUE(queue.send(large));
    auto loan = queue.loan(5).value();
    std::copy_n("three", 5, reinterpret_cast<char*>(loan.bytes().data()));
    ASSERT_TRUE(queue.send(std::move(loan)));
    const OutMessage batch[] = {{.body = as_bytes("four")}, {.body = as_bytes("five")}};
    EXPECT_EQ(queue.send_batch(batch).value(), 2u);
  }
  reboot();
  Queue queue = open();
  EXPECT_EQ(queue.settings().durability, Durability::kDurable);
  auto got = queue.receive({.max_messages = 10}).value();
  ASSERT_EQ(got.size(), 5u);
  EXPECT_EQ(got[0].text(), "one");
  EXPECT_EQ(got[0].id(), first) << "the id that its sender was told";
  EXPECT_EQ(got[0].attributes().find("colour")->value, "red");
  EXPECT_EQ(got[0].dead_letter_source(), "");
  EXPECT_EQ(got[0].receive_count(), 1u);
  EXPECT_EQ(got[1].text(), large);
  EXPECT_EQ(got[2].text(), "three");
  EXPECT_EQ(got[3].text(), "four");
  EXPECT_EQ(got[4].text(), "five");
}

TEST_F(DurableQueue, IsMadeAgainByWhoeverOpensOrCreatesIt) {
  ASSERT_TRUE(make().send("a"));
  reboot();
  EXPECT_EQ(bus_->queue_names().value(), Texts{"q"}) << "nobody has opened it yet";
  Queue queue = make();
  EXPECT_EQ(drain(queue), Texts{"a"});
  EXPECT_EQ(code_of(bus_->queue("q", {.durability = Durability::kMemory})), Errc::kExists);
}

TEST_F(DurableQueue, DoesNotHaveWhatWasAcknowledged) {
  {
    Queue queue = make();
    for (const char* body : {"a", "b", "c"}) ASSERT_TRUE(queue.send(body));
    auto got = queue.receive({.max_messages = 2}).value();
    ASSERT_EQ(got[0].acknowledge(), Errc::kOk);
    ASSERT_EQ(queue.acknowledge(got[1].receipt()), Errc::kOk);
  }
  reboot();
  Queue queue = open();
  EXPECT_EQ(drain(queue), Texts{"c"});
}

TEST_F(DurableQueue, HasNothingTwiceAfterSeveralReboots) {
  MessageId id;
  {
    Queue queue = make();
    id = queue.send("a").value();
    ASSERT_TRUE(queue.send("b"));
  }
  for (int i = 0; i < 3; ++i) {
    reboot();
    Queue queue = open();
    const std::string next = std::to_string(i);
    ASSERT_TRUE(queue.send(next));
    auto got = queue.receive({.max_messages = 10}).value();
    ASSERT_EQ(got.size(), 3u);
    EXPECT_EQ(got[0].text(), "a");
    EXPECT_EQ(got[0].id(), id);
    EXPECT_EQ(got[2].text(), next);
    ASSERT_EQ(got[2].acknowledge(), Errc::kOk);
  }
}

TEST_F(DurableQueue, GoesOnWithALogThatFailedOnceItIsRecovered) {
  Queue queue = make();
  ASSERT_TRUE(queue.send("acknowledged"));
  EXPECT_FALSE(queue.recover_log().value().has_value()) << "it has not failed";
  let_the_log_fail();
  EXPECT_EQ(code_of(queue.send("refused")), Errc::kLogFailed);
  EXPECT_NE(findings().find("its log failed"), std::string::npos) << findings();
  EXPECT_EQ(drain(queue), Texts{"acknowledged"}) << "receiving goes on";
  const RecoveredLog recovered = queue.recover_log().value().value();
  EXPECT_EQ(recovered.log_errno, EIO);
  EXPECT_EQ(recovered.on_disk, recovered.acknowledged);
  EXPECT_EQ(recovered.records, 1u) << "that it was acknowledged";
  ASSERT_TRUE(queue.send("later"));
  reboot_with([&] { queue = Queue(); });
  queue = open();
  EXPECT_EQ(drain(queue), Texts{"later"});
}

TEST_F(DurableQueue, IsNotGoneOnWithIfItsLogHasLostWhatWasAcknowledged) {
  Queue queue = make();
  ASSERT_TRUE(queue.send("a"));
  let_the_log_fail();
  for (const auto& entry : std::filesystem::recursive_directory_iterator(scratch_.path("state"))) {
    if (entry.path().extension() == ".segment") std::filesystem::remove(entry.path());
  }
  EXPECT_EQ(code_of(queue.recover_log()), Errc::kDamaged);
  EXPECT_EQ(code_of(queue.send("b")), Errc::kLogFailed);
  queue = Queue();
  bus_->delete_queue("q").value();
  Queue memory = bus_->queue("memory").value();
  EXPECT_EQ(code_of(memory.recover_log()), Errc::kInvalidArgument);
}

TEST_F(DurableQueue, IsOpenedOnceWhoeverMakesOrRecoversItIsDone) {
  { ASSERT_TRUE(make().send("a")); }
  reboot();
  durable::Home& home = client::Member::of(*bus_).context().queues.home();
  sys::Fd recovering = home.lock("q").value();
  std::thread second([&] {
    Bus other = Bus::open("test", options()).value();
    Queue queue = other.open_queue("q").value();
    EXPECT_EQ(drain(queue), Texts{"a"});
  });
  recovering = sys::Fd();  // as by his death
  second.join();
}

TEST_F(DurableQueue, SaysThatItIsBusyIfThatTakesTooLong) {
  { static_cast<void>(make()); }
  reboot();
  durable::Home& home = client::Member::of(*bus_).context().queues.home();
  home.wait_for_locks(1ms);
  sys::Fd stopped = home.lock("q").value();
  EXPECT_EQ(code_of(home.lock("q")), Errc::kBusy);
  stopped = sys::Fd();
  home.wait_for_locks(10s);
  EXPECT_TRUE(home.lock("q")) << "nobody who has given up keeps it";
}

TEST_F(DurableQueue, RefusesReceiptsOfTheTimeBefore) {
  Receipt receipt;
  {
    Queue queue = make();
    ASSERT_TRUE(queue.send("a"));
    receipt = receive_one(queue);
  }
  reboot();
  Queue queue = open();
  EXPECT_EQ(queue.acknowledge(receipt), Errc::kInvalidArgument);
  EXPECT_EQ(drain(queue), Texts{"a"}) << "visible again: its consumer is gone";
}

TEST_F(DurableQueue, GoesOnCountingReceives) {
  {
    Queue dead = make("dead");
    Queue queue = make("q", {.visibility_timeout = 1s, .redrive = RedrivePolicy{"dead", 3}});
    ASSERT_TRUE(queue.send("poison"));
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(bodies(queue), Texts{"poison"});
      clock_.advance(2s);
    }
  }
  reboot();
  Queue queue = open();
  {
    auto got = queue.receive().value();
    EXPECT_EQ(got[0].receive_count(), 3u);
  }
  clock_.advance(2s);
  EXPECT_EQ(bodies(queue), Texts{}) << "three times were allowed";
  {
    Queue dead = open("dead");
    EXPECT_EQ(dead.stats().visible, 1u) << "the dead-letter queue came back with it";
  }
}

TEST_F(DurableQueue, KeepsWhatBecameADeadLetter) {
  MessageId id;
  {
    Queue dead = make("dead");
    Queue queue = make("q", {.visibility_timeout = 1s, .redrive = RedrivePolicy{"dead", 1}});
    id = queue.send("poison").value();
    EXPECT_EQ(bodies(queue), Texts{"poison"});
    clock_.advance(2s);
    EXPECT_EQ(bodies(queue), Texts{});
  }
  reboot();
  Queue queue = open();
  EXPECT_EQ(drain(queue), Texts{});
  Queue dead = open("dead");
  auto got = dead.receive().value();
  EXPECT_EQ(got[0].text(), "poison");
  EXPECT_EQ(got[0].id(), id);
  EXPECT_EQ(got[0].receive_count(), 2u);
  EXPECT_EQ(got[0].dead_letter_source(), "q");
  ASSERT_EQ(got[0].acknowledge(), Errc::kOk);
}

TEST_F(DurableQueue, TakesDeadLettersBackFromBeforeTheReboot) {
  {
    Queue dead = make("dead");
    Queue queue = make("q", {.visibility_timeout = 1s, .redrive = RedrivePolicy{"dead", 1}});
    ASSERT_TRUE(queue.send("poison"));
    EXPECT_EQ(bodies(queue), Texts{"poison"});
    clock_.advance(2s);
    EXPECT_EQ(bodies(queue), Texts{});
    ASSERT_TRUE(dead.send("sent here"));
  }
  reboot();
  EXPECT_EQ(bus_->start_move("dead").value().run().value().moved, 1u);
  Queue queue = open();
  EXPECT_EQ(drain(queue), Texts{"poison"});
  reboot_with([&] { queue = Queue(); });
  queue = open();
  EXPECT_EQ(drain(queue), Texts{});
  Queue dead = open("dead");
  EXPECT_EQ(drain(dead), Texts{"sent here"});
}

TEST_F(DurableQueue, DelaysWhatIsLeftOfADelay) {
  {
    Queue queue = make();
    ASSERT_TRUE(queue.send("late", {.delay = 10min}));
    ASSERT_TRUE(queue.send("over", {.delay = 30s}));
    clock_.advance(1s);
  }
  reboot();  // takes a minute
  Queue queue = open();
  EXPECT_EQ(drain(queue), Texts{"over"});
  EXPECT_EQ(queue.stats().delayed, 1u);
  clock_.advance(8min + 58s);
  EXPECT_EQ(drain(queue), Texts{});
  clock_.advance(2s);
  EXPECT_EQ(drain(queue), Texts{"late"});
}

TEST_F(DurableQueue, DropsWhatIsPastRetentionAlsoWhenTheMachineIsYounger) {
  {
    Queue queue = make("q", {.retention = 5min});
    ASSERT_TRUE(queue.send("old"));
    clock_.advance(4min);
    ASSERT_TRUE(queue.send("young"));
  }
  reboot();  // up for a second
  Queue queue = open();
  EXPECT_GE(queue.stats().oldest_age, 5min);
  clock_.advance(1s);
  EXPECT_EQ(drain(queue), Texts{"young"});
  EXPECT_EQ(queue.stats().dropped_by_retention, 1u);
}

TEST_F(DurableQueue, StaysEmptyOncePurged) {
  {
    Queue queue = make();
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(queue.send("x"));
    EXPECT_EQ(queue.purge().value(), 100u);
    ASSERT_TRUE(queue.send("after"));
  }
  reboot();
  Queue queue = open();
  EXPECT_EQ(drain(queue), Texts{"after"});
}

TEST_F(DurableQueue, KeepsItsSettingsAndTags) {
  QueueSettings before;
  {
    Queue queue = bus_->queue("q", durable({.delay = 1s, .slots = 64}), {{"team", "red"}}).value();
    ASSERT_TRUE(queue.set({.visibility_timeout = 7s, .retention = 2min}));
    ASSERT_TRUE(queue.set_tags({{"stage", "test"}}));
    before = queue.settings();
  }
  reboot();
  Queue queue = open();
  EXPECT_EQ(queue.settings().visibility_timeout, before.visibility_timeout);
  EXPECT_EQ(queue.settings().visibility_timeout, 7s);
  EXPECT_EQ(queue.settings().retention, 2min);
  EXPECT_EQ(queue.settings().delay, 1s);
  EXPECT_EQ(queue.settings().slots, 64u);
  EXPECT_EQ(queue.tags().value(), (Tags{{"stage", "test"}, {"team", "red"}}));
}

TEST_F(DurableQueue, HoldsMoreAfterARebootThanItsFirstRing) {
  constexpr int kMessages = 1'000;
  {
    Queue queue = make("q", {.slots = 64});
    const OutMessage one{.body = as_bytes("x")};
    const std::vector<OutMessage> batch(kMessages, one);
    ASSERT_EQ(queue.send_batch(batch).value(), std::size_t{kMessages});
  }
  reboot();
  Queue queue = open();
  EXPECT_EQ(queue.stats().visible, std::uint64_t{kMessages});
  EXPECT_EQ(drain(queue).size(), std::size_t{kMessages});
}

TEST_F(DurableQueue, IsGoneForEverOnceDeleted) {
  ASSERT_TRUE(make().send("a"));
  ASSERT_TRUE(bus_->delete_queue("q"));
  EXPECT_EQ(code_of(bus_->open_queue("q")), Errc::kNotFound);
  EXPECT_EQ(bus_->queue_names().value(), Texts{});
  ASSERT_TRUE(make().send("b"));
  reboot();
  ASSERT_TRUE(bus_->delete_queue("q")) << "which nobody has opened since";
  EXPECT_EQ(bus_->queue_names().value(), Texts{});
  EXPECT_EQ(code_of(bus_->open_queue("q")), Errc::kNotFound);
  EXPECT_EQ(code_of(bus_->delete_queue("q")), Errc::kNotFound);
}

TEST_F(DurableQueue, IsRefusedWhereItIsNotPossibleYet) {
  EXPECT_EQ(code_of(bus_->queue("q", durable({.fair = true}))), Errc::kUnsupported);
  EXPECT_EQ(code_of(bus_->queue("q", durable({.message_bytes_max = 2u << 20}))),
            Errc::kInvalidArgument);
  EXPECT_EQ(code_of(bus_->queue("q", durable({.log_segment_bytes = 64u << 10}))),
            Errc::kInvalidArgument)
      << "four of the largest messages must fit";
  EXPECT_EQ(code_of(bus_->queue("q", {.log_segment_bytes = 1u << 20})), Errc::kInvalidArgument);
  EXPECT_EQ(bus_->queue_names().value(), Texts{});
  Queue queue = make();
  EXPECT_EQ(code_of(queue.set({.durability = Durability::kMemory})), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(queue.set({.message_bytes_max = 2u << 20})), Errc::kInvalidArgument);
}

TEST_F(DurableQueue, ComesBackOnceThereIsRoomForIt) {
  const std::string large(200'000, 'L');
  {
    Queue queue = make();
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(queue.send(large));
  }
  BusOptions small = options();
  small.arena_bytes_max = 1 << 20;
  reboot(small);
  EXPECT_EQ(code_of(bus_->open_queue("q")), Errc::kNoSpace);
  EXPECT_EQ(findings(), "");
  reboot();
  Queue queue = open();
  EXPECT_EQ(queue.stats().visible, 20u) << "none of them twice";
}

TEST_F(DurableQueue, LetsTheLogOfWhatIsGoneGo) {
  MessageId kept;
  const std::string body(4'000, 'x');
  {
    Queue queue = make("q", {.message_bytes_max = 16u << 10, .log_segment_bytes = 64u << 10});
    kept = queue.send("kept").value();
    ASSERT_TRUE(queue.receive({.visibility_timeout = 12h}));
    for (int i = 0; i < 1'000; ++i) {
      ASSERT_TRUE(queue.send(body));
      ASSERT_EQ(drain(queue).size(), 1u);
    }
    EXPECT_LE(segments(), 10u) << "4 MB were written";
  }
  reboot();
  Queue queue = open();
  auto got = queue.receive({.max_messages = 10}).value();
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].text(), "kept");
  EXPECT_EQ(got[0].id(), kept);
}

TEST_F(DurableQueue, KeepsWhatIsAliveWhenTheLogGoes) {
  const std::string body(4'000, 'x');
  Texts kept;
  {
    Queue queue = make("q", {.message_bytes_max = 16u << 10, .log_segment_bytes = 64u << 10});
    for (int i = 0; i < 400; ++i) {
      const std::string text = std::to_string(i);
      if (i % 20 == 0) {
        kept.push_back(text);
        ASSERT_TRUE(queue.send(text, {.delay = 15min}));
      }
      ASSERT_TRUE(queue.send(body));
      ASSERT_EQ(drain(queue).size(), 1u);
    }
    EXPECT_LE(segments(), 10u) << "1.6 MB were written";
  }
  reboot();
  reboot();
  Queue queue = open();
  EXPECT_EQ(queue.stats().delayed, kept.size());
  clock_.advance(15min);
  EXPECT_EQ(drain(queue), kept);
}

TEST_F(DurableQueue, IsWrittenByAThreadOfItsOwn) {
  {
    Queue queue = make();
    const LogWriter writer = queue.writer().value();
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(queue.send(std::to_string(i)));
    EXPECT_EQ(drain(queue).size(), 100u);
    ASSERT_TRUE(queue.send("last"));
    EXPECT_EQ(writer.failure(), Errc::kOk);
  }
  reboot();
  Queue queue = open();
  EXPECT_EQ(drain(queue), Texts{"last"});
  EXPECT_EQ(code_of(bus_->queue("memory").value().writer()), Errc::kInvalidArgument);
}

TEST_F(DurableQueue, SaysWhatItTakes) {
  Queue queue = make();
  ASSERT_TRUE(queue.send("x"));
  const QueueStats stats = queue.stats();
  EXPECT_GE(stats.log_bytes, 16u << 20);
  EXPECT_GT(stats.log_written, 0u);
  EXPECT_GT(stats.memory_bytes, 8u << 20);
  EXPECT_EQ(durable_queues(*bus_), Texts{"q"});
}

TEST_F(DurableQueue, IsWrittenByASweep) {
  Queue queue = make();
  EXPECT_EQ(drain(queue), Texts{});  // looks after everything once, and then not for a while
  ASSERT_TRUE(queue.send("x"));
  ASSERT_EQ(queue.receive().value()[0].acknowledge(), Errc::kOk);
  const std::uint64_t written = queue.stats().log_written;
  bus_->sweep();
  EXPECT_GT(queue.stats().log_written, written) << "that it is gone";
}

TEST_F(DurableQueue, IsWhatTheDiskSaysOnceAnotherBusHasHadIt) {
  ASSERT_TRUE(make().send("a"));
  bus_.reset();
  std::filesystem::rename(scratch_.path("shm"), scratch_.path("elsewhere"));
  {
    Bus other = Bus::open("test", options()).value();
    Queue queue = other.open_queue("q").value();
    EXPECT_EQ(drain(queue), Texts{"a"});
    ASSERT_TRUE(queue.send("b"));
  }
  std::filesystem::remove_all(scratch_.path("shm"));
  std::filesystem::rename(scratch_.path("elsewhere"), scratch_.path("shm"));
  bus_.emplace(Bus::open("test", options()).value());
  Queue queue = open();
  EXPECT_EQ(drain(queue), Texts{"b"});
}

TEST_F(DurableQueue, RefusesADirectoryThatIsAnotherBuses) {
  static_cast<void>(make());
  BusOptions elsewhere = options();
  elsewhere.shm_dir = scratch_.path("elsewhere");
  Bus other = Bus::open("test", elsewhere).value();
  EXPECT_EQ(code_of(other.queue("q", durable())), Errc::kBusy);
  EXPECT_EQ(code_of(other.open_queue("q")), Errc::kNotFound);
  EXPECT_EQ(other.queue_names().value(), Texts{});
}

TEST_F(DurableQueue, IsSharedByTheParticipantsOfABus) {
  {
    Queue mine = make();
    Bus other = Bus::open("test", options()).value();
    Queue theirs = other.open_queue("q").value();
    ASSERT_TRUE(mine.send("a"));
    ASSERT_TRUE(theirs.send("b"));
    ASSERT_TRUE(mine.send("c"));
    EXPECT_EQ(receive_one(theirs).receive_count, 1u);
    auto got = theirs.receive().value();
    ASSERT_EQ(got[0].acknowledge(), Errc::kOk);
  }
  reboot();
  Queue queue = open();
  EXPECT_EQ(drain(queue), (Texts{"a", "c"}));
}

}  // namespace
}  // namespace ringpost::test
