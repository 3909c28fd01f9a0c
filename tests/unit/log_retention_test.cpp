#include <gtest/gtest.h>

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
  EXPECT_EQ(stage.directory.list(), Strings{log::segment_name(117)});
  EXPECT_EQ(stage.read_all(156).size(), 13u);
}

TEST(LogRetention, TheLastSegmentStays) {
  LogStage stage;
  const auto writer = four_segments(stage);
  EXPECT_EQ(writer->drop_expired(older_than(1'000'000)).value(), 117u);
  EXPECT_EQ(writer->drop_expired(at_most(1)).value(), 117u);
  EXPECT_EQ(stage.directory.list(), Strings{log::segment_name(117)});
}

TEST(LogRetention, SegmentsAreDroppedWhenTheyAreTooMany) {
  LogStage stage;
  const auto writer = four_segments(stage);
  EXPECT_EQ(writer->drop_expired(at_most(4)).value(), 0u);
  EXPECT_EQ(writer->drop_expired(at_most(2)).value(), 78u);
  EXPECT_EQ(stage.directory.list().size(), 2u);
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
  EXPECT_EQ(stage.directory.list().size(), 6u);
  stage.put(*writer, 1);
  EXPECT_EQ(writer->drop_expired(at_most(1)).value(), 156u);
  EXPECT_EQ(stage.directory.list(),
            (Strings{log::segment_name(156), log::spare_name(0), log::spare_name(1)}));
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
  EXPECT_EQ(stage.directory.list(), Strings{log::segment_name(3)}) << "it may still be written to";
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

}  // namespace
}  // namespace ringpost
