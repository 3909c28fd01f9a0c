// The scenarios of moves by name, for their mutants: crash/<name>, explore/<name>.
#include "rig/group_move_stage.hpp"
#include "rig/move_stage.hpp"
#include "rig/scenario_main.hpp"

int main(int argc, char** argv) {
  using namespace ringpost::rig;
  MoveStage stage;
  GroupMoveStage groups;
  std::vector<NamedScenario> all;
  for (const NamedMoveCrash& each : move_crashes()) {
    all.push_back({"crash/" + each.name, [&] {
                     const CrashReport report = run_crash_matrix(each.make(stage));
                     return report.holds() ? std::string{} : report.text();
                   }});
  }
  for (const NamedMove& each : move_schedules()) {
    all.push_back({"explore/" + each.name, [&] {
                     ExploreOptions options;
                     options.preemptions_max = 1;
                     const ExploreReport report = explore(each.make(stage), options);
                     return report.holds() ? std::string{} : report.text();
                   }});
  }
  for (const NamedGroupMoveCrash& each : group_move_crashes()) {
    all.push_back({"group crash/" + each.name, [&] {
                     const CrashReport report = run_crash_matrix(each.make(groups));
                     return report.holds() ? std::string{} : report.text();
                   }});
  }
  for (const NamedGroupMove& each : group_move_schedules()) {
    all.push_back({"group explore/" + each.name, [&] {
                     ExploreOptions options;
                     options.preemptions_max = each.preemptions;
                     options.iterative = each.preemptions == 1;
                     options.schedules_max = options.iterative ? 2'000 : 40'000;
                     const ExploreReport report = explore(each.make(groups), options);
                     return report.holds() ? std::string{} : report.text();
                   }});
  }
  return scenario_main(argc, argv, all);
}
