#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>

#include "log/recovery.hpp"
#include "support/log_stage.hpp"

namespace ringpost {
namespace {

using disk::kBlockBytes;
using disk::Sync;
using test::LogStage;
using Strings = std::vector<std::string>;

/// Writes batches that nobody knew to be durable when the later ones were written.
void write_unsafe(LogStage& stage, log::Writer& writer, unsigned records) {
  for (unsigned i = 0; i < records; ++i) {
    ASSERT_EQ(stage.add(writer), Errc::kOk);
    ASSERT_EQ(writer.submit(Sync::kNone, stage.next_position()), Errc::kOk);
    ASSERT_EQ(writer.reap(true).failed, Errc::kOk);
  }
}

void damage_batch(LogStage& stage, unsigned number, std::size_t offset = 200) {
  stage.directory.file(stage.last_segment())[(1 + number) * kBlockBytes + offset] ^= std::byte{1};
}

TEST(LogRecovery, AnEmptyDirectoryIsAnEmptyLog) {
  LogStage stage;
  stage.options.first_position = 64;
  auto writer = stage.open();
  EXPECT_EQ(writer->end(), 64u);
  EXPECT_EQ(writer->progress().durable_end, 64u);
  EXPECT_TRUE(stage.directory.list().empty()) << "a segment is begun with the first record";
  stage.put(*writer, 1);
  EXPECT_EQ(stage.directory.list(), Strings{log::segment_name(64)});
}

TEST(LogRecovery, GoesOnBehindTheLastRecordInANewSegment) {
  LogStage stage;
  auto writer = stage.open();
  stage.put(*writer, 2);
  const auto before = stage.directory.image();
  writer = stage.open();
  EXPECT_EQ(writer->end(), 6u);
  EXPECT_EQ(stage.directory.image(), before) << "recovery changes nothing";
  stage.put(*writer, 2);
  EXPECT_EQ(stage.directory.list(), (Strings{log::segment_name(0), log::segment_name(6)}));
  EXPECT_EQ(stage.directory.file(log::segment_name(0)), before.at(log::segment_name(0)));
  EXPECT_EQ(stage.read_all(12), (Strings{"0", "3", "6", "9"}));
}

TEST(LogRecovery, OpeningTwiceIsIdentical) {
  LogStage stage;
  auto writer = stage.open();
  stage.put(*writer, 20);
  write_unsafe(stage, *writer, 3);
  damage_batch(stage, 8);
  writer = stage.open();
  const std::uint64_t end = writer->end();
  const auto image = stage.directory.image();
  for (int i = 0; i < 3; ++i) {
    writer = stage.open();
    EXPECT_EQ(writer->end(), end);
    EXPECT_EQ(stage.directory.image().size(), image.size());
    EXPECT_EQ(stage.read_all(end).size(), 21u);
  }
}

TEST(LogRecovery, ATornTailIsDiscarded) {
  LogStage stage;
  auto writer = stage.open();
  stage.put(*writer, 2);
  write_unsafe(stage, *writer, 3);
  damage_batch(stage, 3);
  writer = stage.open();
  EXPECT_EQ(writer->end(), 9u) << "the fourth batch is torn, and nobody was told of the fifth";
  EXPECT_EQ(writer->seen_end(), 15u);
  EXPECT_EQ(stage.read_all(9), (Strings{"0", "3", "6"}));
  stage.go_on_at(1000);
  stage.put(*writer, 1);
  EXPECT_EQ(stage.read_all(stage.next_position()), (Strings{"0", "3", "6", "1000"}));
}

TEST(LogRecovery, AHeaderThatWasTornIsDiscarded) {
  LogStage stage;
  auto writer = stage.open();
  stage.put(*writer, 2);
  write_unsafe(stage, *writer, 1);
  damage_batch(stage, 2, 50);
  writer = stage.open();
  EXPECT_EQ(writer->end(), 6u);
  EXPECT_EQ(stage.read_all(6), (Strings{"0", "3"}));
}

TEST(LogRecovery, RecordsOfATornBatchAreNotReadByThoseWhoComeLater) {
  LogStage stage;
  auto writer = stage.open();
  stage.put(*writer, 1);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(stage.add(*writer), Errc::kOk);
  ASSERT_EQ(writer->submit(Sync::kNone, stage.next_position()), Errc::kOk);
  damage_batch(stage, 1, log::padded(143) * 2 + 200);  // its third record
  writer = stage.open();
  EXPECT_EQ(writer->end(), 3u);
  const auto reader = stage.reader();
  EXPECT_EQ(stage.read_all(*reader, 3), Strings{"0"});
  stage.go_on_at(500);
  stage.put(*writer, 1);
  EXPECT_EQ(stage.read_all(*reader, stage.next_position()), Strings{"500"});
}

TEST(LogRecovery, DamageBelowWhatWasAcknowledgedIsRefusedWithTheRange) {
  LogStage stage;
  auto writer = stage.open();
  stage.put(*writer, 5);
  const auto image = stage.directory.image();
  damage_batch(stage, 1);
  auto refused = log::Writer::open(stage.directory, stage.options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kDamaged);
  EXPECT_NE(std::string(refused.error().what).find("positions 3 to 12"), std::string::npos)
      << refused.error().what;
  stage.directory.restore(image);
  damage_batch(stage, 1, 40);  // its header
  EXPECT_EQ(stage.code_of_open(), Errc::kDamaged);
  stage.directory.restore(image);
  EXPECT_EQ(stage.code_of_open(), Errc::kOk);
}

TEST(LogRecovery, DamageInTheLastBatchIsRefusedIfTheCallerKnows) {
  LogStage stage;
  auto writer = stage.open();
  stage.put(*writer, 3);
  damage_batch(stage, 2);
  EXPECT_EQ(stage.code_of_open(), Errc::kOk) << "by itself the log cannot know";
  stage.options.acknowledged_end = 9;
  EXPECT_EQ(stage.code_of_open(), Errc::kDamaged);
  stage.options.acknowledged_end = 6;
  EXPECT_EQ(stage.code_of_open(), Errc::kOk);
}

TEST(LogRecovery, DamageIsProvenByTheFooter) {
  LogStage stage;
  auto writer = stage.open();
  stage.put(*writer, 13);
  ASSERT_EQ(stage.add(*writer), Errc::kOk);
  ASSERT_EQ(writer->submit(disk::Sync::kNone, stage.next_position()), Errc::kOk);
  const std::string second = stage.last_segment();
  stage.directory.remove(second).value();
  EXPECT_EQ(stage.code_of_open(), Errc::kOk);
  damage_batch(stage, 12);
  EXPECT_EQ(stage.code_of_open(), Errc::kDamaged);
}

TEST(LogRecovery, OneCopyOfASegmentsHeaderIsEnough) {
  LogStage stage;
  auto writer = stage.open();
  stage.put(*writer, 2);
  for (const std::size_t offset : {10u, 2058u}) {
    stage.directory.file(stage.last_segment())[offset] ^= std::byte{1};
    EXPECT_EQ(stage.open()->end(), 6u);
    EXPECT_EQ(stage.read_all(6), (Strings{"0", "3"}));
    stage.directory.file(stage.last_segment())[offset] ^= std::byte{1};
  }
}

TEST(LogRecovery, ADamagedSegmentHeaderIsRefusedIfBatchesProveIt) {
  LogStage stage;
  auto writer = stage.open();
  stage.put(*writer, 1);
  stage.put(*writer, 1);
  auto& file = stage.directory.file(stage.last_segment());
  for (const std::size_t offset : log::kHeaderOffsets) file[offset + 10] ^= std::byte{1};
  EXPECT_EQ(stage.code_of_open(), Errc::kDamaged);
}

TEST(LogRecovery, ASegmentWhoseHeaderWasTornIsPutAside) {
  LogStage stage;
  auto writer = stage.open();
  stage.put(*writer, 13);
  writer = stage.open();
  ASSERT_EQ(stage.add(*writer), Errc::kOk);
  auto& file = stage.directory.file(log::segment_name(39));
  for (const std::size_t offset : log::kHeaderOffsets) file[offset + 10] ^= std::byte{1};
  writer = stage.open();
  EXPECT_EQ(writer->end(), 39u);
  EXPECT_EQ(stage.directory.list(), (Strings{log::segment_name(0), log::lost_name(39)}));
  stage.go_on_at(39);
  stage.put(*writer, 1);
  EXPECT_EQ(stage.read_all(42).size(), 14u);
}

TEST(LogRecovery, ATruncatedSegmentIsRefused) {
  LogStage stage;
  auto writer = stage.open();
  stage.put(*writer, 1);
  const auto image = stage.directory.image();
  for (const std::size_t bytes : {0u, 100u, 4096u, 4097u, 10'000u, 65'535u}) {
    stage.directory.restore(image);
    stage.directory.file(stage.last_segment()).resize(bytes);
    EXPECT_EQ(stage.code_of_open(), Errc::kDamaged) << bytes;
  }
}

TEST(LogRecovery, AnotherLogsSegmentIsRefused) {
  LogStage stage;
  auto writer = stage.open();
  stage.put(*writer, 1);
  stage.options.log_id = 78;
  EXPECT_EQ(stage.code_of_open(), Errc::kWrongFormat);
}

TEST(LogRecovery, ANewerSegmentIsRefused) {
  LogStage stage;
  auto writer = stage.open();
  stage.put(*writer, 1);
  auto& file = stage.directory.file(stage.last_segment());
  log::SegmentHeader header;
  std::memcpy(&header, file.data(), sizeof header);
  header.version = 2;
  log::encode_header(header, std::span(file).first(kBlockBytes));
  EXPECT_EQ(stage.code_of_open(), Errc::kNewerFormat);
}

TEST(LogRecovery, AnEmptySegmentThatADeadWriterBeganIsReplaced) {
  LogStage stage;
  auto writer = stage.open();
  stage.put(*writer, 13);
  stage.directory.faults.write_errno = EIO;
  stage.directory.faults.writes_before = 3;  // a spare's header, the segment's, the index
  ASSERT_EQ(stage.add(*writer), Errc::kOk);
  ASSERT_EQ(writer->submit(Sync::kData, stage.next_position()), Errc::kOk);
  EXPECT_EQ(writer->flush(), Errc::kLogFailed);
  stage.directory.faults = {};
  writer = stage.open();
  EXPECT_EQ(writer->end(), 39u);
  stage.go_on_at(39);
  stage.put(*writer, 1);
  EXPECT_EQ(stage.directory.list(), (Strings{log::segment_name(0), log::segment_name(39)}));
  EXPECT_EQ(stage.read_all(42).size(), 14u);
}

TEST(LogRecovery, ASegmentThatHasOnlyItsNameWasNeverBegun) {
  LogStage stage;
  stage.options.spare_segments = 1;
  auto writer = stage.open();
  stage.put(*writer, 2);
  stage.directory.rename(log::spare_name(0), log::segment_name(6)).value();
  EXPECT_EQ(stage.read_all(6), (Strings{"0", "3"}));
  const auto reader = stage.reader();
  reader->seek_time(0, 6).value();
  EXPECT_EQ(stage.read_all(*reader, 6), (Strings{"0", "3"}));
  reader->seek(6);
  EXPECT_EQ(stage.read_all(*reader, 7), Strings{"damaged 6..7"});
  EXPECT_EQ(reader->find_end().value(), 6u);
  writer = stage.open();
  EXPECT_EQ(stage.directory.list(), Strings{log::segment_name(0)});
  stage.put(*writer, 1);
  EXPECT_EQ(stage.read_all(9), (Strings{"0", "3", "6"}));
}

TEST(LogRecovery, ASegmentBehindATornOneIsDiscarded) {
  LogStage stage;
  auto writer = stage.open();
  stage.put(*writer, 1);
  const auto safe = stage.directory.image();
  write_unsafe(stage, *writer, 11);
  stage.directory.faults.holds_completions = true;
  for (int i = 0; i < 4; ++i) {  // three in the next segment, whose name nobody has synced
    ASSERT_EQ(stage.add(*writer), Errc::kOk);
    ASSERT_EQ(writer->submit(Sync::kNone, stage.next_position()), Errc::kOk);
  }
  stage.directory.faults.holds_completions = false;
  auto image = stage.directory.image();
  ASSERT_EQ(image.count(log::segment_name(39)), 1u);
  writer.reset();
  stage.directory.restore(image);
  EXPECT_EQ(stage.open()->end(), 48u) << "nothing was lost";
  stage.directory.restore(image);
  stage.directory.file(log::segment_name(0)) = safe.at(log::segment_name(0));
  EXPECT_EQ(stage.reader()->find_end().value(), 3u);
  writer = stage.open();
  EXPECT_EQ(writer->end(), 3u) << "the end of the first one never came to the disk";
  EXPECT_EQ(writer->seen_end(), 48u);
  EXPECT_FALSE(stage.directory.has(log::segment_name(39)));
  stage.go_on_at(48);
  stage.put(*writer, 1);
  EXPECT_EQ(stage.read_all(51), (Strings{"0", "48"}));
  EXPECT_EQ(stage.open()->end(), 51u);
}

TEST(LogRecovery, LooksAtNoSegmentBelowWhatWasSafe) {
  LogStage stage;
  auto writer = stage.open();
  stage.put(*writer, 1);
  const auto safe = stage.directory.image();
  stage.put(*writer, 12);
  stage.put(*writer, 1);
  stage.directory.file(log::segment_name(0)) = safe.at(log::segment_name(0));
  EXPECT_EQ(stage.open()->end(), 42u);
  EXPECT_EQ(stage.read_all(42), (Strings{"0", "damaged 3..39", "39"}));
}

TEST(LogRecovery, ALateWriteOfADeadWriterDoesNoHarm) {
  LogStage stage;
  auto dead = stage.open();
  stage.put(*dead, 2);
  ASSERT_EQ(stage.add(*dead), Errc::kOk);
  auto writer = stage.open();
  stage.go_on_at(6);
  stage.put(*writer, 2);
  ASSERT_EQ(dead->submit(Sync::kNone, 9), Errc::kOk);
  EXPECT_EQ(stage.read_all(12), (Strings{"0", "3", "6", "9"}));
  writer = stage.open();
  EXPECT_EQ(writer->end(), 12u);
}

TEST(LogRecovery, WhatADeadProcessHasWrittenIsSynced) {
  LogStage stage;
  auto writer = stage.open();
  write_unsafe(stage, *writer, 2);
  const unsigned syncs = stage.directory.syncs;
  writer = stage.open();
  EXPECT_EQ(stage.directory.syncs, syncs + 1);
  EXPECT_EQ(writer->progress().durable_end, 6u);
  stage.directory.faults.sync_errno = EIO;
  EXPECT_EQ(stage.code_of_open(), Errc::kSystem);
}

TEST(LogRecovery, WhatWasRecycledIsNotTakenForRecords) {
  LogStage stage;
  stage.options.spare_segments = 1;
  auto writer = stage.open();
  stage.put(*writer, 3 * 13 + 2);
  const log::Retention all_but_one{INT64_MIN, LogStage::kSegmentBytes};
  EXPECT_EQ(writer->drop_expired(all_but_one).value(), 3u * 13 * 3);
  stage.put(*writer, 12);  // goes on in a segment that was used before
  writer = stage.open();
  EXPECT_EQ(writer->end(), stage.next_position());
  EXPECT_EQ(stage.read_all(stage.next_position()).size(), 14u);
}

}  // namespace
}  // namespace ringpost
