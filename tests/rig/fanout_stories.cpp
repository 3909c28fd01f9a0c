// What is tried on fan-outs: states, schedules, and the operations that are killed.
#include "rig/fanout_stage.hpp"

namespace ringpost::rig {
namespace {

using To = FanoutStage::To;
using Full = FanoutStage::Full;
using Act = std::function<void(FanoutStage&, int me)>;

struct Doing {
  std::string name;
  Act run;
};
struct State {
  std::string name;
  std::function<void(FanoutStage&)> build;
  int dies_later = 0;  ///< this participant counts as dead from some moment on
};

Doing publish(const std::string& name, const std::vector<To>& to) {
  return {name, [to](FanoutStage& s, int me) { s.publish(me, me, to); }};
}
Doing receive(int queue) {
  return {"receive" + std::to_string(queue), [queue](FanoutStage& s, int me) {
            if (s.receive(me, queue)) s.acknowledge(me);
          }};
}

/// To so many queues, of which every other may fail the publish.
Doing publish_to(int count) {
  std::vector<To> to;
  for (int q = 0; q < count; ++q) to.push_back({q, q % 2 == 0 ? Full::kFails : Full::kRefuses});
  return publish("publish to " + std::to_string(count), to);
}
Doing receive_all(int count) {
  return {"receive " + std::to_string(count), [count](FanoutStage& s, int me) {
            for (int q = 0; q < count; ++q) {
              if (s.receive(me, q)) s.acknowledge(me);
            }
          }};
}

const Doing kPublish = publish("publish", {{0, Full::kRefuses}, {1, Full::kRefuses}});
const Doing kAllOrNothing = publish("all or nothing", {{0, Full::kFails}, {1, Full::kFails}});
const Doing kMixed = publish("mixed", {{0, Full::kFails}, {1, Full::kRefuses}});
const Doing kDivert = publish("divert", {{0, Full::kRefuses}, {1, Full::kDeadLetters}});
const Doing kSweep{"sweep", [](FanoutStage& s, int me) { s.sweep(me); }};
const Doing kPurge{"purge", [](FanoutStage& s, int me) { s.purge(me, 0); }};
const Doing kRead{"read on", [](FanoutStage& s, int) { s.finish_reading(3); }};
const Doing kDrainOne{"drain one", [](FanoutStage& s, int me) { s.drain_one(me, 1); }};
/// Clears up, takes what is there, and uses the memory again.
const Doing kSweepAndUse{"sweep and use", [](FanoutStage& s, int me) {
                           s.sweep(me);
                           for (const int queue : {0, 1}) {
                             if (s.receive(me, queue)) s.acknowledge(me);
                           }
                           s.publish(me, 10, {{0, Full::kRefuses}, {1, Full::kRefuses}});
                         }};
const Doing kSweepAndGoRound{"sweep and go round", [](FanoutStage& s, int me) {
                               s.sweep(me);
                               for (int i = 0; i < 2; ++i) {
                                 if (s.receive(me, 1)) s.acknowledge(me);
                               }
                               s.go_round(me, 1);
                               s.publish(me, 10, {{1, Full::kRefuses}});
                             }};
const Doing kBury{"bury", [](FanoutStage& s, int me) { s.receive(me, 0); }};
const Doing kAcknowledgeReading{"acknowledge while reading", [](FanoutStage& s, int me) {
                                  if (s.receive(me, 0)) s.acknowledge_while_reading(me);
                                }};

const State kEmpty{"empty", [](FanoutStage&) {}};
/// Blocks, shares and slots have been used before.
const State kUsed{"used", [](FanoutStage& s) {
                    s.publish(4, 9, {{0, Full::kRefuses}, {1, Full::kRefuses}});
                    for (const int queue : {0, 1}) {
                      s.receive(4, queue);
                      s.acknowledge(4);
                    }
                  }};
const State kFull{"full", [](FanoutStage& s) { s.fill(1); }};
const State kPublished{"published", [](FanoutStage& s) {
                         s.publish(4, 8, {{0, Full::kRefuses}, {1, Full::kRefuses}});
                       }};
const State kBeingRead{"being read", [](FanoutStage& s) {
                         s.publish(4, 8, {{0, Full::kRefuses}, {1, Full::kRefuses}});
                         s.receive(3, 0);
                         s.tick();
                       }};
/// One delivery of two is left: with it the memory goes.
const State kLastLeft{"the last one is left", [](FanoutStage& s) {
                        s.publish(4, 8, {{0, Full::kRefuses}, {1, Full::kRefuses}});
                        s.receive(4, 1);
                        s.acknowledge(4);
                      }};
const State kJustCommitted{"just committed", [](FanoutStage& s) {
                             s.stop_at_commit(4, 8, {{0, Full::kFails}, {1, Full::kFails}});
                             s.die(4);
                           }};
const State kNothingSent{"committed, nothing sent", [](FanoutStage& s) {
                           s.stop_at_commit(4, 8, {{0, Full::kRefuses}, {1, Full::kRefuses}});
                           s.die(4);
                         }};
/// Of a dead publisher, and by now there is room.
void leave_one_waiting(FanoutStage& s) {
  s.fill(1);
  s.stop_at_commit(4, 8, {{0, Full::kRefuses}, {1, Full::kRefuses}});
  s.die(4);
  s.sweep(3);
  s.drain_one(3, 1);
}
const State kWaits{"one waits for room", leave_one_waiting};
/// … and another publisher has died, to whose delivery the same will happen.
const State kTwoWait{"one waits for room, and another will",
                     [](FanoutStage& s) {
                       leave_one_waiting(s);
                       s.stop_at_commit(3, 9, {{1, Full::kRefuses}});
                     },
                     3};
/// Received once, which is enough; nobody has it in hands.
const State kGivenBack{"given back", [](FanoutStage& s) {
                         s.bury_from_now_on();
                         s.publish(4, 8, {{0, Full::kDeadLetters}, {1, Full::kRefuses}});
                         s.receive(3, 0);
                         s.give_back(3);
                       }};
const State kDeadLetter{"dead letter", [](FanoutStage& s) {
                          s.bury_from_now_on();
                          s.publish(4, 8, {{0, Full::kDeadLetters}, {1, Full::kRefuses}});
                          s.receive(3, 0);
                          s.finish_reading(3);
                          s.tick();
                        }};
const State kSomebodyDied{"somebody is dead", [](FanoutStage& s) {
                            s.publish(4, 8, {{0, Full::kRefuses}, {1, Full::kRefuses}});
                            s.receive(4, 0);
                            s.die(4);
                          }};

NamedFanout schedule(const State& state, const std::vector<Doing>& doings,
                     const std::vector<int>& mortal = {1}) {
  std::string name;
  for (const Doing& each : doings) name += (name.empty() ? "" : "|") + each.name;
  name += " @" + state.name;
  if (mortal.size() > 1) name += ", two die";
  return {name,
          [=](FanoutStage& stage) {
            ExploreScenario it;
            it.stage = stage.stage(name, [&stage, state] { state.build(stage); });
            for (std::size_t i = 0; i < doings.size(); ++i) {
              const int me = static_cast<int>(i) + 1;
              it.operations.push_back(
                  {doings[i].name, me, [&stage, me, run = doings[i].run] { run(stage, me); }});
            }
            it.mortal = mortal;
            if (const int late = state.dies_later; late != 0) {
              it.events.push_back({"one more counts as dead", [&stage, late] { stage.die(late); },
                                   it.stage.liveness});
              it.stage.check = [&stage, late, check = it.stage.check] {
                if (!stage.is_dead(late)) stage.die(late);
                return check();
              };
            }
            return it;
          },
          static_cast<int>(mortal.size())};
}

NamedFanoutCrash crash(const State& state, const Doing& victim) {
  const std::string name = victim.name + " @" + state.name;
  return {name, [=](FanoutStage& stage) {
            CrashScenario it;
            it.stage = stage.stage(name, [&stage, state] { state.build(stage); });
            const auto by = [&stage](const Doing& doing, int me) {
              return Operation{doing.name, me, [&stage, me, run = doing.run] { run(stage, me); }};
            };
            it.victim = by(victim, 1);
            for (const Doing& each : {kMixed, receive(0), receive(1), kPurge, kRead}) {
              it.survivors.push_back(by(each, 2));
            }
            it.recovery = by(kSweep, 2);
            it.second_recovery = by(kSweep, 3);
            it.recovery_may_freeze = true;
            return it;
          }};
}

}  // namespace

const std::vector<NamedFanout>& fanout_schedules() {
  static const std::vector<NamedFanout> all = [] {
    std::vector<NamedFanout> made;
    for (const Doing& first : {kPublish, kMixed}) {
      for (const Doing& other : {receive(0), receive(1), kSweep, kPublish, kPurge}) {
        made.push_back(schedule(kUsed, {first, other}));
      }
    }
    for (const Doing& other : {kSweep, kDrainOne, kMixed}) {
      made.push_back(schedule(kFull, {kAllOrNothing, other}));
      made.push_back(schedule(kFull, {kDivert, other}));
    }
    for (const Doing& other : {receive(1), kSweep, kPurge, kMixed}) {
      made.push_back(schedule(kPublished, {receive(0), other}));
    }
    made.push_back(schedule(kBeingRead, {kAcknowledgeReading, receive(1), kRead}));
    made.push_back(schedule(kBeingRead, {kSweepAndUse, receive(1)}));
    made.push_back(schedule(kDeadLetter, {kBury, receive(1)}));
    made.push_back(schedule(kDeadLetter, {kBury, kSweep}));
    made.push_back(schedule(kSomebodyDied, {kSweep, kSweep}));
    made.push_back(schedule(kSomebodyDied, {kSweep, receive(1), kSweepAndUse}));
    for (const Doing& other : {kSweep, kSweepAndUse, receive(1)}) {
      made.push_back(schedule(kUsed, {kMixed, kSweep, other}));
    }
    made.push_back(schedule(kSomebodyDied, {kMixed, kSweep}));
    made.push_back(schedule(kSomebodyDied, {receive(1), kSweepAndUse}));
    made.push_back(schedule(kEmpty, {kPublish, kSweep, kSweepAndGoRound}));
    made.push_back(schedule(kUsed, {kPublish, kSweep, kSweepAndUse}, {1, 2}));
    made.push_back(schedule(kUsed, {kMixed, kSweep, kSweep}, {1, 2}));
    made.push_back(schedule(kFull, {kPublish, kDrainOne, kSweep}));
    made.push_back(schedule(kJustCommitted, {kSweep, kSweepAndGoRound}));
    made.push_back(schedule(kNothingSent, {kSweep, kSweepAndGoRound}));
    made.push_back(schedule(kWaits, {kSweep, kSweep}));
    made.push_back(schedule(kTwoWait, {kSweep, kSweep}, {}));
    return made;
  }();
  return all;
}

const std::vector<NamedFanoutCrash>& fanout_crashes() {
  static const std::vector<NamedFanoutCrash> all = [] {
    std::vector<NamedFanoutCrash> made = {
        crash(kEmpty, kPublish),       crash(kUsed, kMixed),
        crash(kUsed, kAllOrNothing),   crash(kFull, kAllOrNothing),
        crash(kFull, kDivert),         crash(kFull, kPublish),
        crash(kPublished, receive(0)), crash(kPublished, kSweepAndUse),
        crash(kBeingRead, receive(0)), crash(kBeingRead, kAcknowledgeReading),
        crash(kDeadLetter, kBury),     crash(kGivenBack, kBury),
        crash(kPublished, kPurge),     crash(kLastLeft, receive(0)),
        crash(kSomebodyDied, kSweep),  crash(kSomebodyDied, kMixed),
        crash(kJustCommitted, kSweep), crash(kNothingSent, kSweep),
        crash(kWaits, kSweep),
    };
    for (int count = 1; count <= FanoutStage::kQueues; ++count) {
      made.push_back(crash(kEmpty, publish_to(count)));
      const State published{"published to " + std::to_string(count),
                            [count](FanoutStage& s) { publish_to(count).run(s, 4); }};
      made.push_back(crash(published, receive_all(count)));
    }
    return made;
  }();
  return all;
}

}  // namespace ringpost::rig
