// Random calls by many processes that are killed, stopped and replaced; then every promise of a
// standard queue is checked against the recorded history, and every invariant of the bus.

#include <gtest/gtest.h>

#include "process/rig/depth.hpp"
#include "process/rig/faulty_client.hpp"
#include "process/rig/process_run.hpp"

namespace ringpost::rig {
namespace {

std::vector<Plan> kinds_of_runs() {
  Plan growing;
  growing.name = "a queue that grows";
  growing.settings.slots = 64;
  growing.settings.bytes_max = 4ull << 20;

  Plan small;
  small.name = "a small queue of fixed size";
  small.settings.slots = 64;
  small.settings.fixed = true;
  small.tight_limit = true;

  Plan crowded;
  crowded.name = "an arena that is often full";
  crowded.settings.slots = 256;
  crowded.settings.fixed = true;
  crowded.arena_bytes_max = 1ull << 20;
  crowded.body_bytes_max = 60'000;

  Plan mixed;
  mixed.name = "workers that do everything";
  mixed.roles = {Role::kMixed, Role::kMixed, Role::kMixed, Role::kMixed};
  mixed.settings.slots = 1024;
  mixed.settings.inline_bytes = 488;
  mixed.tight_limit = true;

  Plan real_time;
  real_time.name = "time that passes by itself";
  real_time.settings.slots = 128;
  real_time.operation_clock = false;

  return {growing, small, crowded, mixed, real_time};
}

/// FIFO queues.
std::vector<Plan> kinds_of_group_runs() {
  Plan few;
  few.name = "few groups";
  few.groups = 3;
  few.settings.slots = 256;

  Plan many;
  many.name = "many groups in a small ring";
  many.groups = 50;
  many.settings.slots = 64;

  Plan one;
  one.name = "one group, workers that do everything";
  one.groups = 1;
  one.roles = {Role::kMixed, Role::kMixed, Role::kMixed, Role::kMixed};
  one.settings.slots = 1024;
  one.tight_limit = true;

  Plan delayed;
  delayed.name = "groups with a delay";
  delayed.groups = 7;
  delayed.settings.slots = 128;
  delayed.settings.delay = std::chrono::microseconds(300);

  Plan real_time;
  real_time.name = "groups, time that passes by itself";
  real_time.groups = 20;
  real_time.settings.slots = 128;
  real_time.operation_clock = false;

  std::vector<Plan> kinds{few, many, one, delayed, real_time};
  for (Plan& kind : kinds) kind.settings.fifo = true;
  return kinds;
}

void run_all(std::vector<Plan> kinds, const char* what) {
  RunSummary summary;
  for (int round = 0; round < by_depth(1, 1, 100); ++round) {
    for (Plan& plan : kinds) {
      plan.seed = base_seed() + static_cast<std::uint64_t>(round);
      plan.operations = by_depth<std::uint64_t>(10'000, 200'000, 200'000);
      plan.kills = by_depth(4u, 20u, 20u);
      plan.stops = by_depth(2u, 10u, 10u);
      const RunOutcome outcome = run_processes(plan);
      summary.add(outcome);
      ASSERT_EQ(outcome.faults, "") << plan.name << ", seed " << plan.seed;
    }
  }
  summary.print(what);
}

// 5 kinds each: at ci 10^6 calls and 100 kills in all.
TEST(RandomRun, KeepsEveryPromiseThroughKillsAndStops) {
  run_all(kinds_of_runs(), "processes with random calls");
}

TEST(RandomRun, KeepsEveryPromiseOfGroupsThroughKillsAndStops) {
  run_all(kinds_of_group_runs(), "processes with random calls, groups");
}

class PlantedBugInProcesses : public testing::TestWithParam<int> {};

TEST_P(PlantedBugInProcesses, IsFound) {
  const auto bug = static_cast<Bug>(GetParam());
  Plan plan;
  plan.seed = base_seed();
  plan.operations = 30'000;
  plan.kills = 2;
  plan.settings.slots = 256;
  plan.settings.fixed = true;
  plan.keeps_logs = false;
  plan.purge_one_in = bug == Bug::kPurgesNothing ? 10 : 0;  // a purge may excuse a loss
  if (GetParam() >= kStandardBugs) {
    plan.groups = 5;
    plan.settings.fifo = true;
  }
  plan.wrap = [bug](std::unique_ptr<Client> inner, const Clock&) {
    return make_faulty(std::move(inner), bug);
  };
  const RunOutcome outcome = run_processes(plan);
  const history::Report report = history::check(outcome.history);
  EXPECT_TRUE(report.has(rule_broken_by(bug))) << name(bug) << ": " << report.to_string();
}

INSTANTIATE_TEST_SUITE_P(RandomRun, PlantedBugInProcesses, testing::Range(0, kBugs));

}  // namespace
}  // namespace ringpost::rig
