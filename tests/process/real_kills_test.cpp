// Real kills: workers under load, killed and stopped at random points of their work. After each
// strike every other worker gets through within a bounded number of its own calls, and a sweep
// leaves nothing behind; at the end everything that was acknowledged is there.

#include <gtest/gtest.h>

#include "process/rig/depth.hpp"
#include "process/rig/process_run.hpp"

namespace ringpost::rig {
namespace {

// A survivor needs some ten calls; it may lose some messages to others and meet a full queue. A
// queue that blocks would need more than any bound.
constexpr std::uint64_t kAttemptsMax = 20'000;

struct Figures {
  std::uint32_t kills;
  std::uint32_t stops;
  int rounds;
};

void run_with(Plan plan, Figures figures, const char* what) {
  RunSummary summary;
  for (int round = 0; round < figures.rounds; ++round) {
    plan.steady = true;
    plan.seed = base_seed() + static_cast<std::uint64_t>(round);
    plan.kills = figures.kills;
    plan.stops = figures.stops;
    plan.operations = 500 * (plan.kills + plan.stops);
    const RunOutcome outcome = run_processes(plan);
    summary.add(outcome);
    ASSERT_EQ(outcome.faults, "") << what << ", seed " << plan.seed;
    ASSERT_LE(outcome.attempts_max, kAttemptsMax) << what << ", seed " << plan.seed;
  }
  summary.print(what);
}

Figures figures() { return by_depth(Figures{7, 3, 1}, Figures{70, 30, 1}, Figures{70, 30, 100}); }

TEST(RealKills, SurvivorsGetThroughOnAQueueThatGrows) {
  Plan plan;
  plan.roles = {Role::kMixed, Role::kMixed, Role::kMixed, Role::kMixed};
  plan.settings.slots = 128;
  plan.operation_clock = false;
  run_with(plan, figures(), "kills under load, growing queue");
}

TEST(RealKills, SurvivorsGetThroughOnASmallQueueOfFixedSize) {
  Plan plan;
  plan.roles = {Role::kMixed, Role::kMixed, Role::kMixed};
  plan.settings.slots = 64;
  plan.settings.fixed = true;
  plan.operation_clock = false;
  run_with(plan, figures(), "kills under load, 64 slots");
}

TEST(RealKills, SurvivorsGetThroughOnAQueueWithGroups) {
  Plan plan;
  plan.roles = {Role::kMixed, Role::kMixed, Role::kMixed};
  // So many that those which a stopped worker has leased are few, and do not fill the queue.
  plan.groups = 200;
  plan.settings.slots = 1024;
  plan.settings.fifo = true;
  plan.operation_clock = false;
  run_with(plan, figures(), "kills under load, groups");
}

}  // namespace
}  // namespace ringpost::rig
