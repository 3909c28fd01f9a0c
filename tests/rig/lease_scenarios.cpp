#include "rig/lease_scenarios.hpp"

namespace ringpost::rig {
namespace {

using S = LeaseStage;

/// 1 and 2 are there, and shards come that the group does not know.
void two_join(S& s, const std::function<void(S&)>& shards) {
  s.open(1), s.open(2);
  shards(s);
  s.pass(1);
}
void two_shards(S& s) { s.shard(3), s.shard(3); }
/// 1 has both shards, and has read one record.
void first_has_all(S& s) {
  two_shards(s);
  s.open(1), s.work(1);
}
/// 1 and 2 have one each.
void balanced(S& s) {
  first_has_all(s);
  s.open(2), s.work(1), s.work(1), s.poll(2);
}
/// 3 has both shards, 1 and 2 have seen it.
void third_has_all(S& s) {
  two_join(s, [](S& it) { two_shards(it), it.open(3), it.work(3); });
}
/// 1 has read all of shard 0, and been told its end; shard 1 is its child, or two are.
void at_the_end(S& s, const From& from) {
  s.begin_at(from);
  s.shard(0);
  s.open(1), s.open(2);
  s.put(0, 2);
  s.work(1), s.work(1);
  s.close(0);
  s.shard(1, true, 0), s.shard(1, true, 0);
  s.poll(1);
}

std::vector<LeaseBegin> make_begins() {
  return {
      {"new", [](S& s) { two_join(s, two_shards); }},
      {"alone", first_has_all},
      {"asked", [](S& s) { first_has_all(s), s.poll(1), s.poll(1), s.open(2), s.pass(1); }},
      {"announced", [](S& s) { first_has_all(s), s.poll(1), s.open(2), s.poll(1); }},
      {"given", [](S& s) { first_has_all(s), s.open(2), s.poll(1), s.poll(1), s.pass(1); }},
      {"balanced", balanced},
      {"read", [](S& s) { balanced(s), s.poll(1), s.poll(2); }},
      {"dead", [](S& s) { third_has_all(s), s.die(3); }},
      {"dead-with-one",
       [](S& s) {
         s.shard(3), s.shard(3), s.shard(3);
         s.open(3), s.work(3), s.open(1), s.poll(3), s.poll(3), s.open(2), s.poll(1);
         s.die(3), s.pass(1);
       }},
      {"silent", [](S& s) { third_has_all(s), s.poll(1), s.poll(2), s.may_take(), s.pass(10); }},
      {"first-silent",
       [](S& s) { first_has_all(s), s.poll(1), s.open(2), s.may_take(), s.pass(10); }},
      {"late",
       [](S& s) {
         first_has_all(s), s.open(2), s.may_take(true);
         for (int i = 0; i < 7; ++i) s.renew(1), s.pass(3);
       }},
      {"end", [](S& s) { at_the_end(s, From::trim_horizon()), s.pass(1); }},
      {"end-forgotten", [](S& s) { at_the_end(s, From::latest()), s.forget_finished(); }},
      {"ends",
       [](S& s) {
         s.shard(1, false), s.shard(1, false), s.shard(1, true, 0, 1);
         s.open(1), s.open(2), s.poll(1), s.poll(1), s.poll(2);
         s.work(1), s.work(2), s.poll(1), s.poll(2);
       }},
      {"rebooted",
       [](S& s) {
         s.begin_at(From::latest());
         s.shard(1), s.shard(1);
         s.open(1), s.put(0, 3), s.put(1, 3), s.work(1), s.work(1), s.work(1);
         s.reboot();
         s.open(1), s.open(2), s.pass(1);
       }},
      {"there-and-back",
       [](S& s) {
         s.shard(5);
         s.open(1), s.work(1), s.stop(1), s.open(2), s.work(2), s.work(2), s.stop(2), s.poll(1);
       }},
  };
}

}  // namespace

const std::vector<LeaseAct>& lease_acts() {
  static const std::vector<LeaseAct> acts = {
      {"work", [](S& s, int me) { s.work(me); }},
      {"checkpoint", [](S& s, int me) { s.checkpoint(me); }},
      {"checkpoint-work", [](S& s, int me) { s.checkpoint(me), s.work(me); }},
      {"poll-work", [](S& s, int me) { s.poll(me), s.work(me); }},
      {"renew", [](S& s, int me) { s.renew(me); }},
      {"stop", [](S& s, int me) { s.stop(me); }},
  };
  return acts;
}
bool differs(const LeaseAct& act, const LeaseBegin& begin) {
  const std::string& name = begin.name;
  const bool has_read = name != "new" && !name.starts_with("dead") && name != "silent";
  return has_read || !act.name.starts_with("checkpoint");
}
const std::vector<LeaseBegin>& lease_begins() {
  static const std::vector<LeaseBegin> begins = make_begins();
  return begins;
}

ExploreScenario lease_pair(LeaseStage& stage, const LeaseAct& first, const LeaseAct& second,
                           const LeaseBegin& begin) {
  ExploreScenario scenario;
  scenario.stage = stage.stage(first.name + "|" + second.name + " @" + begin.name,
                               [&stage, build = begin.build] { build(stage); });
  int me = 0;
  for (const LeaseAct* act : {&first, &second}) {
    ++me;
    scenario.operations.push_back(
        {act->name, me, [&stage, me, run = act->run] { run(stage, me); }});
    scenario.mortal.push_back(me);
  }
  return scenario;
}

CrashScenario lease_crash(LeaseStage& stage, const LeaseAct& act, const LeaseBegin& begin) {
  CrashScenario scenario;
  scenario.stage =
      stage.stage(act.name + " @" + begin.name, [&stage, build = begin.build] { build(stage); });
  scenario.victim = {act.name, 1, [&stage, run = act.run] { run(stage, 1); }};
  for (const LeaseAct& other : lease_acts()) {
    if (other.name != "checkpoint-work" && other.name != "poll-work") continue;
    scenario.survivors.push_back({other.name, 2, [&stage, run = other.run] { run(stage, 2); }});
  }
  scenario.recovery = {"look", 2, [&stage] { stage.work(2); }};
  scenario.second_recovery = {"second look", 3, [&stage] { stage.work(3); }};
  scenario.recovery_may_freeze = true;
  return scenario;
}

}  // namespace ringpost::rig
