// Publishing one message to several queues under the crash matrix and the schedule explorer.
#include <gtest/gtest.h>

#include <cctype>
#include <cstdio>
#include <string>

#include "rig/depth.hpp"
#include "rig/fanout_stage.hpp"
#include "rig/turn_stage.hpp"

namespace ringpost::rig {
namespace {

std::string test_name(std::size_t index, std::string name) {
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return std::to_string(index) + "_" + name;
}

class FanoutCrashMatrix : public testing::TestWithParam<std::size_t> {};

TEST_P(FanoutCrashMatrix, LeavesAllDeliveriesOrNone) {
  FanoutStage stage;
  const CrashReport report = run_crash_matrix(fanout_crashes()[GetParam()].make(stage));
  EXPECT_TRUE(report.holds()) << report.text();
  EXPECT_EQ(report.stores_stopped_at, report.stores_seen) << report.text();
  std::printf("%s: %llu stores, %llu cases\n", report.scenario.c_str(),
              static_cast<unsigned long long>(report.stores_seen),
              static_cast<unsigned long long>(report.cases));
}
INSTANTIATE_TEST_SUITE_P(Rig, FanoutCrashMatrix,
                         testing::Range(std::size_t{0}, fanout_crashes().size()),
                         [](const auto& each) {
                           return test_name(each.param, fanout_crashes()[each.param].name);
                         });

class FanoutSchedules : public testing::TestWithParam<std::size_t> {};

TEST_P(FanoutSchedules, LeaveAllDeliveriesOrNone) {
  FanoutStage stage;
  const NamedFanout& it = fanout_schedules()[GetParam()];
  ExploreOptions options;
  options.preemptions_max = by_depth(1, 2, 3);
  options.schedules_max = by_depth<std::uint64_t>(100, 1'000, 0);
  options.deaths_max = it.deaths_max;
  const ExploreReport report = explore(it.make(stage), options);
  EXPECT_TRUE(report.holds()) << report.text();
  std::printf("%s: %llu schedules, %.1f s\n", report.scenario.c_str(),
              static_cast<unsigned long long>(report.schedules), report.seconds);
}
INSTANTIATE_TEST_SUITE_P(Rig, FanoutSchedules,
                         testing::Range(std::size_t{0}, fanout_schedules().size()),
                         [](const auto& each) {
                           return test_name(each.param, fanout_schedules()[each.param].name);
                         });

class TurnCrashMatrix : public testing::TestWithParam<std::size_t> {};

TEST_P(TurnCrashMatrix, LeavesAllDeliveriesInOrderOrNone) {
  TurnStage stage;
  const CrashReport report = run_crash_matrix(turn_crashes()[GetParam()].make(stage));
  EXPECT_TRUE(report.holds()) << report.text();
  EXPECT_EQ(report.stores_stopped_at, report.stores_seen) << report.text();
  std::printf("%s: %llu stores, %llu cases\n", report.scenario.c_str(),
              static_cast<unsigned long long>(report.stores_seen),
              static_cast<unsigned long long>(report.cases));
}
INSTANTIATE_TEST_SUITE_P(Rig, TurnCrashMatrix,
                         testing::Range(std::size_t{0}, turn_crashes().size()),
                         [](const auto& each) {
                           return test_name(each.param, turn_crashes()[each.param].name);
                         });

class TurnSchedules : public testing::TestWithParam<std::size_t> {};

TEST_P(TurnSchedules, LeaveAllDeliveriesInOrderOrNone) {
  TurnStage stage;
  const NamedTurn& it = turn_schedules()[GetParam()];
  ExploreOptions options;
  options.preemptions_max = 3;
  options.random_schedules = by_depth<std::uint64_t>(50, 300, 20'000);
  options.deaths_max = it.deaths_max;
  const ExploreReport report = explore(it.make(stage), options);
  EXPECT_TRUE(report.holds()) << report.text();
  std::printf("%s: %llu schedules, %.1f s\n", report.scenario.c_str(),
              static_cast<unsigned long long>(report.schedules), report.seconds);
}
INSTANTIATE_TEST_SUITE_P(Rig, TurnSchedules,
                         testing::Range(std::size_t{0}, turn_schedules().size()),
                         [](const auto& each) {
                           return test_name(each.param, turn_schedules()[each.param].name);
                         });

}  // namespace
}  // namespace ringpost::rig
