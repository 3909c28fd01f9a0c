// What is tried on durable queues: states, schedules, and the operations that are killed.
#include <utility>

#include "rig/durable_stage.hpp"

namespace ringpost::rig {
namespace {

using S = DurableStage;
using Base = S::Base;
using Build = std::function<void(S&)>;
using Act = std::function<void(S&, int me)>;
struct Doing {
  std::string name;
  Act run;
};
struct Begin {
  std::string name;
  DurableShape shape;
  Base base;
  Build build;
};

constexpr DurableShape kStandard{false};
constexpr DurableShape kFifo{true};
/// Five writes fill a segment.
constexpr DurableShape kShort{false, 32 * 1024};
constexpr DurableShape kShortFifo{true, 32 * 1024};

DurableStage& stage_of(const DurableShape& shape) {
  static std::pair<DurableShape, std::unique_ptr<DurableStage>> last;
  if (last.second == nullptr || last.first != shape) {
    last.second.reset();  // one bus of that name at a time
    last = {shape, std::make_unique<DurableStage>(shape)};
  }
  return *last.second;
}

// ---- states

/// A segment has been begun.
const Base kNew{"new", [](S& s) { s.wear(1); }};
/// Every slot is taken, by messages that do not count.
const Base kFullBase{"full", [](S& s) { s.fill(); }};
/// The first segment has two messages, the others nothing that is alive.
const Base kOldBase{"old", [](S& s) {
                      s.send(4, 20), s.send(4, 21);
                      s.receive(3), s.receive(4);
                      s.wear(11);
                      s.give_back(3), s.give_back(4);
                    }};
/// The first segment has a message that is in the log alone.
const Base kOldBacklogBase{"old backlog", [](S& s) {
                             s.fill();
                             s.send(4, 20);
                             s.fret(40);
                           }};
/// The first segment has a message that was received before.
const Base kOldTriedBase{"old tried", [](S& s) {
                           s.send(4, 8);
                           s.receive(4);
                           s.wear(11);
                           s.give_back(4);
                         }};

void nothing(S&) {}
const Begin kEmpty{"empty", kStandard, kNew, nothing};
const Begin kOne{"one", kStandard, kNew, [](S& s) { s.send(4, 8); }};
const Begin kHeld{"held", kStandard, kNew, [](S& s) {
                    s.send(4, 8);
                    for (const int me : {1, 2}) s.receive(me);
                  }};
/// 1 has a lease that is over.
const Begin kStale{"stale", kStandard, kNew, [](S& s) {
                     s.send(4, 8);
                     s.receive(1), s.tick(), s.receive(2);
                   }};
const Begin kFull{"full", kStandard, kFullBase, nothing};
/// Two wait in the log, and there is room for them.
const Begin kBacklog{"backlog", kStandard, kFullBase, [](S& s) {
                       s.send(4, 8), s.send(4, 9);
                       for (int i = 0; i < 2; ++i) s.receive(4), s.acknowledge(4);
                     }};
const Begin kOld{"old segment", kShort, kOldBase, nothing};
const Begin kShortEmpty{"short segments", kShort, kNew, nothing};
const Begin kOldBacklog{"old backlog", kShort, kOldBacklogBase, nothing};
const Begin kOldTriedFifo{"old tried", kShortFifo, kOldTriedBase,
                          [](S& s) { s.bury_from_now_on(); }};
const Begin kEmptyFifo{"empty", kFifo, kNew, nothing};
const Begin kOneFifo{"one", kFifo, kNew, [](S& s) { s.send(4, 8); }};
const Begin kOldFifo{"old segment", kShortFifo, kOldBase, nothing};

// ---- what is done

const Doing kSend{"send", [](S& s, int me) { s.send(me, me); }};
const Doing kSendSame{"send the same", [](S& s, int me) { s.send(me, 7); }};
const Doing kReceive{"receive", [](S& s, int me) {
                       if (s.receive(me)) s.acknowledge(me);
                     }};
const Doing kReceiveTwo{"receive two", [](S& s, int me) {
                          for (int i = 0; i < 2; ++i) {
                            if (s.receive(me)) s.acknowledge(me);
                          }
                        }};
const Doing kAcknowledge{"acknowledge", [](S& s, int me) { s.acknowledge(me); }};
const Doing kSendAndReceive{"send and receive", [](S& s, int me) {
                              s.send(me, me);
                              if (s.receive(me)) s.acknowledge(me);
                            }};
const Doing kSweep{"sweep", [](S& s, int me) { s.sweep(me); }};
const Doing kSweepAndReceive{"sweep and receive", [](S& s, int me) {
                               s.sweep(me);
                               if (s.receive(me)) s.acknowledge(me);
                             }};
const Doing kTend{"tend", [](S& s, int me) { s.tend(me); }};
const Doing kPurge{"purge", [](S& s, int me) { s.purge(me); }};
/// So much is written that later segments go, too.
const Doing kWearOut{"wear out", [](S& s, int me) {
                       for (int i = 0; i < 2; ++i) {
                         if (s.receive(me)) s.acknowledge(me);
                       }
                       s.wear(12);
                       s.tend(me);
                     }};
const Doing kDrain{"write", [](S& s, int me) { s.drain_log(me); }};
const Doing kBury{"bury", [](S& s, int me) { s.receive(me); }};

/// The message was received before, and may not be again.
Begin burying(const DurableShape& shape) {
  return {"tried", shape, kNew, [](S& s) {
            s.send(4, 8);
            s.receive(4), s.give_back(4);
            s.bury_from_now_on();
          }};
}

std::string title(const std::string& acts, const Begin& begin) {
  return (begin.shape.fifo ? "fifo " : "") + acts + " @" + begin.name;
}

NamedDurable story(const Begin& begin, std::vector<Doing> doings, std::vector<int> mortal = {}) {
  std::string acts;
  for (const Doing& each : doings) acts += (acts.empty() ? "" : "|") + each.name;
  const std::string name = title(acts, begin);
  return {name, [=] {
            S& stage = stage_of(begin.shape);
            ExploreScenario it;
            it.stage = stage.stage(name, begin.base, [&stage, begin] { begin.build(stage); });
            int me = 0;
            for (const Doing& each : doings) {
              ++me;
              it.operations.push_back({each.name, me, [&stage, each, me] { each.run(stage, me); }});
            }
            it.mortal = mortal;
            return it;
          }};
}

NamedDurableCrash crash(const Begin& begin, const Doing& victim, std::vector<Doing> survivors) {
  const std::string name = title(victim.name, begin);
  return {name, [=] {
            S& stage = stage_of(begin.shape);
            CrashScenario it;
            it.stage = stage.stage(name, begin.base, [&stage, begin] { begin.build(stage); });
            const auto operation = [&stage](const Doing& what, int me) {
              return Operation{what.name, me, [&stage, what, me] { what.run(stage, me); }};
            };
            it.victim = operation(victim, 1);
            for (const Doing& each : survivors) it.survivors.push_back(operation(each, 2));
            it.recovery = operation(kSweep, 3);
            it.second_recovery = operation(kSweep, 4);
            return it;
          }};
}

}  // namespace

const std::vector<NamedDurable>& durable_schedules() {
  static const std::vector<NamedDurable> all = {
      story(kEmpty, {kSend, kReceive}, {1}),
      story(kEmpty, {kSend, kSend, kReceive}, {1}),
      story(kEmpty, {kSend, kSweepAndReceive, kDrain}, {1}),
      story(kHeld, {kAcknowledge, kSend, kDrain}, {1}),
      story(kOne, {kReceive, kPurge, kSend}, {1}),
      story(kOld, {kTend, kReceiveTwo}, {1}),
      story(kOld, {kTend, kSend, kReceive}, {1, 2}),
      story(kOld, {kTend, kTend, kReceive}, {1}),
      story(kOld, {kTend, kPurge}, {1}),
      story(kFull, {kSend, kReceiveTwo}, {1}),
      story(kFull, {kSend, kSend, kReceive}, {1}),
      story(kBacklog, {kTend, kTend}, {1}),
      story(kBacklog, {kTend, kTend, kReceive}, {1, 2}),
      story(kBacklog, {kTend, kSweep, kReceiveTwo}, {1}),
      story(kBacklog, {kTend, kSend, kReceive}, {1}),
      story(kBacklog, {kTend, kPurge}, {1}),
      story(kStale, {kAcknowledge, kDrain}, {1}),
      story(kOldBacklog, {kTend, kReceive}, {1}),
      story(burying(kStandard), {kBury, kBury}, {1}),
      story(burying(kStandard), {kBury, kTend}, {1}),
      story(burying(kStandard), {kBury, kSweep, kBury}, {1}),
      story(kEmptyFifo, {kSend, kReceive}, {1}),
      story(kEmptyFifo, {kSend, kSend, kReceive}, {1}),
      story(kEmptyFifo, {kSend, kSendAndReceive}, {1}),
      story(kEmptyFifo, {kSendSame, kSendSame}, {1}),
      story(kEmptyFifo, {kSendSame, kSendSame, kReceive}, {1}),
      story(kEmptyFifo, {kSendSame, kSweep, kSendSame}, {1}),
      story(kOneFifo, {kReceive, kPurge, kSend}, {1}),
      story(kOldFifo, {kTend, kReceiveTwo}, {1}),
      story(kOldFifo, {kTend, kSend, kReceive}, {1}),
      story(kOldFifo, {kTend, kPurge}, {1}),
      story(burying(kFifo), {kBury, kBury}, {1}),
      story(burying(kFifo), {kBury, kTend, kSweep}, {1}),
  };
  return all;
}

ExploreReport explore_durable(const NamedDurable& it, int preemptions_max,
                              std::uint64_t schedules_max, std::uint64_t random) {
  ExploreOptions options;
  options.schedules_max = schedules_max;
  options.check_steps_max = 2'000'000;  // it takes everything out
  options.preemptions_max = 0;
  const ExploreReport deaths = explore(it.make(), options);
  if (deaths.failed) return deaths;
  options.preemptions_max = preemptions_max;
  options.deaths_max = 0;
  ExploreReport all = explore(it.make(), options);
  all.schedules += deaths.schedules;
  if (all.failed || random == 0) return all;
  options.schedules_max = 0;
  options.preemptions_max = 3;
  options.reduce = false;
  options.random_schedules = random;
  ExploreReport last = explore(it.make(), options);
  last.schedules += all.schedules;
  last.seconds += all.seconds + deaths.seconds;
  return last;
}

const std::vector<NamedDurableCrash>& durable_crashes() {
  static const std::vector<NamedDurableCrash> all = {
      crash(kEmpty, kSend, {kSend, kReceive}),
      crash(kHeld, kAcknowledge, {kSend, kReceive}),
      crash(kOne, kReceive, {kSend}),
      crash(kShortEmpty, kSend, {kWearOut}),
      crash(kOld, kTend, {kTend, kReceiveTwo, kSend, kWearOut}),
      crash(kOldBacklog, kTend, {kTend, kSend}),
      crash(kFull, kSend, {kSend, kReceiveTwo}),
      crash(kBacklog, kTend, {kTend, kReceiveTwo, kSend}),
      crash(kBacklog, kReceiveTwo, {kReceiveTwo}),
      crash(burying(kStandard), kBury, {kBury, kSend}),
      crash(kEmptyFifo, kSend, {kSend, kReceive}),
      crash(kEmptyFifo, kSendSame, {kSendSame, kReceive}),
      crash(kOneFifo, kReceive, {kSend}),
      crash(kOneFifo, kPurge, {kSend}),
      crash(kOldFifo, kTend, {kTend, kReceiveTwo, kSend}),
      crash(kOldTriedFifo, kBury, {kTend}),
      crash(burying(kFifo), kBury, {kBury, kSend}),
  };
  return all;
}

}  // namespace ringpost::rig
