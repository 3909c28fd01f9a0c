#include "rig/crash_matrix.hpp"

#include <algorithm>
#include <iterator>

#include "rig/runtime.hpp"

namespace ringpost::rig {
namespace {

/// One case, from setup to check.
class CaseRun {
 public:
  CaseRun(const CrashScenario& scenario, const CrashOptions& options, CrashReport& report)
      : machine_(Machine::get()), scenario_(scenario), options_(options), report_(report) {}

  /// What is broken; empty when all holds.
  std::string run(const CrashCase& which);

  /// How many shared stores the victim makes when nobody stops it.
  std::uint64_t count_stores() { return start(RunLimits::kNone) ? machine_.stores(kVictim) : 0; }
  [[nodiscard]] bool victim_ended() const { return victim_ended_; }
  [[nodiscard]] bool recovery_ended() const { return recovery_ended_; }
  [[nodiscard]] std::vector<std::string> names() const { return names_; }

 private:
  static constexpr std::size_t kVictim = 0;

  bool start(std::uint64_t store);
  bool play(const CrashCase& which);
  std::size_t spawn(const Operation& operation);
  bool others(const Operation& operation);
  bool to_end(std::size_t fiber, const std::string& name, const char* why);
  void dies(std::size_t fiber, int participant);
  bool stop_recovery(const CrashCase& which);
  bool judge();
  bool broken(std::string what);

  Machine& machine_;
  const CrashScenario& scenario_;
  const CrashOptions& options_;
  CrashReport& report_;
  std::vector<std::string> names_;
  std::function<void()> check_body_;
  std::string what_;
  bool victim_ended_ = false;
  bool recovery_ended_ = true;
};

bool CaseRun::broken(std::string what) {
  if (what_.empty()) what_ = std::move(what);
  return false;
}

std::size_t CaseRun::spawn(const Operation& operation) {
  names_.push_back(operation.name);
  return machine_.spawn(operation.body);
}

/// Runs a fiber to its end within the bound on steps.
bool CaseRun::to_end(std::size_t fiber, const std::string& name, const char* why) {
  RunLimits limits;
  limits.steps_max = options_.steps_max;
  switch (machine_.run(fiber, limits)) {
    case Stop::kFinished:
      report_.survivor_steps_max = std::max(report_.survivor_steps_max, machine_.steps(fiber));
      return true;
    case Stop::kOutOfSteps:
      return broken(name + " " + why + ": not at its end after " +
                    std::to_string(options_.steps_max) + " steps");
    default:
      return broken(name + ": " + machine_.failure());
  }
}

bool CaseRun::others(const Operation& operation) {
  const bool victim_frozen = machine_.state(kVictim) == Stop::kAtAccess;
  return to_end(spawn(operation), operation.name,
                victim_frozen ? "is blocked by a frozen process" : "is blocked by a dead process");
}

void CaseRun::dies(std::size_t fiber, int participant) {
  if (machine_.state(fiber) != Stop::kFinished) machine_.kill(fiber);
  if (machine_.trace().recording()) {
    machine_.trace().note("participant " + std::to_string(participant) + " is dead");
  }
  if (scenario_.stage.on_death) scenario_.stage.on_death(participant);
}

bool CaseRun::start(std::uint64_t store) {
  machine_.reset();
  names_.clear();
  what_.clear();
  scenario_.stage.setup();
  if (!machine_.failure().empty()) return broken("setup: " + machine_.failure());
  RunLimits limits;
  limits.steps_max = options_.steps_max;
  limits.stores_max = store;
  const Stop stop = machine_.run(spawn(scenario_.victim), limits);
  victim_ended_ = stop == Stop::kFinished;
  if (stop == Stop::kOutOfSteps) return broken("the undisturbed victim does not end");
  if (stop == Stop::kFailed) return broken("victim: " + machine_.failure());
  if (machine_.trace().recording()) machine_.trace().note("the victim stops here");
  return true;
}

/// The first recovery stops before its store j; a second one follows.
bool CaseRun::stop_recovery(const CrashCase& which) {
  const std::size_t recovery = spawn(scenario_.recovery);
  RunLimits limits;
  limits.steps_max = options_.steps_max;
  limits.stores_max = which.recovery_store;
  const Stop stop = machine_.run(recovery, limits);
  recovery_ended_ = stop == Stop::kFinished;
  if (stop == Stop::kOutOfSteps) return broken("recovery is blocked by a dead process");
  if (stop == Stop::kFailed) return broken("recovery: " + machine_.failure());
  if (machine_.trace().recording()) machine_.trace().note("recovery stops here");
  const bool frozen = which.way == CrashWay::kFrozenInRecovery;
  if (!frozen) dies(recovery, scenario_.recovery.participant);
  if (!others(scenario_.second_recovery)) return false;
  return !frozen || recovery_ended_ || to_end(recovery, "recovery", "does not end once resumed");
}

bool CaseRun::play(const CrashCase& which) {
  const auto survivor = [&] {
    return which.survivor >= scenario_.survivors.size() ||
           others(scenario_.survivors[which.survivor]);
  };
  const auto victim_goes_on = [&] {
    return victim_ended_ || to_end(kVictim, scenario_.victim.name, "does not end once resumed");
  };
  const int victim = scenario_.victim.participant;
  switch (which.way) {
    case CrashWay::kKilledSurvivorsFirst:
      dies(kVictim, victim);
      return survivor() && others(scenario_.recovery);
    case CrashWay::kKilledRecoveryFirst:
      dies(kVictim, victim);
      return others(scenario_.recovery) && survivor();
    case CrashWay::kFrozen:
      return survivor() && victim_goes_on();
    case CrashWay::kFrozenRecovery:
      return others(scenario_.recovery) && survivor() && victim_goes_on();
    case CrashWay::kKilledInRecovery:
    case CrashWay::kFrozenInRecovery:
      dies(kVictim, victim);
      return stop_recovery(which);
  }
  return false;
}

bool CaseRun::judge() {
  if (machine_.trace().recording()) machine_.trace().note("check");
  std::string verdict;
  check_body_ = [&] { verdict = scenario_.stage.check(); };
  names_.push_back("check");
  RunLimits limits;
  limits.steps_max = options_.check_steps_max;
  const Stop stop = machine_.run(machine_.spawn(check_body_), limits);
  if (stop == Stop::kOutOfSteps) return broken("the check does not end: a survivor is blocked");
  if (stop == Stop::kFailed) return broken(machine_.failure());
  return verdict.empty() || broken(verdict);
}

std::string CaseRun::run(const CrashCase& which) {
  if (start(which.store) && play(which)) judge();
  return what_;
}

/// Drives CaseRun through every case of a scenario.
class Matrix {
 public:
  Matrix(const CrashScenario& scenario, const CrashOptions& options)
      : scenario_(scenario), options_(options), run_(scenario, options, report_) {
    report_.scenario = scenario.stage.name;
    report_.operation = scenario.victim.name;
  }

