// The shipped FIFO ring, and the fair one, under the schedule explorer.
#include <gtest/gtest.h>

#include <cctype>
#include <cstdio>
#include <string>

#include "rig/depth.hpp"
#include "rig/explorer.hpp"
#include "rig/group_scenarios.hpp"

namespace ringpost::rig {
namespace {

/// At ci one in `share` of so many schedules.
void explore_all(const GroupSchedules& it, ring::RingKind kind, std::uint64_t share) {
  GroupStage stage(it.slots, kind);
  ExploreOptions options;
  options.preemptions_max = by_depth(1, it.heavy ? 1 : 2, it.heavy ? 2 : 3);
  options.iterative = false;
  options.schedules_max = by_depth<std::uint64_t>(300, 5'000 / share, 0);
  const ExploreReport all = explore(it.make(stage), options);
  EXPECT_TRUE(all.holds()) << all.text();
  std::printf("%s: bound %d, %llu schedules%s, %.1f s\n", it.name.c_str(), options.preemptions_max,
              static_cast<unsigned long long>(all.schedules), all.exhaustive ? "" : " and more",
              all.seconds);
  if (all.exhaustive || options.schedules_max == 0) return;
  // What is beyond is tried at random.
  options.preemptions_max = 3;
  options.schedules_max = 0;
  options.random_schedules = by_depth<std::uint64_t>(100, 2'000 / share, 0);
  const ExploreReport random = explore(it.make(stage), options);
  EXPECT_TRUE(random.holds()) << random.text();
}

class GroupSchedule : public testing::TestWithParam<GroupSchedules> {};
TEST_P(GroupSchedule, Holds) { explore_all(GetParam(), ring::RingKind::kFifo, 1); }

class FairSchedule : public testing::TestWithParam<GroupSchedules> {};
TEST_P(FairSchedule, Holds) { explore_all(GetParam(), ring::RingKind::kFair, 4); }

std::string name_of(const testing::TestParamInfo<GroupSchedules>& info) {
  std::string name = std::to_string(info.index) + "_" + info.param.name;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
}
INSTANTIATE_TEST_SUITE_P(Group, GroupSchedule, testing::ValuesIn(group_special_schedules()),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Fair, FairSchedule, testing::ValuesIn(fair_schedules()), name_of);

}  // namespace
}  // namespace ringpost::rig
