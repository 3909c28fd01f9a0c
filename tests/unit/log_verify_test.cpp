#include <gtest/gtest.h>

#include "log/verify.hpp"
#include "support/log_stage.hpp"

namespace ringpost {
namespace {

using disk::kBlockBytes;
using test::LogStage;
using Strings = std::vector<std::string>;

Strings findings_of(const log::VerifyReport& report) {
  Strings found;
  for (const log::Finding& finding : report.findings) {
    std::string text = name(finding.fault);
    if (finding.lost.to > finding.lost.from) {
      text += " " + std::to_string(finding.lost.from) + ".." + std::to_string(finding.lost.to);
    }
    found.push_back(text);
  }
  return found;
}

log::VerifyReport verify(LogStage& stage, std::uint64_t bound = UINT64_MAX) {
  log::VerifyOptions options;
  options.log_id = stage.options.log_id;
  options.bound = bound;
  return log::verify(stage.directory, options).value();
}

/// Two full segments and two batches; the last record is safe, and the log says so.
void fill(LogStage& stage) {
  const auto writer = stage.open();
  stage.put(*writer, 28);
  ASSERT_EQ(writer->mark_durable(), Errc::kOk);
}

TEST(LogVerify, AWholeLogIsWhole) {
  LogStage stage;
  fill(stage);
  const auto report = verify(stage);
  EXPECT_EQ(findings_of(report), Strings{});
  EXPECT_EQ(report.segments, 3u);
  EXPECT_EQ(report.records, 28u);
  EXPECT_EQ(report.batches, 29u);
  EXPECT_EQ(report.end, 84u);
}

TEST(LogVerify, AnEmptyLogIsWhole) {
  LogStage stage;
  EXPECT_TRUE(verify(stage).is_whole());
}

TEST(LogVerify, ATornTailIsNoDamage) {
  LogStage stage;
  fill(stage);
  stage.go_on_at(84);
  const auto writer = stage.open();
  ASSERT_EQ(stage.add(*writer), Errc::kOk);
  ASSERT_EQ(writer->write_now(disk::Sync::kNone, 87), Errc::kOk);
  stage.directory.file(stage.last_segment())[kBlockBytes + 200] ^= std::byte{1};
  const auto report = verify(stage);
  EXPECT_EQ(findings_of(report), Strings{});
  EXPECT_EQ(report.end, 84u);
  EXPECT_EQ(findings_of(verify(stage, 87)), Strings{"records 84..87"}) << "somebody knows better";
}

TEST(LogVerify, EachDamageIsNamed) {
  LogStage stage;
  fill(stage);
  const auto image = stage.directory.image();
  const auto after = [&](std::uint64_t base, std::size_t offset) {
    stage.directory.restore(image);
    stage.directory.file(log::segment_name(base))[offset] ^= std::byte{16};
    return findings_of(verify(stage));
  };
  EXPECT_EQ(after(0, 20), Strings{"copy of the header"});
  EXPECT_EQ(after(39, 2060), Strings{"copy of the header"});
  EXPECT_EQ(after(78, 3000), Strings{"copy of the header"});
  EXPECT_EQ(after(0, 2 * kBlockBytes + 60), Strings{"records 3..6"});
  EXPECT_EQ(after(39, 2 * kBlockBytes + 250), Strings{"records 42..45"});
  EXPECT_EQ(after(78, kBlockBytes + 250), Strings{"records 78..81"});
  EXPECT_EQ(after(39, 13 * kBlockBytes + 250), Strings{"records 75..78"});
  EXPECT_EQ(after(0, 2 * kBlockBytes + 1000), Strings{"padding"});
  EXPECT_EQ(after(0, 2 * kBlockBytes + sizeof(log::BatchHeader) + 143), Strings{"padding"});
  EXPECT_EQ(after(0, log::index_offset(LogStage::kSegmentBytes)), Strings{"index"});
  EXPECT_EQ(after(0, log::footer_offset(LogStage::kSegmentBytes) + 40), Strings{"index"});
  EXPECT_EQ(after(0, log::footer_offset(LogStage::kSegmentBytes) + 8), Strings{"index"});
}

TEST(LogVerify, ASegmentWithoutHeaderOrWithoutItsLengthIsLost) {
  LogStage stage;
  fill(stage);
  const auto image = stage.directory.image();
  auto& file = stage.directory.file(log::segment_name(39));
  for (const std::size_t offset : log::kHeaderOffsets) file[offset + 30] ^= std::byte{1};
  EXPECT_EQ(findings_of(verify(stage)), Strings{"header 39..78"});
  stage.directory.restore(image);
  stage.directory.file(log::segment_name(39)).resize(40'000);
  EXPECT_EQ(findings_of(verify(stage)), Strings{"header 39..78"});
  stage.directory.restore(image);
  stage.directory.remove(log::segment_name(39)).value();
  EXPECT_EQ(findings_of(verify(stage)), Strings{"records 39..78"});
}

TEST(LogVerify, AReadErrorIsReported) {
  LogStage stage;
  fill(stage);
  stage.directory.faults.read_errno = 5;
  log::VerifyOptions options;
  options.bound = 84;
  const auto report = log::verify(stage.directory, options).value();
  EXPECT_EQ(findings_of(report),
            (Strings{"unreadable 0..39", "unreadable 39..78", "unreadable 78..84"}));
}

TEST(LogVerify, ProgressIsToldAndMayStopIt) {
  LogStage stage;
  stage.options.segment_bytes = 4 << 20;
  const auto writer = stage.open();
  stage.put(*writer, 40, 100'000);
  log::VerifyOptions options;
  std::uint64_t last = 0;
  options.on_progress = [&](const log::VerifyProgress& progress) {
    EXPECT_GT(progress.bytes_done, last);
    EXPECT_EQ(progress.bytes_total, 4u << 20);
    last = progress.bytes_done;
    return last < 2'000'000;
  };
  const auto report = log::verify(stage.directory, options).value();
  EXPECT_TRUE(report.was_stopped);
  EXPECT_GE(last, 2'000'000u);
  EXPECT_LT(report.records, 40u);
}

}  // namespace
}  // namespace ringpost
