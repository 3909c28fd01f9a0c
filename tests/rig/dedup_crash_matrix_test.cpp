// The shipped deduplication table under the crash matrix: every operation in every state, stopped
// before each of its shared stores.
#include <gtest/gtest.h>

#include <cctype>
#include <cstdio>
#include <string>
#include <vector>

#include "rig/dedup_scenarios.hpp"

namespace ringpost::rig {
namespace {

class DedupCrashMatrix : public testing::TestWithParam<std::string> {};

TEST_P(DedupCrashMatrix, LeavesNothingBehindAtAnyStore) {
  const DedupAct& act = dedup_act(GetParam());
  CrashCoverage coverage;
  CrashOptions options;
  options.steps_max = 3'000;
  DedupStage stage(kDedupSlots);
  for (const DedupBegin& begin : dedup_begins()) {
    if (act.late && !begin.late) continue;
    const CrashReport report = run_crash_matrix(dedup_crash(stage, act, begin), options);
    EXPECT_TRUE(report.holds()) << report.text();
    EXPECT_EQ(report.stores_stopped_at, report.stores_seen) << report.text();
    coverage.add(report);
  }
  EXPECT_TRUE(coverage.complete()) << coverage.text();
  EXPECT_GT(coverage.cases(), 0u);
  std::printf("%s", coverage.text().c_str());
}

std::vector<std::string> act_names() {
  std::vector<std::string> names;
  for (const DedupAct& act : dedup_acts()) {
    if (act.name != "find") names.push_back(act.name);  // stores nothing, mostly
  }
  return names;
}
INSTANTIATE_TEST_SUITE_P(Dedup, DedupCrashMatrix, testing::ValuesIn(act_names()),
                         [](const auto& i) {
                           std::string name = i.param;
                           for (char& c : name)
                             c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
                           return name;
                         });

}  // namespace
}  // namespace ringpost::rig
