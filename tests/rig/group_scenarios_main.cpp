// The scenarios of FIFO and fair rings by name, for their mutants:
//   explore/<name>                   group_special_schedules()
//   crash/<act> @<begin> /4          participant 1 is the victim
//   fair/explore/…, fair/crash/…     the same of a fair ring
#include <map>
#include <memory>

#include "rig/group_scenarios.hpp"
#include "rig/scenario_main.hpp"

namespace ringpost::rig {
namespace {

using ring::RingKind;

GroupStage& stage_of(std::uint32_t slots, RingKind kind) {
  static std::map<std::pair<std::uint32_t, RingKind>, std::unique_ptr<GroupStage>> stages;
  auto& stage = stages[{slots, kind}];
  if (stage == nullptr) stage = std::make_unique<GroupStage>(slots, kind);
  return *stage;
}

void add_explored(std::vector<NamedScenario>& all, const std::string& prefix, RingKind kind,
                  const std::vector<GroupSchedules>& schedules) {
  for (const GroupSchedules& each : schedules) {
    all.push_back({prefix + "explore/" + each.name, [&each, kind] {
                     ExploreOptions options;
                     options.preemptions_max = each.heavy ? 1 : 2;
                     options.schedules_max = 3'000;
                     const ExploreReport report =
                         explore(each.make(stage_of(each.slots, kind)), options);
                     return report.holds() ? std::string{} : report.text();
                   }});
  }
}

void add_crashes(std::vector<NamedScenario>& all, const std::string& prefix, RingKind kind,
                 const std::vector<GroupAct>& acts, const std::vector<GroupBegin>& begins) {
  for (const GroupAct& act : acts) {
    for (const GroupBegin& begin : begins) {
      all.push_back(
          {prefix + "crash/" + act.name + " @" + begin.name + " /4", [&act, &begin, kind] {
             CrashOptions options;
             options.steps_max = 5'000;
             const CrashReport report =
                 run_crash_matrix(group_crash(stage_of(4, kind), act, begin), options);
             return report.holds() ? std::string{} : report.text();
           }});
    }
  }
}

}  // namespace
}  // namespace ringpost::rig

int main(int argc, char** argv) {
  std::vector<ringpost::rig::NamedScenario> all;
  using ringpost::ring::RingKind;
  namespace rig = ringpost::rig;
  rig::add_explored(all, "", RingKind::kFifo, rig::group_special_schedules());
  rig::add_crashes(all, "", RingKind::kFifo, rig::group_acts(), rig::group_begins());
  rig::add_explored(all, "fair/", RingKind::kFair, rig::fair_schedules());
  rig::add_crashes(all, "fair/", RingKind::kFair, rig::fair_acts(), rig::fair_begins());
  return ringpost::rig::scenario_main(argc, argv, all);
}
