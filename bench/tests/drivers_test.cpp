// Real processes over every peer, and over transports that lose, repeat, reorder, corrupt or hang.
#include <gtest/gtest.h>

#include <chrono>

#include "faulty_transport.hpp"
#include "harness/drive_open_loop.hpp"
#include "harness/drive_round_trip.hpp"
#include "harness/drive_throughput.hpp"
#include "rows/rivals.hpp"

namespace ringpost::bench {
namespace {

constexpr RunSettings kShort = {.slice_ms = 1, .slices = 2, .watchdog_s = 60};

RunResult run(const Measurement& measure, const RunSettings& settings = kShort) {
  return guarded(measure, settings);
}

void expect_good(const std::vector<Variant>& variants, const std::string& what) {
  for (const Variant& variant : variants) {
    const RunResult result = run(variant.measure);
    if (result.status == RunResult::Status::kUnsupported) continue;
    EXPECT_EQ(result.status, RunResult::Status::kDone)
        << what << " " << variant.name << ": " << result.note;
    EXPECT_TRUE(result.verified) << what << " " << variant.name << ": " << result.note;
    EXPECT_GT(result.operations, 0u);
    EXPECT_GT(result.rate, 0);
  }
}

TEST(Drivers, VerifyThroughputOfEveryPeer) {
  for (const std::size_t bytes : {32u, 64u, 1024u, 65536u}) {
    ChannelOptions options;
    options.message_bytes = bytes;
    options.capacity = 64;
    const std::string size = rivals::size_name(bytes);
    expect_good(rivals::spsc_throughput(options), "spsc " + size);
    expect_good(rivals::floor_throughput(options), "floor " + size);
    expect_good(rivals::mpmc_throughput(options), "mpmc " + size);
    expect_good(rivals::memcpy_throughput(options), "memcpy " + size);
    expect_good(rivals::boost_mq_throughput(options), "boost_mq " + size);
    expect_good(rivals::posix_mq_throughput(options), "posix_mq " + size);
  }
}

TEST(Drivers, VerifyManyProcesses) {
  ChannelOptions options;
  options.producers = options.consumers = 3;
  expect_good(rivals::mpmc_throughput(options), "mpmc");
  expect_good(rivals::boost_mq_throughput(options), "boost_mq");
  expect_good(rivals::posix_mq_throughput(options), "posix_mq");
}

TEST(Drivers, VerifyRoundTrips) {
  const ChannelOptions options;
  expect_good(rivals::cacheline_round_trip(), "cacheline");
  expect_good(rivals::futex_round_trip(), "futex");
  expect_good(rivals::spsc_round_trip(options), "spsc");
  expect_good(rivals::mpmc_round_trip(options), "mpmc");
  expect_good(rivals::boost_mq_round_trip(options), "boost_mq");
  expect_good(rivals::posix_mq_round_trip(options), "posix_mq");
}

TEST(Drivers, TimeEveryRoundTrip) {
  const RunResult result = run(rivals::spsc_round_trip({}).front().measure);
  EXPECT_EQ(result.latency.count(), result.operations);
  EXPECT_GT(result.latency.percentile(50), 0);
}

TEST(Drivers, VerifyOpenLoop) {
  const RunResult result = run(rivals::spsc_open_loop({}, 100'000).front().measure);
  EXPECT_TRUE(result.verified) << result.note;
  EXPECT_EQ(result.latency.count(), result.operations);
  // 2 ms at 100,000 a second; the producer keeps its schedule whatever the machine does.
  EXPECT_NEAR(static_cast<double>(result.operations), 200, 5);
}

TEST(Drivers, ProbeBeforeBetweenAndAfterSlices) {
  const RunResult result = run(rivals::spsc_throughput({}).front().measure);
  const Cores cores = pinned_cores();
  if (cores.first == cores.second) GTEST_SKIP() << "one core only: there is nothing to probe";
  ASSERT_EQ(result.probes_ns.size(), 3u);
  for (const double probe_ns : result.probes_ns) EXPECT_GT(probe_ns, 1);
}

template <Fault What>
RunResult run_faulty() {
  return run(throughput_of<Faulty<What>>(ChannelOptions{}));
}

TEST(Drivers, AcceptTheFaultyTransportWithoutAFault) {
  const RunResult result = run_faulty<Fault::kNone>();
  EXPECT_TRUE(result.verified) << result.note;
}

TEST(Drivers, ReportALostMessage) {
  const RunResult result = run_faulty<Fault::kDrop>();
  EXPECT_EQ(result.status, RunResult::Status::kDone);
  EXPECT_FALSE(result.verified);
  EXPECT_EQ(result.verdict.lost, 1u);
}

TEST(Drivers, ReportAMessageDeliveredTwice) {
  const RunResult result = run_faulty<Fault::kTwice>();
  EXPECT_FALSE(result.verified);
}

TEST(Drivers, ReportReordering) {
  const RunResult result = run_faulty<Fault::kReorder>();
  EXPECT_FALSE(result.verified);
  EXPECT_EQ(result.verdict.reordered, 1u);
  EXPECT_EQ(result.verdict.lost, 0u);
}

TEST(Drivers, ReportCorruption) {
  const RunResult result = run_faulty<Fault::kCorrupt>();
  EXPECT_FALSE(result.verified);
  EXPECT_EQ(result.verdict.corrupted, 1u);
}

TEST(Drivers, ReportCorruptionInARoundTrip) {
  const RunResult result = run(round_trip_of<Faulty<Fault::kCorrupt>>(ChannelOptions{}));
  EXPECT_FALSE(result.verified);
}

TEST(Runner, KillsAHangingRun) {
  // The answer that was dropped is waited for in vain.
  const RunSettings settings = {.slice_ms = 1, .slices = 1, .watchdog_s = 1};
  const RunResult result = run(round_trip_of<Faulty<Fault::kDrop>>(ChannelOptions{}), settings);
  EXPECT_EQ(result.status, RunResult::Status::kFailed);
  EXPECT_NE(result.note.find("watchdog"), std::string::npos) << result.note;
}

TEST(Runner, ReportsWhatAProcessThrew) {
  const std::vector<Role> roles = {{0, [](Session&) { throw std::runtime_error("no such luck"); }},
                                   {1, [](Session& session) { session.gate(); }}};  // never opens
  const RunOutcome outcome = run_processes(roles, kShort);
  EXPECT_EQ(outcome.error, "process 0: no such luck");
}

TEST(Runner, ReportsAKilledProcess) {
  const std::vector<Role> roles = {{0, [](Session&) { raise(SIGKILL); }}};
  const RunOutcome outcome = run_processes(roles, kShort);
  EXPECT_NE(outcome.error.find("killed by"), std::string::npos) << outcome.error;
}

}  // namespace
}  // namespace ringpost::bench
