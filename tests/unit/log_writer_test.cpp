#include <gtest/gtest.h>

#include <cerrno>
#include <set>

#include "support/log_stage.hpp"

namespace ringpost {
namespace {

using disk::Sync;
using test::LogStage;
using Strings = std::vector<std::string>;

TEST(LogWriter, WhatWasPutIsReadAgain) {
  LogStage stage;
  const auto writer = stage.open();
  stage.put(*writer, 3);
  EXPECT_EQ(stage.read_all(stage.next_position()), (Strings{"0", "3", "6"}));
}

TEST(LogWriter, SeveralRecordsShareABatch) {
  LogStage stage;
  const auto writer = stage.open();
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(writer->fits(140));
    ASSERT_EQ(stage.add(*writer), Errc::kOk);
  }
  EXPECT_EQ(writer->gathered_records(), 5u);
  ASSERT_EQ(writer->submit(Sync::kData, stage.next_position()), Errc::kOk);
  ASSERT_EQ(writer->flush(), Errc::kOk);
  EXPECT_EQ(stage.directory.file(stage.last_segment())[2 * disk::kBlockBytes], std::byte{0});
  EXPECT_EQ(stage.read_all(UINT64_MAX - 1).size(), 6u) << "five records, then nothing is there";
}

TEST(LogWriter, AFullBatchTakesNoMore) {
  LogStage stage;
  const auto writer = stage.open();
  const std::size_t data_bytes = 5000;
  ASSERT_EQ(stage.add(*writer, data_bytes), Errc::kOk);
  EXPECT_TRUE(writer->fits(data_bytes + 43));
  ASSERT_EQ(stage.add(*writer, data_bytes), Errc::kOk);
  ASSERT_EQ(stage.add(*writer, data_bytes), Errc::kOk);
  EXPECT_FALSE(writer->fits(data_bytes + 43));
}

TEST(LogWriter, ALongRecordHasABatchOfItsOwn) {
  LogStage stage;
  const auto writer = stage.open();
  stage.put(*writer, 1, 40'000);
  stage.put(*writer, 2, 30'000);
  EXPECT_EQ(stage.read_all(stage.next_position()), (Strings{"0", "626", "1096"}));
}

TEST(LogWriter, ARecordThatNoSegmentHoldsIsRefused) {
  LogStage stage;
  const auto writer = stage.open();
  EXPECT_EQ(stage.add(*writer, LogStage::kSegmentBytes), Errc::kTooLarge);
  stage.put(*writer, 1);
  const std::size_t longest = log::record_bytes_max(LogStage::kSegmentBytes) - 43;
  stage.put(*writer, 1, longest);
  EXPECT_EQ(stage.add(*writer, longest + 1), Errc::kTooLarge);
  EXPECT_EQ(stage.read_all(stage.next_position()), (Strings{"0", "3"}));
}

TEST(LogWriter, ARecordThatIsNotWhatTheCallerSaysIsRefused) {
  LogStage stage;
  const auto writer = stage.open();
  auto record = test::make_record(0, 5, "key", "data");
  EXPECT_EQ(writer->add(1, record), Errc::kCorrupt) << "another position";
  record.push_back(std::byte{0});
  EXPECT_EQ(writer->add(0, record), Errc::kCorrupt) << "longer than it says";
  record.resize(39);
  EXPECT_EQ(writer->add(0, record), Errc::kCorrupt) << "shorter than a header";
  record = test::make_record(0, 5, "key", "data");
  record[24] = std::byte{200};
  EXPECT_EQ(writer->add(0, record), Errc::kCorrupt) << "its parts are longer than the whole";
  EXPECT_TRUE(writer->is_idle());
  stage.put(*writer, 1);
  EXPECT_EQ(stage.read_all(stage.next_position()), (Strings{"0"}));
}

TEST(LogWriter, PositionsNeverGoBack) {
  LogStage stage;
  const auto writer = stage.open();
  stage.put(*writer, 2);
  stage.go_on_at(3);
  EXPECT_EQ(stage.add(*writer), Errc::kCorrupt);
  stage.go_on_at(100);
  EXPECT_EQ(stage.add(*writer), Errc::kOk);
  stage.go_on_at(102);
  EXPECT_EQ(stage.add(*writer), Errc::kCorrupt) << "the last one has cells 100 to 102";
}

TEST(LogWriter, PositionsWithoutRecordsAreCoveredToo) {
  LogStage stage;
  auto writer = stage.open();
  ASSERT_EQ(writer->submit(Sync::kData, 1000), Errc::kOk);
  ASSERT_EQ(writer->flush(), Errc::kOk);
  EXPECT_EQ(writer->progress().durable_end, 1000u);
  ASSERT_EQ(writer->submit(Sync::kData, 1000), Errc::kOk);
  EXPECT_TRUE(writer->is_idle()) << "nothing new: nothing to write";
  writer = stage.open();
  EXPECT_EQ(writer->end(), 1000u);
}

TEST(LogWriter, ProgressIsAPrefixThoughBatchesCompleteInAnyOrder) {
  LogStage stage;
  stage.directory.faults.newest_first = true;
  stage.directory.faults.holds_completions = true;
  const auto writer = stage.open();
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(stage.add(*writer), Errc::kOk);
    ASSERT_EQ(writer->submit(Sync::kData, stage.next_position()), Errc::kOk);
  }
  EXPECT_EQ(writer->reap(false).durable_end, 0u);
  std::set<std::uint64_t> written;
  while (writer->has_under_way()) written.insert(writer->reap(true).written_end);
  EXPECT_EQ(written, (std::set<std::uint64_t>{0, 9})) << "the first one was the last";
  EXPECT_EQ(writer->progress().durable_end, 9u);
  EXPECT_TRUE(writer->is_idle());
}

TEST(LogWriter, BatchesAreWrittenWhileASyncIsUnderWay) {
  LogStage stage;
  stage.options.in_flight = 2;
  const auto writer = stage.open();
  stage.put(*writer, 1);
  stage.directory.faults.holds_completions = true;
  const auto submit = [&] {
    EXPECT_EQ(stage.add(*writer), Errc::kOk);
    EXPECT_EQ(writer->submit(Sync::kData, stage.next_position()), Errc::kOk);
  };
  submit();
  submit();
  EXPECT_EQ(writer->reap(true).written_end, 6u);
  submit();  // the sync of the first is under way now, beside two writes
  EXPECT_EQ(writer->reap(true).written_end, 9u);
  EXPECT_EQ(writer->progress().durable_end, 3u);
  EXPECT_EQ(writer->reap(true).durable_end, 6u) << "not what was written after it had begun";
  ASSERT_EQ(writer->flush(), Errc::kOk);
  EXPECT_EQ(writer->progress().durable_end, 12u);
}

TEST(LogWriter, ASyncBesideTheWritesThatFailsIsFinal) {
  LogStage stage;
  const auto writer = stage.open();
  stage.put(*writer, 1);
  stage.directory.faults.holds_completions = true;
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(stage.add(*writer), Errc::kOk);
    ASSERT_EQ(writer->submit(Sync::kData, stage.next_position()), Errc::kOk);
  }
  stage.directory.faults.sync_errno = EIO;
  EXPECT_EQ(writer->reap(true).written_end, 6u);
  while (writer->progress().failed == Errc::kOk) static_cast<void>(writer->reap(true));
  EXPECT_EQ(writer->progress().sys_errno, EIO);
  EXPECT_EQ(writer->progress().durable_end, 3u);
  stage.directory.faults.sync_errno = 0;
  const unsigned syncs = stage.directory.syncs;
  EXPECT_EQ(writer->flush(), Errc::kLogFailed);
  EXPECT_EQ(stage.directory.syncs, syncs) << "it is not tried again";
}

TEST(LogWriter, ASyncThatEndsAfterAWriteHasFailedAcknowledgesNothing) {
  LogStage stage;
  const auto writer = stage.open();
  stage.put(*writer, 1);
  stage.directory.faults.holds_completions = true;
  const auto submit = [&] {
    ASSERT_EQ(stage.add(*writer), Errc::kOk);
    ASSERT_EQ(writer->submit(Sync::kData, stage.next_position()), Errc::kOk);
  };
  submit();
  stage.directory.faults.write_errno = EIO;
  submit();
  EXPECT_EQ(writer->reap(true).written_end, 6u);  // begins the sync
  while (writer->has_under_way() && writer->progress().failed == Errc::kOk) {
    static_cast<void>(writer->reap(true));
  }
  for (int i = 0; i < 3; ++i) static_cast<void>(writer->reap(true));
  EXPECT_EQ(writer->progress().failed, Errc::kLogFailed);
  EXPECT_EQ(writer->progress().durable_end, 3u);
}

TEST(LogWriter, AsManyBatchesAreUnderWayAsTheOptionsSay) {
  LogStage stage;
  stage.options.in_flight = 2;
  stage.directory.faults.holds_completions = true;
  const auto writer = stage.open();
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(stage.add(*writer), Errc::kOk);
    ASSERT_EQ(writer->submit(Sync::kData, stage.next_position()), Errc::kOk);
  }
  EXPECT_GE(writer->progress().written_end, 9u) << "three were waited for";
}