  CrashReport all() {
    Machine::get().set_range_pieces_max(options_.range_pieces_max);
    report_.stores_seen = run_.count_stores();
    for (std::uint64_t store = 0; store <= report_.stores_seen; ++store) {
      with_each_survivor(store);
      if (!run_.victim_ended()) ++report_.stores_stopped_at;
      in_recovery(CrashWay::kKilledInRecovery, store);
      if (scenario_.recovery_may_freeze) in_recovery(CrashWay::kFrozenInRecovery, store);
    }
    return std::move(report_);
  }

 private:
  void one(const CrashCase& which) {
    ++report_.cases;
    std::string what = run_.run(which);
    if (what.empty()) return;
    ++report_.failed;
    if (report_.failures.size() < options_.failures_kept) {
      report_.failures.push_back(replay_crash_case(scenario_, which, options_));
      // The same again, or the scenario is not deterministic.
      if (report_.failures.back().what != what) {
        CrashFailure& kept = report_.failures.back();
        kept.what = what + " (but replayed: " + kept.what + ")";
      }
    }
  }

  void with_each_survivor(std::uint64_t store) {
    const std::size_t survivors = std::max<std::size_t>(scenario_.survivors.size(), 1);
    for (const CrashWay way : {CrashWay::kKilledSurvivorsFirst, CrashWay::kKilledRecoveryFirst,
                               CrashWay::kFrozen, CrashWay::kFrozenRecovery}) {
      for (std::size_t survivor = 0; survivor < survivors; ++survivor) {
        one({way, store, 0, survivor});
      }
    }
  }

  void in_recovery(CrashWay way, std::uint64_t store) {
    for (std::uint64_t j = 0;; ++j) {
      const std::uint64_t failed = report_.failed;
      one({way, store, j, 0});
      if (run_.recovery_ended() || report_.failed != failed) return;
      ++report_.recovery_stores;
    }
  }

  const CrashScenario& scenario_;
  const CrashOptions& options_;
  CrashReport report_;
  CaseRun run_;
};

}  // namespace

CrashReport run_crash_matrix(const CrashScenario& scenario, const CrashOptions& options) {
  return Matrix(scenario, options).all();
}

CrashFailure replay_crash_case(const CrashScenario& scenario, const CrashCase& which,
                               const CrashOptions& options) {
  Machine& machine = Machine::get();
  machine.set_range_pieces_max(options.range_pieces_max);
  CrashReport scratch;
  CaseRun run(scenario, options, scratch);
  machine.trace().set_recording(true);
  CrashFailure failure{which, run.run(which), {}};
  machine.trace().set_recording(false);
  failure.trace = machine.trace().text(run.names(), scenario.stage.describe);
  return failure;
}

}  // namespace ringpost::rig
