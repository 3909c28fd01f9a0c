// The shipped deduplication table under the schedule explorer: every pair of operations in every
// state, and stories of two and three.
#include <gtest/gtest.h>

#include <cctype>
#include <cstdio>
#include <string>
#include <vector>

#include "rig/dedup_scenarios.hpp"
#include "rig/depth.hpp"

namespace ringpost::rig {
namespace {

std::string plain(std::string name) {
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
}

class DedupPairs : public testing::TestWithParam<std::string> {};

/// Pre-emptions: simple operations at the full bound in the states that differ most; one less in
/// others and if all entries are looked at; again one less for a sequence of operations.
int bound_of(const DedupAct& first, const DedupAct& second, const DedupBegin& begin) {
  int bound = by_depth(1, 2, 3);
  if (!begin.deep || first.heavy || second.heavy) --bound;
  if (!begin.deep && (first.composed || second.composed)) --bound;
  return bound < 0 ? 0 : bound;
}

/// One operation with itself and with each that comes after it in the list.
TEST_P(DedupPairs, HoldUnderEverySchedule) {
  const DedupAct& first = dedup_act(GetParam());
  std::uint64_t scenarios = 0;
  std::uint64_t schedules = 0;
  double seconds = 0;
  DedupStage stage(kDedupSlots);
  bool found = false;
  for (const DedupAct& second : dedup_acts()) {
    found |= second.name == first.name;
    if (!found || (first.late && second.late)) continue;
    for (const DedupBegin& begin : dedup_begins()) {
      if ((first.late || second.late) && !begin.late) continue;
      ExploreOptions options;
      options.preemptions_max = bound_of(first, second, begin);
      options.iterative = false;
      const ExploreReport report = explore(dedup_pair(stage, first, second, begin), options);
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
  for (const DedupAct& act : dedup_acts()) names.push_back(act.name);
  return names;
}
INSTANTIATE_TEST_SUITE_P(Dedup, DedupPairs, testing::ValuesIn(act_names()),
                         [](const auto& each) { return plain(each.param); });

class DedupStories : public testing::TestWithParam<std::size_t> {};

TEST_P(DedupStories, Hold) {
  const DedupStory& it = dedup_stories()[GetParam()];
  ExploreOptions options;
  options.preemptions_max = by_depth(1, it.heavy ? 1 : 2, it.heavy ? 2 : 3);
  options.delayed_stores_max = it.delayed_stores_max;
  options.iterative = false;
  DedupStage stage(it.slots);
  const ExploreReport report = explore(it.make(stage), options);
  EXPECT_TRUE(report.holds() && report.exhaustive) << report.text();
  std::printf("%s: bound %d, %llu schedules, %.1f s\n", it.name.c_str(), options.preemptions_max,
              static_cast<unsigned long long>(report.schedules), report.seconds);
}

INSTANTIATE_TEST_SUITE_P(Dedup, DedupStories,
                         testing::Range(std::size_t{0}, dedup_stories().size()),
                         [](const auto& each) {
                           return std::to_string(each.param) + "_" +
                                  plain(dedup_stories()[each.param].name);
                         });

}  // namespace
}  // namespace ringpost::rig