TEST(LogWriter, ADurableBatchBehindOthersCostsOneSync) {
  LogStage stage;
  const auto writer = stage.open();
  for (const Sync sync : {Sync::kNone, Sync::kNone, Sync::kData, Sync::kData}) {
    ASSERT_EQ(stage.add(*writer), Errc::kOk);
    ASSERT_EQ(writer->submit(sync, stage.next_position()), Errc::kOk);
  }
  const unsigned syncs = stage.directory.syncs;
  EXPECT_EQ(writer->reap(true).durable_end, 12u);
  EXPECT_EQ(stage.directory.syncs, syncs + 1);
}

TEST(LogWriter, WhatIsNotDurableIsOnlyWritten) {
  LogStage stage;
  const auto writer = stage.open();
  ASSERT_EQ(stage.add(*writer), Errc::kOk);
  ASSERT_EQ(writer->submit(Sync::kNone, 3), Errc::kOk);
  const log::Progress done = writer->reap(true);
  EXPECT_EQ(done.written_end, 3u);
  EXPECT_EQ(done.durable_end, 0u);
  ASSERT_EQ(writer->flush(), Errc::kOk);
  EXPECT_EQ(writer->progress().durable_end, 3u);
}

TEST(LogWriter, WriteNowIsOneWrite) {
  LogStage stage;
  const auto writer = stage.open();
  stage.put(*writer, 1);
  const unsigned syncs = stage.directory.syncs;
  const unsigned writes = stage.directory.durable_writes;
  ASSERT_EQ(stage.add(*writer), Errc::kOk);
  ASSERT_EQ(writer->write_now(Sync::kData, stage.next_position()), Errc::kOk);
  EXPECT_EQ(writer->progress().durable_end, 6u);
  EXPECT_EQ(stage.directory.durable_writes, writes + 1);
  EXPECT_EQ(stage.directory.syncs, syncs);
  ASSERT_EQ(stage.add(*writer), Errc::kOk);
  ASSERT_EQ(writer->write_now(Sync::kNone, stage.next_position()), Errc::kOk);
  EXPECT_EQ(writer->progress().written_end, 9u);
  EXPECT_EQ(writer->progress().durable_end, 6u);
  ASSERT_EQ(stage.add(*writer), Errc::kOk);
  ASSERT_EQ(writer->write_now(Sync::kData, stage.next_position()), Errc::kOk);
  EXPECT_EQ(writer->progress().durable_end, 12u);
  EXPECT_EQ(stage.directory.syncs, syncs + 1) << "the one before was not safe";
  EXPECT_EQ(stage.read_all(12), (Strings{"0", "3", "6", "9"}));
}

