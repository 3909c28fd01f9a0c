// The scenarios of the journal by name, for its mutants:
//   story/<name>                  journal_stories()
//   pair/<act>|<act> @<begin>     participants 1 and 2
//   crash/<act> @<begin>          participant 1 is the victim
#include "rig/journal_scenarios.hpp"
#include "rig/scenario_main.hpp"

namespace ringpost::rig {
namespace {

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
  for (const JournalStory& each : journal_stories()) {
    all.push_back({"story/" + each.name, [&each] {
                     return explored(each.make(), each.heavy ? 1 : 2, each.delayed_stores_max);
                   }});
  }
  for (const JournalBegin& begin : journal_begins()) {
    for (const JournalAct& act : journal_acts()) {
      if (!can_act(act, begin)) continue;
      for (const JournalAct& second : journal_acts()) {
        if (second.late || !can_act(second, begin)) continue;
        all.push_back({"pair/" + act.name + "|" + second.name + " @" + begin.name, [&] {
                         const bool light = !act.heavy && !second.heavy;
                         return explored(journal_pair(act, second, begin),
                                         light && begin.deep ? 2 : 1, 0);
                       }});
      }
      all.push_back({"crash/" + act.name + " @" + begin.name,
                     [&] { return crashed(journal_crash(act, begin)); }});
    }
  }
  return all;
}

}  // namespace
}  // namespace ringpost::rig

int main(int argc, char** argv) {
  return ringpost::rig::scenario_main(argc, argv, ringpost::rig::scenarios());
}
