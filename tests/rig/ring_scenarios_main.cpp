// The ring's scenarios by name, for its mutants:
//   explore/<name> /<slots>          ring_special_schedules(), "buffered" and "fenced" included
//   pair/<act>|<act> @<begin> /2     participants 1 and 2
//   crash/<act> @<begin>[+] /2       participant 1 is the victim; + after laps round the ring
#include <map>

#include "rig/ring_scenarios.hpp"
#include "rig/scenario_main.hpp"

namespace ringpost::rig {
namespace {

RingStage& stage_of(std::uint32_t slots) {
  static std::map<std::uint32_t, std::unique_ptr<RingStage>> stages;
  auto& stage = stages[slots];
  if (stage == nullptr) stage = std::make_unique<RingStage>(slots);
  return *stage;
}

std::string explored(const ExploreScenario& scenario, int delayed_stores_max, bool heavy = false) {
  ExploreOptions options;
  options.preemptions_max = heavy ? 1 : 2;
  options.delayed_stores_max = delayed_stores_max;
  options.schedules_max = 20'000;  // a mutant is noticed sooner; the rest is the explorer's
  const ExploreReport report = explore(scenario, options);
  return report.holds() ? std::string{} : report.text();
}

void add_special(std::vector<NamedScenario>& all) {
  for (const NamedSchedules& each : ring_special_schedules()) {
    all.push_back({"explore/" + each.name, [&each] {
                     RingStage& stage = stage_of(each.slots);
                     stage.set_fenced(each.fenced);
                     std::string what =
                         explored(each.make(stage), each.delayed_stores_max, each.heavy);
                     stage.set_fenced(false);
                     return what;
                   }});
  }
}

void add_pairs(std::vector<NamedScenario>& all) {
  for (const Act& first : ring_acts()) {
    for (const Act& second : ring_acts()) {
      for (const Begin& begin : ring_begins()) {
        all.push_back({"pair/" + first.name + "|" + second.name + " @" + begin.name + " /2", [&] {
                         return explored(
                             ring_schedules(stage_of(2), begin.name, {first.name, second.name}), 0);
                       }});
      }
    }
  }
}

void add_crashes(std::vector<NamedScenario>& all) {
  for (const Act& act : ring_acts()) {
    for (const auto* begins : {&ring_begins(), &ring_begins_with_dead()}) {
      for (const Begin& begin : *begins) {
        for (const int laps : {0, 1}) {
          all.push_back({"crash/" + act.name + " @" + begin.name + (laps > 0 ? "+" : "") + " /2",
                         [&act, &begin, laps] {
                           CrashOptions options;
                           options.steps_max = 3'000;
                           const CrashReport report =
                               run_crash_matrix(ring_crash(stage_of(2), act, begin, laps), options);
                           return report.holds() ? std::string{} : report.text();
                         }});
        }
      }
    }
  }
}

}  // namespace
}  // namespace ringpost::rig

int main(int argc, char** argv) {
  std::vector<ringpost::rig::NamedScenario> all;
  ringpost::rig::add_special(all);
  ringpost::rig::add_pairs(all);
  ringpost::rig::add_crashes(all);
  return ringpost::rig::scenario_main(argc, argv, all);
}
