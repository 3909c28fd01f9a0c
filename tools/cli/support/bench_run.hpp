// Runs a bench plan on a bus of its own, which is gone afterwards, however it ended.
#pragma once

#include <functional>

#include "bench_plan.hpp"
#include "context.hpp"

namespace ringpost::cli {

/// Called about ten times a second with the messages acknowledged so far and the share of the time
/// that has passed, 0 to 1.
using BenchWatcher = std::function<void(std::uint64_t acknowledged, double passed)>;

/// Throws Failure when it cannot be run. After Ctrl-C it returns what was measured until then.
BenchResult run_bench(const Context& context, const BenchPlan& plan, const BenchWatcher& watcher);

}  // namespace ringpost::cli
