#include <gtest/gtest.h>

#include "log/reader.hpp"
#include "log/salvage.hpp"
#include "log/verify.hpp"
#include "support/log_stage.hpp"

namespace ringpost {
namespace {

using test::LogStage;
using Strings = std::vector<std::string>;

constexpr unsigned kBatchesInSegment = 13;

log::Retention older_than(std::int64_t oldest_ns) { return {oldest_ns, 0}; }
log::Retention at_most(std::uint64_t segments) {
  return {INT64_MIN, segments * LogStage::kSegmentBytes};
}

/// Four segments, whose records arrived at 1000, 2000, 3000 and 4000.
std::unique_ptr<log::Writer> four_segments(LogStage& stage) {
  auto writer = stage.open();
  for (int i = 0; i < 4; ++i) {
    stage.put(*writer, kBatchesInSegment);
    stage.clock.advance(Duration(1000));
  }
  return writer;
}

TEST(LogRetention, SegmentsAreDroppedWhenTheirLastRecordIsTooOld) {
  LogStage stage;
  const auto writer = four_segments(stage);
  EXPECT_EQ(writer->drop_expired(older_than(1000)).value(), 0u);
  EXPECT_EQ(writer->drop_expired(older_than(2000)).value(), 39u);
  EXPECT_EQ(writer->drop_expired(older_than(3001)).value(), 117u);
  EXPECT_EQ(stage.directory.list(), (Strings{log::segment_name(117), log::dropped_name(117)}));
  EXPECT_EQ(stage.read_all(156).size(), 13u);
}

TEST(LogRetention, TheLastSegmentStays) {
  LogStage stage;
  const auto writer = four_segments(stage);
  EXPECT_EQ(writer->drop_expired(older_than(1'000'000)).value(), 117u);
  EXPECT_EQ(writer->drop_expired(at_most(1)).value(), 117u);
  EXPECT_EQ(stage.directory.list(), (Strings{log::segment_name(117), log::dropped_name(117)}));
}

TEST(LogRetention, SegmentsAreDroppedWhenTheyAreTooMany) {
  LogStage stage;
  const auto writer = four_segments(stage);
  EXPECT_EQ(writer->drop_expired(at_most(4)).value(), 0u);
  EXPECT_EQ(writer->drop_expired(at_most(2)).value(), 78u);
  EXPECT_EQ(stage.directory.list().size(), 3u);
}

TEST(LogRetention, AWrongClockOfAProducerKeepsNothingForEver) {
  LogStage stage;
  const auto writer = stage.open();
  const auto future = test::make_record(0, INT64_MAX / 2, "key", "");
  ASSERT_EQ(writer->add(0, future), Errc::kOk);
  ASSERT_EQ(writer->submit(disk::Sync::kData, 1), Errc::kOk);
  stage.go_on_at(1);
  stage.put(*writer, kBatchesInSegment);
  EXPECT_EQ(writer->drop_expired(older_than(1001)).value(), 37u);
}

TEST(LogRetention, DroppedSegmentsBecomeSparesUpToTheNumberWanted) {
  LogStage stage;
  stage.options.spare_segments = 2;
  const auto writer = four_segments(stage);
  EXPECT_EQ(writer->prepare(), Errc::kOk);
  EXPECT_EQ(stage.directory.list().size(), 6u);
  stage.put(*writer, 1);
  EXPECT_EQ(writer->drop_expired(at_most(1)).value(), 156u);
  EXPECT_EQ(stage.directory.list(), (Strings{log::segment_name(156), log::dropped_name(156),
                                             log::spare_name(0), log::spare_name(1)}));
  stage.directory.faults.bytes_max = 3 * LogStage::kSegmentBytes;
  stage.put(*writer, 3 * kBatchesInSegment - 1);
  EXPECT_EQ(stage.read_all(stage.next_position()).size(), 3u * kBatchesInSegment);
}

TEST(LogRetention, ASegmentWhoseWriterDiedIsNotUsedAgain) {
  LogStage stage;
  auto writer = stage.open();
  stage.put(*writer, 1);
  stage.options.spare_segments = 1;
  writer = stage.open();
  stage.put(*writer, 1);
  stage.directory.remove(log::spare_name(0)).value();
  EXPECT_EQ(writer->drop_expired(at_most(1)).value(), 3u);
  EXPECT_EQ(stage.directory.list(), (Strings{log::segment_name(3), log::dropped_name(3)}))
      << "it may still be written to";
}

TEST(LogRetention, SparesOfAnotherSizeAreReplaced) {
  LogStage stage;
  stage.directory.create(log::spare_name(7), 5000).value();
  const auto writer = stage.open();
  stage.put(*writer, 1);
  EXPECT_EQ(stage.directory.list(), Strings{log::segment_name(0)});
}

TEST(LogRetention, ADamagedSegmentGoesWhenItsTimeHasCome) {
  LogStage stage;
  stage.options.spare_segments = 1;
  const auto writer = four_segments(stage);
  stage.directory.remove(log::spare_name(0)).value();
  auto& file = stage.directory.file(log::segment_name(0));
  for (const std::size_t offset : log::kHeaderOffsets) file[offset] ^= std::byte{1};
  EXPECT_EQ(writer->drop_expired(older_than(1500)).value(), 39u);
  EXPECT_FALSE(stage.directory.has(log::segment_name(0)));
  EXPECT_FALSE(stage.directory.has(log::spare_name(0)));
}

std::optional<log::Gap> missing(LogStage& stage) {
  return log::missing_in_front(stage.directory).value();
}

TEST(LogRetention, WhatWasDroppedIsNotMissing) {
  LogStage stage;
  const auto writer = four_segments(stage);
  EXPECT_FALSE(missing(stage));
  EXPECT_EQ(writer->drop_expired(at_most(3)).value(), 39u);
  EXPECT_FALSE(missing(stage));
  EXPECT_EQ(writer->drop_expired(at_most(2)).value(), 78u);
  EXPECT_FALSE(missing(stage));
  const auto reader = log::Reader::open(stage.directory).value();
  reader->seek(0);
  const auto record = reader->next(156);
  ASSERT_FALSE(record);
  EXPECT_EQ(record.error(), Errc::kLapped);
  EXPECT_EQ(reader->gap().to, 78u);
  EXPECT_TRUE(log::verify(stage.directory).value().is_whole());
}

TEST(LogRetention, WhatIsMissingInFrontWithoutBeingDroppedIsDamage) {
  LogStage stage;
  const auto writer = four_segments(stage);
  ASSERT_EQ(writer->drop_expired(at_most(3)).value(), 39u);
  stage.directory.remove(log::segment_name(39)).value();
  ASSERT_TRUE(missing(stage));
  EXPECT_EQ(missing(stage)->from, 39u);
  EXPECT_EQ(missing(stage)->to, 78u);
  const auto reader = log::Reader::open(stage.directory).value();
  reader->seek(0);
  EXPECT_EQ(reader->next(156).error(), Errc::kLapped);  // as far as it was dropped
  EXPECT_EQ(reader->gap().to, 39u);
  EXPECT_EQ(reader->next(156).error(), Errc::kDamaged);
  EXPECT_EQ(reader->gap().from, 39u);
  EXPECT_EQ(reader->gap().to, 78u);
  reader->skip();
  EXPECT_EQ(reader->next(156)->header.position, 78u);
  reader->seek_time(2000, 156).value();
  EXPECT_EQ(reader->next(156).error(), Errc::kDamaged);
  reader->seek_time(3000, 156).value();  // of those none is missing
  EXPECT_EQ(reader->next(156)->header.position, 78u);
  const auto report = log::verify(stage.directory).value();
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(report.findings[0].fault, log::Fault::kMissing);
  EXPECT_EQ(report.findings[0].lost.from, 39u);
  EXPECT_EQ(report.findings[0].lost.to, 78u);
}

TEST(LogRetention, AFirstSegmentThatIsMissingIsDamageAndSalvageRecordsIt) {
  LogStage stage;
  four_segments(stage).reset();
  stage.directory.remove(log::segment_name(0)).value();
  ASSERT_TRUE(missing(stage));
  EXPECT_EQ(missing(stage)->to, 39u);
  const auto salvaged = log::salvage(stage.directory, stage.options).value();
  ASSERT_EQ(salvaged.lost.size(), 1u);
  EXPECT_EQ(salvaged.lost[0].from, 0u);
  EXPECT_EQ(salvaged.lost[0].to, 39u);
  EXPECT_FALSE(missing(stage));
  EXPECT_TRUE(log::verify(stage.directory).value().is_whole());
}

TEST(LogRetention, WithoutRoomForTheNoteTheDroppedSegmentsMakeIt) {
  LogStage stage;
  const auto writer = four_segments(stage);
  stage.directory.remove(log::spare_name(0)).value();
  stage.directory.faults.bytes_max = 3 * LogStage::kSegmentBytes;
  EXPECT_EQ(writer->drop_expired(at_most(2)).value(), 78u);
  EXPECT_TRUE(stage.directory.has(log::dropped_name(78)));
  EXPECT_FALSE(missing(stage));
}

}  // namespace
}  // namespace ringpost
