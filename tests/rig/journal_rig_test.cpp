// The shipped journal under the schedule explorer and the crash matrix: every pair of operations in
// every state, stories of two and three, and every operation stopped before each of its shared
// stores.
#include <gtest/gtest.h>

#include <cctype>
#include <cstdio>
#include <string>
#include <vector>

#include "rig/depth.hpp"
#include "rig/journal_scenarios.hpp"

namespace ringpost::rig {
namespace {

std::string plain(std::string name) {
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
}
std::vector<std::string> act_names() {
  std::vector<std::string> names;
  for (const JournalAct& act : journal_acts()) names.push_back(act.name);
  return names;
}

class JournalPairs : public testing::TestWithParam<std::string> {};

/// Pre-emptions: simple operations at the full bound in the states that differ most; one less in
/// others and for operations of many steps.
int bound_of(const JournalAct& first, const JournalAct& second, const JournalBegin& begin) {
  int bound = by_depth(1, 1, 3);
  if (!begin.deep || first.heavy || second.heavy) --bound;
  return bound;
}

/// One operation with itself and with each that comes after it in the list.
TEST_P(JournalPairs, HoldUnderEverySchedule) {
  const JournalAct& first = journal_act(GetParam());
  std::uint64_t scenarios = 0;
  std::uint64_t schedules = 0;
  double seconds = 0;
  bool found = false;
  for (const JournalAct& second : journal_acts()) {
    found |= second.name == first.name;
    if (!found || (first.late && second.late)) continue;
    for (const JournalBegin& begin : journal_begins()) {
      if (!can_act(first, begin) || !can_act(second, begin)) continue;
      ExploreOptions options;
      options.preemptions_max = bound_of(first, second, begin);
      options.iterative = false;
      const ExploreReport report = explore(journal_pair(first, second, begin), options);
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

INSTANTIATE_TEST_SUITE_P(Journal, JournalPairs, testing::ValuesIn(act_names()),
                         [](const auto& each) { return plain(each.param); });

class JournalStories : public testing::TestWithParam<std::size_t> {};

TEST_P(JournalStories, Hold) {
  const JournalStory& it = journal_stories()[GetParam()];
  ExploreOptions options;
  options.preemptions_max = by_depth(1, it.heavy ? 1 : 2, it.heavy ? 2 : 3);
  if (it.delayed_stores_max != 0) --options.preemptions_max;  // held back stores are free
  options.delayed_stores_max = it.delayed_stores_max;
  options.iterative = false;
  const ExploreReport report = explore(it.make(), options);
  EXPECT_TRUE(report.holds() && report.exhaustive) << report.text();
  std::printf("%s: bound %d, %llu schedules, %.1f s\n", it.name.c_str(), options.preemptions_max,
              static_cast<unsigned long long>(report.schedules), report.seconds);
}

INSTANTIATE_TEST_SUITE_P(Journal, JournalStories,
                         testing::Range(std::size_t{0}, journal_stories().size()),
                         [](const auto& each) {
                           return std::to_string(each.param) + "_" +
                                  plain(journal_stories()[each.param].name);
                         });

class JournalCrashMatrix : public testing::TestWithParam<std::string> {};

TEST_P(JournalCrashMatrix, LeavesNothingBehindAtAnyStore) {
  const JournalAct& act = journal_act(GetParam());
  CrashCoverage coverage;
  CrashOptions options;
  options.steps_max = 3'000;
  for (const JournalBegin& begin : journal_begins()) {
    if (!can_act(act, begin)) continue;
    const CrashReport report = run_crash_matrix(journal_crash(act, begin), options);
    EXPECT_TRUE(report.holds()) << report.text();
    EXPECT_EQ(report.stores_stopped_at, report.stores_seen) << report.text();
    coverage.add(report);
  }
  EXPECT_TRUE(coverage.complete()) << coverage.text();
  EXPECT_GT(coverage.cases(), 0u);
  std::printf("%s", coverage.text().c_str());
}

std::vector<std::string> acts_that_store() {
  std::vector<std::string> names = act_names();
  std::erase(names, "read");
  return names;
}
INSTANTIATE_TEST_SUITE_P(Journal, JournalCrashMatrix, testing::ValuesIn(acts_that_store()),
                         [](const auto& each) { return plain(each.param); });

}  // namespace
}  // namespace ringpost::rig
