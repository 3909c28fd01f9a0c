// The writer role: draining for all, handing over, taking over, failing.
#include <gtest/gtest.h>

#include <cerrno>

#include "journal/drain_role.hpp"
#include "journal/log_writer.hpp"
#include "journal/sweep.hpp"
#include "support/raw_journal.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using journal::Claim;
using journal::DrainRole;
using journal::LogWriter;
using journal::Producer;
using journal::WriterWord;

using Lines = std::vector<std::string>;

/// Words as Participant::creator_word makes them.
constexpr std::uint64_t word_of(std::uint16_t index, std::uint64_t incarnation = 1) {
  return incarnation << 14 | index;
}
constexpr std::uint64_t kOne = word_of(1);
constexpr std::uint64_t kTwo = word_of(2);

struct Stage {
  explicit Stage(std::uint32_t cells_log2 = 4, std::uint64_t start = 0)
      : journal(cells_log2, start), producer(journal.view(), 9) {}
  std::uint64_t put(std::string_view data) {
    Claim claim;
    if (producer.claim(record_bytes(data.size()), claim) != Errc::kOk) return ~0ull;
    write_record(claim, data);
    producer.publish(claim);
    return claim.position;
  }
  void want(std::uint64_t end) { journal::raise(journal.hot().wanted, end); }
  [[nodiscard]] WriterWord writer() const { return {journal.hot().writer.load()}; }

  RawJournal journal;
  Producer producer;
  FakeDisk disk;
  FakeLiveness alive;
};

/// One participant with its own mapping of the log.
struct Writer {
  Writer(Stage& stage, std::uint64_t me)
      : log(stage.disk), role(stage.journal.view(), me, stage.alive, log) {}
  FakeLog log;
  DrainRole role;
};

TEST(DrainRole, MakesDurableWhatIsPublished) {
  Stage stage;
  stage.put("a");
  stage.put(std::string(100, 'b'));
  Writer writer(stage, kOne);
  ASSERT_EQ(writer.role.take(), Errc::kOk);
  EXPECT_EQ(writer.role.drain_once(), Errc::kOk);
  EXPECT_EQ(stage.journal.hot().durable, 4u);
  EXPECT_EQ(stage.journal.hot().drain, 4u);
  EXPECT_EQ(stage.disk.data(), (Lines{"a", std::string(100, 'b')}));
  EXPECT_EQ(stage.disk.batches, 1);
  EXPECT_EQ(writer.role.drain_once(), Errc::kEmpty);
}

TEST(DrainRole, StopsAtAClaimThatIsNotPublished) {
  Stage stage;
  stage.put("a");
  Claim claim;
  ASSERT_EQ(stage.producer.claim(record_bytes(1), claim), Errc::kOk);
  stage.put("c");
  Writer writer(stage, kOne);
  ASSERT_EQ(writer.role.take(), Errc::kOk);
  EXPECT_EQ(writer.role.drain_once(), Errc::kOk);
  EXPECT_EQ(writer.role.drain_once(), Errc::kEmpty);
  EXPECT_FALSE(writer.role.has_work());
  EXPECT_EQ(stage.disk.data(), (Lines{"a"}));
  write_record(claim, "b");
  stage.producer.publish(claim);
  EXPECT_TRUE(writer.role.has_work());
  EXPECT_EQ(writer.role.drain_once(), Errc::kOk);
  EXPECT_EQ(stage.disk.data(), (Lines{"a", "b", "c"}));
}

TEST(DrainRole, IsOneLivingParticipants) {
  Stage stage;
  Writer one(stage, kOne);
  Writer two(stage, kTwo);
  ASSERT_EQ(one.role.take(), Errc::kOk);
  EXPECT_EQ(two.role.take(), Errc::kBusy);
  EXPECT_EQ(stage.writer().index(), 1u);
  one.role.release();
  EXPECT_FALSE(one.role.is_mine());
  EXPECT_EQ(two.role.take(), Errc::kOk);
}

TEST(DrainRole, IsHandedOverWithoutARecovery) {
  Stage stage;
  Writer one(stage, kOne);
  Writer two(stage, kTwo);
  ASSERT_EQ(one.role.take(), Errc::kOk);
  EXPECT_EQ(stage.disk.opens, 1);  // nobody has had it
  for (int turn = 0; turn < 3; ++turn) {
    Writer& writer = turn % 2 == 0 ? one : two;
    if (turn != 0) {
      ASSERT_EQ(writer.role.take(), Errc::kOk);
    }
    stage.put(std::to_string(turn));
    EXPECT_EQ(writer.role.drain_once(), Errc::kOk);
    writer.role.release();
    EXPECT_TRUE(stage.writer().clean());
  }
  EXPECT_EQ(stage.disk.opens, 1);
  EXPECT_EQ(stage.disk.resumes, 2);
  EXPECT_EQ(stage.disk.data(), (Lines{"0", "1", "2"}));
}

