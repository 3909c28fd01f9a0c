#include "process/rig/run_outcome.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

namespace ringpost::rig {

history::Policy policy_of(const Plan& plan) {
  history::Policy policy;
  policy.limited = plan.tight_limit;
  // Leases of FIFO queues are settled by the coarse clock, which moves every 4 or 10 ms.
  policy.lag_ns = plan.operation_clock ? 0 : 12'000'000;
  return policy;
}

std::string faults_of(const RunOutcome& outcome, const history::Policy& policy) {
  std::string text;
  if (!outcome.failure.empty()) text += "run: " + outcome.failure + "\n";
  for (const std::string& finding : outcome.findings) text += "finding: " + finding + "\n";
  const history::Report report = history::check(outcome.history, policy);
  if (!report.ok()) text += "history: " + report.to_string() + "\n";
  return text;
}

void RunSummary::add(const RunOutcome& outcome) {
  states_.add(history::count_states(outcome.history));
  operations_ += outcome.history.operations();
  kills_ += outcome.kills;
  stops_ += outcome.stops;
  attempts_max_ = std::max(attempts_max_, outcome.attempts_max);
}

void RunSummary::print(const char* what) const {
  std::printf("note: %s: %" PRIu64 " calls, %" PRIu64 " kills, %" PRIu64 " stops\n", what,
              operations_, kills_, stops_);
  if (attempts_max_ > 0) {
    std::printf("note:   most calls of a survivor until it got through: %" PRIu64 "\n",
                attempts_max_);
  }
  for (const auto& state : states_.entries()) {
    if (state.count > 0) std::printf("note:   %-44s %" PRIu64 "\n", state.name, state.count);
  }
  for (const auto& state : states_.entries()) {
    if (state.count == 0) std::printf("note:   never reached: %s\n", state.name);
  }
  std::fflush(stdout);
}

}  // namespace ringpost::rig
