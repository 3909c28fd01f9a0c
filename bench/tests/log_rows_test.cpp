// Rows of the log do what they say and compare every byte, in very short runs.
#include <gtest/gtest.h>

#include "harness/disk_directory.hpp"
#include "harness/transport.hpp"
#include "rows/rows.hpp"

namespace ringpost::bench {
namespace {

constexpr RunSettings kShort = {.slice_ms = 1, .slices = 2, .watchdog_s = 60};

void expect_verified(const std::string& name, const std::vector<Variant>& variants) {
  for (const Variant& variant : variants) {
    const RunResult result = guarded(variant.measure, kShort);
    if (result.status == RunResult::Status::kUnsupported) continue;
    EXPECT_EQ(result.status, RunResult::Status::kDone)
        << name << " " << variant.name << ": " << result.note;
    EXPECT_TRUE(result.verified) << name << " " << variant.name << ": " << result.note;
    EXPECT_GT(result.operations, 0u) << name << " " << variant.name;
  }
}

class LogRows : public testing::Test {
 protected:
  void SetUp() override {
    try {
      const DiskDirectory probe;
    } catch (const Unsupported& reason) {
      GTEST_SKIP() << reason.what();
    }
    add_log_rows(rows_);
  }
  /// Their subjects and those rivals that are bare loops.
  void run(const std::string& prefix) {
    unsigned count = 0;
    for (const Row& row : rows_) {
      if (prefix.back() == '/' ? !row.name.starts_with(prefix) : row.name != prefix) continue;
      ++count;
      expect_verified(row.name, row.subject);
      for (const Rival& rival : row.rivals) {
        if (rival.name == "scan") expect_verified(row.name + " " + rival.name, rival.variants);
      }
    }
    EXPECT_GT(count, 0u) << prefix;
  }

  Rows rows_;
};

TEST_F(LogRows, Append) { run("log/append/"); }
TEST_F(LogRows, Replay) { run("log/replay/"); }
TEST_F(LogRows, OpenAndSeekInASmallLog) {
  run("log/open/100000");
  run("log/seek/100000");
}

}  // namespace
}  // namespace ringpost::bench
