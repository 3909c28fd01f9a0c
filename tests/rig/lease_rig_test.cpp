// The leases of consumer groups under the schedule explorer and the crash matrix: every pair of
// acts in every state, and every act stopped before each of its shared stores. And changes of a
// stream's control file beside whoever reads it.
#include <gtest/gtest.h>

#include <cctype>
#include <cstdio>
#include <string>

#include "rig/control_stage.hpp"
#include "rig/depth.hpp"
#include "rig/lease_scenarios.hpp"

namespace ringpost::rig {
namespace {

class GroupLeases : public testing::TestWithParam<std::string> {
 protected:
  [[nodiscard]] static const LeaseBegin& begin() {
    for (const LeaseBegin& each : lease_begins()) {
      if (each.name == GetParam()) return each;
    }
    std::abort();
  }
  LeaseStage stage_;
};

TEST_P(GroupLeases, HoldUnderEverySchedule) {
  std::uint64_t scenarios = 0, schedules = 0;
  double seconds = 0;
  for (const LeaseAct& first : lease_acts()) {
    for (const LeaseAct& second : lease_acts()) {
      const bool is_one_of_all = second.name == "work" && differs(first, begin());
      if (!is_one_of_all && depth_from_environment() != Depth::kNightly) continue;
      ExploreOptions options;
      options.preemptions_max = by_depth(1, 1, 2);
      options.iterative = false;
      const ExploreReport report = explore(lease_pair(stage_, first, second, begin()), options);
      EXPECT_TRUE(report.holds() && report.exhaustive) << report.text();
      ++scenarios;
      schedules += report.schedules;
      seconds += report.seconds;
    }
  }
  std::printf("%llu scenarios, %llu schedules, %.1f s\n",
              static_cast<unsigned long long>(scenarios),
              static_cast<unsigned long long>(schedules), seconds);
}

TEST_P(GroupLeases, LoseNothingWhenTheirOwnerIsStopped) {
  CrashCoverage coverage;
  for (const LeaseAct& act : lease_acts()) {
    if (!differs(act, begin())) continue;
    const CrashReport report = run_crash_matrix(lease_crash(stage_, act, begin()));
    EXPECT_TRUE(report.holds()) << report.text();
    EXPECT_EQ(report.stores_stopped_at, report.stores_seen) << report.text();
    coverage.add(report);
  }
  EXPECT_GT(coverage.cases(), 0u);
  std::printf("%s", coverage.text().c_str());
}

TEST(ControlFileOfAStream, IsOneOfItsStatesAtAnyMoment) {
  ControlStage stage;
  for (const NamedControl& each : control_schedules()) {
    ExploreOptions options;
    options.preemptions_max = by_depth(1, 1, 2);
    options.reduce = false;  // two mappings of one word are two addresses
    const ExploreReport report = explore(each.make(stage), options);
    EXPECT_TRUE(report.holds() && report.exhaustive) << report.text();
    std::printf("%s: %llu schedules, %.1f s\n", each.name.c_str(),
                static_cast<unsigned long long>(report.schedules), report.seconds);
  }
}

std::vector<std::string> begin_names() {
  std::vector<std::string> names;
  for (const LeaseBegin& each : lease_begins()) names.push_back(each.name);
  return names;
}
INSTANTIATE_TEST_SUITE_P(Rig, GroupLeases, testing::ValuesIn(begin_names()), [](const auto& each) {
  std::string name = each.param;
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
});

}  // namespace
}  // namespace ringpost::rig