TEST(DrainRole, IsTakenFromTheDeadWithARecovery) {
  Stage stage;
  Writer one(stage, kOne);
  Writer two(stage, kTwo);
  stage.put("a");
  ASSERT_EQ(one.role.take(), Errc::kOk);
  ASSERT_EQ(one.role.drain_once(), Errc::kOk);
  stage.put("b");
  stage.alive.dead.insert(kOne);
  EXPECT_EQ(two.role.take(), Errc::kOk);
  EXPECT_EQ(stage.disk.opens, 2);
  EXPECT_EQ(stage.disk.resumes, 0);
  EXPECT_EQ(two.role.drain_once(), Errc::kOk);
  EXPECT_EQ(stage.disk.data(), (Lines{"a", "b"}));
}

TEST(DrainRole, IsNotBelievedToBeCleanAfterADeathInALaterTurn) {
  Stage stage;
  Writer one(stage, kOne);
  Writer two(stage, kTwo);
  ASSERT_EQ(one.role.take(), Errc::kOk);
  one.role.release();
  ASSERT_EQ(two.role.take(), Errc::kOk);  // the old state still stands in the header
  stage.alive.dead.insert(kTwo);
  ASSERT_EQ(one.role.take(), Errc::kOk);
  EXPECT_EQ(stage.disk.opens, 2);
  EXPECT_EQ(stage.disk.resumes, 1);
}

TEST(DrainRole, IsFreedByTheSweeperOfItsHolder) {
  Stage stage;
  Writer one(stage, kOne);
  Writer two(stage, kTwo);
  ASSERT_EQ(one.role.take(), Errc::kOk);
  EXPECT_FALSE(journal::sweep_participant(stage.journal.view(), 2).role_freed);
  EXPECT_TRUE(journal::sweep_participant(stage.journal.view(), 1).role_freed);
  EXPECT_TRUE(stage.writer().free());
  EXPECT_FALSE(stage.writer().clean());
  EXPECT_EQ(two.role.take(), Errc::kOk);
  EXPECT_EQ(stage.disk.opens, 2);
}

TEST(DrainRole, GoesOnAtTheEndOfTheLogAndNotAtTheDrain) {
  Stage stage;
  stage.put("a");
  stage.put("b");
  Writer one(stage, kOne);
  ASSERT_EQ(one.role.take(), Errc::kOk);
  ASSERT_EQ(one.role.drain_once(), Errc::kOk);
  stage.journal.hot().durable = stage.journal.hot().drain = 0;  // it died before it said so
  stage.alive.dead.insert(kOne);
  stage.put("c");
  Writer two(stage, kTwo);
  ASSERT_EQ(two.role.take(), Errc::kOk);
  EXPECT_EQ(stage.journal.hot().drain, 2u);
  EXPECT_EQ(stage.journal.hot().durable, 2u);
  EXPECT_EQ(two.role.drain_once(), Errc::kOk);
  EXPECT_EQ(stage.disk.data(), (Lines{"a", "b", "c"}));
}

TEST(DrainRole, GoesOnAtTheStartOfARingThatIsYoungerThanItsLog) {
  Stage stage(4, 64);
  stage.disk.end = stage.disk.durable = 17;
  EXPECT_EQ(stage.put("a"), 64u);
  Writer writer(stage, kOne);
  ASSERT_EQ(writer.role.take(), Errc::kOk);
  EXPECT_EQ(stage.journal.hot().drain, 64u);
  EXPECT_EQ(writer.role.drain_once(), Errc::kOk);
  EXPECT_EQ(stage.disk.records.front().position, 64u);
}

TEST(DrainRole, RefusesALogThatHasLostWhatWasDurable) {
  Stage stage;
  stage.put("a");
  Writer one(stage, kOne);
  ASSERT_EQ(one.role.take(), Errc::kOk);
  ASSERT_EQ(one.role.drain_once(), Errc::kOk);
  one.role.release();
  stage.disk.end = 0;
  Writer two(stage, kTwo);
  EXPECT_EQ(two.role.take(), Errc::kDamaged);
  EXPECT_FALSE(two.role.is_mine());
  EXPECT_TRUE(stage.writer().free());
  stage.disk.end = 1;  // put right by hand
  EXPECT_EQ(two.role.take(), Errc::kOk);
}

