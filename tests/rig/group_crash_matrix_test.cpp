// The shipped FIFO ring, and the fair one, under the crash matrix: every operation in every state,
// stopped before each of its shared stores.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

#include "rig/crash_matrix.hpp"
#include "rig/depth.hpp"
#include "rig/group_scenarios.hpp"

namespace ringpost::rig {
namespace {

/// At ci one in `share` of the states, another one for each act.
void crash(const GroupAct& act, const std::vector<GroupBegin>& begins, ring::RingKind kind,
           const std::vector<std::uint32_t>& sizes, std::size_t share) {
  CrashCoverage coverage;
  CrashOptions options;
  options.steps_max = 5'000;
  for (const std::uint32_t slots : sizes) {
    GroupStage stage(slots, kind);
    const std::size_t stride = by_depth<std::size_t>(4, slots == 4 ? share : 3, 1);
    for (std::size_t i = act.name.size() % stride; i < begins.size(); i += stride) {
      const CrashReport report = run_crash_matrix(group_crash(stage, act, begins[i]), options);
      EXPECT_TRUE(report.holds()) << report.text();
      EXPECT_EQ(report.stores_stopped_at, report.stores_seen) << report.text();
      coverage.add(report);
    }
  }
  EXPECT_TRUE(coverage.complete()) << coverage.text();
  EXPECT_GT(coverage.cases(), 0u);
  std::printf("%s", coverage.text().c_str());
}

class GroupCrashMatrix : public testing::TestWithParam<GroupAct> {};
TEST_P(GroupCrashMatrix, LeavesNothingBehindAtAnyStore) {
  crash(GetParam(), group_begins(), ring::RingKind::kFifo,
        by_depth<std::vector<std::uint32_t>>({4}, {4, 8}, {4, 8}), 1);
}

class FairCrashMatrix : public testing::TestWithParam<GroupAct> {};
TEST_P(FairCrashMatrix, LeavesNothingBehindAtAnyStore) {
  crash(GetParam(), fair_begins(), ring::RingKind::kFair,
        by_depth<std::vector<std::uint32_t>>({4}, {4}, {4, 8}), 2);
}

std::string name_of(const testing::TestParamInfo<GroupAct>& info) {
  std::string name = info.param.name;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
}
INSTANTIATE_TEST_SUITE_P(Group, GroupCrashMatrix, testing::ValuesIn(group_acts()), name_of);
INSTANTIATE_TEST_SUITE_P(Fair, FairCrashMatrix, testing::ValuesIn(fair_acts()), name_of);

}  // namespace
}  // namespace ringpost::rig
