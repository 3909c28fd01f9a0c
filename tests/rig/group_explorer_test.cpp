// The shipped FIFO ring under the schedule explorer.
#include <gtest/gtest.h>

#include <cctype>
#include <cstdio>
#include <string>

#include "rig/depth.hpp"
#include "rig/explorer.hpp"
#include "rig/group_scenarios.hpp"

namespace ringpost::rig {
namespace {

class GroupSchedule : public testing::TestWithParam<std::size_t> {};

TEST_P(GroupSchedule, Holds) {
  const GroupSchedules& it = group_special_schedules()[GetParam()];
  GroupStage stage(it.slots);
  ExploreOptions options;
  options.preemptions_max = by_depth(1, it.heavy ? 1 : 2, it.heavy ? 2 : 3);
  options.iterative = false;
  options.schedules_max = by_depth<std::uint64_t>(300, 5'000, 0);
  const ExploreReport all = explore(it.make(stage), options);
  EXPECT_TRUE(all.holds()) << all.text();
  std::printf("%s: bound %d, %llu schedules%s, %.1f s\n", it.name.c_str(), options.preemptions_max,
              static_cast<unsigned long long>(all.schedules), all.exhaustive ? "" : " and more",
              all.seconds);
  if (all.exhaustive || options.schedules_max == 0) return;
  // What is beyond is tried at random.
  options.preemptions_max = 3;
  options.schedules_max = 0;
  options.random_schedules = by_depth<std::uint64_t>(100, 2'000, 0);
  const ExploreReport random = explore(it.make(stage), options);
  EXPECT_TRUE(random.holds()) << random.text();
}

std::string test_name(std::size_t index) {
  std::string name = std::to_string(index) + "_" + group_special_schedules()[index].name;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
}
INSTANTIATE_TEST_SUITE_P(Group, GroupSchedule,
                         testing::Range(std::size_t{0}, group_special_schedules().size()),
                         [](const auto& each) { return test_name(each.param); });

}  // namespace
}  // namespace ringpost::rig
