#include "rig/journal_scenarios.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>

namespace ringpost::rig {
namespace {

using S = JournalStage;
using journal::JournalKind;

std::vector<JournalAct> make_acts() {
  return {
      {"put", [](S& s, int me) { s.put(me); }},
      {"put-two-cells", [](S& s, int me) { s.put(me, 2); }},
      {"abandon", [](S& s, int me) { s.claim(me), s.abandon(me); }},
      {"late", [](S& s, int me) { s.publish(me); }, true},
      {"close", [](S& s, int me) { s.close(me); }},
      {"read", [](S& s, int me) { s.read(me); }},
      {"durable", [](S& s, int me) { s.put_durable(me); }, false, true},
      {"drain", [](S& s, int me) { s.drain(me); }, false, true},
      {"write", [](S& s, int me) { s.write(me); }, false, true},
      {"write-once", [](S& s, int me) { s.write_and_let_go(me); }, false, true},
      {"sweep", [](S& s, int me) { s.sweep(me); }, false, true},
      {"round",
       [](S& s, int me) {
         for (int i = 0; i < 3; ++i) s.put(me), s.put(me), s.drain(me);
       },
       false, true},
  };
}

constexpr JournalShape kSmall{2};
constexpr JournalShape kOld{2, JournalKind::kLog, 12};
constexpr JournalShape kMemory{2, JournalKind::kMemory};

/// So many records of one cell, in the log.
void go_on(S& s, int records) {
  for (int i = 0; i < records; ++i) s.put(4), s.drain(4);
}

std::vector<JournalBegin> make_begins() {
  const auto empty = [](S&) {};
  const auto full = [](S& s) {
    for (int i = 0; i < 4; ++i) s.put(4);
  };
  const auto lap = [](S& s) { go_on(s, 4); };
  const auto one = [](S& s) { go_on(s, 1), s.put(4); };
  const auto waiting = [](S& s) { go_on(s, 3), s.put(4), s.put(4); };
  const auto claimed = [](S& s) { go_on(s, 3), s.claim(3), s.put(4); };
  const auto in_the_way = [](S& s) { go_on(s, 1), s.claim(3), s.put(4), s.put(4), s.put(4); };
  const auto wide = [](S& s) { s.put(4), s.put(4, 2), s.drain(4); };
  const auto within = [](S& s) { go_on(s, 5), s.put(4, 2), s.drain(4), s.mark(4); };
  const auto void_only = [](S& s) { go_on(s, 2), s.claim(4), s.abandon(4), s.want(4, 3); };
  const auto writer_died = [](S& s) { s.put(4), s.put(4), s.write_and_die(3), s.put(4); };
  const auto writer_died_full = [](S& s) {
    for (int i = 0; i < 4; ++i) s.put(4);
    s.write_and_die(3);
  };
  const auto closed = [](S& s) { go_on(s, 1), s.put(4), s.close(4); };
  const auto closed_drained = [](S& s) { go_on(s, 3), s.close(4), s.drain(4); };
  const auto closed_writer_died = [](S& s) { go_on(s, 3), s.close(4), s.write_and_die(3); };
  const auto stale = [](S& s) { s.put(1), s.put(2), s.drain(4), go_on(s, 9), s.mark(8); };
  const auto passing = [](S& s) {
    for (int i = 0; i < 6; ++i) s.put(4);
    s.mark(3);
  };
  const auto dead = [](const auto& build) { return [build](S& s) { build(s), s.die(3); }; };
  return {
      {"empty", kSmall, empty, false, true},
      {"full", kSmall, full, false, true},
      {"lap", kSmall, lap},
      {"one", kSmall, one},
      {"waiting", kSmall, waiting},
      {"old", kOld, empty},
      {"claimed", kSmall, claimed, true, true},
      {"in-the-way", kSmall, in_the_way, true},
      {"wide", kSmall, wide},
      {"within", kSmall, within, false, true},
      {"void-only", kSmall, void_only},
      {"stale", kSmall, stale},
      {"dead-claimed", kSmall, dead(claimed)},
      {"dead-in-the-way", kSmall, dead(in_the_way)},
      {"writer-died", kSmall, writer_died, false, true},
      {"writer-died-full", kSmall, writer_died_full},
      {"closed", kSmall, closed},
      {"closed-drained", kSmall, closed_drained},
      {"closed-writer-died", kSmall, closed_writer_died},
      {"memory", kMemory, empty},
      {"memory-full", kMemory, full, false, true},
      {"memory-passing", kMemory, passing},
      {"memory-in-the-way", kMemory, [](S& s) { s.put(4), s.claim(3), s.put(4), s.put(4); }, true},
      {"memory-dead-in-the-way", kMemory,
       [](S& s) { s.put(4), s.claim(3), s.put(4), s.put(4), s.die(3); }},
  };
}

bool writes_log(const JournalAct& act) { return act.heavy && act.name != "sweep"; }

}  // namespace

const std::vector<JournalAct>& journal_acts() {
  static const std::vector<JournalAct> acts = make_acts();
  return acts;
}
const std::vector<JournalBegin>& journal_begins() {
  static const std::vector<JournalBegin> begins = make_begins();
  return begins;
}
const JournalAct& journal_act(const std::string& name) {
  const auto& all = journal_acts();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.name == name; });
  if (found == all.end()) std::abort();
  return *found;
}

bool can_act(const JournalAct& act, const JournalBegin& begin) {
  if (act.late && !begin.late) return false;
  return begin.shape.kind == JournalKind::kLog || !writes_log(act);
}

JournalStage& journal_stage(const JournalShape& shape) {
  static std::map<JournalShape, std::unique_ptr<JournalStage>> stages;
  auto& stage = stages[shape];
  if (stage == nullptr) stage = std::make_unique<JournalStage>(shape);
  return *stage;
}

ExploreScenario journal_pair(const JournalAct& first, const JournalAct& second,
                             const JournalBegin& begin) {
  JournalStage& stage = journal_stage(begin.shape);
  ExploreScenario scenario;
  scenario.stage = stage.stage(first.name + "|" + second.name + " @" + begin.name,
                               [&stage, build = begin.build] { build(stage); });
  int number = 0;
  bool recovers = false;
  for (const JournalAct* act : {&first, &second}) {
    const int me = act->late ? 3 : ++number;
    scenario.operations.push_back(
        {act->name, me, [&stage, me, run = act->run] { run(stage, me); }});
    recovers |= act->heavy;
    if (act->name != "sweep") scenario.mortal.push_back(me);
  }
  if (!recovers) scenario.mortal.clear();
  return scenario;
}

CrashScenario journal_crash(const JournalAct& act, const JournalBegin& begin) {
  JournalStage& stage = journal_stage(begin.shape);
  CrashScenario scenario;
  scenario.stage =
      stage.stage(act.name + " @" + begin.name, [&stage, build = begin.build] { build(stage); });
  const int victim = act.late ? 3 : 1;
  scenario.victim = {act.name, victim, [&stage, victim, run = act.run] { run(stage, victim); }};
  for (const char* name : {"put", "put-two-cells", "close", "read", "durable", "write", "round"}) {
    if (!can_act(journal_act(name), begin)) continue;
    scenario.survivors.push_back({name, 2, [&stage, name] { journal_act(name).run(stage, 2); }});
  }
  scenario.recovery = {"sweep", 5, [&stage] { stage.sweep(5); }};
  scenario.second_recovery = {"second sweep", 2, [&stage] { stage.sweep(2); }};
  scenario.recovery_may_freeze = true;
  return scenario;
}

}  // namespace ringpost::rig
