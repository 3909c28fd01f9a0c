// Starts the processes of a run, each pinned to a core, and watches over them.
#pragma once

#include <sched.h>

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "harness/session.hpp"

namespace ringpost::bench {

/// One process: which of the two cores it runs on and what it does there.
struct Role {
  unsigned core = 0;  ///< 0 or 1
  std::function<void(Session&)> body;
};

/// The outcome of a run, kept apart from the shared memory that it was read from.
struct RunOutcome {
  std::string error;  ///< empty if every process came to its end
  std::vector<double> probes_ns;
  std::vector<Tally> tallies;       ///< of every process, empty ones included
  std::vector<std::uint64_t> sent;  ///< of every process
  std::vector<Ticks> slice_ticks;   ///< from the first begin to the last end of each slice
  Histogram latency;                ///< of all processes, in ticks
};

/// Forks, runs, reaps. Whoever is still there after settings.watchdog_s, or after one process has
/// failed or the user has interrupted, is killed: no call of this takes for ever.
RunOutcome run_processes(std::span<const Role> roles, const RunSettings& settings);

/// The cores that runs use: the first two that this process may run on (or one, twice).
struct Cores {
  int first = 0;
  int second = 0;
};
Cores pinned_cores();

/// Keeps the calling thread on the first of them. A disk's interrupt comes to one core: who waits
/// on the other one is told a third later, so subject and rivals must wait on the same.
class OnFirstCore {
 public:
  OnFirstCore();
  ~OnFirstCore();
  OnFirstCore(const OnFirstCore&) = delete;
  OnFirstCore& operator=(const OnFirstCore&) = delete;

 private:
  cpu_set_t before_;
};

/// Makes SIGINT, SIGTERM and SIGHUP end the run in progress and set interrupted().
void install_interrupt_handlers();
bool interrupted() noexcept;

}  // namespace ringpost::bench
