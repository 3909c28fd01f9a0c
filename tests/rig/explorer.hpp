// The schedule explorer: a few operations as fibers, every interleaving of their shared accesses up
// to a bound of pre-emptions, the check after each.
//
// Depth first and stateless: a schedule is the list of decisions taken, the next one repeats a
// prefix of it and decides otherwise at its end. Pre-emption means that a fiber which could go on
// has to wait; going to another one because it ended, paused or died is free.
//
// Reduction (on by default): a fiber that was pre-empted before access a is not resumed before
// somebody has made an access that conflicts with a. Where nobody did, the schedule equals the one
// that pre-empts it after a: same pre-emptions or fewer, and that one is explored. So nothing is
// lost at the same bound. It stands back where a pause, an event that touches unknown bytes or a
// store buffer is involved.
//
// Pauses: a fiber in cpu_pause() lets the others go first and comes back when one of them stored
// something. It may also insist (a free choice): then it runs through its pauses while the others
// stand still, which is how a lock-free loop must be able to end. If it does not, it is blocked.
//
// Store buffers (delayed_stores_max > 0): a store may be held back, and with it those that follow,
// until a locked operation, a full fence, a membarrier, or any moment at all (total store order).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rig/scenario.hpp"

namespace ringpost::rig {

struct ExploreScenario {
  Stage stage;
  std::vector<Operation> operations;  ///< all start at once
  std::vector<int> mortal;            ///< participants that may die
  std::vector<Event> events;          ///< each happens at any moment, or never
};

struct ExploreOptions {
  int preemptions_max = 2;
  bool iterative = true;       ///< bounds 0, 1, … preemptions_max: shortest failure first
  int deaths_max = 1;          ///< of scenario.mortal
  int events_max = 8;          ///< that happen in one schedule
  int delayed_stores_max = 0;  ///< 0: sequential consistency only
  bool reduce = true;
  std::uint64_t schedules_max = 0;  ///< 0: until exhausted
  std::uint32_t steps_max = 5'000;  ///< of one operation
  std::uint32_t insist_pauses_max = 1'000;
  std::uint32_t check_steps_max = 200'000;
  std::uint32_t range_pieces_max = 2;

  // Random instead of depth first: change points at random places, as many as the bound allows.
  std::uint64_t random_schedules = 0;  ///< 0: depth first
  std::uint64_t seed = 1;
};

struct ExploreReport {
  std::string scenario;
  std::uint64_t schedules = 0;  ///< run to their end and checked
  std::uint64_t pruned = 0;     ///< given up because they equal another one
  std::uint64_t steps = 0;
  std::uint64_t preempted = 0;  ///< schedules with at least one pre-emption
  std::uint64_t deaths = 0;     ///< schedules in which somebody died
  std::uint64_t events = 0;     ///< schedules in which an event happened
  bool exhaustive = false;      ///< every schedule within the bounds was run
  double seconds = 0;

  bool failed = false;
  std::string what;      ///< of the first failure, where exploration stops
  std::string schedule;  ///< for replay_schedule()
  std::string trace;

  [[nodiscard]] bool holds() const noexcept { return !failed; }
  [[nodiscard]] std::string text() const;
};

ExploreReport explore(const ExploreScenario& scenario, const ExploreOptions& options = {});

/// Runs one schedule again, recording. The options are those it was found with.
ExploreReport replay_schedule(const ExploreScenario& scenario, const std::string& schedule,
                              const ExploreOptions& options = {});

}  // namespace ringpost::rig
