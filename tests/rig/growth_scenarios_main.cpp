// The scenarios of growth by name, for their mutants.
#include "rig/growth_stage.hpp"
#include "rig/scenario_main.hpp"

int main(int argc, char** argv) {
  using namespace ringpost::rig;
  GrowthStage stage;
  std::vector<NamedScenario> all;
  for (const NamedGrowth& each : growth_schedules()) {
    all.push_back({each.name, [&] {
                     const ExploreReport report = explore(each.make(stage), growth_options(2));
                     return report.holds() ? std::string{} : report.text();
                   }});
  }
  return scenario_main(argc, argv, all);
}