TEST(DrainRole, RefusesALogThatIsAheadOfEverything) {
  Stage stage;
  stage.disk.end = stage.disk.durable = 17;
  Writer writer(stage, kOne);
  EXPECT_EQ(writer.role.take(), Errc::kCorrupt);
  EXPECT_TRUE(stage.writer().free());
}

TEST(DrainRole, WritesTheEndAndKeepsProducersInFrontOfIt) {
  Stage stage;
  stage.put("a");
  std::uint64_t end = 0;
  ASSERT_EQ(stage.producer.close(end), Errc::kOk);
  Writer one(stage, kOne);
  ASSERT_EQ(one.role.take(), Errc::kOk);
  EXPECT_EQ(one.role.drain_once(), Errc::kOk);
  EXPECT_EQ(stage.disk.data(), (Lines{"a", "(end)"}));
  EXPECT_EQ(stage.journal.hot().durable, 2u);
  EXPECT_EQ(stage.journal.hot().drain, 1u);
  EXPECT_EQ(one.role.drain_once(), Errc::kEmpty);
  EXPECT_FALSE(one.role.has_work());
  stage.alive.dead.insert(kOne);
  Writer two(stage, kTwo);
  ASSERT_EQ(two.role.take(), Errc::kOk);
  EXPECT_EQ(two.role.drain_once(), Errc::kEmpty);
  EXPECT_EQ(stage.journal.hot().drain, 1u);
  Producer fresh(stage.journal.view(), 8);
  Claim claim;
  EXPECT_EQ(fresh.claim(record_bytes(1), claim), Errc::kClosed);
  EXPECT_EQ(stage.disk.data(), (Lines{"a", "(end)"}));
}

TEST(DrainRole, GathersNoMoreThanABatchTakes) {
  Stage stage;
  stage.disk.batch_records = 3;
  for (int i = 0; i < 7; ++i) stage.put(std::to_string(i));
  Writer writer(stage, kOne);
  ASSERT_EQ(writer.role.take(), Errc::kOk);
  EXPECT_EQ(writer.role.drain_once(), Errc::kOk);
  EXPECT_EQ(stage.journal.hot().durable, 3u);
  EXPECT_EQ(writer.role.drain_once(), Errc::kOk);
  EXPECT_EQ(writer.role.drain_once(), Errc::kOk);
  EXPECT_EQ(writer.role.drain_once(), Errc::kEmpty);
  EXPECT_EQ(stage.disk.data(), (Lines{"0", "1", "2", "3", "4", "5", "6"}));
}

TEST(DrainRole, WritesWithoutRecordsOnlyIfSomebodyNeedsTheCells) {
  Stage stage;
  Claim claim;
  ASSERT_EQ(stage.producer.claim(record_bytes(1), claim), Errc::kOk);
  stage.producer.abandon(claim);
  Writer writer(stage, kOne);
  ASSERT_EQ(writer.role.take(), Errc::kOk);
  EXPECT_EQ(writer.role.drain_once(), Errc::kEmpty);
  EXPECT_EQ(stage.journal.hot().drain, 0u);
  stage.want(1);
  EXPECT_TRUE(writer.role.has_work());
  EXPECT_EQ(writer.role.drain_once(), Errc::kOk);
  EXPECT_EQ(stage.journal.hot().drain, 1u);  // the log covers it: it could not be claimed again
  EXPECT_EQ(stage.disk.end, 1u);
}

TEST(DrainRole, TellsEverybodyThatTheLogHasFailed) {
  Stage stage;
  stage.put("a");
  Writer one(stage, kOne);
  Writer two(stage, kTwo);
  ASSERT_EQ(one.role.take(), Errc::kOk);
  stage.disk.error = EIO;
  EXPECT_EQ(one.role.drain_once(), Errc::kLogFailed);
  EXPECT_FALSE(one.role.is_mine());
  EXPECT_EQ(stage.journal.hot().failed, static_cast<std::uint32_t>(EIO));
  EXPECT_EQ(stage.journal.hot().durable, 0u);
  EXPECT_EQ(stage.journal.hot().drain, 0u);
  stage.disk.error = 0;  // a second sync would succeed, and prove nothing
  EXPECT_EQ(two.role.take(), Errc::kLogFailed);
  EXPECT_EQ(stage.disk.flushes, 0);
}

