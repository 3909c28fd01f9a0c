// The tests of the rig itself: it finds nothing in correct toys, every seeded bug in broken ones,
// the same each time, and it says who is blocked by whom.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "rig/toy/scenarios.hpp"

namespace ringpost::rig {
namespace {

using toy::Bug;
using toy::SlotWorld;

struct Found {
  std::string where;  ///< scenario; empty: nothing found
  std::string what;
  std::string replayable;
};

template <Bug kBug>
Found explore_slot(int preemptions_max) {
  SlotWorld<kBug> world;
  ExploreOptions options;
  options.preemptions_max = preemptions_max;
  for (const ExploreScenario& scenario : toy::slot_schedules(world)) {
    const ExploreReport report = explore(scenario, options);
    EXPECT_TRUE(report.failed || report.exhaustive) << report.text();
    if (!report.failed) continue;
    const ExploreReport again = replay_schedule(scenario, report.schedule, options);
    EXPECT_EQ(again.what, report.what) << "the schedule does not replay";
    EXPECT_FALSE(report.trace.empty());
    return {scenario.stage.name, report.what, report.schedule};
  }
  return {};
}

template <Bug kBug>
Found crash_slot() {
  SlotWorld<kBug> world;
  for (const CrashScenario& scenario : toy::slot_crashes(world)) {
    const CrashReport report = run_crash_matrix(scenario);
    if (report.holds()) continue;
    return {scenario.stage.name, report.failures.front().what,
            report.failures.front().which.text()};
  }
  return {};
}

TEST(ToyExplorer, FindsNothingInTheCorrectSlot) {
  const Found found = explore_slot<Bug::kNone>(3);
  EXPECT_EQ(found.where, "") << found.what << "\nschedule " << found.replayable;
}

TEST(ToyExplorer, FindsEverySeededBug) {
  EXPECT_EQ(explore_slot<Bug::kPublishBeforePayload>(2).where, "send|consume");
  EXPECT_EQ(explore_slot<Bug::kLeaseByStore>(2).where, "receive|receive");
  EXPECT_EQ(explore_slot<Bug::kStaleReceipt>(2).where, "acknowledge|expire");
  EXPECT_EQ(explore_slot<Bug::kCopyUnchecked>(2).where, "receive|expire");
  EXPECT_EQ(explore_slot<Bug::kVoidPublished>(2).where, "send|sweep");
  EXPECT_EQ(explore_slot<Bug::kPublishReadEarly>(2).where, "send|sweep");
  EXPECT_EQ(explore_slot<Bug::kSweepByStore>(2).where, "sweep|sweep");
  EXPECT_EQ(explore_slot<Bug::kNeverVoided>(2).where, "send|sweep");
}

/// Every end of the slot's memory that some schedule reaches.
std::set<std::string> ends(SlotWorld<Bug::kNone>& world, ExploreScenario scenario,
                           const ExploreOptions& options, std::uint64_t& schedules) {
  std::set<std::string> found;
  scenario.stage.check = [&] {
    found.insert(world.memory_image());
    return std::string{};
  };
  const ExploreReport report = explore(scenario, options);
  EXPECT_TRUE(report.exhaustive) << report.text();
  schedules += report.schedules;
  return found;
}

TEST(ToyExplorer, ReductionReachesEveryEndWithFewerSchedules) {
  SlotWorld<Bug::kNone> world;
  std::uint64_t reduced = 0;
  std::uint64_t full = 0;
  for (int bound = 0; bound <= 3; ++bound) {
    for (const ExploreScenario& scenario : toy::slot_schedules(world)) {
      ExploreOptions options;
      options.preemptions_max = bound;
      options.iterative = false;
      const auto with = ends(world, scenario, options, reduced);
      options.reduce = false;
      EXPECT_EQ(with, ends(world, scenario, options, full)) << scenario.stage.name << bound;
    }
  }
  EXPECT_LT(reduced, full);
}

TEST(ToyExplorer, CountsAreTheSameEachTime) {
  SlotWorld<Bug::kNone> world;
  for (const ExploreScenario& scenario : toy::slot_schedules(world)) {
    const ExploreReport once = explore(scenario);
    const ExploreReport twice = explore(scenario);
    EXPECT_EQ(once.schedules, twice.schedules);
    EXPECT_EQ(once.pruned, twice.pruned);
    EXPECT_EQ(once.steps, twice.steps);
  }
}

TEST(ToyExplorer, RandomSchedulesAreReproducedByTheirSeed) {
  SlotWorld<Bug::kLeaseByStore> world;
  const ExploreScenario scenario = toy::slot_schedules(world)[2];
  ExploreOptions options;
  options.random_schedules = 20'000;
  const ExploreReport once = explore(scenario, options);
  ASSERT_TRUE(once.failed);
  const ExploreReport twice = explore(scenario, options);
  EXPECT_EQ(once.schedule, twice.schedule);
  EXPECT_EQ(once.schedules, twice.schedules);
  EXPECT_EQ(replay_schedule(scenario, once.schedule, options).what, once.what);
}

TEST(ToyCrashMatrix, FindsNothingInTheCorrectSlotAndStopsAtEveryStore) {
  SlotWorld<Bug::kNone> world;
  CrashCoverage coverage;
  for (const CrashScenario& scenario : toy::slot_crashes(world)) {
    const CrashReport report = run_crash_matrix(scenario);
    EXPECT_TRUE(report.holds()) << report.text();
    coverage.add(report);
  }
  EXPECT_TRUE(coverage.complete()) << coverage.text();
}

TEST(ToyCrashMatrix, FindsWhatDeathBreaks) {
  EXPECT_EQ(crash_slot<Bug::kNeverVoided>().where, "empty");
  EXPECT_EQ(crash_slot<Bug::kVoidPublished>().where, "empty");
  EXPECT_EQ(crash_slot<Bug::kPublishBeforePayload>().where, "empty");
  EXPECT_EQ(crash_slot<Bug::kSweepByStore>().where, "claimed by the dead");
}

TEST(ToyCrashMatrix, NamesOfCasesAreRead) {
  const CrashCase which{CrashWay::kKilledInRecovery, 3, 2, 0};
  EXPECT_EQ(which.text(), "killed-in-recovery:k=3,j=2");
  const auto read = CrashCase::parse(which.text());
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->text(), which.text());
  EXPECT_FALSE(CrashCase::parse("killed:k=3,j=2").has_value());
  EXPECT_FALSE(CrashCase::parse("murdered:k=3,s=2").has_value());
}

}  // namespace
}  // namespace ringpost::rig
