// The writer role: draining for all, handing over, taking over, failing.
#include <gtest/gtest.h>

#include <cerrno>

#include "journal/drain_role.hpp"
#include "journal/sweep.hpp"
#include "support/role_stage.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using journal::Claim;
using journal::DrainRole;
using journal::Producer;

using Lines = std::vector<std::string>;
using Stage = RoleStage;
using Writer = RoleWriter;

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

TEST(DrainRole, GoesOnWithALogThatFailedOnceItIsRecovered) {
  Stage stage;
  stage.put("a");
  Writer one(stage, kOne);
  Writer two(stage, kTwo);
  ASSERT_EQ(one.role.take(), Errc::kOk);
  ASSERT_EQ(one.role.drain_once(), Errc::kOk);
  stage.put("b");
  stage.disk.error = EIO;
  ASSERT_EQ(one.role.drain_once(), Errc::kLogFailed);
  EXPECT_EQ(two.role.recover(), Errc::kLogFailed);  // the disk is as bad as it was
  EXPECT_EQ(stage.journal.hot().failed, static_cast<std::uint32_t>(EIO));
  stage.disk.error = 0;
  ASSERT_EQ(two.role.recover(), Errc::kOk);
  EXPECT_EQ(stage.journal.hot().failed, 0u);
  EXPECT_EQ(stage.journal.hot().durable, 1u);
  EXPECT_EQ(one.role.take(), Errc::kBusy);
  EXPECT_EQ(two.role.drain_once(), Errc::kOk);
  two.role.release();
  EXPECT_EQ(stage.disk.data(), (Lines{"a", "b"}));
  stage.put("c");
  ASSERT_EQ(one.role.take(), Errc::kOk);  // whose own log had failed
  EXPECT_EQ(one.role.drain_once(), Errc::kOk);
  EXPECT_EQ(stage.disk.data(), (Lines{"a", "b", "c"}));
}

TEST(DrainRole, DoesNotRecoverALogThatHasLostWhatWasDurable) {
  Stage stage;
  stage.put("a");
  Writer one(stage, kOne);
  ASSERT_EQ(one.role.take(), Errc::kOk);
  ASSERT_EQ(one.role.drain_once(), Errc::kOk);
  stage.put("b");
  stage.disk.error = EIO;
  ASSERT_EQ(one.role.drain_once(), Errc::kLogFailed);
  stage.disk.error = 0;
  stage.disk.end = 0;
  Writer two(stage, kTwo);
  EXPECT_EQ(two.role.recover(), Errc::kDamaged);
  EXPECT_FALSE(two.role.is_mine());
  EXPECT_TRUE(stage.writer().free());
  EXPECT_EQ(stage.journal.hot().failed, static_cast<std::uint32_t>(EIO));
}

TEST(DrainRole, IsNotRecoveredFromTheLiving) {
  Stage stage;
  Writer one(stage, kOne);
  Writer two(stage, kTwo);
  ASSERT_EQ(one.role.take(), Errc::kOk);
  EXPECT_EQ(two.role.recover(), Errc::kBusy);
  one.role.release();
  EXPECT_EQ(two.role.recover(), Errc::kOk);  // it had not failed: as take()
  EXPECT_EQ(stage.disk.opens, 1);
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

}  // namespace
}  // namespace ringpost::test
