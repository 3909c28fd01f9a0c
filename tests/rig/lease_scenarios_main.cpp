// The scenarios of leases by name, for their mutants:
//   pair/<act>|<act> @<begin>     consumers 1 and 2
//   crash/<act> @<begin>          consumer 1 is the victim
//   control/<name>                control_schedules()
#include "rig/control_stage.hpp"
#include "rig/lease_scenarios.hpp"
#include "rig/scenario_main.hpp"

int main(int argc, char** argv) {
  using namespace ringpost::rig;
  LeaseStage stage;
  ControlStage control;
  std::vector<NamedScenario> all;
  for (const NamedControl& each : control_schedules()) {
    all.push_back({"control/" + each.name, [&] {
                     ExploreOptions options;
                     options.preemptions_max = 1;
                     options.reduce = false;
                     const ExploreReport report = explore(each.make(control), options);
                     return report.holds() ? std::string{} : report.text();
                   }});
  }
  for (const LeaseBegin& begin : lease_begins()) {
    for (const LeaseAct& act : lease_acts()) {
      for (const LeaseAct& second : lease_acts()) {
        all.push_back({"pair/" + act.name + "|" + second.name + " @" + begin.name, [&] {
                         ExploreOptions options;
                         options.preemptions_max = 1;
                         const ExploreReport report =
                             explore(lease_pair(stage, act, second, begin), options);
                         return report.holds() ? std::string{} : report.text();
                       }});
      }
      all.push_back({"crash/" + act.name + " @" + begin.name, [&] {
                       const CrashReport report = run_crash_matrix(lease_crash(stage, act, begin));
                       return report.holds() ? std::string{} : report.text();
                     }});
    }
  }
  return scenario_main(argc, argv, all);
}