TEST(LogWriter, AFailedWriteIsFinal) {
  LogStage stage;
  const auto writer = stage.open();
  stage.put(*writer, 1);
  stage.directory.faults.write_errno = EIO;
  stage.directory.faults.writes_before = 1;
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(stage.add(*writer), Errc::kOk);
    ASSERT_EQ(writer->submit(Sync::kData, stage.next_position()), Errc::kOk);
  }
  const log::Progress done = writer->reap(true);
  EXPECT_EQ(done.failed, Errc::kLogFailed);
  EXPECT_EQ(done.sys_errno, EIO);
  EXPECT_LE(done.durable_end, 6u) << "never beyond what failed";
  stage.directory.faults = {};
  EXPECT_EQ(stage.add(*writer), Errc::kLogFailed) << "also when the disk works again";
  EXPECT_EQ(writer->submit(Sync::kData, 100), Errc::kLogFailed);
  EXPECT_EQ(writer->write_now(Sync::kData, 100), Errc::kLogFailed);
  EXPECT_EQ(writer->flush(), Errc::kLogFailed);
}

TEST(LogWriter, AFailedSyncIsFinalAndNotTriedAgain) {
  LogStage stage;
  const auto writer = stage.open();
  stage.put(*writer, 1);
  ASSERT_EQ(stage.add(*writer), Errc::kOk);
  ASSERT_EQ(writer->submit(Sync::kNone, stage.next_position()), Errc::kOk);
  stage.directory.faults.sync_errno = EIO;
  const unsigned syncs = stage.directory.syncs;
  EXPECT_EQ(writer->flush(), Errc::kLogFailed);
  stage.directory.faults.sync_errno = 0;
  EXPECT_EQ(writer->flush(), Errc::kLogFailed);
  EXPECT_EQ(stage.directory.syncs, syncs + 1);
  EXPECT_EQ(writer->progress().durable_end, 3u);
}

