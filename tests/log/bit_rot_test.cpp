// Every bit of a segment flipped, every truncation: what was acknowledged is given as it was or
// reported as damaged, and never is a wrong record given.
#include <gtest/gtest.h>

#include <cstdio>

#include "log/sample_log.hpp"
#include "process/rig/depth.hpp"

namespace ringpost::log_rig {
namespace {

#if !defined(RINGPOST_LOG_SHARE)
#define RINGPOST_LOG_SHARE 1
#endif

constexpr std::uint64_t kSegmentBytes = 64 * 1024;

class BitRot : public testing::Test {
 protected:
  BitRot() : sample_(make_sample_log(7, kSegmentBytes, 2, 600)), mount_(sample_.disk->mount()) {}

  [[nodiscard]] Reading read() {
    return read_damaged(*mount_, sample_.model, sample_.model.durable_end);
  }
  /// What a writer says who finds the log so: the code, or kOk.
  Errc recover(bool knows_what_was_acknowledged) {
    log::LogOptions options = sample_.options;
    if (knows_what_was_acknowledged) options.acknowledged_end = sample_.model.durable_end;
    const auto opened = log::Writer::open(*mount_, options);
    if (!opened) return opened.error().code;
    recovered_end_ = (*opened)->end();
    return Errc::kOk;
  }
  /// Bits of one byte in so many are tried.
  static std::uint64_t stride() {
    return rig::by_depth<std::uint64_t>(16, 1, 1) * RINGPOST_LOG_SHARE;
  }
  [[nodiscard]] std::string at(std::uint64_t offset, unsigned bit) const {
    return "byte " + std::to_string(offset) + ", bit " + std::to_string(bit);
  }

  SampleLog sample_;
  std::unique_ptr<sim::Mount> mount_;
  std::uint64_t recovered_end_ = 0;
};

TEST_F(BitRot, TheSampleIsWhole) {
  ASSERT_EQ(sample_.segments.size(), 3U);
  const Reading reading = read();
  EXPECT_EQ(reading.wrong, "");
  EXPECT_FALSE(reading.has_reported);
  EXPECT_EQ(reading.records, sample_.model.entries.size());
  EXPECT_EQ(recover(true), Errc::kOk);
  EXPECT_EQ(recovered_end_, sample_.model.durable_end);
}

}  // namespace
}  // namespace ringpost::log_rig
