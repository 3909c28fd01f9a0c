// The scenarios of a FIFO ring by name, for its mutants:
//   explore/<name> /<slots>          group_special_schedules()
//   crash/<act> @<begin> /4          participant 1 is the victim
#include <map>
#include <memory>

#include "rig/group_scenarios.hpp"
#include "rig/scenario_main.hpp"

namespace ringpost::rig {
namespace {

GroupStage& stage_of(std::uint32_t slots) {
  static std::map<std::uint32_t, std::unique_ptr<GroupStage>> stages;
  auto& stage = stages[slots];
  if (stage == nullptr) stage = std::make_unique<GroupStage>(slots);
  return *stage;
}

void add_explored(std::vector<NamedScenario>& all) {
  for (const GroupSchedules& each : group_special_schedules()) {
    all.push_back({"explore/" + each.name, [&each] {
                     ExploreOptions options;
                     options.preemptions_max = each.heavy ? 1 : 2;
                     options.schedules_max = 3'000;
                     const ExploreReport report = explore(each.make(stage_of(each.slots)), options);
                     return report.holds() ? std::string{} : report.text();
                   }});
  }
}

void add_crashes(std::vector<NamedScenario>& all) {
  for (const GroupAct& act : group_acts()) {
    for (const GroupBegin& begin : group_begins()) {
      all.push_back({"crash/" + act.name + " @" + begin.name + " /4", [&act, &begin] {
                       CrashOptions options;
                       options.steps_max = 5'000;
                       const CrashReport report =
                           run_crash_matrix(group_crash(stage_of(4), act, begin), options);
                       return report.holds() ? std::string{} : report.text();
                     }});
    }
  }
}

}  // namespace
}  // namespace ringpost::rig

int main(int argc, char** argv) {
  std::vector<ringpost::rig::NamedScenario> all;
  ringpost::rig::add_explored(all);
  ringpost::rig::add_crashes(all);
  return ringpost::rig::scenario_main(argc, argv, all);
}
