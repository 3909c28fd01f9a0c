// FIFO queues whose messages, order and deduplication ids survive the loss of shared memory.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "support/durable_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

class DurableFifo : public DurableQueue {
 protected:
  static QueueSettings fifo(QueueSettings settings = {}) {
    settings.fifo = true;
    return settings;
  }
  static QueueSettings by_id(QueueSettings settings = {}) {
    settings.dedup = Dedup::kById;
    return fifo(std::move(settings));
  }
  static QueueSettings small_log(QueueSettings settings = {}) {
    settings.message_bytes_max = 16u << 10;
    settings.log_segment_bytes = 64u << 10;
    return settings;
  }
  void advance(Duration by) { clock_.advance(by); }
  static MessageId send(Queue& queue, std::string_view body, std::string_view group = "g",
                        std::string_view dedup_id = {}) {
    return queue.send(body, {.group = group, .dedup_id = dedup_id}).value();
  }
  static void acknowledge_one(Queue& queue) {
    ASSERT_EQ(queue.receive().value()[0].acknowledge(), Errc::kOk);
  }
  static std::size_t fill_group(Queue& queue) {
    std::size_t sent = 0;
    while (queue.send("x", {.group = "g"})) ++sent;
    return sent;
  }
  /// So much that nothing of what was written before is in the log any more, unless it is alive.
  void work_through(Queue& queue, int messages = 300) {
    const std::string body(4'000, 'x');
    for (int i = 0; i < messages; ++i) {
      send(queue, body, "work", "work-" + std::to_string(++works_));
      auto got = queue.receive().value();
      ASSERT_EQ(got[0].group(), "work");
      ASSERT_EQ(got[0].acknowledge(), Errc::kOk);
    }
  }

  int works_ = 0;
};

/// What a receiver sees of a message.
std::string description(const Lease& lease) {
  return std::string(lease.text()) + " " + std::string(lease.group()) + " " +
         std::string(lease.dedup_id()) + " " + std::to_string(lease.sequence()) + " " +
         lease.id().to_string();
}

TEST_F(DurableFifo, HasEverythingOfItsMessagesAfterAReboot) {
  const std::string large(100'000, 'L');
  std::vector<MessageId> ids;
  {
    Queue queue = make("q", by_id());
    const Attribute colour[] = {{"colour", "red"}};
    ids.push_back(queue.send("one", {.attributes = colour, .group = "a", .dedup_id = "1"}).value());
    ids.push_back(send(queue, large, "b", "2"));
    auto loan = queue.loan(5).value();
    std::copy_n("three", 5, reinterpret_cast<char*>(loan.bytes().data()));
    ids.push_back(queue.send(std::move(loan), {.group = "a", .dedup_id = "3"}).value());
    const OutMessage batch[] = {{.body = as_bytes("four"), .group = "b", .dedup_id = "4"},
                                {.body = as_bytes("five"), .group = "c", .dedup_id = "5"}};
    ASSERT_EQ(queue.send_batch(batch).value(), 2u);
  }
  reboot();
  Queue queue = open();
  EXPECT_EQ(findings(), "");
  std::map<std::string, Texts> found;
  for (int i = 0; i < 5; ++i) {
    auto got = queue.receive().value();
    ASSERT_EQ(got.size(), 1u);
    const std::string body = got[0].text() == large ? "large" : std::string(got[0].text());
    found[std::string(got[0].group())].push_back(body + " " + std::string(got[0].dedup_id()));
    if (body == "one") {
      EXPECT_EQ(got[0].attributes().find("colour")->value, "red");
      EXPECT_EQ(got[0].id(), ids[0]);
      EXPECT_EQ(got[0].sequence(), ids[0].position);
      EXPECT_EQ(got[0].receive_count(), 1u);
    }
    ASSERT_EQ(got[0].acknowledge(), Errc::kOk);
  }
  EXPECT_EQ(found["a"], (Texts{"one 1", "three 3"}));
  EXPECT_EQ(found["b"], (Texts{"large 2", "four 4"}));
  EXPECT_EQ(found["c"], (Texts{"five 5"}));
  EXPECT_EQ(bodies(queue), Texts{});
}

TEST_F(DurableFifo, LocksItsGroupsAfterAReboot) {
  {
    Queue queue = make("q", fifo());
    for (const char* body : {"a1", "a2", "b1", "b2"}) send(queue, body, std::string_view(body, 1));
    ASSERT_EQ(queue.receive().value().size(), 1u) << "in flight when the machine goes down";
  }
  reboot();
  Queue queue = open();
  {
    auto first = queue.receive().value();
    auto second = queue.receive().value();
    EXPECT_NE(first[0].group(), second[0].group());
    EXPECT_EQ(first[0].text(), std::string(first[0].group()) + "1");
    EXPECT_EQ(second[0].text(), std::string(second[0].group()) + "1");
    EXPECT_EQ(code_of(queue.receive()), Errc::kEmpty);
    const std::string next = std::string(first[0].group()) + "2";
    ASSERT_EQ(first[0].acknowledge(), Errc::kOk);
    EXPECT_EQ(bodies(queue), Texts{next});
  }
}

TEST_F(DurableFifo, IsTheSameAfterEachReboot) {
  Texts before;
  {
    Queue queue = make("q", by_id());
    for (int i = 0; i < 20; ++i) {
      send(queue, std::to_string(i), i % 2 == 0 ? "even" : "odd", "id" + std::to_string(i));
    }
    for (int i = 0; i < 4; ++i) acknowledge_one(queue);
  }
  for (int life = 0; life < 3; ++life) {
    reboot();
    Queue queue = open();
    Texts now;
    auto got = queue.receive({.max_messages = 20}).value();
    for (const Lease& lease : got) now.push_back(description(lease));
    std::sort(now.begin(), now.end());
    EXPECT_EQ(now.size(), 16u);
    if (life != 0) {
      EXPECT_EQ(now, before);
    }
    before = now;
  }
}

TEST_F(DurableFifo, GoesOnWithHigherSequenceNumbers) {
  std::uint64_t last = 0;
  static_cast<void>(make("q", fifo()));
  for (int life = 0; life < 4; ++life) {
    reboot();
    Queue queue = open();
    last += 1 << 20;  // somebody may have received more than the disk has got to know
    for (int i = 0; i < 3; ++i) {
      const MessageId id = send(queue, "x");
      EXPECT_GT(id.position, last);
      last = id.position;
      auto got = queue.receive().value();
      EXPECT_EQ(got[0].sequence(), id.position);
      ASSERT_EQ(got[0].acknowledge(), Errc::kOk);
    }
  }
}

TEST_F(DurableFifo, PutsWhatIsSentAfterARebootBehindWhatWasThere) {
  {
    Queue queue = make("q", fifo({.slots = 64}));
    for (int i = 0; i < 30; ++i) send(queue, std::to_string(i));
    for (int i = 0; i < 20; ++i) acknowledge_one(queue);
    for (int i = 30; i < 70; ++i) send(queue, std::to_string(i));
  }
  reboot();
  Queue queue = open();
  std::size_t room = 0;
  while (queue.send(std::to_string(70 + room), {.group = "g"})) ++room;
  EXPECT_EQ(room, 14u) << "of 64 places 50 were taken";
  EXPECT_EQ(findings(), "");
  Texts expected;
  for (std::size_t i = 20; i < 70 + room; ++i) expected.push_back(std::to_string(i));
  EXPECT_EQ(drain(queue), expected);
}

TEST_F(DurableFifo, KnowsIdsAfterAReboot) {
  MessageId waiting;
  MessageId gone;
  {
    Queue queue = make("q", by_id());
    gone = send(queue, "gone", "g", "id-1");
    acknowledge_one(queue);
    waiting = send(queue, "waiting", "g", "id-2");
  }
  for (int life = 0; life < 2; ++life) {
    reboot();  // takes a minute
    Queue queue = open();
    EXPECT_EQ(send(queue, "again", "g", "id-1"), gone);
    EXPECT_EQ(send(queue, "again", "g", "id-2"), waiting);
    EXPECT_EQ(queue.stats().duplicates, 2u);
    EXPECT_EQ(bodies(queue), Texts{"waiting"});
  }
  Queue queue = open();
  advance(3min + 1s);
  EXPECT_NE(send(queue, "again", "g", "id-1"), gone) << "the window is over";
}

TEST_F(DurableFifo, KnowsIdsOfGroupsAndOfContent) {
  MessageId first;
  {
    Queue groups = make("groups", by_id({.dedup_scope = DedupScope::kGroup}));
    first = send(groups, "x", "a", "id");
    Queue content = make("content", fifo({.dedup = Dedup::kByContent}));
    send(content, "body");
  }
  reboot();
  Queue groups = open("groups");
  EXPECT_EQ(send(groups, "x", "a", "id"), first);
  EXPECT_NE(send(groups, "x", "b", "id"), first);
  EXPECT_EQ(groups.stats().visible, 2u);
  Queue content = open("content");
  send(content, "body");
  send(content, "another");
  EXPECT_EQ(content.stats().visible, 2u);
}

TEST_F(DurableFifo, SendsADuplicateOfWhatIsOnDisk) {
  Queue queue = make("q", by_id());
  const MessageId first = send(queue, "x", "g", "id");
  const OutMessage batch[] = {{.body = as_bytes("x"), .group = "g", .dedup_id = "id"},
                              {.body = as_bytes("y"), .group = "g", .dedup_id = "id-2"}};
  EXPECT_EQ(queue.send_batch(batch).value(), 2u);
  Bus other = Bus::open("test", options()).value();
  Queue theirs = other.open_queue("q").value();
  EXPECT_EQ(send(theirs, "x", "g", "id"), first);
  EXPECT_EQ(drain(queue), (Texts{"x", "y"}));
}

TEST_F(DurableFifo, KnowsIdsWhoseMessagesHaveLeftTheLog) {
  MessageId gone;
  MessageId waiting;
  {
    Queue queue = make("q", small_log(by_id({.visibility_timeout = 12h, .dedup_window = 1h})));
    gone = send(queue, "gone", "g", "id-1");
    acknowledge_one(queue);
    waiting = send(queue, "waiting", "g", "id-2");
    ASSERT_EQ(queue.receive().value().size(), 1u);
    work_through(queue);
    EXPECT_LE(segments(), 12u) << "1.2 MB were written";
    work_through(queue);
  }
  reboot();
  {
    Queue queue = open();
    EXPECT_EQ(send(queue, "again", "g", "id-1"), gone);
    EXPECT_EQ(send(queue, "again", "g", "id-2"), waiting);
    EXPECT_EQ(bodies(queue), Texts{"waiting"});
    work_through(queue);
  }
  reboot();
  Queue queue = open();
  EXPECT_EQ(send(queue, "again", "g", "id-1"), gone);
  EXPECT_EQ(send(queue, "again", "g", "id-2"), waiting);
  EXPECT_EQ(bodies(queue), Texts{"waiting"});
}

/// As a loss of power would leave it: what was never written is missing.
std::size_t waiting_after_a_loss_of_power(const std::filesystem::path& state,
                                          const std::string& name) {
  const rig::Scratch scratch;
  std::filesystem::copy(state, scratch.path("state"), std::filesystem::copy_options::recursive);
  std::filesystem::remove(scratch.path("state") + "/test/owner");
  Bus bus = Bus::open("test", {.shm_dir = scratch.path("shm"), .state_dir = scratch.path("state")})
                .value();
  return bus.open_queue(name).value().stats().visible;
}

// A message that was moved is not alive at its source, and its target may not be on disk.
TEST_F(DurableFifo, LetsASegmentGoOnceAllLogsAreOnDisk) {
  Queue other = make("other");
  ASSERT_TRUE(other.send("done"));
  acknowledge_one(other);  // nobody waits for that record
  Queue queue = make("q", small_log(by_id()));
  EXPECT_EQ(waiting_after_a_loss_of_power(scratch_.path("state"), "other"), 1u);
  work_through(queue);
  EXPECT_EQ(waiting_after_a_loss_of_power(scratch_.path("state"), "other"), 0u);
}

TEST_F(DurableFifo, LetsIdsGoOnceTheirWindowIsOver) {
  {
    Queue queue = make("q", small_log(by_id({.dedup_window = 1s})));
    for (int i = 0; i < 5; ++i) {
      work_through(queue, 100);
      advance(2s);
    }
    EXPECT_LE(segments(), 8u) << "2 MB were written";
  }
  reboot();
  Queue queue = open();
  send(queue, "x", "g", "id");
  EXPECT_EQ(drain(queue), Texts{"x"});
}

TEST_F(DurableFifo, ForgetsIdsWithAPurge) {
  {
    Queue queue = make("q", by_id());
    send(queue, "gone", "g", "id-1");
    acknowledge_one(queue);
    send(queue, "purged", "g", "id-2");
    EXPECT_EQ(queue.purge().value(), 1u);
    advance(1s);
    send(queue, "after", "g", "id-3");
  }
  reboot();
  Queue queue = open();
  send(queue, "again 1", "g", "id-1");
  send(queue, "again 2", "g", "id-2");
  send(queue, "a duplicate", "g", "id-3");
  EXPECT_EQ(drain(queue), (Texts{"after", "again 1", "again 2"}));
}

TEST_F(DurableFifo, PurgesWhatWasThereBeforeTheReboot) {
  {
    Queue queue = make("q", by_id());
    for (int i = 0; i < 10; ++i) send(queue, "x", "g", std::to_string(i));
  }
  reboot();
  {
    Queue queue = open();
    EXPECT_EQ(queue.purge().value(), 10u);
    send(queue, "y", "g", "0");
  }
  reboot();
  Queue queue = open();
  EXPECT_EQ(drain(queue), Texts{"y"});
}

TEST_F(DurableFifo, DelaysWhatIsLeftOfTheQueuesDelay) {
  {
    Queue queue = make("q", fifo({.delay = 10min}));
    send(queue, "a1", "a");
    advance(2min);
    send(queue, "b1", "b");
    send(queue, "a2", "a");
  }
  reboot();  // takes a minute
  Queue queue = open();
  EXPECT_EQ(queue.stats().delayed, 3u);
  EXPECT_EQ(drain(queue), Texts{});
  advance(7min + 1s);
  EXPECT_EQ(drain(queue), Texts{"a1"});
  advance(1min + 58s);
  EXPECT_EQ(drain(queue), Texts{});
  advance(2s);
  EXPECT_EQ(drain(queue), (Texts{"b1", "a2"}));
}

TEST_F(DurableFifo, ShowsADelayThatIsOverSinceTheMachineWasDown) {
  {
    Queue queue = make("q", fifo({.delay = 30s}));
    send(queue, "x");
  }
  reboot();  // takes a minute, and the machine is up for a second
  Queue queue = open();
  EXPECT_EQ(queue.stats().visible, 1u);
  EXPECT_EQ(drain(queue), Texts{"x"});
}

TEST_F(DurableFifo, DropsWhatIsPastRetentionAlsoWhenTheMachineIsYounger) {
  {
    Queue queue = make("q", fifo({.retention = 5min}));
    send(queue, "old");
    advance(4min);
    send(queue, "young");
  }
  reboot();
  Queue queue = open();
  advance(1s);
  EXPECT_EQ(drain(queue), Texts{"young"});
  EXPECT_EQ(queue.stats().dropped_by_retention, 1u);
  queue = Queue();
  reboot();
  queue = open();
  EXPECT_EQ(queue.stats().visible, 0u);
}

TEST_F(DurableFifo, GoesOnCountingReceivesAndBuriesInOrder) {
  MessageId poison;
  {
    Queue dead = make("dead", by_id());
    Queue queue = make(
        "q",
        by_id({.visibility_timeout = 1s,
               .redrive = RedrivePolicy{.dead_letter_queue = "dead", .max_receive_count = 3}}));
    poison = send(queue, "poison", "g", "p");
    send(queue, "next", "g", "n");
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(bodies(queue, 1), Texts{"poison"});
      advance(2s);
    }
  }
  reboot();
  {
    Queue queue = open();
    auto got = queue.receive().value();
    EXPECT_EQ(got[0].receive_count(), 3u);
    got = {};
    advance(2s);
    EXPECT_EQ(drain(queue), Texts{"next"}) << "three times were allowed";
  }
  reboot();
  Queue queue = open();
  EXPECT_EQ(drain(queue), Texts{});
  Queue dead = open("dead");
  {
    auto got = dead.receive().value();
    EXPECT_EQ(got[0].text(), "poison");
    EXPECT_EQ(got[0].id(), poison);
    EXPECT_EQ(got[0].group(), "g");
    EXPECT_EQ(got[0].dedup_id(), poison.to_string());
    EXPECT_EQ(got[0].dead_letter_source(), "q");
    EXPECT_EQ(got[0].receive_count(), 4u);
    ASSERT_EQ(got[0].release(), Errc::kOk);
  }
  EXPECT_EQ(bus_->start_move("dead").value().run().value().moved, 1u);
  EXPECT_EQ(drain(queue), Texts{"poison"});
  EXPECT_NE(send(queue, "poison", "g", "n"), poison) << "a duplicate of the other one";
  EXPECT_EQ(drain(queue), Texts{});
}

TEST_F(DurableFifo, GivesAReceiveAgainWhoseAnswerWasLost) {
  Queue queue = make("q", fifo());
  send(queue, "x");
  Receipt receipt;
  {
    auto got = queue.receive({.attempt_id = "1"}).value();
    receipt = got[0].receipt();
  }
  auto again = queue.receive({.attempt_id = "1"}).value();
  EXPECT_EQ(again[0].text(), "x");
  ASSERT_EQ(again[0].acknowledge(), Errc::kOk);
  EXPECT_EQ(queue.acknowledge(receipt), Errc::kStaleReceipt);
}

TEST_F(DurableFifo, ComesBackOnceThereIsRoomForIt) {
  const std::string large(200'000, 'L');
  {
    Queue queue = make("q", by_id());
    for (int i = 0; i < 20; ++i) send(queue, large, "g", std::to_string(i));
  }
  BusOptions small = options();
  small.arena_bytes_max = 1 << 20;
  reboot(small);
  EXPECT_EQ(code_of(bus_->open_queue("q")), Errc::kNoSpace);
  EXPECT_EQ(code_of(bus_->open_queue("q")), Errc::kNoSpace);
  EXPECT_EQ(findings(), "");
  reboot();
  Queue queue = open();
  EXPECT_EQ(drain(queue).size(), 20u);
}

TEST_F(DurableFifo, IsWrittenByAThreadOfItsOwn) {
  MessageId last;
  {
    Queue queue = make("q", by_id());
    const LogWriter writer = queue.writer().value();
    for (int i = 0; i < 100; ++i) send(queue, "x", "g", std::to_string(i));
    EXPECT_EQ(drain(queue).size(), 100u);
    last = send(queue, "last", "g", "last");
    EXPECT_EQ(writer.failure(), Errc::kOk);
  }
  reboot();
  Queue queue = open();
  EXPECT_EQ(send(queue, "last", "g", "last"), last);
  EXPECT_EQ(drain(queue), Texts{"last"});
}

TEST_F(DurableFifo, WaitsForRoomAndRefusesWithout) {
  Queue queue = make("q", fifo({.slots = 64}));
  EXPECT_EQ(fill_group(queue), 64u);
  EXPECT_EQ(code_of(queue.send("x", {.group = "g"})), Errc::kFull);
  EXPECT_EQ(code_of(queue.send(std::string(10'000, 'x'), {.group = "g"})), Errc::kFull);
  acknowledge_one(queue);
  EXPECT_EQ(fill_group(queue), 1u);
  reboot_with([&] { queue = Queue(); });
  queue = open();
  EXPECT_EQ(fill_group(queue), 0u);
  EXPECT_EQ(drain(queue).size(), 64u);
}

TEST_F(DurableFifo, IsMadeWithSettingsThatItKeeps) {
  {
    Queue queue = make("q", by_id({.slots = 128,
                                   .dedup_window = 10min,
                                   .dedup_entries = 1'000,
                                   .dedup_scope = DedupScope::kGroup}));
    ASSERT_TRUE(queue.set({.dedup = Dedup::kByContent}));
  }
  reboot();
  Queue queue = open();
  const QueueSettings settings = queue.settings();
  EXPECT_EQ(settings.fifo, true);
  EXPECT_EQ(settings.durability, Durability::kDurable);
  EXPECT_EQ(settings.slots, 128u);
  EXPECT_EQ(settings.dedup, Dedup::kByContent);
  EXPECT_EQ(settings.dedup_window, 10min);
  EXPECT_EQ(settings.dedup_entries, 1'000u);
  EXPECT_EQ(settings.dedup_scope, DedupScope::kGroup);
}

}  // namespace
}  // namespace ringpost::test
