#include "rig/dedup_scenarios.hpp"

#include <algorithm>
#include <cstdlib>

namespace ringpost::rig {
namespace {

using S = DedupStage;

// Ids: 1 is that of the states and of whoever meets, 2 has its print, 3 its first choice.
std::vector<DedupAct> make_acts() {
  return {
      {"send", [](S& s, int me) { s.send(me, 1); }},
      {"other", [](S& s, int me) { s.send(me, 2); }},
      {"pass", [](S& s, int me) { s.pass(me); }},
      {"purge", [](S& s, int me) { s.purge(me); }},
      {"late", [](S& s, int me) { s.finish_send(me); }, true},
      {"find", [](S& s, int me) { s.find(me, 1); }},
      {"sweep", [](S& s, int me) { s.sweep(me); }, false, true},
      {"round",
       [](S& s, int me) {
         for (std::uint64_t i = 0; i <= kDedupSlots; ++i) s.pass(me), s.send(me, 3);
       },
       false, true, true},
      {"send-twice",
       [](S& s, int me) {
         s.send(me, 1);
         s.pass(me);
         s.send(me, 2);
         s.pass(me);
         s.send(me, 1);
       },
       false, true, true},
  };
}

std::vector<DedupBegin> make_begins() {
  const auto empty = [](S&) {};
  const auto accepted = [](S& s) { s.send(4, 1); };
  const auto passed = [](S& s) { s.send(4, 1), s.pass(4); };
  const auto over = [](S& s) { s.send(4, 1), s.pass(4), s.tick(); };
  const auto filling = [](S& s) { s.begin_send(3, 1); };
  const auto skipped = [](S& s) { s.begin_send(3, 1), s.skip(4); };
  const auto gone = [](S& s) {
    s.begin_send(3, 1), s.pass(4);
    for (std::uint64_t i = 0; i <= kDedupSlots; ++i) s.send(4, 3), s.pass(4);
  };
  const auto published = [](S& s) { s.begin_send(3, 1), s.publish_only(3); };
  const auto freed = [](S& s) { s.begin_send(3, 1), s.pass(4), s.die(3), s.free_only(1); };
  const auto taken = [](S& s) { s.take_only(3, 1), s.die(3); };
  const auto dead = [](const auto& build) { return [build](S& s) { build(s), s.die(3); }; };
  const auto one = [](const auto& build) {
    return [build](S& s) { s.fill_all_but(1), s.may_be_full(), build(s); };
  };
  return {
      {"empty", empty, false, true},
      {"accepted", accepted},
      {"passed", passed},
      {"over", over, false, true},
      {"filling", filling, true, true},
      {"skipped", skipped, true},
      {"gone-round", gone, true},
      {"published", published, true},
      {"dead-filling", dead(filling)},
      {"dead-skipped", dead(skipped)},
      {"dead-published", dead(published)},
      {"dead-freed", freed, false, true},
      {"dead-taken", taken},
      {"one-left", one(empty)},
      {"one-over", one(over)},
      {"one-skipped", one(skipped), true},
      {"one-published", one(published), true},
      {"one-dead", one(dead(skipped))},
  };
}

template <class T>
const T& named(const std::vector<T>& all, const std::string& name) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const T& each) { return each.name == name; });
  if (found == all.end()) std::abort();
  return *found;
}

}  // namespace

const std::vector<DedupAct>& dedup_acts() {
  static const std::vector<DedupAct> acts = make_acts();
  return acts;
}
const std::vector<DedupBegin>& dedup_begins() {
  static const std::vector<DedupBegin> begins = make_begins();
  return begins;
}
const DedupAct& dedup_act(const std::string& name) { return named(dedup_acts(), name); }
const DedupBegin& dedup_begin(const std::string& name) { return named(dedup_begins(), name); }

ExploreScenario dedup_pair(DedupStage& stage, const DedupAct& first, const DedupAct& second,
                           const DedupBegin& begin) {
  ExploreScenario scenario;
  scenario.stage = stage.stage(first.name + "|" + second.name + " @" + begin.name,
                               [&stage, build = begin.build] { build(stage); });
  int number = 0;
  bool sweeps = false;
  for (const DedupAct* act : {&first, &second}) {
    const int me = act->late ? 3 : ++number;
    scenario.operations.push_back(
        {act->name, me, [&stage, me, run = act->run] { run(stage, me); }});
    sweeps |= act->name == "sweep";
    if (act->name != "sweep") scenario.mortal.push_back(me);
  }
  if (sweeps) return scenario;
  scenario.mortal.clear();
  scenario.events.push_back(stage.tick_event("tick"));
  return scenario;
}

CrashScenario dedup_crash(DedupStage& stage, const DedupAct& act, const DedupBegin& begin) {
  CrashScenario scenario;
  scenario.stage =
      stage.stage(act.name + " @" + begin.name, [&stage, build = begin.build] { build(stage); });
  const int victim = act.late ? 3 : 1;
  scenario.victim = {act.name, victim, [&stage, victim, run = act.run] { run(stage, victim); }};
  for (const char* name : {"send", "other", "purge", "round"}) {
    scenario.survivors.push_back({name, 2, [&stage, name] { dedup_act(name).run(stage, 2); }});
  }
  scenario.survivors.push_back({"send later", 2, [&stage] {
                                  stage.tick();
                                  stage.send(2, 1);
                                }});
  scenario.recovery = {"sweep", 4, [&stage] { stage.sweep(4); }};
  scenario.second_recovery = {"second sweep", 2, [&stage] { stage.sweep(2); }};
  scenario.recovery_may_freeze = true;
  return scenario;
}

}  // namespace ringpost::rig
