// The scenarios of durable queues by name, for their mutants: crash/<name>, explore/<name>.
#include "rig/durable_stage.hpp"
#include "rig/scenario_main.hpp"

int main(int argc, char** argv) {
  using namespace ringpost::rig;
  std::vector<NamedScenario> all;
  for (const NamedDurableCrash& each : durable_crashes()) {
    all.push_back({"crash/" + each.name, [&] {
                     const CrashReport report = run_crash_matrix(each.make());
                     return report.holds() ? std::string{} : report.text();
                   }});
  }
  for (const NamedDurable& each : durable_schedules()) {
    all.push_back({"explore/" + each.name, [&] {
                     const ExploreReport report = explore_durable(each, 1, 400, 0);
                     return report.holds() ? std::string{} : report.text();
                   }});
  }
  return scenario_main(argc, argv, all);
}
