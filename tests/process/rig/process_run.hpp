// A run by real processes, which are killed, stopped and replaced in the middle of their work.
#pragma once

#include "process/rig/plan.hpp"
#include "process/rig/run_outcome.hpp"

namespace ringpost::rig {

/// Forks one worker for each role of the plan. The first is never killed: it is the survivor that
/// drains the queue at the end and examines the bus. When a kill strikes follows from the seed and
/// the number of calls made so far. Requires a process with one thread.
[[nodiscard]] RunOutcome run_processes(const Plan& plan);

}  // namespace ringpost::rig
