// The shipped ring under the schedule explorer: the combinations that the rules of the protocol
// speak of, and the schedules that once broke it.
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

class RingSchedules : public testing::TestWithParam<std::size_t> {};

ExploreReport explored(const NamedSchedules& it, const ExploreOptions& options) {
  RingStage stage(it.slots);
  stage.set_fenced(it.fenced);
  const ExploreReport report = explore(it.make(stage), options);
  stage.set_fenced(false);
  EXPECT_TRUE(report.holds()) << report.text();
  return report;
}

TEST_P(RingSchedules, Hold) {
  const NamedSchedules& it = ring_special_schedules()[GetParam()];
  ExploreOptions options;
  options.preemptions_max = by_depth(1, it.heavy ? 1 : 2, it.heavy ? 2 : 3);
  options.delayed_stores_max = it.delayed_stores_max;
  options.iterative = false;
  options.schedules_max = by_depth<std::uint64_t>(1'500, 200'000, 0);
  const ExploreReport all = explored(it, options);
  EXPECT_TRUE(all.exhaustive || options.schedules_max != 0) << all.text();
  std::printf("%s: bound %d, %llu schedules, %.1f s\n", it.name.c_str(), options.preemptions_max,
              static_cast<unsigned long long>(all.schedules), all.seconds);
  if (!it.heavy || depth_from_environment() == Depth::kFast) return;
  options.preemptions_max = 3;
  options.schedules_max = 0;
  options.random_schedules = by_depth<std::uint64_t>(0, 4'000, 1'000'000);
  explored(it, options);
}

/// What the rig once found, by name.
ExploreReport once_broken(RingStage& stage, const std::string& begin,
                          const std::vector<std::string>& acts, int laps = 0) {
  ExploreOptions options;
  options.preemptions_max = 1;
  return explore(ring_schedules(stage, begin, acts, laps), options);
}

TEST(RingRegression, AShortenedLeaseEndsAtItsNewDeadlineAlsoWhileSomebodyScans) {
  RingStage stage(2);
  for (const char* begin : {"empty", "over", "due", "stale-due"}) {
    const ExploreReport report = once_broken(stage, begin, {"shorten", "expire"});
    EXPECT_TRUE(report.holds() && report.exhaustive) << report.text();
  }
}

TEST(RingRegression, ALateSenderFindsRoomInARingThatHasGoneRoundOften) {
  RingStage stage(2);
  for (const char* begin : {"empty", "one", "skipped", "consumed"}) {
    const ExploreReport report = once_broken(stage, begin, {"send", "receive"}, 70);
    EXPECT_TRUE(report.holds() && report.exhaustive) << report.text();
  }
}

TEST(RingRegression, AReaderKeepsItsMessageWhenWhoeverExtendedTheLeaseDies) {
  RingStage stage(2);
  for (const NamedSchedules& it : ring_special_schedules()) {
    if (it.name != "dying-extender") continue;
    const ExploreReport report = explore(it.make(stage));
    EXPECT_TRUE(report.holds() && report.exhaustive) << report.text();
    return;
  }
  FAIL() << "the scenario is gone";
}

std::string test_name(std::size_t index) {
  std::string name = std::to_string(index) + "_" + ring_special_schedules()[index].name;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
}
INSTANTIATE_TEST_SUITE_P(Ring, RingSchedules,
                         testing::Range(std::size_t{0}, ring_special_schedules().size()),
                         [](const auto& each) { return test_name(each.param); });

}  // namespace
}  // namespace ringpost::rig
