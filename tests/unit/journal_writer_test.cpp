// Dedicated writers: batches under way, flushes, pauses, errors, several in one thread.
#include <gtest/gtest.h>

#include <cerrno>

#include "journal/log_writer.hpp"
#include "ringpost/clock.hpp"
#include "support/role_stage.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using journal::LogWriter;
using Stage = RoleStage;
using Writer = RoleWriter;
using Lines = std::vector<std::string>;

/// With one writer, of kOne.
struct WriterStage : Stage {
  explicit WriterStage(std::uint32_t cells_log2 = 4, const journal::LogWriterOptions& options = {})
      : Stage(cells_log2), log(disk), log_writer(journal.view(), kOne, alive, log, options) {}
  FakeLog log;
  LogWriter log_writer;
};

/// Until it has nothing to do any more.
void work(LogWriter& writer) {
  LogWriter* const all[] = {&writer};
  while (journal::step_all(all)) continue;
}

TEST(LogWriter, HasSeveralBatchesUnderWay) {
  WriterStage stage;
  stage.disk.batch_records = 1;
  stage.want(3);
  for (int i = 0; i < 3; ++i) stage.put(std::to_string(i));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(stage.log_writer.step(), Errc::kOk);
  EXPECT_EQ(stage.disk.batches, 3);
  EXPECT_EQ(stage.log_writer.step(), Errc::kEmpty);  // caught up
  EXPECT_EQ(stage.journal.hot().durable, 0u);
  EXPECT_TRUE(stage.log_writer.has_under_way());
  EXPECT_EQ(stage.log_writer.settle(), Errc::kOk);
  EXPECT_EQ(stage.journal.hot().durable, 3u);
  EXPECT_EQ(stage.log_writer.step(), Errc::kEmpty);
  EXPECT_EQ(stage.disk.flushes, 0);
}

TEST(LogWriter, FlushesOnlyWhenSomebodyWantsIt) {
  WriterStage stage;
  stage.put("a");
  work(stage.log_writer);
  EXPECT_EQ(stage.disk.data(), (Lines{"a"}));
  EXPECT_EQ(stage.journal.hot().durable, 0u);
  EXPECT_EQ(stage.journal.hot().drain, 0u);
  stage.want(1);
  EXPECT_EQ(stage.log_writer.step(), Errc::kOk);
  EXPECT_EQ(stage.journal.hot().durable, 1u);
  EXPECT_EQ(stage.journal.hot().drain, 1u);
  EXPECT_EQ(stage.disk.flushes, 1);
}

