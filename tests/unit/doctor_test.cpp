// The doctor: silent about a healthy bus, in whatever state and use; eloquent about a damaged one.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "support/child.hpp"
#include "support/corruption.hpp"
#include "support/raw_ring.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::chrono_literals;
using ring::LeaseState;
using ring::LeaseWord;

class Doctor : public ::testing::Test {
 protected:
  /// The one finding there is, as "object: what"; fails if there is another number.
  [[nodiscard]] std::string only_finding() {
    const DoctorReport report = examine(test_.bus());
    EXPECT_EQ(report.findings.size(), 1u) << test_.findings();
    if (report.findings.empty()) return "";
    repair_ = report.findings.front().repair;
    return report.findings.front().object + ": " + report.findings.front().what;
  }
  void expect_finding(const std::string& object, const std::string& what) {
    const std::string found = only_finding();
    EXPECT_NE(found.find(object), std::string::npos) << found;
    EXPECT_NE(found.find(what), std::string::npos) << found;
  }
  [[nodiscard]] bool sweeper_repairs_it() const { return repair_.empty(); }
  void set_lease(std::uint32_t slot, LeaseWord word) {
    raw_.view().lease(slot).initialise(word.bits);
  }

  TestBus test_;
  Queue queue_ = test_.queue("q", {.visibility_timeout = 1h, .slots = 64});
  RawRing raw_{test_.bus(), "q"};
  std::string repair_;
};

TEST_F(Doctor, FindsNothingWrongWithAFreshBus) {
  const DoctorReport report = examine(test_.bus());
  EXPECT_EQ(report.findings.size(), 0u) << test_.findings();
  EXPECT_EQ(report.queues_checked, 1u);
  EXPECT_EQ(report.slots_checked, 64u);
  EXPECT_EQ(report.blocks_checked, 0u);
}

TEST_F(Doctor, FindsNothingWrongWithMessagesInEveryState) {
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(queue_.send(std::string(i % 2 == 0 ? 10 : 1'000, 'x')));
  auto held = queue_.receive({.max_messages = 5}).value();
  EXPECT_EQ(held[0].acknowledge(), Errc::kOk);
  EXPECT_EQ(held[1].release(), Errc::kOk);
  EXPECT_EQ(held[2].release(10s), Errc::kOk);
  ASSERT_TRUE(queue_.send("late", {.delay = 1min}));
  raw_.claim();
  Loan loan = queue_.loan(3'000).value();
  EXPECT_EQ(test_.findings(), "");
  ASSERT_TRUE(queue_.send("behind the one that is being written"));
  EXPECT_EQ(queue_.receive({.max_messages = 10}).value().size(), 5u);
  EXPECT_EQ(test_.findings(), "");
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(queue_.send(std::string(500, 'y')));
  EXPECT_EQ(test_.findings(), "");
  static_cast<void>(drain(queue_));
  EXPECT_EQ(test_.findings(), "");
  EXPECT_GT(examine(test_.bus()).blocks_checked, 0u);
}

TEST_F(Doctor, FindsNothingWrongWhileOthersAreAtWork) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, i, bus = test_.bus().clone().value()]() mutable {
      Queue queue = bus.queue("busy", {.visibility_timeout = 1ms, .slots = 64}).value();
      Leases leases;
      for (unsigned turn = 0; !stop.load(); ++turn) {
        for (int k = 0; k <= i * 20; ++k)
          static_cast<void>(queue.send(std::string(turn % 400, 'x')));
        test_.clock().advance(std::chrono::microseconds(turn % 7));
        if (queue.receive(leases, {.max_messages = 20}) != Errc::kOk) continue;
        for (Lease& each : leases) {
          static_cast<void>(turn % 5 == 0 ? each.release() : each.acknowledge());
        }
      }
    });
  }
  for (int look = 0; look < 10; ++look) {
    EXPECT_EQ(test_.findings(), "");
  }
  stop.store(true);
  for (std::thread& each : threads) each.join();
  EXPECT_EQ(test_.findings(), "");
}

TEST_F(Doctor, ChangesNothing) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(queue_.send(std::string(500, 'x')));
  static_cast<void>(receive_one(queue_));
  std::vector<std::string> paths = {test_.path("bus"), test_.path("queues/q"),
                                    only_file_in(test_.path("rings")),
                                    only_file_in(test_.path("arena"))};
  const auto contents = [&] {
    std::string all;
    for (const std::string& path : paths) {
      const RawFile file(path);
      all.append(reinterpret_cast<const char*>(file.data()), file.bytes());
    }
    return all;
  };
  const std::string before = contents();
  static_cast<void>(examine(test_.bus()));
  static_cast<void>(inspect(test_.bus()));
  EXPECT_TRUE(before == contents());
}

