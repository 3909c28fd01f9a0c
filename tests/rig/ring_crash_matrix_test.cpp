// The shipped ring under the crash matrix: every operation in every state, stopped before each of
// its shared stores.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

#include "rig/crash_matrix.hpp"
#include "rig/depth.hpp"
#include "rig/ring_scenarios.hpp"

namespace ringpost::rig {
namespace {

class RingCrashMatrix : public testing::TestWithParam<std::string> {};

/// States, slots and laps for one operation, by depth.
TEST_P(RingCrashMatrix, LeavesNothingBehindAtAnyStore) {
  const Act& act = ring_act(GetParam());
  CrashCoverage coverage;
  CrashOptions options;
  options.steps_max = 3'000;
  const std::vector<std::uint32_t> sizes =
      by_depth<std::vector<std::uint32_t>>({2}, {2, 4}, {1, 2, 4});
  for (const std::uint32_t slots : sizes) {
    RingStage stage(slots);
    for (int laps = 0; laps <= by_depth(0, 1, 2); ++laps) {
      for (const auto* begins : {&ring_begins(), &ring_begins_with_dead()}) {
        for (const Begin& begin : *begins) {
          const CrashReport report = run_crash_matrix(ring_crash(stage, act, begin, laps), options);
          EXPECT_TRUE(report.holds()) << report.text();
          EXPECT_EQ(report.stores_stopped_at, report.stores_seen) << report.text();
          coverage.add(report);
        }
      }
    }
  }
  EXPECT_TRUE(coverage.complete()) << coverage.text();
  EXPECT_GT(coverage.cases(), 0u);
  std::printf("%s", coverage.text().c_str());
}

std::vector<std::string> act_names() {
  std::vector<std::string> names;
  for (const Act& act : ring_acts()) names.push_back(act.name);
  return names;
}
INSTANTIATE_TEST_SUITE_P(Ring, RingCrashMatrix, testing::ValuesIn(act_names()), [](const auto& i) {
  std::string name = i.param;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
});

}  // namespace
}  // namespace ringpost::rig
