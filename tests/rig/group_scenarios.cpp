#include "rig/group_scenarios.hpp"

#include <algorithm>
#include <cstdlib>

namespace ringpost::rig {
namespace {

// Ids: acts 1 … 12 (of participant `me`), survivors 15 …, leases in hand 20 + 2 me, states 30 ….
// Groups: 1 and 2 of acts and states; 3 + me of what a participant holds.
void hold(GroupStage& s, int me) {
  s.send(4, 20 + 2 * me, 3 + me);
  s.receive(me);
}
void hold_two(GroupStage& s, int me) {
  s.send(4, 20 + 2 * me, 3 + me);
  s.send(4, 21 + 2 * me, 3 + me);
  s.receive(me, 2);
}
void hold_in_block(GroupStage& s, int me) {
  s.send_in_block(4, 20 + 2 * me, 3 + me);
  s.receive(me);
}
void hold_in_place(GroupStage& s, int me) {
  s.send(4, 20 + 2 * me, 3 + me);
  s.receive_in_place(me);
}
/// One of group 1, another behind it: whoever holds the first decides when the second one comes.
void hold_first(GroupStage& s, int me) {
  s.send(4, 20 + 2 * me, 1);
  s.send(4, 21 + 2 * me, 1);
  s.receive(me);
  s.receive(4);  // places the second
}
void hold_for_long(GroupStage& s, int me) {
  hold_first(s, me);
  s.extend(me, 100'000);
}

/// Under the id of an attempt, by another one.
void attempt_two(GroupStage& s, int me) {
  s.send(4, 20 + 2 * me, 3 + me);
  s.send(4, 21 + 2 * me, 3 + me);
  s.receive_as(4, 1, 2);
}

void acknowledge_all(GroupStage& s, int me) {
  s.acknowledge(me);
  s.acknowledge(me);
}

std::vector<GroupAct> make_sends() {
  return {
      {"send", [](GroupStage& s, int me) { s.send(me, me, 1); }, {}},
      {"send-other", [](GroupStage& s, int me) { s.send(me, me, 2); }, {}},
      {"send2",
       [](GroupStage& s, int me) { s.send(me, 2 * me + 3, 1), s.send(me, 2 * me + 4, 1); },
       {}},
      {"send-both",
       [](GroupStage& s, int me) { s.send(me, 2 * me + 3, 1), s.send(me, 2 * me + 4, 2); },
       {}},
      {"send-block", [](GroupStage& s, int me) { s.send_in_block(me, me, 1); }, {}},
      {"sleep-send", [](GroupStage& s, int me) { s.sleep_for_room(me, me, 1); }, {}},
  };
}

std::vector<GroupAct> make_receives() {
  return {
      {"receive", [](GroupStage& s, int me) { s.receive(me); }, {}},
      {"receive2", [](GroupStage& s, int me) { s.receive(me, 2); }, {}},
      {"receive-twice", [](GroupStage& s, int me) { s.receive(me), s.receive(me); }, {}},
      {"consume", [](GroupStage& s, int me) { s.receive(me), s.acknowledge(me); }, {}},
      {"consume2", [](GroupStage& s, int me) { s.receive(me, 2), acknowledge_all(s, me); }, {}},
      {"consume-all",
       [](GroupStage& s, int me) {
         for (int i = 0; i < 4 && s.receive(me) != 0; ++i) s.acknowledge(me);
       },
       {}},
      {"read-in-place",
       [](GroupStage& s, int me) {
         s.receive_in_place(me);
         s.finish_reading(me);
         s.acknowledge(me);
       },
       {},
       true},
      {"use",
       [](GroupStage& s, int me) {
         s.send(me, me + 14, 1);
         s.receive(me);
         s.acknowledge(me);
       },
       {}},
      {"sleep-receive", [](GroupStage& s, int me) { s.sleep_for_message(me); }, {}},
      {"attempt", [](GroupStage& s, int me) { s.receive_as(me, 1, 2); }, {}, true, false, true},
      {"attempt-again", [](GroupStage& s, int me) { s.receive_as(me, 1, 2), s.acknowledge(me); },
       attempt_two, true, false, true},
  };
}

std::vector<GroupAct> make_settles() {
  return {
      {"acknowledge", [](GroupStage& s, int me) { s.acknowledge(me); }, hold},
      {"acknowledge-first", [](GroupStage& s, int me) { s.acknowledge(me); }, hold_first, true},
      {"acknowledge-receipt", [](GroupStage& s, int me) { s.acknowledge_by_receipt(me); }, hold},
      {"acknowledge-block", [](GroupStage& s, int me) { s.acknowledge(me); }, hold_in_block},
      {"acknowledge-view",
       [](GroupStage& s, int me) {
         s.finish_reading(me);
         s.acknowledge(me);
       },
       hold_in_place, true},
      {"acknowledge2", acknowledge_all, hold_two},
      {"acknowledge2-last-first",
       [](GroupStage& s, int me) {
         s.acknowledge(me, 1);
         s.acknowledge(me);
       },
       hold_two},
      {"acknowledge-last", [](GroupStage& s, int me) { s.acknowledge(me, 1); }, hold_two},
      {"release", [](GroupStage& s, int me) { s.release(me); }, hold_first},
      {"release2",
       [](GroupStage& s, int me) {
         s.release(me, 1);
         s.release(me);
       },
       hold_two},
      {"extend", [](GroupStage& s, int me) { s.extend(me, 5'000); }, hold_first, true},
      {"shorten", [](GroupStage& s, int me) { s.extend(me, 10); }, hold_for_long, true},
  };
}

std::vector<GroupAct> make_repairs() {
  return {
      {"expire", [](GroupStage& s, int me) { s.expire(me); }, {}, true},
      {"expire+consume",
       [](GroupStage& s, int me) {
         s.expire(me);
         s.receive(me);
         s.acknowledge(me);
       },
       {},
       true},
      {"purge", [](GroupStage& s, int me) { s.purge(me); }, {}},
      {"repair", [](GroupStage& s, int me) { s.repair(me); }, {}},
      {"sweep", [](GroupStage& s, int me) { s.sweep(me); }, {}, false, true},
  };
}

/// Whoever acts has seen the ring as it is: their cursors are where they can be.
void look_round(GroupStage& s) {
  for (const int me : {1, 2}) s.receive(me);
}
/// 3 has the first of group 1 in flight; another one waits behind it, placed.
void locked(GroupStage& s) {
  s.send(4, 30, 1);
  s.receive(3);
  s.send(4, 31, 1);
  s.receive(4);
}
void batch(GroupStage& s) {
  s.send(4, 30, 1), s.send(4, 31, 1);
  s.receive(3, 2);
}
/// The ring has gone round over slots that 3 holds.
void skipped(GroupStage& s) {
  s.send(4, 30, 1);
  s.receive(3);
  for (int i = 0; i <= static_cast<int>(s.slots()); ++i) {
    if (!s.send(4, 31 + i, 2)) continue;
    s.receive(4);
    s.acknowledge(4);
  }
}

std::vector<GroupBegin> make_begins() {
  return {
      {"empty", [](GroupStage&) {}},
      {"one", [](GroupStage& s) { s.send(4, 30, 1); }},
      {"two", [](GroupStage& s) { s.send(4, 30, 1), s.send(4, 31, 1); }},
      {"both", [](GroupStage& s) { s.send(4, 30, 1), s.send(4, 31, 2); }},
      {"mixed", [](GroupStage& s) { s.send(4, 30, 1), s.send(4, 31, 2), s.send(4, 32, 1); }},
      {"full",
       [](GroupStage& s) {
         for (int i = 0; i < static_cast<int>(s.slots()); ++i) s.send(4, 30 + i, 1 + i % 2);
       }},
      {"leased", [](GroupStage& s) { s.send(4, 30, 1), s.receive(3); }},
      {"leased+one", [](GroupStage& s) { s.send(4, 30, 1), s.receive(3), s.send(4, 31, 1); }},
      {"locked", locked},
      {"batch", batch},
      {"batch-last-gone", [](GroupStage& s) { batch(s), s.acknowledge(3, 1); }},
      {"returned", [](GroupStage& s) { locked(s), look_round(s), s.release(3); }},
      {"batch-returned", [](GroupStage& s) { batch(s), s.release(3, 1), s.release(3); }},
      {"batch-first-returned", [](GroupStage& s) { batch(s), s.release(3); }},
      {"block", [](GroupStage& s) { s.send_in_block(4, 30, 1); }},
      {"claimed", [](GroupStage& s) { s.claim_only(3, 30, 1); }},
      {"claimed+one", [](GroupStage& s) { s.claim_only(3, 30, 1), s.send(4, 31, 1); }},
      {"await", [](GroupStage& s) { s.claim_only(3, 30, 1), s.send(4, 31, 2), s.receive(4); }},
      {"over", [](GroupStage& s) { locked(s), look_round(s), s.tick(); }},
      {"over-in-place",
       [](GroupStage& s) { s.send(4, 30, 1), s.receive_in_place(3), s.send(4, 31, 1), s.tick(); }},
      {"delayed",
       [](GroupStage& s) { s.set_delay(50), s.send(4, 30, 1), s.send(4, 31, 1), s.receive(4); }},
      {"due",
       [](GroupStage& s) {
         s.set_delay(50), s.send(4, 30, 1), s.send(4, 31, 1), s.receive(4), s.tick();
       }},
      {"acked", [](GroupStage& s) { locked(s), look_round(s), s.acknowledge_halfway(3); }},
      {"acked-over",
       [](GroupStage& s) { locked(s), look_round(s), s.acknowledge_halfway(3), s.tick(); }},
      {"worn", [](GroupStage& s) { s.wear_out_records(); }},
      {"worn+one", [](GroupStage& s) { s.wear_out_records(), s.send(4, 30, 1); }},
      {"consumed", [](GroupStage& s) { s.send(4, 30, 1), s.receive(4), s.acknowledge(4); }},
      {"skipped", skipped},
      {"skipped+one", [](GroupStage& s) { skipped(s), s.send(4, 40, 1); }},
      {"skipped-returned", [](GroupStage& s) { skipped(s), look_round(s), s.release(3); }},
      {"turned+two", [](GroupStage& s) { s.send(4, 30, 1), s.send(4, 31, 1); }, 1},
      // With dead.
      {"dead-sender", [](GroupStage& s) { s.claim_only(3, 30, 1), s.die(3), s.send(4, 31, 1); }},
      {"dead-sender-await",
       [](GroupStage& s) {
         s.claim_only(3, 30, 1), s.die(3), s.send(4, 31, 1), s.receive(4), s.acknowledge(4);
       }},
      {"dead-consumer", [](GroupStage& s) { locked(s), s.die(3); }},
      {"dead-batch", [](GroupStage& s) { batch(s), s.acknowledge(3, 1), s.die(3); }},
      {"dead-settler", [](GroupStage& s) { locked(s), s.acknowledge_halfway(3), s.die(3); }},
      {"dead-reader",
       [](GroupStage& s) { s.send(4, 30, 1), s.receive_in_place(3), s.send(4, 31, 1), s.die(3); }},
  };
}

template <class T>
const T& named(const std::vector<T>& all, const std::string& name) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const T& each) { return each.name == name; });
  if (found == all.end()) std::abort();
  return *found;
}

std::function<void()> beginning(GroupStage& stage, const GroupBegin& begin,
                                std::vector<GroupAct> acts) {
  return [&stage, laps = begin.laps, build = begin.build, acts = std::move(acts)] {
    if (laps > 0) stage.turn(laps);
    for (std::size_t i = 0; i < acts.size(); ++i) {
      if (acts[i].prepare) acts[i].prepare(stage, static_cast<int>(i) + 1);
    }
    build(stage);
  };
}

std::string suffix(const GroupStage& stage, const std::string& begin) {
  return " @" + begin + " /" + std::to_string(stage.slots());
}

}  // namespace

const std::vector<GroupAct>& group_acts() {
  static const std::vector<GroupAct> acts = [] {
    std::vector<GroupAct> all = make_sends();
    for (auto* make : {make_receives, make_settles, make_repairs}) {
      for (GroupAct& act : make()) all.push_back(std::move(act));
    }
    return all;
  }();
  return acts;
}
const std::vector<GroupBegin>& group_begins() {
  static const std::vector<GroupBegin> begins = make_begins();
  return begins;
}
const GroupAct& group_act(const std::string& name) { return named(group_acts(), name); }

ExploreScenario group_schedules(GroupStage& stage, const std::string& begin_name,
                                const std::vector<std::string>& act_names, bool mortal) {
  std::vector<GroupAct> acts;
  for (const std::string& act : act_names) acts.push_back(group_act(act));
  return schedules_of(stage, named(group_begins(), begin_name), std::move(acts), mortal);
}

ExploreScenario schedules_of(GroupStage& stage, const GroupBegin& begin, std::vector<GroupAct> acts,
                             bool mortal) {
  ExploreScenario scenario;
  std::string name;
  bool times = false;
  bool sweeps = false;
  for (const GroupAct& act : acts) {
    times |= act.times;
    sweeps |= act.sweeps;
    name += (name.empty() ? "" : "|") + act.name;
  }
  for (std::size_t i = 0; i < acts.size(); ++i) {
    const int me = static_cast<int>(i) + 1;
    scenario.operations.push_back(
        {acts[i].name, me, [&stage, me, run = acts[i].run] { run(stage, me); }});
    if (mortal || (sweeps && !acts[i].sweeps)) scenario.mortal.push_back(me);
  }
  if (times) scenario.events.push_back(stage.tick_event());
  scenario.stage = stage.stage(name + suffix(stage, begin.name),
                               beginning(stage, begin, std::move(acts)), mortal && !sweeps);
  return scenario;
}

CrashScenario group_crash(GroupStage& stage, const GroupAct& act, const GroupBegin& begin) {
  CrashScenario scenario;
  scenario.stage =
      stage.stage(act.name + suffix(stage, begin.name), beginning(stage, begin, {act}), false);
  scenario.victim = {act.name, 1, [&stage, run = act.run] { run(stage, 1); }};
  scenario.survivors = {
      {"consume-all", 2, [&stage] { group_act("consume-all").run(stage, 2); }},
      {"send+receive", 2, [&stage] { group_act("use").run(stage, 2); }},
      {"send2+receive2", 2,
       [&stage] {
         stage.send(2, 18, 1);
         stage.send(2, 19, 2);
         stage.receive(2, 2);
         stage.acknowledge(2, 1);
         stage.acknowledge_by_receipt(2);
       }},
  };
  if (act.attempts) {
    scenario.survivors.push_back({"attempt+consume", 2, [&stage] {
                                    stage.receive_as(2, 1, 2);
                                    stage.acknowledge(2);
                                  }});
  }
  scenario.recovery = {"sweep", 4, [&stage] { stage.sweep(4); }};
  scenario.second_recovery = {"second sweep", 2, [&stage] { stage.sweep(2); }};
  scenario.recovery_may_freeze = true;
  return scenario;
}

}  // namespace ringpost::rig
