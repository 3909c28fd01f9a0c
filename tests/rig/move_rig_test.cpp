// Moving a message between two rings under the crash matrix and the schedule explorer.
#include <gtest/gtest.h>

#include <cctype>
#include <cstdio>
#include <string>

#include "rig/depth.hpp"
#include "rig/group_move_stage.hpp"
#include "rig/move_stage.hpp"

namespace ringpost::rig {
namespace {

std::string test_name(std::size_t index, std::string name) {
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return std::to_string(index) + "_" + name;
}

class MoveCrashMatrix : public testing::TestWithParam<std::size_t> {};

TEST_P(MoveCrashMatrix, LeavesTheMessageInExactlyOneRing) {
  MoveStage stage;
  CrashOptions options;
  options.steps_max = 5'000;
  const CrashReport report = run_crash_matrix(move_crashes()[GetParam()].make(stage), options);
  EXPECT_TRUE(report.holds()) << report.text();
  EXPECT_EQ(report.stores_stopped_at, report.stores_seen) << report.text();
  std::printf("%s: %llu stores, %llu cases\n", report.scenario.c_str(),
              static_cast<unsigned long long>(report.stores_seen),
              static_cast<unsigned long long>(report.cases));
}
INSTANTIATE_TEST_SUITE_P(Rig, MoveCrashMatrix,
                         testing::Range(std::size_t{0}, move_crashes().size()),
                         [](const auto& each) {
                           return test_name(each.param, move_crashes()[each.param].name);
                         });

class MoveSchedules : public testing::TestWithParam<std::size_t> {};

TEST_P(MoveSchedules, LeaveTheMessageInExactlyOneRing) {
  MoveStage stage;
  ExploreOptions options;
  options.preemptions_max = by_depth(1, 2, 3);
  options.schedules_max = by_depth<std::uint64_t>(300, 20'000, 0);
  options.iterative = false;
  const ExploreReport report = explore(move_schedules()[GetParam()].make(stage), options);
  EXPECT_TRUE(report.holds()) << report.text();
  std::printf("%s: %llu schedules, %.1f s\n", report.scenario.c_str(),
              static_cast<unsigned long long>(report.schedules), report.seconds);
}
INSTANTIATE_TEST_SUITE_P(Rig, MoveSchedules,
                         testing::Range(std::size_t{0}, move_schedules().size()),
                         [](const auto& each) {
                           return test_name(each.param, move_schedules()[each.param].name);
                         });

class GroupMoveCrashMatrix : public testing::TestWithParam<std::size_t> {};

TEST_P(GroupMoveCrashMatrix, LeavesTheMessageInExactlyOneRingAndHoldsUpNoGroup) {
  GroupMoveStage stage;
  CrashOptions options;
  options.steps_max = 20'000;
  const CrashReport report =
      run_crash_matrix(group_move_crashes()[GetParam()].make(stage), options);
  EXPECT_TRUE(report.holds()) << report.text();
  EXPECT_EQ(report.stores_stopped_at, report.stores_seen) << report.text();
  std::printf("%s: %llu stores, %llu cases\n", report.scenario.c_str(),
              static_cast<unsigned long long>(report.stores_seen),
              static_cast<unsigned long long>(report.cases));
}
INSTANTIATE_TEST_SUITE_P(Rig, GroupMoveCrashMatrix,
                         testing::Range(std::size_t{0}, group_move_crashes().size()),
                         [](const auto& each) {
                           return test_name(each.param, group_move_crashes()[each.param].name);
                         });

class GroupMoveSchedules : public testing::TestWithParam<std::size_t> {};

TEST_P(GroupMoveSchedules, LeaveTheMessageInExactlyOneRingAndHoldUpNoGroup) {
  GroupMoveStage stage;
  ExploreOptions options;
  options.preemptions_max = by_depth(1, 2, 3);
  options.schedules_max = by_depth<std::uint64_t>(300, 4'000, 0);
  options.iterative = false;
  const ExploreReport report = explore(group_move_schedules()[GetParam()].make(stage), options);
  EXPECT_TRUE(report.holds()) << report.text();
  std::printf("%s: %llu schedules, %.1f s\n", report.scenario.c_str(),
              static_cast<unsigned long long>(report.schedules), report.seconds);
}
INSTANTIATE_TEST_SUITE_P(Rig, GroupMoveSchedules,
                         testing::Range(std::size_t{0}, group_move_schedules().size()),
                         [](const auto& each) {
                           return test_name(each.param, group_move_schedules()[each.param].name);
                         });

}  // namespace
}  // namespace ringpost::rig