TEST(LogWriter, NoRoomForASegmentIsRefusedAndHeals) {
  LogStage stage;
  const auto writer = stage.open();
  stage.put(*writer, 13);
  stage.directory.faults.bytes_max = LogStage::kSegmentBytes;
  EXPECT_EQ(stage.add(*writer), Errc::kNoSpace);
  EXPECT_EQ(stage.add(*writer), Errc::kNoSpace);
  EXPECT_EQ(writer->space(), Errc::kNoSpace);
  EXPECT_EQ(stage.read_all(stage.next_position()).size(), 13u);
  stage.directory.faults.bytes_max = UINT64_MAX;
  stage.put(*writer, 1);
  EXPECT_EQ(writer->space(), Errc::kOk);
  EXPECT_EQ(stage.read_all(stage.next_position()).size(), 14u);
}

TEST(LogWriter, SpaceIsRefusedAheadWhileTheSparesLast) {
  LogStage stage;
  stage.options.spare_segments = 1;
  const auto writer = stage.open();
  stage.put(*writer, 1);
  EXPECT_EQ(stage.directory.list(), (Strings{log::segment_name(0), log::spare_name(0)}));
  stage.directory.faults.bytes_max = 2 * LogStage::kSegmentBytes;
  EXPECT_EQ(writer->space(), Errc::kOk);
  stage.put(*writer, 13);
  EXPECT_EQ(writer->space(), Errc::kNoSpace) << "the spare is in use, and there is no other";
  stage.put(*writer, 12);
  EXPECT_EQ(stage.read_all(stage.next_position()).size(), 26u) << "what was taken had room";
  EXPECT_EQ(stage.add(*writer), Errc::kNoSpace);
  stage.directory.faults.bytes_max = UINT64_MAX;
  EXPECT_EQ(writer->prepare(), Errc::kOk);
  EXPECT_EQ(writer->space(), Errc::kOk);
  stage.put(*writer, 1);
}

TEST(LogWriter, SparesAreWrittenInPausesAndThenSmallBatchesNeedNoZeros) {
  LogStage stage;
  stage.options.spare_segments = 2;
  const auto writer = stage.open();
  ASSERT_EQ(writer->prepare(), Errc::kOk);
  for (const std::uint64_t number : {0u, 1u}) {
    auto& bytes = stage.directory.file(log::spare_name(number));
    EXPECT_EQ(stage.directory.written_ends[&bytes], disk::kBlockBytes);
    EXPECT_TRUE(writer->prepare_more());
    EXPECT_EQ(stage.directory.written_ends[&bytes], LogStage::kSegmentBytes);
  }
  EXPECT_FALSE(writer->prepare_more());
  auto& second = stage.directory.file(log::spare_name(1));
  std::byte& last = second[log::index_offset(LogStage::kSegmentBytes) - 1];
  last = std::byte{7};
  stage.put(*writer, 1);
  EXPECT_EQ(&stage.directory.file(log::segment_name(0)), &second);
  EXPECT_EQ(last, std::byte{7}) << "what was written before is not filled with zeros again";
}

TEST(LogWriter, AFailureInAPauseIsMetByTheNextWrite) {
  LogStage stage;
  stage.options.spare_segments = 1;
  const auto writer = stage.open();
  ASSERT_EQ(writer->prepare(), Errc::kOk);
  stage.directory.faults.write_errno = 5;
  EXPECT_FALSE(writer->prepare_more());
  EXPECT_EQ(writer->progress().failed, Errc::kOk);
  stage.directory.faults.write_errno = 0;
  EXPECT_TRUE(writer->prepare_more());
}

TEST(LogWriter, TheEndIsMarkedOnce) {
  LogStage stage;
  auto writer = stage.open();
  stage.put(*writer, 2);
  ASSERT_EQ(writer->mark_durable(), Errc::kOk);
  const auto image = stage.directory.image();
  ASSERT_EQ(writer->mark_durable(), Errc::kOk);
  EXPECT_EQ(stage.directory.image(), image);
  stage.directory.file(log::segment_name(0))[2 * disk::kBlockBytes + 200] ^= std::byte{1};
  EXPECT_EQ(stage.code_of_open(), Errc::kDamaged) << "the last record, and yet it is noticed";
}

TEST(LogWriter, OptionsOutOfTheirLimitsAreRefused) {
  LogStage stage;
  stage.options.segment_bytes = 20'000;
  EXPECT_EQ(stage.code_of_open(), Errc::kInvalidArgument);
  stage.options.segment_bytes = 8 * 1024;
  EXPECT_EQ(stage.code_of_open(), Errc::kInvalidArgument);
  stage.options.segment_bytes = LogStage::kSegmentBytes;
  stage.options.in_flight = 0;
  EXPECT_EQ(stage.code_of_open(), Errc::kInvalidArgument);
}

}  // namespace
}  // namespace ringpost
