// Runs a row: rivals interleaved with its subject, run by run, until the time is used up.
#pragma once

#include <chrono>
#include <functional>

#include "harness/summary.hpp"

namespace ringpost::bench {

inline double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct RowBudget {
  double seconds = 20;
  RunSettings settings;
  std::function<double()> now = steady_seconds;
};

/// After every run: seconds used so far.
using Progress = std::function<void(double seconds)>;

/// Order of a round, for rivals b (two variants) and c:  a b1  a b2  a c. A variant that is clearly
/// beaten by its sibling, cannot be done here or fails takes no further part; a subject that fails
/// ends the row. The last run is the subject's: the neighbour of the last rival.
Summary run_row(const Row& row, const RowBudget& budget, const Progress& progress);

}  // namespace ringpost::bench