TEST(DrainRole, TellsEverybodyThatTheLogFailedWhenItWasLetGo) {
  Stage stage;
  Writer one(stage, kOne);
  Writer two(stage, kTwo);
  ASSERT_EQ(one.role.take(), Errc::kOk);
  stage.disk.error = EIO;
  one.role.release();
  EXPECT_FALSE(one.role.is_mine());
  EXPECT_FALSE(stage.writer().clean());
  stage.disk.error = 0;
  EXPECT_EQ(two.role.take(), Errc::kLogFailed);
}

TEST(DrainRole, WaitsForRoomInTheLog) {
  Stage stage;
  stage.put("a");
  Writer writer(stage, kOne);
  ASSERT_EQ(writer.role.take(), Errc::kOk);
  stage.disk.is_full = true;
  EXPECT_EQ(writer.role.drain_once(), Errc::kNoSpace);
  EXPECT_EQ(stage.journal.hot().refused, 1u);
  EXPECT_TRUE(writer.role.is_mine());
  stage.disk.is_full = false;
  EXPECT_EQ(writer.role.drain_once(), Errc::kOk);
  EXPECT_EQ(stage.journal.hot().refused, 0u);
  EXPECT_EQ(stage.disk.data(), (Lines{"a"}));
}

TEST(DrainRole, FailsAtARecordThatNobodyCanHaveWritten) {
  Stage stage;
  stage.put("a");
  stage.put("b");
  stage.journal.view().cell(1)[4] = std::byte{0xff};  // its length
  Writer writer(stage, kOne);
  ASSERT_EQ(writer.role.take(), Errc::kOk);
  EXPECT_EQ(writer.role.drain_once(), Errc::kOk);
  EXPECT_EQ(writer.role.drain_once(), Errc::kLogFailed);
  EXPECT_EQ(stage.journal.hot().failed, static_cast<std::uint32_t>(EBADMSG));
  EXPECT_EQ(stage.disk.data(), (Lines{"a"}));
}

/// Until it has nothing to do any more.
void work(LogWriter& writer) {
  LogWriter* const all[] = {&writer};
  while (journal::step_all(all)) continue;
}

TEST(LogWriter, HasSeveralBatchesUnderWay) {
  Stage stage;
  stage.disk.batch_records = 1;
  stage.want(3);
  for (int i = 0; i < 3; ++i) stage.put(std::to_string(i));
  FakeLog log(stage.disk);
  LogWriter writer(stage.journal.view(), kOne, stage.alive, log);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(writer.step(), Errc::kOk);
  EXPECT_EQ(stage.disk.batches, 3);
  EXPECT_EQ(writer.step(), Errc::kEmpty);  // caught up
  EXPECT_EQ(stage.journal.hot().durable, 0u);
  EXPECT_TRUE(writer.has_under_way());
  EXPECT_EQ(writer.settle(), Errc::kOk);
  EXPECT_EQ(stage.journal.hot().durable, 3u);
  EXPECT_EQ(writer.step(), Errc::kEmpty);
  EXPECT_EQ(stage.disk.flushes, 0);
}

TEST(LogWriter, FlushesOnlyWhenSomebodyWantsIt) {
  Stage stage;
  stage.put("a");
  FakeLog log(stage.disk);
  LogWriter writer(stage.journal.view(), kOne, stage.alive, log);
  work(writer);
  EXPECT_EQ(stage.disk.data(), (Lines{"a"}));
  EXPECT_EQ(stage.journal.hot().durable, 0u);
  EXPECT_EQ(stage.journal.hot().drain, 0u);
  stage.want(1);
  EXPECT_EQ(writer.step(), Errc::kOk);
  EXPECT_EQ(stage.journal.hot().durable, 1u);
  EXPECT_EQ(stage.journal.hot().drain, 1u);
  EXPECT_EQ(stage.disk.flushes, 1);
}

TEST(LogWriter, FlushesBeforeTheRingIsFull) {
  Stage stage(3);
  FakeLog log(stage.disk);
  LogWriter writer(stage.journal.view(), kOne, stage.alive, log);
  for (int i = 0; i < 100; ++i) {
    ASSERT_NE(stage.put("x"), ~0ull);
    work(writer);
  }
  EXPECT_LE(stage.disk.flushes, 30);
}

