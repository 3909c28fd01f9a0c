// The scenarios of whole queues by name, for their mutants: those of the chain of rings; fanout
// crash/<name>, fanout explore/<name>; turn crash/<name>, turn explore/<name>.
#include "rig/fanout_stage.hpp"
#include "rig/growth_stage.hpp"
#include "rig/scenario_main.hpp"
#include "rig/turn_stage.hpp"

int main(int argc, char** argv) {
  using namespace ringpost::rig;
  GrowthStage stage;
  FanoutStage fanouts;
  TurnStage turns;
  std::vector<NamedScenario> all;
  for (const NamedGrowth& each : growth_schedules()) {
    all.push_back({each.name, [&] {
                     const ExploreReport report = explore(each.make(stage), growth_options(2));
                     return report.holds() ? std::string{} : report.text();
                   }});
  }
  for (const NamedFanoutCrash& each : fanout_crashes()) {
    all.push_back({"fanout crash/" + each.name, [&] {
                     const CrashReport report = run_crash_matrix(each.make(fanouts));
                     return report.holds() ? std::string{} : report.text();
                   }});
  }
  for (const NamedFanout& each : fanout_schedules()) {
    all.push_back({"fanout explore/" + each.name, [&] {
                     ExploreOptions options;
                     options.preemptions_max = 1;
                     options.schedules_max = 2'000;
                     options.deaths_max = each.deaths_max;
                     const ExploreReport report = explore(each.make(fanouts), options);
                     return report.holds() ? std::string{} : report.text();
                   }});
  }
  for (const NamedTurnCrash& each : turn_crashes()) {
    all.push_back({"turn crash/" + each.name, [&] {
                     const CrashReport report = run_crash_matrix(each.make(turns));
                     return report.holds() ? std::string{} : report.text();
                   }});
  }
  for (const NamedTurn& each : turn_schedules()) {
    all.push_back({"turn explore/" + each.name, [&] {
                     ExploreOptions options;
                     options.preemptions_max = 3;
                     options.random_schedules = 8'000;  // depth first does not come to helpers
                     options.deaths_max = each.deaths_max;
                     const ExploreReport report = explore(each.make(turns), options);
                     return report.holds() ? std::string{} : report.text();
                   }});
  }
  return scenario_main(argc, argv, all);
}
