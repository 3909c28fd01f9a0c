// The shipped ring under the schedule explorer: every pair of operations, in every state.
#include <gtest/gtest.h>

#include <cctype>
#include <cstdio>
#include <string>
#include <vector>

#include "rig/depth.hpp"
#include "rig/explorer.hpp"
#include "rig/ring_scenarios.hpp"

namespace ringpost::rig {
namespace {

class RingPairs : public testing::TestWithParam<std::string> {};

/// Pre-emptions: all pairs at the full bound in the states that differ most; one less in others,
/// and where a sequence of operations takes part.
int bound_of(const Act& first, const Act& second, const Begin& begin) {
  const int bound = by_depth(1, 2, 3);
  return begin.deep && !first.composed && !second.composed ? bound : bound - 1;
}

/// One operation with itself and with each that comes after it in the list.
TEST_P(RingPairs, HoldUnderEverySchedule) {
  const Act& first = ring_act(GetParam());
  std::uint64_t scenarios = 0;
  std::uint64_t schedules = 0;
  double seconds = 0;
  RingStage stage(2);
  bool found = false;
  for (const Act& second : ring_acts()) {
    found |= second.name == first.name;
    if (!found) continue;
    for (const Begin& begin : ring_begins()) {
      ExploreOptions options;
      options.preemptions_max = bound_of(first, second, begin);
      options.iterative = false;
      const ExploreReport report =
          explore(ring_schedules(stage, begin.name, {first.name, second.name}), options);
      EXPECT_TRUE(report.holds() && report.exhaustive) << report.text();
      ++scenarios;
      schedules += report.schedules;
      seconds += report.seconds;
    }
  }
  std::printf("%s: %llu scenarios, %llu schedules, %.1f s\n", first.name.c_str(),
              static_cast<unsigned long long>(scenarios),
              static_cast<unsigned long long>(schedules), seconds);
}

std::vector<std::string> act_names() {
  std::vector<std::string> names;
  for (const Act& act : ring_acts()) names.push_back(act.name);
  return names;
}
INSTANTIATE_TEST_SUITE_P(Ring, RingPairs, testing::ValuesIn(act_names()), [](const auto& each) {
  std::string name = each.param;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
});

}  // namespace
}  // namespace ringpost::rig
