// What came of a run, and how it is judged and reported.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "process/history/checker.hpp"
#include "process/history/history.hpp"
#include "process/history/rare_states.hpp"
#include "process/rig/plan.hpp"

namespace ringpost::rig {

struct RunOutcome {
  history::History history;
  std::string failure;                ///< why it ended early; empty: it did not
  std::vector<std::string> findings;  ///< invariants that did not hold at the end
  std::uint64_t kills = 0;
  std::uint64_t stops = 0;
  std::uint64_t attempts_max = 0;  ///< most calls that a survivor of a strike needed to get through
  std::string faults;              ///< everything that is wrong, in words; empty: nothing is
};

/// By what a run of this plan is judged.
[[nodiscard]] history::Policy policy_of(const Plan& plan);

/// For `faults`.
[[nodiscard]] std::string faults_of(const RunOutcome& outcome, const history::Policy& policy = {});

/// Sums over several runs; prints what was reached how often, and what was never reached.
class RunSummary {
 public:
  void add(const RunOutcome& outcome);
  void print(const char* what) const;
  [[nodiscard]] std::uint64_t operations() const noexcept { return operations_; }
  [[nodiscard]] std::uint64_t kills() const noexcept { return kills_; }

 private:
  history::RareStates states_;
  std::uint64_t operations_ = 0;
  std::uint64_t kills_ = 0;
  std::uint64_t stops_ = 0;
  std::uint64_t attempts_max_ = 0;
};

}  // namespace ringpost::rig
