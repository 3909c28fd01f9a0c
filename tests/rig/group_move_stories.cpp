// What is tried on moves between two FIFO rings: states, schedules, the operations that are killed.
#include "rig/group_move_stage.hpp"

namespace ringpost::rig {
namespace {

using Where = GroupMoveStage::Where;
using Act = std::function<void(GroupMoveStage&, int me)>;

struct Doing {
  std::string name;
  Act run;
};
struct State {
  std::string name;
  std::function<void(GroupMoveStage&)> build;
};

/// Message 1 has been received once, by 3, and that lease is over; 2 of its group is behind it.
void dead_letter(GroupMoveStage& stage, bool in_block, bool read_in_place) {
  stage.send(4, 1, 1, Where::kSource, in_block);
  stage.receive(3, Where::kSource, read_in_place);
  stage.send(4, 2, 1, Where::kSource);
  stage.tick();
}

const Doing kMove{"move", [](GroupMoveStage& s, int me) { s.move(me); }};
const Doing kMoveTwo{"move two", [](GroupMoveStage& s, int me) { s.move(me, 2); }};
const Doing kMoveSecond{"move the second", [](GroupMoveStage& s, int me) { s.move_second(me); }};
const Doing kRedrive{"redrive", [](GroupMoveStage& s, int me) { s.redrive(me); }};
const Doing kReceive{"receive", [](GroupMoveStage& s, int me) {
                       if (s.receive(me, Where::kSource)) s.acknowledge(me);
                     }};
const Doing kBringBack{"release", [](GroupMoveStage& s, int me) {
                         if (s.receive(me, Where::kSource)) s.release(me);
                       }};
const Doing kReceiveThere{"receive there", [](GroupMoveStage& s, int me) {
                            if (s.receive(me, Where::kTarget)) s.acknowledge(me);
                          }};
const Doing kSendThere{
    "send there", [](GroupMoveStage& s, int me) { s.send(me, 20 + me, 1, Where::kTarget, true); }};
/// A receive that goes past whatever is claimed, then another lap of the target.
const Doing kGoRound{"go round", [](GroupMoveStage& s, int me) {
                       for (int i = 0; i < 5; ++i) {
                         if (s.receive(me, Where::kTarget)) s.acknowledge(me);
                         s.send(me, 24 + i, 2, Where::kTarget);
                       }
                     }};
const Doing kKeep{"keep", [](GroupMoveStage& s, int me) {
                    s.tick();
                    s.receive(me, Where::kSource);
                  }};
const Doing kReceiveLate{"receive late", [](GroupMoveStage& s, int me) {
                           s.tick();
                           if (s.receive(me, Where::kSource)) s.acknowledge(me);
                         }};
const Doing kReceiveAndSweep{"receive and sweep", [](GroupMoveStage& s, int me) {
                               s.tick();
                               s.receive(me, Where::kSource);
                               s.sweep(me);
                             }};
const Doing kSend{"send",
                  [](GroupMoveStage& s, int me) { s.send(me, 14 + me, 1, Where::kSource, true); }};
const Doing kPurge{"purge", [](GroupMoveStage& s, int me) { s.purge(me); }};
const Doing kSweep{"sweep", [](GroupMoveStage& s, int me) { s.sweep(me); }};
const Doing kSweepAndUse{"sweep and use", [](GroupMoveStage& s, int me) {
                           s.sweep(me);
                           for (int i = 0; i < 5; ++i) {
                             if (s.receive(me, Where::kTarget)) s.acknowledge(me);
                             if (s.receive(me, Where::kSource)) s.acknowledge(me);
                             s.send(me, 24 + i, 1, Where::kTarget);
                           }
                         }};
const Doing kConsumeAll{"consume all", [](GroupMoveStage& s, int me) { s.consume_all(me); }};
/// By 3: it read the message first.
const Doing kRead{"read on", [](GroupMoveStage& s, int) { s.finish_reading(3); }};
/// Uses the memory that may have become free.
const Doing kReuse{"reuse", [](GroupMoveStage& s, int me) {
                     if (s.receive(me, Where::kTarget)) s.acknowledge(me);
                     for (int i = 0; i < 3; ++i) s.send(me, 10 + i, 3, Where::kSource, i == 0);
                     s.send(me, 20 + me, 3, Where::kTarget, true);
                   }};

const std::vector<State>& states() {
  static const std::vector<State> all = {
      {"in its slot", [](GroupMoveStage& s) { dead_letter(s, false, false); }},
      {"in a block", [](GroupMoveStage& s) { dead_letter(s, true, false); }},
      {"in its slot, being read", [](GroupMoveStage& s) { dead_letter(s, false, true); }},
      {"in a block, being read",
       [](GroupMoveStage& s) {
         // Another slot of the target: with the same number the same hazard entry would protect it.
         s.send(4, 8, 5, Where::kTarget);
         s.receive(4, Where::kTarget);
         s.acknowledge(4);
         dead_letter(s, true, true);
       }},
      {"the target is full",
       [](GroupMoveStage& s) {
         for (const int id : {4, 5, 6, 7}) s.send(4, id, 5, Where::kTarget);
         dead_letter(s, true, false);
       }},
      {"the target is nearly full",
       [](GroupMoveStage& s) {
         for (const int id : {4, 5, 6}) s.send(4, id, 1, Where::kTarget);
         dead_letter(s, false, false);
       }},
      {"somebody fills a slot of the target",
       [](GroupMoveStage& s) {
         s.claim_only(4);
         dead_letter(s, true, false);
       }},
      {"somebody is dead",
       [](GroupMoveStage& s) {
         dead_letter(s, true, false);
         s.send(4, 7, 1, Where::kTarget, true);
         s.receive(4, Where::kTarget);
         s.die(4);
       }},
  };
  return all;
}

NamedGroupMove schedule(const State& state, const std::vector<Doing>& doings, bool ticks) {
  std::string name;
  for (const Doing& each : doings) name += (name.empty() ? "" : "|") + each.name;
  name += " @" + state.name + (ticks ? ", ticks" : "");
  return {name, [=](GroupMoveStage& stage) {
            ExploreScenario it;
            it.stage = stage.stage(name, [&stage, state] { state.build(stage); });
            for (std::size_t i = 0; i < doings.size(); ++i) {
              const int me = static_cast<int>(i) + 1;
              it.operations.push_back(
                  {doings[i].name, me, [&stage, me, run = doings[i].run] { run(stage, me); }});
            }
            it.mortal = {1};
            if (ticks) it.events.push_back(stage.tick_event());
            return it;
          }};
}

}  // namespace

const std::vector<NamedGroupMove>& group_move_schedules() {
  static const std::vector<NamedGroupMove> all = [] {
    std::vector<NamedGroupMove> made;
    for (const State& state : states()) {
      for (const Doing& other : {kMove, kReceiveThere, kSweep, kPurge}) {
        made.push_back(schedule(state, {kMove, other}, false));
      }
    }
    const State& slot = states()[0];
    const State& block = states()[1];
    const State& read = states()[3];
    for (const Doing& other : {kMove, kReceive, kBringBack, kReceiveThere}) {
      made.push_back(schedule(block, {kMove, other}, true));
    }
    for (const Doing& other : {kGoRound, kKeep, kSend, kReuse}) {
      made.push_back(schedule(slot, {kMove, other}, false));
    }
    made.push_back(schedule(slot, {kMoveTwo, kReceiveThere}, false));
    made.push_back(schedule(slot, {kMoveTwo, kReceive}, true));
    made.push_back(schedule(slot, {kMoveSecond, kReceiveThere}, false));
    made.push_back(schedule(slot, {kMoveSecond, kReceive}, true));
    for (const Doing& other : {kRead, kReuse}) {
      made.push_back(schedule(read, {kMove, other}, false));
    }
    made.push_back(schedule(read, {kMove, kReuse, kRead}, false));
    made.push_back(schedule(block, {kMove, kSweep, kSweep}, false));
    made.push_back(schedule(block, {kMove, kSweep, kSweepAndUse}, false));
    made.push_back(schedule(block, {kMove, kReceiveThere, kReceive}, true));
    made.push_back(schedule(slot, {kMove, kReceiveLate}, false));
    made.back().preemptions = 3;
    made.push_back(schedule(states().back(), {kMove, kReceiveAndSweep}, false));
    for (const State& state : {states()[0], states()[1], states()[4], states()[5]}) {
      for (const Doing& other : {kRedrive, kMove, kReceive, kBringBack, kKeep, kSweep}) {
        made.push_back(schedule(state, {kRedrive, other}, false));
      }
    }
    made.push_back(schedule(block, {kRedrive, kReceive}, true));
    made.push_back(schedule(states()[4], {kRedrive, kReceive}, true));
    return made;
  }();
  return all;
}

const std::vector<NamedGroupMoveCrash>& group_move_crashes() {
  static const std::vector<NamedGroupMoveCrash> all = [] {
    std::vector<NamedGroupMoveCrash> made;
    const auto add = [&made](const State& state, const Doing& victim) {
      const std::string name = victim.name + " @" + state.name;
      made.push_back(
          {name, [name, &state, victim](GroupMoveStage& stage) {
             CrashScenario it;
             it.stage = stage.stage(name, [&stage, &state] { state.build(stage); });
             const auto by = [&stage](const Doing& doing, int me) {
               return Operation{doing.name, me, [&stage, me, run = doing.run] { run(stage, me); }};
             };
             it.victim = by(victim, 1);
             for (const Doing& each : {kMove, kReceive, kReceiveThere, kSend, kSendThere, kPurge,
                                       kGoRound, kReuse, kConsumeAll}) {
               it.survivors.push_back(by(each, 2));
             }
             it.recovery = by(kSweep, 2);
             it.second_recovery = by(kSweepAndUse, 3);
             it.recovery_may_freeze = true;
             return it;
           }});
    };
    for (const State& state : states()) add(state, kMove);
    for (const std::size_t state : {0u, 3u, 4u}) add(states()[state], kRedrive);
    add(states()[0], kMoveTwo);
    add(states()[1], kMoveSecond);
    return made;
  }();
  return all;
}

}  // namespace ringpost::rig
