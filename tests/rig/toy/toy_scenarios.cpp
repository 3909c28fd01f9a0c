// The toys' scenarios by name, for the toys' mutants.
#include "rig/scenario_main.hpp"
#include "rig/toy/scenarios.hpp"

int main(int argc, char** argv) {
  using namespace ringpost::rig;
  toy::SlotWorld<toy::Bug::kNone> world;
  std::vector<NamedScenario> scenarios;
  for (const ExploreScenario& scenario : toy::slot_schedules(world)) {
    scenarios.push_back({"explore/" + scenario.stage.name, [scenario] {
                           const ExploreReport report = explore(scenario);
                           return report.failed ? report.text() : std::string{};
                         }});
  }
  for (const CrashScenario& scenario : toy::slot_crashes(world)) {
    scenarios.push_back({"crash/" + scenario.stage.name, [scenario] {
                           const CrashReport report = run_crash_matrix(scenario);
                           return report.holds() ? std::string{} : report.text();
                         }});
  }
  return scenario_main(argc, argv, scenarios);
}
