// The rig tried on a queue that is known to be right, and then with planted bugs: random calls by
// threads on the reference queue. The checker accepts the first and finds every one of the others.

#include <gtest/gtest.h>

#include "process/rig/depth.hpp"
#include "process/rig/faulty_client.hpp"
#include "process/rig/reference_queue.hpp"
#include "process/rig/thread_run.hpp"

namespace ringpost::rig {
namespace {

RunOutcome run_on_reference(const Plan& plan) {
  const auto control = make_shared_control();
  const OperationClock clock(*control);
  ReferenceQueue queue(clock, 500);
  return run_threads(plan, *control, clock, [&queue] { return queue.client(); });
}

TEST(ReferenceRun, OfOneThreadIsAccepted) {
  Plan plan;
  plan.seed = base_seed();
  plan.roles = {Role::kMixed};
  EXPECT_EQ(faults_of(run_on_reference(plan)), "");
}

TEST(ReferenceRun, OfManyThreadsIsAccepted) {
  RunSummary summary;
  for (int round = 0; round < by_depth(3, 10, 100); ++round) {
    Plan plan;
    plan.seed = base_seed() + static_cast<std::uint64_t>(round);
    plan.operations = 30'000;
    plan.tight_limit = round % 2 == 0;
    const RunOutcome outcome = run_on_reference(plan);
    summary.add(outcome);
    EXPECT_EQ(faults_of(outcome, {.limited = plan.tight_limit}), "") << "seed " << plan.seed;
  }
  summary.print("threads on the reference queue");
}

class PlantedBug : public testing::TestWithParam<int> {};

TEST_P(PlantedBug, IsFound) {
  const auto bug = static_cast<Bug>(GetParam());
  Plan plan;
  plan.seed = base_seed();
  plan.operations = 60'000;
  plan.purge_one_in = bug == Bug::kPurgesNothing ? 10 : 0;  // a purge may excuse a loss
  plan.wrap = [bug](std::unique_ptr<Client> inner, const Clock&) {
    return make_faulty(std::move(inner), bug);
  };
  const RunOutcome outcome = run_on_reference(plan);
  const history::Report report = history::check(outcome.history);
  EXPECT_TRUE(report.has(rule_broken_by(bug))) << name(bug) << ": " << report.to_string();
}

INSTANTIATE_TEST_SUITE_P(ReferenceRun, PlantedBug, testing::Range(0, kStandardBugs));

}  // namespace
}  // namespace ringpost::rig
