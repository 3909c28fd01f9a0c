#include "rig/explorer.hpp"

#include <chrono>
#include <cstdio>

#include "rig/choice.hpp"
#include "rig/runtime.hpp"
#include "rig/schedule_run.hpp"

namespace ringpost::rig {
namespace {

class Exploration {
 public:
  Exploration(const ExploreScenario& scenario, const ExploreOptions& options)
      : scenario_(scenario), options_(options), run_(scenario, options) {
    report_.scenario = scenario.stage.name;
    Machine::get().set_range_pieces_max(options.range_pieces_max);
  }

  ExploreReport all() {
    const auto began = std::chrono::steady_clock::now();
    if (options_.random_schedules != 0) {
      at_random();
    } else {
      for (int bound = options_.iterative ? 0 : options_.preemptions_max;
           bound <= options_.preemptions_max && !report_.failed && !cut_off(); ++bound) {
        depth_first(bound);
      }
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    report_.seconds = took.count();
    return std::move(report_);
  }

  ExploreReport one(const std::string& schedule) {
    const auto parsed = Schedule::parse(schedule);
    if (!parsed) {
      report_.failed = true;
      report_.what = "not a schedule: " + schedule;
      return std::move(report_);
    }
    report_.schedule = schedule;
    Replay replay(*parsed);
    Machine& machine = Machine::get();
    machine.trace().set_recording(true);
    const ScheduleRun::Result& result = run_.run(replay, parsed->preemptions_max());
    machine.trace().set_recording(false);
    count(result);
    report_.trace = machine.trace().text(run_.names(), scenario_.stage.describe);
    report_.failed = !result.what.empty() || replay.strayed();
    report_.what = result.what;
    if (replay.strayed()) report_.what += " (the schedule does not fit any more)";
    return std::move(report_);
  }

 private:
  [[nodiscard]] bool cut_off() const {
    return options_.schedules_max != 0 &&
           report_.schedules + report_.pruned >= options_.schedules_max;
  }

  void count(const ScheduleRun::Result& result) {
    ++(result.pruned ? report_.pruned : report_.schedules);
    report_.steps += result.steps;
    if (result.pruned) return;
    report_.preempted += result.preemptions > 0 ? 1 : 0;
    report_.deaths += result.deaths > 0 ? 1 : 0;
    report_.events += result.events > 0 ? 1 : 0;
  }

  /// False: it failed, and has been run again for its trace.
  bool holds(Chooser& chooser, int bound) {
    const ScheduleRun::Result result = run_.run(chooser, bound);
    count(result);
    if (result.what.empty()) return true;
    report_.failed = true;
    report_.what = result.what;
    report_.schedule = run_.schedule().text();
    const ExploreReport replayed = replay_schedule(scenario_, report_.schedule, options_);
    report_.trace = replayed.trace;
    if (replayed.what != result.what) report_.what += " (but replayed: " + replayed.what + ")";
    return false;
  }

  void depth_first(int bound) {
    DepthFirst chooser;
    do {
      if (cut_off()) return;
      if (!holds(chooser, bound)) return;
    } while (chooser.next());
    report_.exhaustive = bound == options_.preemptions_max;
  }

  void at_random() {
    const int changes = options_.preemptions_max + options_.deaths_max + 1;
    RandomChooser chooser(options_.seed, changes);
    for (std::uint64_t i = 0; i < options_.random_schedules; ++i) {
      chooser.next();
      if (!holds(chooser, options_.preemptions_max)) return;
    }
  }

  const ExploreScenario& scenario_;
  const ExploreOptions& options_;
  ScheduleRun run_;
  ExploreReport report_;
};

}  // namespace

ExploreReport explore(const ExploreScenario& scenario, const ExploreOptions& options) {
  return Exploration(scenario, options).all();
}

ExploreReport replay_schedule(const ExploreScenario& scenario, const std::string& schedule,
                              const ExploreOptions& options) {
  return Exploration(scenario, options).one(schedule);
}

std::string ExploreReport::text() const {
  char line[200];
  const double rate = seconds > 0 ? static_cast<double>(schedules + pruned) / seconds : 0;
  std::snprintf(line, sizeof line, ": %llu schedules (and %llu equal ones), %s, %.0f a second\n",
                static_cast<unsigned long long>(schedules), static_cast<unsigned long long>(pruned),
                failed       ? "FAILED"
                : exhaustive ? "exhaustive"
                             : "cut off",
                rate);
  std::string text = scenario + line;
  if (failed) text += " " + what + "\n schedule \"" + schedule + "\"\n" + trace;
  return text;
}

}  // namespace ringpost::rig