TEST(LogWriter, LetsGoWithEverythingDurable) {
  Stage stage;
  stage.put("a");
  FakeLog log(stage.disk);
  {
    LogWriter writer(stage.journal.view(), kOne, stage.alive, log);
    EXPECT_EQ(writer.step(), Errc::kOk);
  }
  EXPECT_EQ(stage.journal.hot().durable, 1u);
  EXPECT_EQ(stage.disk.durable, 1u);
  EXPECT_TRUE(stage.writer().clean());
}

TEST(LogWriter, WaitsWhileAnotherHasTheRole) {
  Stage stage;
  Writer one(stage, kOne);
  ASSERT_EQ(one.role.take(), Errc::kOk);
  FakeLog log(stage.disk);
  LogWriter writer(stage.journal.view(), kTwo, stage.alive, log);
  EXPECT_EQ(writer.step(), Errc::kBusy);
  one.role.release();
  EXPECT_TRUE(writer.arm().has_work);  // it is free
  EXPECT_EQ(writer.step(), Errc::kEmpty);
  EXPECT_TRUE(writer.has_role());
  EXPECT_FALSE(writer.arm().has_work);
}

TEST(LogWriter, EndsWhenTheLogHasFailed) {
  Stage stage;
  stage.put("a");
  stage.want(1);
  stage.disk.error = EIO;
  FakeLog log(stage.disk);
  LogWriter writer(stage.journal.view(), kOne, stage.alive, log);
  work(writer);
  EXPECT_EQ(writer.failure(), Errc::kLogFailed);
  EXPECT_EQ(stage.journal.hot().durable, 0u);
  stage.disk.error = 0;
  EXPECT_EQ(writer.step(), Errc::kLogFailed);
}

TEST(LogWriter, DoesNotSpinWhileTheLogHasNoRoom) {
  Stage stage;
  stage.put("a");
  stage.want(1);
  stage.disk.is_full = true;
  FakeLog log(stage.disk);
  LogWriter writer(stage.journal.view(), kOne, stage.alive, log);
  EXPECT_EQ(writer.step(), Errc::kNoSpace);
  EXPECT_FALSE(writer.arm().has_work);
  writer.rest();
  writer.rest();
  EXPECT_EQ(stage.disk.pauses, 2);  // makes room, if it can
  stage.disk.is_full = false;
  work(writer);
  EXPECT_EQ(stage.journal.hot().durable, 1u);
}

TEST(LogWriter, RestsOnceUntilThereIsWorkAgain) {
  Stage stage;
  FakeLog log(stage.disk);
  LogWriter writer(stage.journal.view(), kOne, stage.alive, log);
  work(writer);
  writer.rest();
  writer.rest();
  EXPECT_EQ(stage.disk.pauses, 1);
  stage.put("a");
  writer.rest();  // there is something to do
  EXPECT_EQ(stage.disk.pauses, 1);
  work(writer);
  writer.rest();
  EXPECT_EQ(stage.disk.pauses, 2);
}

TEST(LogWriter, PausesNowAndThenThoughItNeverRests) {
  Stage stage;
  FakeLog log(stage.disk);
  LogWriter writer(stage.journal.view(), kOne, stage.alive, log, 8);
  for (int i = 0; i < 32; ++i) {
    ASSERT_NE(stage.put("x"), ~0ull);
    stage.want(static_cast<std::uint64_t>(i) + 1);
    work(writer);
  }
  EXPECT_GE(stage.disk.pauses, 3);
  EXPECT_LE(stage.disk.pauses, 4);
}

TEST(LogWriter, OneThreadServesSeveral) {
  Stage one;
  Stage two;
  FakeLog log_one(one.disk);
  FakeLog log_two(two.disk);
  LogWriter writer_one(one.journal.view(), kOne, one.alive, log_one);
  LogWriter writer_two(two.journal.view(), kOne, two.alive, log_two);
  LogWriter* const all[] = {&writer_one, &writer_two};
  one.put("a");
  one.want(1);
  two.put("b");
  two.want(1);
  while (journal::step_all(all)) continue;
  EXPECT_EQ(one.journal.hot().durable, 1u);
  EXPECT_EQ(two.journal.hot().durable, 1u);
  one.disk.error = EIO;
  one.put("c");
  one.want(2);
  two.put("d");
  two.want(2);
  while (journal::step_all(all)) continue;
  EXPECT_EQ(writer_one.failure(), Errc::kLogFailed);
  EXPECT_EQ(two.journal.hot().durable, 2u);
  const std::atomic<std::uint32_t> stop{1};
  journal::sleep_on_all(all, stop);  // does not sleep
}

}  // namespace
}  // namespace ringpost::test
