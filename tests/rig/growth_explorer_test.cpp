// The chain of rings under the schedule explorer: growing and retiring, with deaths.
#include <gtest/gtest.h>

#include <cctype>
#include <cstdio>
#include <string>

#include "rig/depth.hpp"
#include "rig/growth_stage.hpp"

namespace ringpost::rig {
namespace {

class RingGrowth : public testing::TestWithParam<std::size_t> {};

TEST_P(RingGrowth, LosesNothingAndBlocksNobody) {
  GrowthStage stage;
  const NamedGrowth& it = growth_schedules()[GetParam()];
  const ExploreReport report = explore(it.make(stage), growth_options(by_depth(1, 2, 3)));
  EXPECT_TRUE(report.holds() && report.exhaustive) << report.text();
  std::printf("%s: %llu schedules, %.1f s\n", it.name.c_str(),
              static_cast<unsigned long long>(report.schedules), report.seconds);
}

INSTANTIATE_TEST_SUITE_P(Rig, RingGrowth, testing::Range(std::size_t{0}, growth_schedules().size()),
                         [](const auto& each) {
                           std::string name = growth_schedules()[each.param].name;
                           for (char& c : name) {
                             if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
                           }
                           return name;
                         });

}  // namespace
}  // namespace ringpost::rig
