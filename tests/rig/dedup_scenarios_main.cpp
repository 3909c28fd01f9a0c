// The scenarios of the deduplication table by name, for its mutants:
//   story/<name>                  dedup_stories()
//   pair/<act>|<act> @<begin>     participants 1 and 2
//   crash/<act> @<begin>          participant 1 is the victim
#include <map>
#include <memory>

#include "rig/dedup_scenarios.hpp"
#include "rig/scenario_main.hpp"

namespace ringpost::rig {
namespace {

DedupStage& stage_of(std::uint64_t slots) {
  static std::map<std::uint64_t, std::unique_ptr<DedupStage>> stages;
  auto& stage = stages[slots];
  if (stage == nullptr) stage = std::make_unique<DedupStage>(slots);
  return *stage;
}

std::string explored(const ExploreScenario& scenario, int preemptions, int delayed_stores) {
  ExploreOptions options;
  options.preemptions_max = preemptions;
  options.delayed_stores_max = delayed_stores;
  options.schedules_max = 20'000;  // a mutant is noticed sooner; the rest is the explorer's
  const ExploreReport report = explore(scenario, options);
  return report.holds() ? std::string{} : report.text();
}

std::string crashed(const CrashScenario& scenario) {
  CrashOptions options;
  options.steps_max = 3'000;
  const CrashReport report = run_crash_matrix(scenario, options);
  return report.holds() ? std::string{} : report.text();
}

std::vector<NamedScenario> scenarios() {
  std::vector<NamedScenario> all;
  for (const DedupStory& each : dedup_stories()) {
    all.push_back({"story/" + each.name, [&each] {
                     return explored(each.make(stage_of(each.slots)), each.heavy ? 1 : 2,
                                     each.delayed_stores_max);
                   }});
  }
  for (const DedupBegin& begin : dedup_begins()) {
    for (const DedupAct& act : dedup_acts()) {
      if (act.late && !begin.late) continue;
      for (const DedupAct& second : dedup_acts()) {
        if (second.late) continue;
        all.push_back({"pair/" + act.name + "|" + second.name + " @" + begin.name, [&] {
                         const bool light = !act.heavy && !second.heavy;
                         return explored(dedup_pair(stage_of(kDedupSlots), act, second, begin),
                                         light && begin.deep ? 2 : 1, 0);
                       }});
      }
      all.push_back({"crash/" + act.name + " @" + begin.name,
                     [&] { return crashed(dedup_crash(stage_of(kDedupSlots), act, begin)); }});
    }
  }
  return all;
}

}  // namespace
}  // namespace ringpost::rig

int main(int argc, char** argv) {
  return ringpost::rig::scenario_main(argc, argv, ringpost::rig::scenarios());
}