TEST(LogWriter, FlushesBeforeTheRingIsFull) {
  WriterStage stage(3);
  for (int i = 0; i < 100; ++i) {
    ASSERT_NE(stage.put("x"), ~0ull);
    work(stage.log_writer);
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
  WriterStage stage;
  stage.put("a");
  stage.want(1);
  stage.disk.error = EIO;
  work(stage.log_writer);
  EXPECT_EQ(stage.log_writer.failure(), Errc::kLogFailed);
  EXPECT_EQ(stage.journal.hot().durable, 0u);
  stage.disk.error = 0;
  EXPECT_EQ(stage.log_writer.step(), Errc::kLogFailed);
}

TEST(LogWriter, DoesNotSpinWhileTheLogHasNoRoom) {
  WriterStage stage;
  stage.put("a");
  stage.want(1);
  stage.disk.is_full = true;
  EXPECT_EQ(stage.log_writer.step(), Errc::kNoSpace);
  EXPECT_FALSE(stage.log_writer.arm().has_work);
  stage.log_writer.rest();
  stage.log_writer.rest();
  EXPECT_EQ(stage.disk.pauses, 2);  // makes room, if it can
  stage.disk.is_full = false;
  work(stage.log_writer);
  EXPECT_EQ(stage.journal.hot().durable, 1u);
}

TEST(LogWriter, RestsOnceUntilThereIsWorkAgain) {
  WriterStage stage;
  work(stage.log_writer);
  stage.log_writer.rest();
  stage.log_writer.rest();
  EXPECT_EQ(stage.disk.pauses, 1);
  stage.put("a");
  stage.log_writer.rest();  // there is something to do
  EXPECT_EQ(stage.disk.pauses, 1);
  work(stage.log_writer);
  stage.log_writer.rest();
  EXPECT_EQ(stage.disk.pauses, 2);
}

TEST(LogWriter, PausesNowAndThenThoughItNeverRests) {
  WriterStage stage(4, {.pause_cells = 8});
  for (int i = 0; i < 32; ++i) {
    ASSERT_NE(stage.put("x"), ~0ull);
    stage.want(static_cast<std::uint64_t>(i) + 1);
    work(stage.log_writer);
  }
  EXPECT_GE(stage.disk.pauses, 3);
  EXPECT_LE(stage.disk.pauses, 4);
}

TEST(LogWriter, MakesDurableWhatNobodyWaitsForWhenItRests) {
  WriterStage stage;
  stage.put("a");
  work(stage.log_writer);
  EXPECT_EQ(stage.journal.hot().durable, 0u);
  stage.log_writer.rest();
  EXPECT_EQ(stage.journal.hot().durable, 1u);
}

TEST(LogWriter, MakesDurableWhatNobodyWaitsForAfterAWhileThoughItNeverRests) {
  ManualClock clock;
  WriterStage stage(8, {.flush_after_ns = 100, .time = base::TimeSource(&clock)});
  for (std::uint64_t i = 0; i < 20; ++i) {
    stage.put("x");
    work(stage.log_writer);
    EXPECT_GE(stage.journal.hot().durable + 10, i) << "of 10 ns each";
    clock.advance(std::chrono::nanoseconds(10));
  }
  EXPECT_LE(stage.disk.flushes, 2);
  EXPECT_LE(stage.log_writer.arm().most_ns, 100u);
}

TEST(LogWriter, WritesWhatIsThereWhenItEndsInOrder) {
  WriterStage stage;
  work(stage.log_writer);
  stage.put("a");
  stage.log_writer.finish();
  EXPECT_EQ(stage.disk.data(), (Lines{"a"}));
  EXPECT_EQ(stage.journal.hot().durable, 1u);
  EXPECT_EQ(stage.disk.marks, 1);
  EXPECT_TRUE(stage.writer().clean());
}

TEST(LogWriter, GoesOnWhenALogThatFailedIsRecovered) {
  WriterStage stage;
  stage.put("a");
  stage.disk.error = EIO;
  work(stage.log_writer);
  stage.log_writer.rest();
  stage.want(1);
  work(stage.log_writer);
  ASSERT_EQ(stage.log_writer.failure(), Errc::kLogFailed);
  stage.disk.error = 0;
  EXPECT_EQ(stage.log_writer.step(), Errc::kLogFailed);
  Writer two(stage, kTwo);
  ASSERT_EQ(two.role.recover(), Errc::kOk);
  two.role.release();
  work(stage.log_writer);
  EXPECT_EQ(stage.log_writer.failure(), Errc::kOk);
  EXPECT_EQ(stage.journal.hot().durable, 1u);
}

TEST(LogWriter, TriesAgainAfterAWhileWhatMayPass) {
  ManualClock clock;
  WriterStage stage(4, {.time = base::TimeSource(&clock)});
  stage.disk.is_damaged = true;
  EXPECT_EQ(stage.log_writer.step(), Errc::kDamaged);
  stage.disk.is_damaged = false;
  EXPECT_EQ(stage.log_writer.step(), Errc::kDamaged);
  clock.advance(1s);
  EXPECT_EQ(stage.log_writer.step(), Errc::kEmpty);
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
  journal::Idle idle;
  journal::sleep_on_all(all, stop, idle);  // does not sleep
}

}  // namespace
}  // namespace ringpost::test