TEST_F(Doctor, NamesALeaseStateThatDoesNotExist) {
  LeaseWord word = raw_.view().lease_word(17);
  word.bits.low |= std::uint64_t{6} << LeaseWord::kStateShift;
  set_lease(17, word);
  expect_finding("queue q, ring 0, slot 17", "lease state 6 does not exist");
  EXPECT_FALSE(sweeper_repairs_it());
}

TEST_F(Doctor, NamesBitsThatTheStateDoesNotHave) {
  LeaseWord word = raw_.view().lease_word(3);
  word.bits.high = 5;
  set_lease(3, word);
  expect_finding("slot 3", "holds more than");
  word.bits = {LeaseWord::idle(1).bits.low | std::uint64_t{1} << 63, 0};
  set_lease(3, word);
  expect_finding("slot 3", "holds more than");
}

TEST_F(Doctor, NamesALapOfZero) {
  set_lease(5, LeaseWord::idle(0));
  expect_finding("slot 5", "laps begin at 1");
}

TEST_F(Doctor, NamesAPublishWithoutAClaim) {
  raw_.view().slot(6).publish.store(1);
  expect_finding("slot 6", "lap 1 is published, but the claim is of 0");
}

TEST_F(Doctor, NamesAClaimBeyondTheLeaseWord) {
  raw_.view().claim(7).store(ring::Claim::of(2, 1).word);
  expect_finding("slot 7", "claimed for lap 2");
}

TEST_F(Doctor, NamesAHeldSlotThatWasNeverClaimed) {
  for (const LeaseWord word : {LeaseWord::await(1), LeaseWord::delayed(1, 100)}) {
    set_lease(8, word);
    expect_finding("slot 8", "never claimed");
  }
}

TEST_F(Doctor, NamesALeaseOfWhatWasNotPublished) {
  const std::uint32_t slot = raw_.view().slot_of(raw_.claim());
  set_lease(slot, LeaseWord::leased(1, 1, ring::kDeadlineNever, 1));
  expect_finding("slot 0", "never published");
}

TEST_F(Doctor, NamesALeaseWithoutAReceive) {
  ASSERT_TRUE(queue_.send("x"));
  static_cast<void>(receive_one(queue_));
  const LeaseWord word = raw_.view().lease_word(0);
  set_lease(0, LeaseWord::leased(1, word.owner(), word.deadline(), 0));
  expect_finding("slot 0", "receive count of 0");
}

