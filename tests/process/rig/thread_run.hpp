// A run by threads of one process.
#pragma once

#include <functional>
#include <memory>

#include "process/rig/control.hpp"
#include "process/rig/plan.hpp"
#include "process/rig/run_outcome.hpp"

namespace ringpost::rig {

/// Called once for each place before the threads start; the client outlives its thread.
using MakeClient = std::function<std::unique_ptr<Client>()>;

struct ThreadTerms {
  /// Every thread takes its tickets from a counter of its own, so that no event of the rig orders
  /// the threads, as under the thread sanitizer it must not. The history then has no order.
  bool own_tickets = false;
};

/// The first place drains when all others have ended.
[[nodiscard]] RunOutcome run_threads(const Plan& plan, Control& control, const Clock& clock,
                                     const MakeClient& make_client, ThreadTerms terms = {});

}  // namespace ringpost::rig
