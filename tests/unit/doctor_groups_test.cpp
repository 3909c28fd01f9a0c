// The doctor of FIFO rings: silent about groups in whatever state, eloquent about damaged ones.
#include <gtest/gtest.h>

#include <thread>

#include "group/groups.hpp"
#include "support/raw_ring.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;
using group::Next;
using group::Record;
using ring::LeaseWord;

class GroupDoctor : public ::testing::Test {
 protected:
  void expect_finding(const std::string& object, const std::string& what) {
    const DoctorReport report = examine(test_.bus());
    ASSERT_EQ(report.findings.size(), 1u) << test_.findings();
    const std::string found = report.findings.front().object + ": " + report.findings.front().what;
    EXPECT_NE(found.find(object), std::string::npos) << found;
    EXPECT_NE(found.find(what), std::string::npos) << found;
    sweeper_repairs_it_ = report.findings.front().repair.empty();
  }
  [[nodiscard]] bool has_finding(const std::string& text) {
    return test_.findings().find(text) != std::string::npos;
  }
  void send(std::string_view group, std::string_view body = "x") {
    ASSERT_TRUE(queue_.send(body, {.group = group}));
  }
  /// Messages in slots 0, 1, … of group a, all of them in its list, visible.
  void place(int count) {
    for (int i = 0; i < count; ++i) send("a");
    Leases leases;
    ASSERT_EQ(queue_.receive(leases, {.max_messages = static_cast<std::uint32_t>(count)}),
              Errc::kOk);
    for (Lease& lease : leases) EXPECT_EQ(lease.release(), Errc::kOk);
    index_ = groups_.find(groups_.key_at(0), record_);
    EXPECT_EQ(test_.findings(), "");
  }
  void set_record(Record record) { set_record(index_, record); }
  void set_record(std::uint32_t index, Record record) {
    group::record_word(raw_.view(), index).initialise(record.bits);
  }
  void set_lease(std::uint32_t slot, LeaseWord word) {
    raw_.view().lease(slot).initialise(word.bits);
  }

  TestBus test_;
  Queue queue_ = test_.queue("q", {.visibility_timeout = 1h, .slots = 64, .fifo = true});
  RawRing raw_{test_.bus(), "q"};
  group::Groups groups_{raw_.ring()};
  Record record_;
  std::uint32_t index_ = 0;
  bool sweeper_repairs_it_ = false;
};

TEST_F(GroupDoctor, FindsNothingWrongWithMessagesInEveryState) {
  for (int i = 0; i < 20; ++i)
    send(i % 3 == 0 ? "a" : "b", std::string(i % 2 == 0 ? 10 : 900, 'x'));
  auto held = queue_.receive({.max_messages = 12}).value();
  EXPECT_EQ(held[1].acknowledge(), Errc::kOk);  // behind another
  EXPECT_EQ(test_.findings(), "");
  EXPECT_EQ(held[2].release(), Errc::kOk);
  EXPECT_EQ(held[3].release(10s), Errc::kOk);
  EXPECT_EQ(held[0].acknowledge(), Errc::kOk);
  EXPECT_EQ(test_.findings(), "");
  raw_.claim();
  send("c");
  EXPECT_FALSE(queue_.receive({.max_messages = 10}).value().empty());
  EXPECT_EQ(test_.findings(), "");
  static_cast<void>(drain(queue_));
  EXPECT_EQ(test_.findings(), "");
}

TEST_F(GroupDoctor, FindsNothingWrongWithAClaimThatWasPassedAndMadeAgain) {
  const std::uint64_t position = raw_.claim();
  send("a");
  EXPECT_EQ(drain(queue_).size(), 1u);  // past the claim
  EXPECT_NE(raw_.view().slot(raw_.view().slot_of(position)).publish.load() & ring::kSkipped, 0u);
  EXPECT_EQ(test_.findings(), "");
  for (int i = 0; i < 200; ++i) {
    send("a");
    EXPECT_EQ(drain(queue_).size(), 1u);
  }
  EXPECT_EQ(test_.findings(), "");
}

TEST_F(GroupDoctor, FindsNothingWrongWhileOthersAreAtWork) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, i, bus = test_.bus().clone().value()]() mutable {
      Queue queue =
          bus.queue("busy", {.visibility_timeout = 1ms, .slots = 64, .fifo = true}).value();
      Leases leases;
      for (unsigned turn = 0; !stop.load(); ++turn) {
        for (int k = 0; k <= i * 20; ++k) {
          const std::string group = "g" + std::to_string((turn + static_cast<unsigned>(k)) % 5);
          static_cast<void>(queue.send(std::string(turn % 400, 'x'), {.group = group}));
        }
        test_.clock().advance(std::chrono::microseconds(turn % 7));
        if (queue.receive(leases, {.max_messages = 20}) != Errc::kOk) continue;
        for (Lease& each : leases) {
          static_cast<void>(turn % 5 == 0 ? each.release() : each.acknowledge());
        }
      }
    });
  }
  for (int look = 0; look < 10; ++look) EXPECT_EQ(test_.findings(), "");
  stop.store(true);
  for (std::thread& each : threads) each.join();
  EXPECT_EQ(test_.findings_after_sweep(), "");
}

