// The shipped FIFO ring under the crash matrix: every operation in every state, stopped before each
// of its shared stores.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

#include "rig/crash_matrix.hpp"
#include "rig/depth.hpp"
#include "rig/group_scenarios.hpp"

namespace ringpost::rig {
namespace {

class GroupCrashMatrix : public testing::TestWithParam<std::string> {};

TEST_P(GroupCrashMatrix, LeavesNothingBehindAtAnyStore) {
  const GroupAct& act = group_act(GetParam());
  CrashCoverage coverage;
  CrashOptions options;
  options.steps_max = 5'000;
  const std::vector<std::uint32_t> sizes =
      by_depth<std::vector<std::uint32_t>>({4}, {4, 8}, {4, 8});
  for (const std::uint32_t slots : sizes) {
    GroupStage stage(slots);
    // Fast: a part of them, another one for each act.
    const std::size_t stride = by_depth<std::size_t>(4, slots == 4 ? 1 : 3, 1);
    for (std::size_t i = act.name.size() % stride; i < group_begins().size(); i += stride) {
      const GroupBegin& begin = group_begins()[i];
      const CrashReport report = run_crash_matrix(group_crash(stage, act, begin), options);
      EXPECT_TRUE(report.holds()) << report.text();
      EXPECT_EQ(report.stores_stopped_at, report.stores_seen) << report.text();
      coverage.add(report);
    }
  }
  EXPECT_TRUE(coverage.complete()) << coverage.text();
  EXPECT_GT(coverage.cases(), 0u);
  std::printf("%s", coverage.text().c_str());
}

std::vector<std::string> act_names() {
  std::vector<std::string> names;
  for (const GroupAct& act : group_acts()) names.push_back(act.name);
  return names;
}
INSTANTIATE_TEST_SUITE_P(Group, GroupCrashMatrix, testing::ValuesIn(act_names()),
                         [](const auto& i) {
                           std::string name = i.param;
                           for (char& c : name)
                             c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
                           return name;
                         });

}  // namespace
}  // namespace ringpost::rig
