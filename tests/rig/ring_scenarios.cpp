#include "rig/ring_scenarios.hpp"

#include <algorithm>
#include <cstdlib>

namespace ringpost::rig {
namespace {

// Ids: acts 1 … 12 (of participant `me`), survivors 15 …, leases in hand 20 + me, states 30 ….
void hold(RingStage& s, int me) {
  s.send(4, 20 + me);
  s.receive(me);
}
void hold_in_place(RingStage& s, int me) {
  s.send(4, 20 + me);
  s.receive_in_place(me);
}
void hold_in_block(RingStage& s, int me) {
  s.send_in_block(4, 20 + me);
  s.receive(me);
}
void hold_for_long(RingStage& s, int me) {
  hold(s, me);
  s.extend(me, 1'000'000'000);
}

std::vector<Act> make_acts() {
  return {
      {"send", [](RingStage& s, int me) { s.send(me, me); }, {}},
      {"send2",
       [](RingStage& s, int me) {
         s.send_batch(me, {2 * me + 3, 2 * me + 4});
       },
       {}},
      {"send-delayed", [](RingStage& s, int me) { s.send_delayed(me, me); }, {}, true},
      {"send-block", [](RingStage& s, int me) { s.send_in_block(me, me); }, {}},
      {"receive", [](RingStage& s, int me) { s.receive(me); }, {}},
      {"receive2", [](RingStage& s, int me) { s.receive(me) && s.receive(me); }, {}},
      {"consume", [](RingStage& s, int me) { s.receive(me), s.acknowledge(me); }, {}},
      {"read-in-place",
       [](RingStage& s, int me) {
         s.receive_in_place(me);
         s.finish_reading(me);
         s.acknowledge(me);
       },
       {},
       true},
      {"acknowledge", [](RingStage& s, int me) { s.acknowledge(me); }, hold},
      {"acknowledge-receipt", [](RingStage& s, int me) { s.acknowledge_by_receipt(me); }, hold},
      {"acknowledge-block", [](RingStage& s, int me) { s.acknowledge(me); }, hold_in_block},
      {"acknowledge-view",
       [](RingStage& s, int me) {
         s.finish_reading(me);
         s.acknowledge(me);
       },
       hold_in_place, true},
      {"extend", [](RingStage& s, int me) { s.extend(me, 5'000); }, hold, true},
      {"shorten", [](RingStage& s, int me) { s.extend(me, 10); }, hold_for_long, true},
      {"release", [](RingStage& s, int me) { s.release(me); }, hold},
      {"release-twice",
       [](RingStage& s, int me) {
         s.release(me);
         s.release(me);
       },
       hold},
      {"expire", [](RingStage& s, int me) { s.expire(me); }, {}, true},
      {"expire+consume",
       [](RingStage& s, int me) {
         s.expire(me);
         s.receive(me);
         s.acknowledge(me);
       },
       {},
       true},
      {"discard", [](RingStage& s, int me) { s.discard_all(me); }, {}},
      {"repair", [](RingStage& s, int me) { s.repair(me); }, {}},
      {"seal", [](RingStage& s, int me) { s.seal(me); }, {}},
      {"sweep", [](RingStage& s, int me) { s.sweep(me); }, {}, false, true},
      {"use",
       [](RingStage& s, int me) {
         s.send(me, me + 14);
         s.receive(me);
         s.acknowledge(me);
       },
       {}},
      {"sleep-receive", [](RingStage& s, int me) { s.sleep_for_message(me); }, {}},
      {"sleep-send", [](RingStage& s, int me) { s.sleep_for_room(me, me); }, {}},
  };
}

void limbo(RingStage& s) {
  s.send(4, 30);
  s.receive_in_place(3);
  s.tick();
  s.expire(4);
  s.receive(4);
  s.acknowledge(4);
}
void skipped(RingStage& s) {
  s.send(4, 30);
  s.receive(3);
  for (int i = 0; i <= static_cast<int>(s.slots()); ++i) {
    if (!s.send(4, 31 + i)) continue;
    s.receive(4);
    s.acknowledge(4);
  }
}

/// Whoever acts has seen the ring as it is: their cursors are where they can be.
void look_round(RingStage& s) {
  for (const int me : {1, 2}) s.receive(me);
}

std::vector<Begin> make_begins() {
  return {
      {"empty", [](RingStage&) {}, true},
      {"one", [](RingStage& s) { s.send(4, 30); }, true},
      {"full",
       [](RingStage& s) {
         for (int i = 0; i < static_cast<int>(s.slots()); ++i) s.send(4, 30 + i);
       }},
      {"leased", [](RingStage& s) { s.send(4, 30), s.receive(3), s.send(4, 31); }},
      {"returned", [](RingStage& s) { s.send(4, 30), s.receive(3), look_round(s), s.release(3); },
       true},
      {"block", [](RingStage& s) { s.send_in_block(4, 30); }},
      {"claimed", [](RingStage& s) { s.claim_only(3, 30); }},
      {"await", [](RingStage& s) { s.claim_only(3, 30), s.receive(4); }},
      {"await+one", [](RingStage& s) { s.claim_only(3, 30), s.receive(4), s.send(4, 31); }, true},
      {"delayed", [](RingStage& s) { s.send_delayed(4, 30); }},
      {"due", [](RingStage& s) { s.send_delayed(4, 30), s.tick(); }},
      {"due-unpublished", [](RingStage& s) { s.delay_only(3, 30), s.tick(); }, true},
      {"over", [](RingStage& s) { s.send(4, 30), s.receive(3), look_round(s), s.tick(); }},
      {"over-in-place", [](RingStage& s) { s.send(4, 30), s.receive_in_place(3), s.tick(); }, true},
      {"limbo", limbo, true},
      {"limbo-read", [](RingStage& s) { limbo(s), s.finish_reading(3); }},
      {"consumed", [](RingStage& s) { s.send(4, 30), s.receive(4), s.acknowledge(4); }},
      {"all-leased",
       [](RingStage& s) {
         for (int i = 0; i < static_cast<int>(s.slots()); ++i) s.send(4, 30 + i), s.receive(3);
       }},
      {"stale-hint", [](RingStage& s) { s.claim_only(3, 30), s.receive(4), s.die(3), s.sweep(4); }},
      {"stale-due",
       [](RingStage& s) { s.send(4, 30), s.receive(3), s.acknowledge(3), s.send(4, 31); }},
      {"skipped", skipped, true},
      {"skipped-returned", [](RingStage& s) { skipped(s), look_round(s), s.release(3); }},
      {"sealed", [](RingStage& s) { s.seal(4); }},
  };
}

std::vector<Begin> make_begins_with_dead() {
  return {
      {"dead-sender", [](RingStage& s) { s.claim_only(3, 30), s.die(3); }},
      {"dead-sender-await",
       [](RingStage& s) { s.claim_only(3, 30), s.receive(4), s.die(3), s.send(4, 31); }},
      {"dead-sender-consumed",
       [](RingStage& s) {
         s.claim_only(3, 30), s.receive(4), s.die(3);
         s.send(4, 31), s.receive(4), s.acknowledge(4);
       }},
      {"dead-sender-delayed", [](RingStage& s) { s.delay_only(3, 30), s.die(3); }},
      {"dead-sender-published", [](RingStage& s) { s.send(3, 30), s.die(3); }},
      {"dead-consumer", [](RingStage& s) { s.send(4, 30), s.receive(3), s.die(3); }},
      {"dead-consumer-skipped", [](RingStage& s) { skipped(s), s.die(3); }},
      {"dead-reader", [](RingStage& s) { s.send(4, 30), s.receive_in_place(3), s.die(3); }},
      {"dead-reader-limbo", [](RingStage& s) { limbo(s), s.die(3); }},
  };
}

/// Two slots: the window is used up although the second slot is free.
std::vector<Begin> make_begins_for_sleepers() {
  return {
      {"window-claimed", [](RingStage& s) { s.claim_only(3, 30), finished_early(s); }},
      {"window-ready", [](RingStage& s) { s.send(4, 30), finished_early(s); }},
      {"window-dead", [](RingStage& s) { s.claim_only(3, 30), finished_early(s), s.die(3); }},
  };
}

template <class T>
const T& named(const std::vector<T>& all, const std::string& name) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const T& each) { return each.name == name; });
  if (found == all.end()) std::abort();
  return *found;
}

std::function<void()> beginning(RingStage& stage, const Begin& begin, std::vector<Act> acts,
                                int laps) {
  return [&stage, build = begin.build, acts = std::move(acts), laps] {
    if (laps > 0) stage.turn(laps);
    for (std::size_t i = 0; i < acts.size(); ++i) {
      if (acts[i].prepare) acts[i].prepare(stage, static_cast<int>(i) + 1);
    }
    build(stage);
  };
}

std::string suffix(const RingStage& stage, const Begin& begin, int laps) {
  return " @" + begin.name + (laps > 0 ? "+" : "") + " /" + std::to_string(stage.slots());
}

}  // namespace

const std::vector<Act>& ring_acts() {
  static const std::vector<Act> acts = [] {
    std::vector<Act> all = make_acts();
    for (const char* name : {"receive2", "consume", "read-in-place", "expire+consume", "use",
                             "release-twice", "sleep-receive", "sleep-send"}) {
      std::find_if(all.begin(), all.end(), [name](const Act& act) {
        return act.name == name;
      })->composed = true;
    }
    return all;
  }();
  return acts;
}
const std::vector<Begin>& ring_begins() {
  static const std::vector<Begin> begins = make_begins();
  return begins;
}
const std::vector<Begin>& ring_begins_with_dead() {
  static const std::vector<Begin> begins = make_begins_with_dead();
  return begins;
}
void finished_early(RingStage& s) {
  s.send_delayed(4, 39);
  s.tick();
  s.expire(4);
  s.receive(4);
  s.acknowledge(4);
}
const Act& ring_act(const std::string& name) { return named(ring_acts(), name); }
const Begin& ring_begin(const std::string& name) {
  static const std::vector<Begin> for_sleepers = make_begins_for_sleepers();
  for (const auto* begins : {&for_sleepers, &ring_begins_with_dead()}) {
    for (const Begin& begin : *begins) {
      if (begin.name == name) return begin;
    }
  }
  return named(ring_begins(), name);
}

ExploreScenario ring_schedules(RingStage& stage, const std::string& begin_name,
                               const std::vector<std::string>& act_names, int laps) {
  ExploreScenario scenario;
  const Begin& begin = ring_begin(begin_name);
  std::vector<Act> acts;
  std::string name;
  bool times = false;
  bool sweeps = false;
  for (const std::string& act : act_names) {
    acts.push_back(ring_act(act));
    times |= acts.back().times;
    sweeps |= acts.back().sweeps;
    name += (name.empty() ? "" : "|") + act;
  }
  for (std::size_t i = 0; i < acts.size(); ++i) {
    const int me = static_cast<int>(i) + 1;
    scenario.operations.push_back(
        {acts[i].name, me, [&stage, me, run = acts[i].run] { run(stage, me); }});
    if (sweeps && !acts[i].sweeps) scenario.mortal.push_back(me);
  }
  if (times) scenario.events.push_back(stage.tick_event());
  scenario.stage = stage.stage(name + suffix(stage, begin, laps),
                               beginning(stage, begin, std::move(acts), laps));
  return scenario;
}

CrashScenario ring_crash(RingStage& stage, const Act& act, const Begin& begin, int laps) {
  CrashScenario scenario;
  scenario.stage =
      stage.stage(act.name + suffix(stage, begin, laps), beginning(stage, begin, {act}, laps));
  scenario.victim = {act.name, 1, [&stage, run = act.run] { run(stage, 1); }};
  scenario.survivors = {
      {"receive", 2,
       [&stage] {
         stage.receive(2);
         stage.acknowledge(2);
       }},
      {"send+receive", 2, [&stage] { ring_act("use").run(stage, 2); }},
      {"send2+receive2", 2,
       [&stage] {
         stage.send_batch(2, {18, 19});
         if (stage.receive(2)) stage.acknowledge(2);
         if (stage.receive(2)) stage.acknowledge_by_receipt(2);
       }},
  };
  scenario.recovery = {"sweep", 4, [&stage] { stage.sweep(4); }};
  scenario.second_recovery = {"second sweep", 2, [&stage] { stage.sweep(2); }};
  scenario.recovery_may_freeze = true;
  return scenario;
}

}  // namespace ringpost::rig
