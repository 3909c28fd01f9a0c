// The bare loops over the disk, and the servers that are installed here.
#include <gtest/gtest.h>

#include "harness/disk_directory.hpp"
#include "harness/transport.hpp"
#include "rows/broker_rivals.hpp"
#include "rows/log_raw.hpp"

namespace ringpost::bench {
namespace {

constexpr RunSettings kShort = {.slice_ms = 1, .slices = 2, .watchdog_s = 60};

/// False if nothing of it can be done here.
bool expect_good(const std::vector<Variant>& variants, const std::string& what) {
  bool any = false;
  for (const Variant& variant : variants) {
    const RunResult result = guarded(variant.measure, kShort);
    if (result.status == RunResult::Status::kUnsupported) continue;
    any = true;
    EXPECT_EQ(result.status, RunResult::Status::kDone)
        << what << " " << variant.name << ": " << result.note;
    EXPECT_TRUE(result.verified) << what << " " << variant.name << ": " << result.note;
    EXPECT_GT(result.operations, 0u) << what << " " << variant.name;
  }
  return any;
}

class LogRivals : public testing::Test {
 protected:
  void SetUp() override {
    try {
      const DiskDirectory probe;
    } catch (const Unsupported& reason) {
      GTEST_SKIP() << reason.what();
    }
  }
};

TEST_F(LogRivals, WriteAndCount) {
  EXPECT_TRUE(expect_good(rivals::raw_commit(), "commit"));
  EXPECT_TRUE(expect_good(rivals::raw_commit_elsewhere(), "commit elsewhere"));
  EXPECT_TRUE(expect_good(rivals::raw_group_commit(8), "group commit"));
  EXPECT_TRUE(expect_good(rivals::copy_and_crc(), "copy and CRC"));
}

TEST_F(LogRivals, WriteWithSeveralUnderWayWhereIoUringIsAllowed) {
  if (!expect_good(rivals::raw_append(), "append")) GTEST_SKIP() << "no io_uring";
  EXPECT_TRUE(expect_good(rivals::raw_append_durable(), "durable append"));
}

TEST_F(LogRivals, LoseNothingInServers) {
  std::vector<Rival> servers;
  for (const rivals::Publishing& how :
       {rivals::Publishing{1, 1}, rivals::Publishing{1, 64}, rivals::Publishing{3, 2}}) {
    rivals::add_durable_brokers(servers, how);
    rivals::add_nats(servers, how);
  }
  bool any = false;
  for (const Rival& server : servers) any = expect_good(server.variants, server.name) || any;
  if (!any) GTEST_SKIP() << "none of them is installed";
}

TEST_F(LogRivals, SayWhichPackageIsMissing) {
  std::vector<Rival> servers;
  rivals::add_durable_brokers(servers, {});
  rivals::add_nats(servers, {});
  for (const Rival& server : servers) {
    const RunResult result = guarded(server.variants.front().measure, kShort);
    if (result.status != RunResult::Status::kUnsupported) continue;
    EXPECT_NE(result.note.find("Debian package"), std::string::npos) << result.note;
  }
}

}  // namespace
}  // namespace ringpost::bench
