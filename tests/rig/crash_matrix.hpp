// The crash matrix: one operation, stopped before each of its shared stores in every way a process
// can be stopped, and everybody else has to manage.
//
// A shared store is a store, a read-modify-write or a compare-exchange that succeeds. Being stopped
// before a load is the same as being stopped before the next store, so that is all of them.
//
// way                        what happens after the victim was stopped before store k
// killed, survivors first    each survivor alone; recovery; check
// killed, recovery first     recovery; each survivor alone; check
// frozen                     each survivor alone; the victim goes on to its end; check
// frozen, recovery           recovery (must take nothing); each survivor; the victim goes on; check
// killed in recovery         recovery is killed before each of its stores j; second recovery; check
// frozen in recovery         recovery is frozen before store j; second recovery; the first goes on;
//                            check (only if recovery_may_freeze)
//
// k runs from the first store to one past the last, where the operation has ended.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "rig/scenario.hpp"

namespace ringpost::rig {

struct CrashScenario {
  Stage stage;
  Operation victim;
  std::vector<Operation> survivors;  ///< each is tried by itself
  Operation recovery;                ///< by a survivor; takes from the dead what it left
  Operation second_recovery;         ///< by a third, when the first recovery stopped
  bool recovery_may_freeze = false;  ///< off where a lock keeps a second recovery out
};

struct CrashOptions {
  std::uint64_t steps_max = 20'000;  ///< of one survivor or recovery: beyond, it is blocked
  std::uint64_t check_steps_max = 200'000;
  std::uint32_t range_pieces_max = 16;
  std::size_t failures_kept = 3;
};

enum class CrashWay : std::uint8_t {
  kKilledSurvivorsFirst,
  kKilledRecoveryFirst,
  kFrozen,
  kFrozenRecovery,
  kKilledInRecovery,
  kFrozenInRecovery,
};

/// Names one case: "killed:k=3,s=1" or "killed-in-recovery:k=3,j=2".
struct CrashCase {
  CrashWay way = CrashWay::kKilledSurvivorsFirst;
  std::uint64_t store = 0;           ///< k
  std::uint64_t recovery_store = 0;  ///< j
  std::size_t survivor = 0;          ///< s

  [[nodiscard]] std::string text() const;
  [[nodiscard]] static std::optional<CrashCase> parse(const std::string& text);
};

struct CrashFailure {
  CrashCase which;
  std::string what;
  std::string trace;
};

struct CrashReport {
  std::string scenario;
  std::string operation;                ///< the victim's
  std::uint64_t stores_seen = 0;        ///< by the victim undisturbed
  std::uint64_t stores_stopped_at = 0;  ///< of those; the point after the last does not count
  std::uint64_t recovery_stores = 0;    ///< recovery was stopped before, over all k
  std::uint64_t cases = 0;
  std::uint64_t survivor_steps_max = 0;  ///< the most that a survivor or a recovery took
  std::uint64_t failed = 0;
  std::vector<CrashFailure> failures;  ///< the first few

  [[nodiscard]] bool holds() const noexcept { return failed == 0; }
  [[nodiscard]] std::string text() const;
};

/// Runs every case.
CrashReport run_crash_matrix(const CrashScenario& scenario, const CrashOptions& options = {});

/// Runs one case again, recording; returns what failed (empty: nothing) and the trace.
CrashFailure replay_crash_case(const CrashScenario& scenario, const CrashCase& which,
                               const CrashOptions& options = {});

/// Reports summed by operation, for the line "send: 14 of 14 stores, 320 cases".
class CrashCoverage {
 public:
  void add(const CrashReport& report);
  [[nodiscard]] std::uint64_t cases() const noexcept { return cases_; }
  [[nodiscard]] bool complete() const noexcept;
  [[nodiscard]] std::string text() const;

 private:
  struct Row {
    std::uint64_t scenarios = 0, seen = 0, stopped_at = 0, recovery_stores = 0, cases = 0;
    std::uint64_t steps_max = 0;
  };
  std::map<std::string, Row> rows_;
  std::uint64_t cases_ = 0;
};

}  // namespace ringpost::rig
