#include <gtest/gtest.h>

#include <cerrno>

#include "support/log_stage.hpp"

namespace ringpost {
namespace {

using disk::kBlockBytes;
using disk::Sync;
using test::LogStage;
using Strings = std::vector<std::string>;

constexpr unsigned kBatchesInSegment = 13;

std::string next_of(log::Reader& reader, std::uint64_t bound) {
  const auto record = reader.next(bound);
  return record ? std::to_string(record->header.position) : name(record.error());
}

TEST(LogReader, ReadsAcrossManySegments) {
  LogStage stage;
  const auto writer = stage.open();
  stage.put(*writer, 100);
  EXPECT_EQ(stage.directory.list().size(), 8u);
  const Strings found = stage.read_all(300);
  ASSERT_EQ(found.size(), 100u);
  for (unsigned i = 0; i < 100; ++i) EXPECT_EQ(found[i], std::to_string(3 * i));
}

TEST(LogReader, StopsAtTheBound) {
  LogStage stage;
  const auto writer = stage.open();
  for (int i = 0; i < 3; ++i) ASSERT_EQ(stage.add(*writer), Errc::kOk);
  ASSERT_EQ(writer->submit(Sync::kData, 9), Errc::kOk);
  ASSERT_EQ(writer->flush(), Errc::kOk);
  const auto reader = stage.reader();
  EXPECT_EQ(next_of(*reader, 0), "Empty");
  EXPECT_EQ(next_of(*reader, 3), "0");
  EXPECT_EQ(next_of(*reader, 3), "Empty");
  EXPECT_EQ(next_of(*reader, 6), "3");
  EXPECT_EQ(next_of(*reader, 6), "Empty");
  EXPECT_EQ(next_of(*reader, 9), "6");
  EXPECT_EQ(next_of(*reader, 9), "Empty");
  EXPECT_EQ(reader->position(), 9u);
}

TEST(LogReader, FollowsAWriter) {
  LogStage stage;
  const auto writer = stage.open();
  const auto reader = stage.reader();
  EXPECT_EQ(next_of(*reader, 0), "Empty");
  for (unsigned i = 0; i < 40; ++i) {
    stage.put(*writer, 1);
    EXPECT_EQ(next_of(*reader, stage.next_position()), std::to_string(3 * i));
    EXPECT_EQ(next_of(*reader, stage.next_position()), "Empty");
  }
}

TEST(LogReader, AReaderOfAnEmptyLogBeginsWhereTheLogDoes) {
  LogStage stage;
  stage.options.first_position = 64;
  const auto reader = stage.reader();
  EXPECT_EQ(next_of(*reader, 64), "Empty");
  const auto writer = stage.open();
  stage.put(*writer, 1);
  EXPECT_EQ(next_of(*reader, 67), "64");
}

TEST(LogReader, SeeksEveryPosition) {
  LogStage stage;
  const auto writer = stage.open();
  stage.put(*writer, 30);
  const auto reader = stage.reader();
  for (std::uint64_t position = 0; position <= 90; ++position) {
    reader->seek(position);
    const std::uint64_t expected = (position + 2) / 3 * 3;
    EXPECT_EQ(next_of(*reader, 90), expected < 90 ? std::to_string(expected) : "Empty");
    if (expected + 3 < 90) {
      EXPECT_EQ(next_of(*reader, 90), std::to_string(expected + 3));
    }
  }
}

TEST(LogReader, SeeksWithinABatch) {
  LogStage stage;
  const auto writer = stage.open();
  for (int i = 0; i < 20; ++i) ASSERT_EQ(stage.add(*writer), Errc::kOk);
  ASSERT_EQ(writer->submit(Sync::kData, 60), Errc::kOk);
  ASSERT_EQ(writer->flush(), Errc::kOk);
  const auto reader = stage.reader();
  for (const std::uint64_t position : {57u, 0u, 30u, 31u, 29u}) {
    reader->seek(position);
    EXPECT_EQ(next_of(*reader, 60), std::to_string((position + 2) / 3 * 3));
  }
}

TEST(LogReader, SeeksEveryTime) {
  LogStage stage;
  const auto writer = stage.open();
  for (unsigned i = 0; i < 40; ++i) {  // arrive at 1000, 1010 …
    stage.put(*writer, 1);
    stage.clock.advance(Duration(10));
  }
  const auto reader = stage.reader();
  for (std::int64_t time = 990; time < 1400; ++time) {
    reader->seek_time(time, 120).value();
    const std::int64_t expected = time < 1000 ? 0 : (time - 1000 + 9) / 10 * 3;
    EXPECT_EQ(next_of(*reader, 120), expected < 120 ? std::to_string(expected) : "Empty") << time;
  }
  reader->seek_time(1200, 30).value();
  EXPECT_EQ(reader->position(), 30u) << "no record below the bound is so late";
}

TEST(LogReader, SeeksATimeWithinABatch) {
  LogStage stage;
  const auto writer = stage.open();
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(stage.add(*writer), Errc::kOk);
    stage.clock.advance(Duration(10));
  }
  ASSERT_EQ(writer->submit(Sync::kData, 60), Errc::kOk);
  ASSERT_EQ(writer->flush(), Errc::kOk);
  const auto reader = stage.reader();
  reader->seek_time(1095, 60).value();
  EXPECT_EQ(next_of(*reader, 60), "30");
  reader->seek_time(1190, 60).value();
  EXPECT_EQ(next_of(*reader, 60), "57");
  reader->seek_time(1191, 60).value();
  EXPECT_EQ(next_of(*reader, 60), "Empty");
}

TEST(LogReader, ATimeIsTheFirstRecordThatLateThoughClocksDiffer) {
  LogStage stage;
  const auto writer = stage.open();
  std::uint64_t position = 0;
  for (const std::int64_t arrival : {100, 300, 200, 400}) {
    ASSERT_EQ(writer->add(position, test::make_record(position, arrival, "key", "")), Errc::kOk);
    ASSERT_EQ(writer->submit(Sync::kData, ++position), Errc::kOk);
  }
  ASSERT_EQ(writer->flush(), Errc::kOk);
  const auto reader = stage.reader();
  reader->seek_time(200, 4).value();
  EXPECT_EQ(next_of(*reader, 4), "1");
  reader->seek_time(301, 4).value();
  EXPECT_EQ(next_of(*reader, 4), "3");
}

TEST(LogReader, AnEmptyLogHasNoTimes) {
  LogStage stage;
  const auto reader = stage.reader();
  reader->seek_time(5, 0).value();
  EXPECT_EQ(next_of(*reader, 0), "Empty");
  EXPECT_EQ(reader->find_end().value(), 0u);
}

TEST(LogReader, SegmentsWhoseWriterDiedAreReadToTheirEnd) {
  LogStage stage;
  for (int i = 0; i < 5; ++i) {
    const auto writer = stage.open();
    stage.put(*writer, 3);
  }
  EXPECT_EQ(stage.read_all(45).size(), 15u);
  const auto reader = stage.reader();
  EXPECT_EQ(reader->find_end().value(), 45u);
  reader->seek(20);
  EXPECT_EQ(next_of(*reader, 45), "21");
  reader->seek_time(1000, 45).value();
  EXPECT_EQ(next_of(*reader, 45), "0");
}

TEST(LogReader, WhatWasDroppedIsLapped) {
  LogStage stage;
  stage.options.spare_segments = 2;
  const auto writer = stage.open();
  stage.put(*writer, 3 * kBatchesInSegment);
  const auto reader = stage.reader();
  EXPECT_EQ(next_of(*reader, stage.next_position()), "0");
  const log::Retention one{INT64_MIN, LogStage::kSegmentBytes};
  EXPECT_EQ(writer->drop_expired(one).value(), 78u);
  stage.put(*writer, 3 * kBatchesInSegment);  // writes over what the reader has open
  const Strings found = stage.read_all(*reader, stage.next_position());
  ASSERT_GT(found.size(), kBatchesInSegment);
  std::size_t at = 0;
  while (found[at].find("lapped") == std::string::npos) ++at;
  EXPECT_EQ(found[at].substr(found[at].find("..")), "..78") << found[at];
  EXPECT_EQ(found[at + 1], "78");
  EXPECT_EQ(found.size() - at, 1 + 4 * kBatchesInSegment);
  for (const std::string& text : found) EXPECT_EQ(text.find("bad"), std::string::npos);
  reader->seek(0);
  EXPECT_EQ(next_of(*reader, stage.next_position()), "Lapped");
  EXPECT_EQ(reader->gap().to, 78u);
  EXPECT_EQ(next_of(*reader, stage.next_position()), "78");
}

TEST(LogReader, ADamagedRecordIsReportedAndTheOthersAreRead) {
  LogStage stage;
  const auto writer = stage.open();
  for (int i = 0; i < 5; ++i) ASSERT_EQ(stage.add(*writer), Errc::kOk);
  ASSERT_EQ(writer->submit(Sync::kData, 15), Errc::kOk);
  stage.put(*writer, 1);
  auto& file = stage.directory.file(stage.last_segment());
  const std::size_t third = kBlockBytes + sizeof(log::BatchHeader) + 2 * log::padded(143);
  file[third + 100] ^= std::byte{4};
  EXPECT_EQ(stage.read_all(18), (Strings{"0", "3", "damaged 6..9", "9", "12", "15"}));
  file[third + 4] ^= std::byte{4};  // its length
  EXPECT_EQ(stage.read_all(18), (Strings{"0", "3", "damaged 6..15", "15"}));
}

TEST(LogReader, ADamagedBatchHeaderIsReported) {
  LogStage stage;
  const auto writer = stage.open();
  stage.put(*writer, 20);
  auto& file = stage.directory.file(log::segment_name(0));
  file[3 * kBlockBytes + 50] ^= std::byte{4};
  const Strings found = stage.read_all(60);
  ASSERT_EQ(found.size(), 20u);
  EXPECT_EQ(found[2], "damaged 6..9");
  EXPECT_EQ(found[3], "9");
  const auto reader = stage.reader();
  reader->seek(7);
  EXPECT_EQ(next_of(*reader, 60), "Damaged");
  EXPECT_EQ(reader->gap().from, 7u);
  EXPECT_EQ(next_of(*reader, 60), "Damaged") << "until it is skipped";
  reader->skip();
  EXPECT_EQ(next_of(*reader, 60), "9");
}

TEST(LogReader, ADamagedEndOfASegmentIsReportedToTheNextOnesBase) {
  LogStage stage;
  const auto writer = stage.open();
  stage.put(*writer, 15);
  auto& file = stage.directory.file(log::segment_name(0));
  for (unsigned batch = 11; batch < 13; ++batch) file[(1 + batch) * kBlockBytes] ^= std::byte{4};
  const Strings found = stage.read_all(45);
  ASSERT_EQ(found.size(), 14u);
  EXPECT_EQ(found[11], "damaged 33..39");
  EXPECT_EQ(found[12], "39");
}

TEST(LogReader, AMissingSegmentIsReported) {
  LogStage stage;
  const auto writer = stage.open();
  stage.put(*writer, 3 * kBatchesInSegment);
  stage.directory.remove(log::segment_name(39)).value();
  const Strings found = stage.read_all(117);
  ASSERT_EQ(found.size(), 27u);
  EXPECT_EQ(found[13], "damaged 39..78");
}

TEST(LogReader, ADamagedSegmentHeaderIsReported) {
  LogStage stage;
  const auto writer = stage.open();
  stage.put(*writer, 3 * kBatchesInSegment);
  auto& file = stage.directory.file(log::segment_name(39));
  for (const std::size_t offset : log::kHeaderOffsets) file[offset] ^= std::byte{1};
  const Strings found = stage.read_all(117);
  ASSERT_EQ(found.size(), 27u);
  EXPECT_EQ(found[13], "damaged 39..78");
}

TEST(LogReader, MissingRecordsBelowTheBoundAreReported) {
  LogStage stage;
  const auto writer = stage.open();
  stage.put(*writer, 2);
  EXPECT_EQ(stage.read_all(20), (Strings{"0", "3", "damaged 6..20"}));
}

TEST(LogReader, ADamagedIndexIsPassedOver) {
  LogStage stage;
  const auto writer = stage.open();
  stage.put(*writer, 15);
  auto& file = stage.directory.file(log::segment_name(0));
  file[log::index_offset(LogStage::kSegmentBytes)] ^= std::byte{1};
  const auto reader = stage.reader();
  reader->seek(30);
  EXPECT_EQ(next_of(*reader, 45), "30");
  reader->seek_time(1000, 45).value();
  EXPECT_EQ(next_of(*reader, 45), "0");
}

TEST(LogReader, AnErrorOfTheDiskIsTriedAgain) {
  LogStage stage;
  const auto writer = stage.open();
  stage.put(*writer, 3);
  const auto reader = stage.reader();
  stage.directory.faults.read_errno = EIO;
  EXPECT_EQ(next_of(*reader, 9), "System");
  EXPECT_EQ(reader->sys_errno(), EIO);
  stage.directory.faults.read_errno = 0;
  EXPECT_EQ(next_of(*reader, 9), "0");
}

}  // namespace
}  // namespace ringpost
