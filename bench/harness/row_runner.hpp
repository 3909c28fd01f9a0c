// Runs a row: rivals interleaved with its subject, run by run, until the time is used up.
#pragma once

#include <functional>

#include "harness/summary.hpp"

namespace ringpost::bench {

struct RowBudget {
  double seconds = 20;
  RunSettings settings;
};

/// After every run: seconds used so far.
using Progress = std::function<void(double seconds)>;

/// Order of a round, for rivals b (two variants) and c:  a b1  a b2  a c. A variant that is clearly
/// beaten by its sibling, cannot be done here or fails takes no further part; a subject that fails
/// ends the row.
Summary run_row(const Row& row, const RowBudget& budget, const Progress& progress);

}  // namespace ringpost::bench