TEST_F(Doctor, NamesALeaseOfAParticipantThatDoesNotExist) {
  ASSERT_TRUE(queue_.send("x"));
  static_cast<void>(receive_one(queue_));
  const LeaseWord word = raw_.view().lease_word(0);
  for (const std::uint16_t owner : {std::uint16_t{99}, std::uint16_t{16'383}}) {
    set_lease(0, LeaseWord::leased(1, owner, word.deadline(), 1));
    expect_finding("slot 0", "whom nobody knows");
  }
}

TEST_F(Doctor, NamesAnUnpublishedClaimOfAParticipantThatDoesNotExist) {
  raw_.view().claim(0).store(ring::Claim::of(1, 99).word);
  expect_finding("slot 0", "claimed and not published by participant 99");
}

TEST_F(Doctor, NamesASealInTheRingThatIsWrittenTo) {
  raw_.view().claim(9).store(ring::Claim::kSealedWord);
  expect_finding("slot 9", "sealed while senders write");
}

TEST_F(Doctor, NamesASealOverAMessage) {
  ASSERT_TRUE(queue_.send("x"));
  raw_.view().claim(0).store(ring::Claim::kSealedWord);
  expect_finding("slot 0", "sealed over a message");
}

TEST_F(Doctor, NamesLengthsBeyondTheSlot) {
  ASSERT_TRUE(queue_.send("x"));
  raw_.view().slot(0).lengths.store(ring::Lengths::of(50, 100, 0).word);
  expect_finding("slot 0", "150 bytes in a slot of 104");
}

class DoctorOfBlocks : public Doctor {
 protected:
  DoctorOfBlocks() {
    EXPECT_TRUE(queue_.send(std::string(1'000, 'x')));
    bool has_block = false;
    ring::read_block_ref(raw_.view(), 0, ref_, has_block);
  }
  void set_ref(std::uint64_t block, std::uint64_t generation) {
    auto* stored = reinterpret_cast<std::uint64_t*>(raw_.view().payload(0));
    stored[0] = block;
    stored[1] = generation;
  }
  [[nodiscard]] bool has_finding(const std::string& text) {
    return test_.findings().find(text) != std::string::npos;
  }
  shm::BlockRef ref_;
};

TEST_F(DoctorOfBlocks, NamesABlockThatDoesNotExist) {
  for (const std::uint64_t block :
       {~std::uint64_t{0}, std::uint64_t{18} << 40, std::uint64_t{1} << 32, ref_.block + 100'000}) {
    set_ref(block, ref_.generation);
    expect_finding("slot 0", "does not exist");
  }
}

TEST_F(DoctorOfBlocks, NamesABlockOfAnotherUse) {
  set_ref(ref_.block, ref_.generation + 1);
  expect_finding("slot 0", "not in use any more");
}

TEST_F(DoctorOfBlocks, NamesABlockOfAnotherMessage) {
  ASSERT_TRUE(queue_.send(std::string(1'000, 'y')));
  bool has_block = false;
  shm::BlockRef other{};
  ring::read_block_ref(raw_.view(), 1, other, has_block);
  set_ref(other.block, other.generation);
  expect_finding("slot 0", "belongs to another message");
}

TEST_F(DoctorOfBlocks, NamesLengthsBeyondTheBlock) {
  raw_.view().slot(0).lengths.store(ring::Lengths::of(100'000, 0, ring::Lengths::kInBlock).word);
  expect_finding("slot 0", "100000 bytes in a block of 1024");
}

TEST_F(DoctorOfBlocks, NamesABlockWhoseMessageIsGone) {
  raw_.view().lease(0).initialise(LeaseWord::idle(2).bits);
  expect_finding("arena, class 2, segment 0, block", "its message is gone");
  EXPECT_TRUE(sweeper_repairs_it());
  EXPECT_EQ(test_.bus().sweep().blocks_freed, 1u);
  EXPECT_EQ(test_.findings(), "");
}

TEST_F(DoctorOfBlocks, NamesABlockWhoseQueueIsGone) {
  ASSERT_EQ(::unlink(test_.path("queues/q").c_str()), 0);
  ASSERT_EQ(::unlink(only_file_in(test_.path("rings")).c_str()), 0);
  expect_finding("arena", "its message is gone");
  EXPECT_EQ(test_.findings_after_sweep(), "");
}

TEST_F(DoctorOfBlocks, NamesAnOwnerAndAStateThatDoNotExist) {
  RawFile segment(only_file_in(test_.path("arena")));
  static_cast<void>(drain(queue_));
  auto& state = segment.word(base::kPageBytes);  // of block 0
  state = 1ull << 62 | 99ull << 48 | 7;
  expect_finding("block 0", "owned by participant 99, whom nobody knows");
  state = 3ull << 62;
  expect_finding("block 0", "state does not exist");
}

TEST_F(DoctorOfBlocks, NamesASegmentWhoseFileIsGone) {
  static_cast<void>(drain(queue_));
  ASSERT_EQ(::unlink(only_file_in(test_.path("arena")).c_str()), 0);
  EXPECT_EQ(test_.findings(), "");  // this participant has it mapped
  const DoctorReport report = examine(test_.attach());
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(report.findings[0].object, "arena, class 2, segment 0");
}

TEST_F(Doctor, TakesLimboForAStateOfRest) {
  ASSERT_TRUE(queue_.send("x"));
  set_lease(0, LeaseWord::limbo(1));
  EXPECT_EQ(test_.findings(), "");
  EXPECT_EQ(test_.findings_after_sweep(), "");
}

TEST_F(Doctor, NamesCursorsBeyondWhatTheSlotsSay) {
  ASSERT_TRUE(queue_.send("x"));
  raw_.view().hot().head.store(3);
  expect_finding("queue q, ring 0", "the head, 3, is beyond slot 0");
  raw_.view().hot().head.store(0);
  raw_.view().hot().tail.store(2);
  expect_finding("queue q, ring 0", "the tail, 2, is beyond slot 1");
  raw_.view().hot().tail.store(~0ull);
  expect_finding("queue q, ring 0", "the tail");
}

TEST_F(Doctor, CountsWhatItDoesNotListOfAThoroughlyDamagedRing) {
  for (std::uint32_t slot = 0; slot < 64; ++slot) set_lease(slot, LeaseWord::idle(0));
  const DoctorReport report = examine(test_.bus());
  ASSERT_EQ(report.findings.size(), 51u);
  EXPECT_NE(report.findings.back().what.find("14 more"), std::string::npos);
}

TEST_F(Doctor, NamesAChainThatMakesNoSense) {
  raw_.header().write_ring.store(100);
  expect_finding("queue q", "its rings would be 0 to 100");
  raw_.header().write_ring.store(1);
  expect_finding("queue q, entry 1", "ring 1 is missing");
  raw_.header().write_ring.store(0);
  raw_.header().chain[5].initialise({5, 12'345});
  expect_finding("queue q, entry 5", "ring 5 is named");
  raw_.header().chain[5].initialise({7, 12'345});
  expect_finding("queue q, entry 5", "wrong entry");
  raw_.header().chain[5].initialise({5, queue::ChainEntry::kRetired});
  expect_finding("queue q, entry 5", "retired before an older one");
  raw_.header().chain[5].initialise({0, 0});
  raw_.header().chain[1].initialise({1, 12'345});
  expect_finding("queue q, entry 1", "cannot open 12345");
}

TEST_F(Doctor, NamesSettingsBeyondTheirLimits) {
  raw_.header().settings.visibility_ns.store(~0ull >> 1);
  expect_finding("queue q", "visibility_timeout");
  ASSERT_TRUE(queue_.set({.visibility_timeout = 1h}));
  EXPECT_EQ(test_.findings(), "");
}

TEST_F(Doctor, NamesAHeaderThatChanged) {
  raw_.header().bytes_max += 1;
  expect_finding("queue q", "changed after the creation");
}

TEST_F(Doctor, NamesAQueueUnderAnothersName) {
  std::filesystem::copy_file(test_.path("queues/q"), test_.path("queues/copy"));
  EXPECT_NE(test_.findings().find("queue copy: its header says that it is another queue"),
            std::string::npos)
      << test_.findings();
}

TEST_F(Doctor, NamesAQueueFileThatIsNone) {
  std::ofstream(test_.path("queues/other")) << "x";
  expect_finding("queue other", "too short");
}

TEST_F(Doctor, NamesAStripeOfCountersThatNobodyOwns) {
  raw_.mapping().stripes()[9].owner.store(77);
  expect_finding("queue q", "counters of participant 77");
}

TEST_F(Doctor, NamesADeadParticipantUntilItIsSwept) {
  Child child([&](const Line& line) {
    const Bus bus = Bus::open(TestBus::kName, test_.options()).value();
    line.tell("ready");
    static_cast<void>(line.hear());
  });
  EXPECT_EQ(child.hear(), "ready");
  const pid_t pid = child.pid();
  child.kill();
  expect_finding("participant 2", "it died (process " + std::to_string(pid) + ")");
  EXPECT_TRUE(sweeper_repairs_it());
  EXPECT_EQ(test_.findings_after_sweep(), "");
}

TEST_F(Doctor, NamesEntriesThatContradictTheTable) {
  RawFile bus(test_.path("bus"));
  const auto record = [&](std::uint32_t index) -> shm::ParticipantRecord& {
    return bus.at<shm::ParticipantRecord>(shm::kParticipantsOffset +
                                          index * sizeof(shm::ParticipantRecord));
  };
  record(0).entry.store(1);
  expect_finding("participant 0", "means nobody");
  record(0).entry.store(0);
  record(40).entry.store(1);
  expect_finding("participant 40", "beyond the end");
  record(40).entry.store(0);
  record(3).hazards.entries[5].store(123);
  expect_finding("participant 3", "holds messages in place");
  record(3).hazards.entries[5].store(0);
  bus.at<shm::BusHeader>(0).participants_high.store(100'000);
  expect_finding("bus file", "participants would end at 100000");
}

TEST_F(Doctor, NamesABusHeaderThatChanged) {
  RawFile bus(test_.path("bus"));
  bus.at<shm::BusHeader>(0).participants_max = 17;
  expect_finding("bus file", "changed after the creation");
}

TEST_F(Doctor, FindsADeadLetterQueueThatDoesNotExist) {
  static_cast<void>(test_.queue("dead"));
  ASSERT_TRUE(queue_.set({.redrive = RedrivePolicy{"dead", 3}}));
  EXPECT_EQ(test_.findings(), "");
  ASSERT_TRUE(test_.bus().delete_queue("dead"));
  expect_finding("queue q", "its dead-letter queue \"dead\" does not exist");
  EXPECT_NE(repair_.find("ringpost queue create dead"), std::string::npos);
  ASSERT_TRUE(queue_.set({.redrive = RedrivePolicy{}}));
  EXPECT_EQ(test_.findings(), "");
}

TEST_F(Doctor, FindsMoveTasksThatMakeNoSense) {
  queue::TaskTable& table = raw_.mapping().tasks();
  const auto state = [](std::uint64_t number, queue::TaskPhase phase) {
    return queue::TaskState::of(number, phase).word;
  };
  table.latest = queue::LatestTask::of(1, 3).word;
  expect_finding("queue q, task record 3", "makes no sense");
  EXPECT_FALSE(sweeper_repairs_it());
  table.records[3].state = state(1, queue::TaskPhase::kRunning);
  EXPECT_EQ(test_.findings(), "");
  table.records[3].worker = 77;
  expect_finding("queue q, task record 3", "whom nobody knows");
  table.records[3].worker = 0;
  table.records[4].state = state(1, queue::TaskPhase::kRunning);
  expect_finding("queue q, task record 4", "another task has begun since");
  table.records[4].state = state(1, static_cast<queue::TaskPhase>(9));
  expect_finding("queue q, task record 4", "makes no sense");
}

}  // namespace
}  // namespace ringpost::test
