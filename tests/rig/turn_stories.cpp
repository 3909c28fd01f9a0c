// What is tried on FIFO topics: states, schedules, and the operations that are killed.
#include "rig/turn_stage.hpp"

namespace ringpost::rig {
namespace {

using Full = TurnStage::Full;
using Act = std::function<void(TurnStage&, int me)>;

struct Doing {
  std::string name;
  Act run;
};
struct State {
  std::string name;
  std::function<void(TurnStage&)> build;
};

Doing publish(const std::string& name, bool with_id, Full full = Full::kRefuses) {
  return {name, [=](TurnStage& s, int me) { s.publish(me, me, with_id, full); }};
}
Doing receive(int queue) {
  return {"receive" + std::to_string(queue), [queue](TurnStage& s, int me) {
            if (s.receive(me, queue)) s.acknowledge(me);
          }};
}

const Doing kPublish = publish("publish", false);
const Doing kWithId = publish("with id", true);
const Doing kAllOrNothing = publish("all or nothing", false, Full::kFails);
const Doing kDivert = publish("divert", false, Full::kDeadLetters);
const Doing kSweep{"sweep", [](TurnStage& s, int me) { s.sweep(me); }};
const Doing kTakeBoth{"take both", [](TurnStage& s, int me) {
                        for (const int queue : {0, 1}) {
                          if (s.receive(me, queue)) s.acknowledge(me);
                        }
                      }};
const Doing kPublishAndTake{"publish and take", [](TurnStage& s, int me) {
                              s.publish(me, me, false);
                              for (const int queue : {0, 1}) {
                                if (s.receive(me, queue)) s.acknowledge(me);
                              }
                            }};
/// Clears up, takes what is there, and uses the memory again.
const Doing kSweepAndUse{"sweep and use", [](TurnStage& s, int me) {
                           s.sweep(me);
                           for (const int queue : {0, 1}) {
                             if (s.receive(me, queue)) s.acknowledge(me);
                           }
                           s.publish(me, 10, true);
                         }};
const Doing kTakeAndSweep{"take and sweep", [](TurnStage& s, int me) {
                            kTakeBoth.run(s, me);
                            s.sweep(me);
                          }};
const Doing kTwice{"twice", [](TurnStage& s, int me) {
                     s.publish(me, me, false);
                     s.publish(me, me + 5, false);
                   }};

const State kEmpty{"empty", [](TurnStage&) {}};
/// Blocks, shares and slots have been used before.
const State kUsed{"used", [](TurnStage& s) {
                    s.publish(4, 9, false);
                    for (const int queue : {0, 1}) {
                      s.receive(4, queue);
                      s.acknowledge(4);
                    }
                  }};
const State kFull{"full", [](TurnStage& s) { s.fill(0); }};
const State kNearlyFull{"nearly full", [](TurnStage& s) { s.fill(1); }};
const State kPublished{"published", [](TurnStage& s) { s.publish(4, 8, true); }};

NamedTurn schedule(const State& state, const std::vector<Doing>& doings,
                   const std::vector<int>& mortal = {1}) {
  std::string name;
  for (const Doing& each : doings) name += (name.empty() ? "" : "|") + each.name;
  name += " @" + state.name;
  if (mortal.size() > 1) name += ", two die";
  return {name,
          [=](TurnStage& stage) {
            ExploreScenario it;
            it.stage = stage.stage(name, [&stage, state] { state.build(stage); });
            for (std::size_t i = 0; i < doings.size(); ++i) {
              const int me = static_cast<int>(i) + 1;
              it.operations.push_back(
                  {doings[i].name, me, [&stage, me, run = doings[i].run] { run(stage, me); }});
            }
            it.mortal = mortal;
            return it;
          },
          static_cast<int>(mortal.size())};
}

NamedTurnCrash crash(const State& state, const Doing& victim) {
  const std::string name = victim.name + " @" + state.name;
  return {name, [=](TurnStage& stage) {
            CrashScenario it;
            it.stage = stage.stage(name, [&stage, state] { state.build(stage); });
            const auto by = [&stage](const Doing& doing, int me) {
              return Operation{doing.name, me, [&stage, me, run = doing.run] { run(stage, me); }};
            };
            it.victim = by(victim, 1);
            for (const Doing& each : {kPublishAndTake, kWithId, kTakeBoth}) {
              it.survivors.push_back(by(each, 2));
            }
            it.recovery = by(kSweep, 2);
            it.second_recovery = by(kSweep, 3);
            it.recovery_may_freeze = true;
            return it;
          }};
}

}  // namespace

const std::vector<NamedTurn>& turn_schedules() {
  static const std::vector<NamedTurn> all = {
      schedule(kUsed, {kPublish, kPublish}),
      schedule(kUsed, {kWithId, kWithId}),
      schedule(kUsed, {kWithId, kWithId}, {1, 2}),
      schedule(kUsed, {kWithId, kSweepAndUse}),
      schedule(kUsed, {kPublish, receive(0)}),
      schedule(kUsed, {kPublish, receive(1), kPublish}),
      schedule(kUsed, {kPublish, kTakeBoth, kPublish}, {1, 2}),
      schedule(kUsed, {kPublish, kTakeAndSweep, kPublish}, {3}),
      schedule(kUsed, {kTwice, kPublish, receive(1)}),
      schedule(kUsed, {kPublish, receive(0), kSweep}),
      schedule(kUsed, {kPublish, receive(0), kSweepAndUse}, {1, 3}),
      schedule(kUsed, {kPublish, kPublish, kSweep}, {1, 2}),
      schedule(kFull, {kAllOrNothing, kPublish}),
      schedule(kFull, {kDivert, receive(1)}),
      schedule(kNearlyFull, {kDivert, kDivert, receive(0)}),
      schedule(kPublished, {kWithId, kTakeBoth}),
  };
  return all;
}

const std::vector<NamedTurnCrash>& turn_crashes() {
  static const std::vector<NamedTurnCrash> all = {
      crash(kEmpty, kPublish),    crash(kUsed, kWithId),        crash(kFull, kPublish),
      crash(kPublished, kWithId), crash(kPublished, kTakeBoth),
  };
  return all;
}

}  // namespace ringpost::rig
