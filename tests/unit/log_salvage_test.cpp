#include <gtest/gtest.h>

#include "log/salvage.hpp"
#include "support/log_stage.hpp"

namespace ringpost {
namespace {

using disk::kBlockBytes;
using test::LogStage;
using Strings = std::vector<std::string>;

Strings lost_in(const log::SalvageReport& report) {
  Strings lost;
  for (const log::Gap& gap : report.lost) {
    lost.push_back(std::to_string(gap.from) + ".." + std::to_string(gap.to));
  }
  return lost;
}

/// Two full segments and two batches; the last record is safe, and the log says so.
void fill(LogStage& stage) {
  const auto writer = stage.open();
  stage.put(*writer, 28);
  ASSERT_EQ(writer->mark_durable(), Errc::kOk);
}

void flip(LogStage& stage, std::uint64_t base, std::size_t offset) {
  stage.directory.file(log::segment_name(base))[offset] ^= std::byte{1};
}

log::SalvageReport salvage(LogStage& stage) {
  auto report = log::salvage(stage.directory, stage.options).value();
  EXPECT_TRUE(log::verify(stage.directory).value().is_whole());
  return report;
}

TEST(LogSalvage, AWholeLogStaysAsItIs) {
  LogStage stage;
  fill(stage);
  const auto image = stage.directory.image();
  const auto report = salvage(stage);
  EXPECT_TRUE(report.rewritten.empty());
  EXPECT_EQ(report.end, 84u);
  EXPECT_EQ(stage.directory.image(), image);
}

TEST(LogSalvage, WhatIsGoodStaysAndWhatIsLostIsRecorded) {
  LogStage stage;
  fill(stage);
  const auto damaged = [&] {
    flip(stage, 39, 2 * kBlockBytes + 250);
    flip(stage, 39, 5 * kBlockBytes + 50);
    return stage.directory.file(log::segment_name(39));
  }();
  const auto report = salvage(stage);
  EXPECT_EQ(report.rewritten, std::vector<std::uint64_t>{39});
  EXPECT_EQ(lost_in(report), (Strings{"42..45", "51..54"}));
  EXPECT_EQ(report.records, 11u);
  EXPECT_EQ(stage.directory.file("damaged-" + log::segment_name(39)), damaged);
  const Strings found = stage.read_all(84);
  ASSERT_EQ(found.size(), 28u);
  EXPECT_EQ(found[14], "lapped 42..45");
  EXPECT_EQ(found[17], "lapped 51..54");
  EXPECT_EQ(found[27], "81");
}

TEST(LogSalvage, ALogThatRecoveryRefusesOpensAgain) {
  LogStage stage;
  fill(stage);
  flip(stage, 78, kBlockBytes + 250);
  ASSERT_EQ(stage.code_of_open(), Errc::kDamaged);
  EXPECT_EQ(lost_in(salvage(stage)), Strings{"78..81"});
  const auto writer = stage.open();
  EXPECT_EQ(writer->end(), 84u);
  stage.put(*writer, 1);
  const Strings found = stage.read_all(87);
  EXPECT_EQ(found.size(), 29u);
  EXPECT_EQ(found[26], "lapped 78..81");
  EXPECT_EQ(found[28], "84");
}

TEST(LogSalvage, RecordsBesideADamagedOneInItsBatchStay) {
  LogStage stage;
  const auto writer = stage.open();
  for (int i = 0; i < 5; ++i) ASSERT_EQ(stage.add(*writer), Errc::kOk);
  ASSERT_EQ(writer->submit(disk::Sync::kData, 15), Errc::kOk);
  stage.put(*writer, 2);
  ASSERT_EQ(writer->mark_durable(), Errc::kOk);
  flip(stage, 0, kBlockBytes + sizeof(log::BatchHeader) + 2 * log::padded(143) + 100);
  EXPECT_EQ(lost_in(salvage(stage)), Strings{"6..9"});
  EXPECT_EQ(stage.read_all(21), (Strings{"0", "3", "lapped 6..9", "9", "12", "15", "18"}));
}

TEST(LogSalvage, ASegmentWithoutHeaderIsReadByItsBatches) {
  LogStage stage;
  fill(stage);
  for (const std::size_t offset : log::kHeaderOffsets) flip(stage, 39, offset + 30);
  const auto report = salvage(stage);
  EXPECT_EQ(lost_in(report), Strings{});
  EXPECT_EQ(report.records, 13u);
  EXPECT_EQ(stage.read_all(84).size(), 28u);
}

TEST(LogSalvage, AMissingSegmentIsRecorded) {
  LogStage stage;
  fill(stage);
  stage.directory.remove(log::segment_name(39)).value();
  EXPECT_EQ(lost_in(salvage(stage)), Strings{"39..78"});
  EXPECT_EQ(stage.read_all(84).size(), 16u);
}

TEST(LogSalvage, ATruncatedSegmentIsLost) {
  LogStage stage;
  fill(stage);
  stage.directory.file(log::segment_name(39)).resize(20'000);
  EXPECT_EQ(lost_in(salvage(stage)), Strings{"39..78"});
  EXPECT_EQ(stage.read_all(84).size(), 16u);
}

TEST(LogSalvage, WhatTheCallerKnowsToBeMissingIsRecorded) {
  LogStage stage;
  fill(stage);
  stage.options.acknowledged_end = 90;
  ASSERT_EQ(stage.code_of_open(), Errc::kDamaged);
  EXPECT_EQ(lost_in(salvage(stage)), Strings{"84..90"});
  EXPECT_EQ(stage.open()->end(), 90u);
}

TEST(LogSalvage, AnEmptyDirectoryOfALogThatWasNotEmpty) {
  LogStage stage;
  stage.options.acknowledged_end = 90;
  ASSERT_EQ(stage.code_of_open(), Errc::kDamaged);
  EXPECT_EQ(lost_in(salvage(stage)), Strings{"0..90"});
  const auto writer = stage.open();
  stage.put(*writer, 1);
  EXPECT_EQ(stage.read_all(93), (Strings{"lapped 0..90", "90"}));
}

TEST(LogSalvage, BeginsAgainAfterADeathInTheMiddle) {
  LogStage stage;
  fill(stage);
  flip(stage, 39, 2 * kBlockBytes + 250);
  const std::string name = log::segment_name(39);
  stage.directory.create("salvage-" + name, 70'000).value();
  stage.directory.rename(name, "damaged-" + name).value();
  EXPECT_EQ(lost_in(salvage(stage)), Strings{"42..45"});
  EXPECT_FALSE(stage.directory.has("salvage-" + name));
  EXPECT_EQ(stage.read_all(84).size(), 28u);
}

TEST(LogSalvage, AReaderGoesOnInWhatWasRewritten) {
  LogStage stage;
  fill(stage);
  flip(stage, 0, 5 * kBlockBytes + 50);
  const auto reader = stage.reader();
  while (reader->position() < 12) ASSERT_TRUE(reader->next(84));
  ASSERT_EQ(reader->next(84).error(), Errc::kDamaged);
  static_cast<void>(salvage(stage));
  reader->seek(12);
  ASSERT_EQ(reader->next(84).error(), Errc::kLapped);
  EXPECT_EQ(reader->gap().to, 15u);
  EXPECT_EQ(stage.read_all(*reader, 84).size(), 23u);
}

TEST(LogSalvage, NoRoomIsSaidBeforeAnythingChanges) {
  LogStage stage;
  fill(stage);
  flip(stage, 39, 2 * kBlockBytes + 250);
  stage.directory.faults.bytes_max = 3 * LogStage::kSegmentBytes;
  const auto image = stage.directory.image();
  EXPECT_EQ(log::salvage(stage.directory, stage.options).error().code, Errc::kNoSpace);
  EXPECT_EQ(stage.directory.image(), image);
}

}  // namespace
}  // namespace ringpost
