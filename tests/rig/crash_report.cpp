// Texts of the crash matrix: names of cases, reports, coverage.
#include <array>
#include <cstdio>
#include <string_view>

#include "rig/crash_matrix.hpp"

namespace ringpost::rig {
namespace {

constexpr std::array<std::string_view, 6> kWays = {
    "killed",          "killed-recovery-first", "frozen",
    "frozen-recovery", "killed-in-recovery",    "frozen-in-recovery"};

bool stops_in_recovery(CrashWay way) {
  return way == CrashWay::kKilledInRecovery || way == CrashWay::kFrozenInRecovery;
}

}  // namespace

std::string CrashCase::text() const {
  std::string text{kWays[static_cast<std::size_t>(way)]};
  text += ":k=" + std::to_string(store);
  return text + (stops_in_recovery(way) ? ",j=" + std::to_string(recovery_store)
                                        : ",s=" + std::to_string(survivor));
}

std::optional<CrashCase> CrashCase::parse(const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos) return std::nullopt;
  CrashCase result;
  bool known = false;
  for (std::size_t i = 0; i < kWays.size(); ++i) {
    if (kWays[i] != std::string_view(text).substr(0, colon)) continue;
    result.way = static_cast<CrashWay>(i);
    known = true;
  }
  unsigned long long store = 0;
  unsigned long long second = 0;
  char which = 0;
  if (!known ||
      std::sscanf(text.c_str() + colon, ":k=%llu,%c=%llu", &store, &which, &second) != 3 ||
      which != (stops_in_recovery(result.way) ? 'j' : 's')) {
    return std::nullopt;
  }
  result.store = store;
  (which == 'j' ? result.recovery_store : result.survivor) = second;
  return result;
}

std::string CrashReport::text() const {
  std::string text = scenario + ": " + operation + ", stopped at " +
                     std::to_string(stores_stopped_at) + " of " + std::to_string(stores_seen) +
                     " stores, " + std::to_string(cases) + " cases, " + std::to_string(failed) +
                     " failed\n";
  for (const CrashFailure& failure : failures) {
    text += " case " + failure.which.text() + ": " + failure.what + "\n" + failure.trace;
  }
  return text;
}

void CrashCoverage::add(const CrashReport& report) {
  Row& row = rows_[report.operation];
  ++row.scenarios;
  row.seen += report.stores_seen;
  row.stopped_at += report.stores_stopped_at;
  row.recovery_stores += report.recovery_stores;
  row.cases += report.cases;
  if (report.survivor_steps_max > row.steps_max) row.steps_max = report.survivor_steps_max;
  cases_ += report.cases;
}

bool CrashCoverage::complete() const noexcept {
  for (const auto& [name, row] : rows_) {
    if (row.seen == 0 || row.stopped_at != row.seen) return false;
  }
  return !rows_.empty();
}

std::string CrashCoverage::text() const {
  std::string text =
      "operation             scenarios  stores  stopped at  in recovery     cases  most steps\n";
  for (const auto& [name, row] : rows_) {
    char line[160];
    std::snprintf(
        line, sizeof line, "%-20s %10llu %7llu %10.1f%% %12llu %9llu %11llu\n", name.c_str(),
        static_cast<unsigned long long>(row.scenarios), static_cast<unsigned long long>(row.seen),
        row.seen == 0 ? 0.0
                      : 100.0 * static_cast<double>(row.stopped_at) / static_cast<double>(row.seen),
        static_cast<unsigned long long>(row.recovery_stores),
        static_cast<unsigned long long>(row.cases), static_cast<unsigned long long>(row.steps_max));
    text += line;
  }
  return text;
}

}  // namespace ringpost::rig