TEST_F(GroupDoctor, NamesAMissingHintOnce) {
  place(3);
  raw_.view().hint_cell(index_).store(0);
  expect_finding("group record " + std::to_string(index_), "no hint leads to it");
  EXPECT_TRUE(sweeper_repairs_it_);
  EXPECT_EQ(test_.findings_after_sweep(), "");
  EXPECT_EQ(drain(queue_).size(), 3u);
}

TEST_F(GroupDoctor, NamesAListThatEndsEarly) {
  place(3);
  raw_.view().next(1).store(0);
  EXPECT_TRUE(has_finding("it ends at slot 1, before its last message"));
  EXPECT_TRUE(has_finding("slot 2: its message is not in the list of its group"));
}

TEST_F(GroupDoctor, NamesAListThatGoesRound) {
  place(3);
  raw_.view().next(1).store(Next::of(1, 0).word);
  EXPECT_TRUE(has_finding("it goes back at slot 0"));
}

TEST_F(GroupDoctor, NamesAListThatLeavesAMessageOut) {
  place(3);
  raw_.view().next(0).store(Next::of(1, 2).word);
  expect_finding("slot 1", "not in the list of its group");
  EXPECT_FALSE(sweeper_repairs_it_);
}

TEST_F(GroupDoctor, NamesARecordThatBeginsOrEndsElsewhere) {
  place(3);
  set_record(Record::of(record_.key(), 1, 2));
  expect_finding("slot 0", "not in the list of its group");
  set_record(Record::of(record_.key(), 0, 1));
  expect_finding("slot 2", "not in the list of its group");
  set_record(Record::of(record_.key(), 0, 63));
  EXPECT_TRUE(has_finding("it ends at slot 2, before its last message"));
  set_record(Record::of(record_.key(), 5, 2));
  EXPECT_TRUE(has_finding("it leads to slot 5, whose message is another one"));
  set_record(Record::of(record_.key(), 64, 2));
  EXPECT_TRUE(has_finding("it leads to slot 0, whose message is another one"));
  set_record(record_.emptied());
  EXPECT_TRUE(has_finding("slot 0: its message is not in the list of its group"));
}

TEST_F(GroupDoctor, NamesAMessageOfAnotherGroupInAList) {
  place(3);
  groups_.head(1).key.store(12'345);
  EXPECT_TRUE(has_finding("it leads to slot 1, whose message is of another group"));
  EXPECT_TRUE(has_finding("slot 1: its message is not in the list of its group"));
}

TEST_F(GroupDoctor, NamesASecondRecordOfAGroup) {
  place(1);
  set_record((index_ + 8) % groups_.count() / 8 * 8, record_);
  EXPECT_TRUE(has_finding("nobody finds it by its key"));
}

TEST_F(GroupDoctor, NamesAMessageWithoutAGroup) {
  place(1);
  groups_.head(0).lengths.store(0);
  expect_finding("slot 0", "its message has no group");
}

TEST_F(GroupDoctor, NamesIdsBeyondTheSlot) {
  place(1);
  groups_.head(0).lengths.store(group::IdLengths::of(255, 255).word);
  expect_finding("slot 0", "511 bytes in a slot of " + std::to_string(raw_.view().inline_bytes()));
}

TEST_F(GroupDoctor, NamesADelayOfWhatWasNotPublished) {
  const std::uint32_t slot = raw_.view().slot_of(raw_.claim());
  raw_.ring().due.lower(slot, 100);
  set_lease(slot, LeaseWord::delayed(1, 100));
  EXPECT_TRUE(has_finding("slot 0: delayed, but its content was never published"));
}

TEST_F(GroupDoctor, NamesAPassedClaimOfALaterLap) {
  raw_.claim();
  raw_.view().slot(0).publish.store(7 | ring::kSkipped);
  expect_finding("slot 0", "lap 7 is published, but the claim is of 1");
}

TEST_F(GroupDoctor, NamesAnAcknowledgeOfAParticipantThatDoesNotExist) {
  place(2);
  set_lease(1, LeaseWord::acked(1, 99, ring::kDeadlineNever, 1, false));
  expect_finding("slot 1", "acknowledged by participant 99, whom nobody knows");
}

TEST_F(GroupDoctor, NamesAnAcknowledgeWhoseEndIsNotInTheDueIndex) {
  place(2);
  set_lease(1, LeaseWord::acked(1, 0, ring::kDeadlineNever - 1, 1, false));
  raw_.ring().due.initialise();
  EXPECT_TRUE(has_finding("slot 1: the due index does not know when it ends"));
  EXPECT_EQ(test_.findings_after_sweep(), "");
}

TEST_F(GroupDoctor, NamesAHeldMessageThatIsNone) {
  place(2);
  set_lease(1, LeaseWord::limbo(1));
  EXPECT_TRUE(has_finding("it leads to slot 1, which holds no message"));
}

}  // namespace
}  // namespace ringpost::test
