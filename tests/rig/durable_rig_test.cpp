// Durable queues under the crash matrix and the schedule explorer.
#include <gtest/gtest.h>

#include <cctype>
#include <cstdio>
#include <string>

#include "rig/depth.hpp"
#include "rig/durable_stage.hpp"

namespace ringpost::rig {
namespace {

std::string test_name(std::size_t index, std::string name) {
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return std::to_string(index) + "_" + name;
}

class DurableCrashMatrix : public testing::TestWithParam<std::size_t> {};

TEST_P(DurableCrashMatrix, LosesNothingAndDoublesNothing) {
  const CrashReport report = run_crash_matrix(durable_crashes()[GetParam()].make());
  EXPECT_TRUE(report.holds()) << report.text();
  EXPECT_EQ(report.stores_stopped_at, report.stores_seen) << report.text();
  std::printf("%s: %llu stores, %llu cases\n", report.scenario.c_str(),
              static_cast<unsigned long long>(report.stores_seen),
              static_cast<unsigned long long>(report.cases));
}
INSTANTIATE_TEST_SUITE_P(Rig, DurableCrashMatrix,
                         testing::Range(std::size_t{0}, durable_crashes().size()),
                         [](const auto& each) {
                           return test_name(each.param, durable_crashes()[each.param].name);
                         });

class DurableSchedules : public testing::TestWithParam<std::size_t> {};

TEST_P(DurableSchedules, LoseNothingAndDoubleNothing) {
  const ExploreReport report = explore_durable(durable_schedules()[GetParam()], by_depth(1, 1, 2),
                                               by_depth<std::uint64_t>(10, 40, 20'000),
                                               by_depth<std::uint64_t>(10, 20, 5'000));
  EXPECT_TRUE(report.holds()) << report.text();
  std::printf("%s: %llu schedules, %.1f s\n", report.scenario.c_str(),
              static_cast<unsigned long long>(report.schedules), report.seconds);
}
INSTANTIATE_TEST_SUITE_P(Rig, DurableSchedules,
                         testing::Range(std::size_t{0}, durable_schedules().size()),
                         [](const auto& each) {
                           return test_name(each.param, durable_schedules()[each.param].name);
                         });

}  // namespace
}  // namespace ringpost::rig
