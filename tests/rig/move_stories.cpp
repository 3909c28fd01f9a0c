// What is tried on moves between two rings: states, schedules, and the operations that are killed.
#include "rig/move_stage.hpp"

namespace ringpost::rig {
namespace {

using Where = MoveStage::Where;
using Act = std::function<void(MoveStage&, int me)>;

struct Doing {
  std::string name;
  Act run;
};
struct State {
  std::string name;
  std::function<void(MoveStage&)> build;
};

/// Message 1 has been received once, by 3, and that lease is over; 3 keeps its receipt.
void dead_letter(MoveStage& stage, bool in_block, bool read_in_place) {
  stage.send(4, 1, Where::kSource, in_block);
  stage.receive(3, Where::kSource, read_in_place);
  stage.tick();
}

const Doing kMove{"move", [](MoveStage& s, int me) { s.move(me); }};
const Doing kReceive{"receive", [](MoveStage& s, int me) {
                       if (s.receive(me, Where::kSource)) s.acknowledge(me);
                     }};
const Doing kBringBack{"release", [](MoveStage& s, int me) {
                         if (s.receive(me, Where::kSource)) s.release(me);
                       }};
const Doing kReceiveThere{"receive there", [](MoveStage& s, int me) {
                            if (s.receive(me, Where::kTarget)) s.acknowledge(me);
                          }};
const Doing kKeep{"keep", [](MoveStage& s, int me) {
                    s.tick();
                    s.receive(me, Where::kSource);
                  }};
const Doing kGiveUp{"give up", [](MoveStage& s, int me) { s.give_up(me); }};
/// Clears up, then goes round the target.
const Doing kSweepAndUse{"sweep and use", [](MoveStage& s, int me) {
                           s.sweep(me);
                           if (s.receive(me, Where::kTarget)) s.acknowledge(me);
                           for (const int id : {30, 31}) s.send(me, id, Where::kTarget);
                         }};
const Doing kSend{"send", [](MoveStage& s, int me) { s.send(me, 10 + me, Where::kSource, true); }};
const Doing kSendThere{"send there",
                       [](MoveStage& s, int me) { s.send(me, 20 + me, Where::kTarget, true); }};
const Doing kPurge{"purge", [](MoveStage& s, int me) { s.purge(me); }};
const Doing kTask{"task", [](MoveStage& s, int me) {
                    s.start_task(me);
                    s.work(me);
                  }};
const Doing kWork{"work", [](MoveStage& s, int me) { s.work(me); }};
const Doing kStart{"start", [](MoveStage& s, int me) { s.start_task(me); }};
const Doing kLook{"look", [](MoveStage& s, int me) { s.look_for_tasks(me); }};
/// Uses the source's slot again.
const Doing kUse{"use", [](MoveStage& s, int me) {
                   if (s.receive(me, Where::kSource)) s.acknowledge(me);
                   for (const int id : {31, 32}) s.send(me, id, Where::kSource);
                 }};
const Doing kCancel{"cancel", [](MoveStage& s, int) { s.cancel_task(); }};
const Doing kPick{"pick", [](MoveStage& s, int me) { s.pick(me, 1); }};
const Doing kSweep{"sweep", [](MoveStage& s, int me) { s.sweep(me); }};
/// By 3: it read the message first.
const Doing kOldReceipt{"acknowledge late", [](MoveStage& s, int) { s.acknowledge(3); }};
const Doing kRead{"read on", [](MoveStage& s, int) { s.finish_reading(3); }};
/// Uses the memory that may have become free, and reads on.
const Doing kReuse{"reuse", [](MoveStage& s, int me) {
                     if (s.receive(me, Where::kTarget)) s.acknowledge(me);
                     s.send(me, 10 + me, Where::kSource, true);
                     s.send(me, 20 + me, Where::kTarget, true);
                   }};

const std::vector<State>& states() {
  static const std::vector<State> all = {
      {"in its slot", [](MoveStage& s) { dead_letter(s, false, false); }},
      {"in a block", [](MoveStage& s) { dead_letter(s, true, false); }},
      {"in its slot, being read", [](MoveStage& s) { dead_letter(s, false, true); }},
      {"in a block, being read",
       [](MoveStage& s) {
         // Another slot of the target: with the same number the same hazard entry would protect it.
         s.send(4, 8, Where::kTarget);
         s.receive(4, Where::kTarget);
         s.acknowledge(4);
         dead_letter(s, true, true);
       }},
      {"in a block that was read",
       [](MoveStage& s) {
         dead_letter(s, true, true);
         s.finish_reading(3);
       }},
      {"the target is full",
       [](MoveStage& s) {
         for (const int id : {5, 6}) s.send(4, id, Where::kTarget);
         dead_letter(s, true, false);
       }},
      {"somebody fills a slot of the target",
       [](MoveStage& s) {
         s.claim_only(4);
         dead_letter(s, true, false);
       }},
      {"somebody is dead",
       [](MoveStage& s) {
         dead_letter(s, true, false);
         s.send(4, 7, Where::kTarget, true);
         s.receive(4, Where::kTarget);
         s.die(4);
       }},
  };
  return all;
}

/// A dead letter behind one that was sent there.
const std::vector<State>& task_states() {
  static const std::vector<State> all = {
      {"a dead letter", [](MoveStage& s) { s.send(4, 1, Where::kSource, true); }},
      {"a dead letter that was received", [](MoveStage& s) { dead_letter(s, false, true); }},
      {"another was sent there",
       [](MoveStage& s) {
         s.send(4, MoveStage::kSentThere, Where::kSource);
         s.send(4, 1, Where::kSource);
       }},
      {"the target is full",
       [](MoveStage& s) {
         for (const int id : {5, 6}) s.send(4, id, Where::kTarget);
         s.send(4, 1, Where::kSource, true);
       }},
      {"a task has ended",
       [](MoveStage& s) {
         s.start_task(4);
         s.work(4);
         s.send(4, 1, Where::kSource, true);
       }},
  };
  return all;
}

NamedMove schedule(const State& state, const std::vector<Doing>& doings, bool ticks) {
  std::string name;
  for (const Doing& each : doings) name += (name.empty() ? "" : "|") + each.name;
  name += " @" + state.name + (ticks ? ", ticks" : "");
  return {name, [=](MoveStage& stage) {
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

const std::vector<NamedMove>& move_schedules() {
  static const std::vector<NamedMove> all = [] {
    std::vector<NamedMove> made;
    for (const State& state : states()) {
      for (const Doing& other : {kMove, kReceiveThere, kSweep, kOldReceipt, kPurge, kReuse}) {
        made.push_back(schedule(state, {kMove, other}, false));
      }
    }
    const State& block = states()[1];
    const State& read = states()[3];
    for (const Doing& other : {kMove, kReceive, kBringBack}) {
      made.push_back(schedule(block, {kMove, other}, true));
    }
    for (const Doing& other : {kRead, kReuse}) {
      made.push_back(schedule(read, {kMove, other}, false));
    }
    made.push_back(schedule(read, {kMove, kReuse, kRead}, false));
    made.push_back(schedule(block, {kMove, kKeep}, false));
    made.push_back(schedule(block, {kGiveUp, kReceiveThere}, false));
    made.push_back(schedule(block, {kMove, kSweep, kSweep}, false));
    made.push_back(schedule(block, {kMove, kSweep, kSweepAndUse}, false));
    made.push_back(schedule(block, {kMove, kSweep, kReuse}, false));
    for (const State& state : task_states()) {
      for (const Doing& other : {kTask, kStart, kLook, kCancel, kReceive, kBringBack, kUse}) {
        made.push_back(schedule(state, {kTask, other}, false));
      }
    }
    made.push_back(schedule(task_states()[4], {kLook, kStart}, false));
    made.push_back(schedule(task_states()[3], {kTask, kKeep}, true));
    made.push_back(schedule(task_states()[0], {kTask, kSweep, kLook}, false));
    made.push_back(schedule(task_states()[0], {kTask, kSweep, kTask}, false));
    made.push_back(schedule(task_states()[2], {kPick, kReceive}, true));
    return made;
  }();
  return all;
}

namespace {

NamedMoveCrash crash(const State& state, const Doing& victim, const std::vector<Doing>& survivors) {
  const std::string name = victim.name + " @" + state.name;
  return {name, [=, &state](MoveStage& stage) {
            CrashScenario it;
            it.stage = stage.stage(name, [&stage, &state] { state.build(stage); });
            const auto by = [&stage](const Doing& doing, int me) {
              return Operation{doing.name, me, [&stage, me, run = doing.run] { run(stage, me); }};
            };
            it.victim = by(victim, 1);
            for (const Doing& each : survivors) it.survivors.push_back(by(each, 2));
            it.recovery = by(kSweep, 2);
            it.second_recovery = by(kSweep, 3);
            it.recovery_may_freeze = true;
            return it;
          }};
}

}  // namespace

const std::vector<NamedMoveCrash>& move_crashes() {
  static const std::vector<NamedMoveCrash> all = [] {
    std::vector<NamedMoveCrash> made;
    for (const State& state : states()) {
      made.push_back(
          crash(state, kMove,
                {kMove, kReceive, kReceiveThere, kSend, kSendThere, kPurge, kOldReceipt, kReuse}));
    }
    for (const State& state : task_states()) {
      made.push_back(
          crash(state, kTask,
                {kTask, kWork, kLook, kCancel, kReceive, kReceiveThere, kSendThere, kPurge}));
    }
    return made;
  }();
  return all;
}

}  // namespace ringpost::rig
