// What is tried on a fair ring: the acts of a FIFO ring, more states, and its own stories. In the
// rig a tenant is noisy from two messages in flight on.
#include <algorithm>
#include <cstdlib>
#include <utility>

#include "rig/group_scenarios.hpp"

namespace ringpost::rig {
namespace {

using Run = std::function<void(GroupStage&)>;

void hold(GroupStage& s, int me) {
  s.send(4, 20 + 2 * me, 3 + me);
  s.receive(me);
}

/// 3 has two messages of tenant 1 in flight, which is noisy by that.
void noisy(GroupStage& s) {
  s.send(4, 30, 1), s.send(4, 31, 1);
  s.receive(3), s.receive(3);
}
/// … and two that wait in its list.
void waiting(GroupStage& s) { noisy(s), s.send(4, 32, 1), s.send(4, 33, 1), s.place(4); }
/// Two messages in the list of a tenant of which nothing is in flight.
void listed(GroupStage& s) { s.send(4, 30, 1), s.send(4, 31, 1), s.place(4); }
void listed_one(GroupStage& s) { s.send(4, 30, 1), s.place(4); }
/// The first one in a list is leased by 3, who stops before it is off that.
void half_leased(GroupStage& s) { listed(s), s.lease_halfway(3); }
void half_leased_one(GroupStage& s) { listed_one(s), s.lease_halfway(3); }

std::vector<GroupBegin> make_begins() {
  std::vector<GroupBegin> all;
  // Those of a FIFO ring that are no matter of locks.
  for (const GroupBegin& begin : group_begins()) {
    static const std::vector<std::string> kOnlyFifo = {
        "delayed",         "due", "acked",  "acked-over", "dead-settler",
        "batch-last-gone", "two", "locked", "leased+one"};
    if (std::find(kOnlyFifo.begin(), kOnlyFifo.end(), begin.name) == kOnlyFifo.end()) {
      all.push_back(begin);
    }
  }
  const std::vector<GroupBegin> own = {
      {"nobodys", [](GroupStage& s) { s.send(4, 30, 0), s.send(4, 31, 0); }},
      {"noisy", noisy},
      {"waiting", waiting},
      {"listed", listed},
      {"listed-one", listed_one},
      {"listed+quiet", [](GroupStage& s) { listed(s), s.send(4, 36, 2); }},
      {"noisy-returned", [](GroupStage& s) { noisy(s), s.release(3), s.send(4, 34, 1); }},
      {"half-leased", half_leased},
      {"half-leased-one", half_leased_one},
      {"half-leased-over", [](GroupStage& s) { half_leased(s), s.tick(); }},
      {"half-leased-one-over", [](GroupStage& s) { half_leased_one(s), s.tick(); }},
      {"half-removed", [](GroupStage& s) { listed(s), s.remove_halfway(3); }},
      {"half-removed-one", [](GroupStage& s) { listed_one(s), s.remove_halfway(3); }},
      {"delayed", [](GroupStage& s) { s.send_delayed(4, 30, 1), s.send(4, 31, 1); }},
      {"due", [](GroupStage& s) { s.send_delayed(4, 30, 1), s.send(4, 31, 1), s.tick(); }},
      {"dead-half-leased", [](GroupStage& s) { half_leased(s), s.die(3); }},
      {"dead-half-removed", [](GroupStage& s) { listed(s), s.remove_halfway(3), s.die(3); }},
      {"dead-noisy", [](GroupStage& s) { waiting(s), s.die(3); }},
  };
  all.insert(all.end(), own.begin(), own.end());
  return all;
}

std::vector<GroupAct> make_acts() {
  std::vector<GroupAct> all;
  static const std::vector<std::string> kSame = {"receive2", "acknowledge2-last-first",
                                                 "acknowledge-last", "release2", "send-both"};
  for (const GroupAct& act : group_acts()) {
    if (std::find(kSame.begin(), kSame.end(), act.name) == kSame.end()) all.push_back(act);
  }
  all.push_back(
      {"send-delayed", [](GroupStage& s, int me) { s.send_delayed(me, me, 1); }, {}, true});
  all.push_back({"send-nobodys", [](GroupStage& s, int me) { s.send(me, me, 0); }, {}});
  all.push_back(
      {"late-acknowledge",
       [](GroupStage& s, int me) { s.tick(), s.expire(me), s.acknowledge_by_receipt(me); }, hold,
       true});
  all.push_back({"late-extend",
                 [](GroupStage& s, int me) { s.tick(), s.expire(me), s.extend(me, 5'000); }, hold,
                 true});
  return all;
}

template <class T>
const T& named(const std::vector<T>& all, const std::string& name) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const T& each) { return each.name == name; });
  if (found == all.end()) std::abort();
  return *found;
}

GroupSchedules acts(const std::string& begin, const std::vector<std::string>& names,
                    bool mortal = false) {
  std::string name;
  for (const std::string& each : names) name += (name.empty() ? "" : "|") + each;
  name += " @" + begin + (mortal ? " mortal" : "");
  return {name,
          [=](GroupStage& stage) {
            std::vector<GroupAct> run;
            for (const std::string& each : names) run.push_back(named(fair_acts(), each));
            return schedules_of(stage, named(fair_begins(), begin), std::move(run), mortal);
          },
          4, names.size() > 2};
}

GroupSchedules story(const std::string& name, const Run& build,
                     const std::vector<std::pair<std::string, Run>>& runs,
                     const std::vector<int>& mortal = {}) {
  return {name,
          [=](GroupStage& stage) {
            ExploreScenario scenario;
            scenario.stage = stage.stage(
                name, [&stage, build] { build(stage); }, true);
            int me = 0;
            for (const auto& [what, run] : runs) {
              scenario.operations.push_back({what, ++me, [&stage, run = run] { run(stage); }});
            }
            scenario.mortal = mortal;
            return scenario;
          },
          4};
}

/// Every slot is used again by another tenant.
void go_round(GroupStage& s, int me) {
  for (int i = 0; i < 4; ++i) {
    s.send(me, 2 + i, 2);
    s.receive(me), s.acknowledge(me);
  }
}
/// … and one message comes to the list of tenant 1 after that.
void go_round_and_on(GroupStage& s, int me) {
  go_round(s, me);
  s.send(me, 6, 1);
  s.receive(me), s.acknowledge(me);
}

/// A list that has lost its beginning while the slot of that is used again.
void add_rounds(std::vector<GroupSchedules>& all) {
  all.push_back(story("a leased one is leased again, and its slot goes round with others",
                      [](GroupStage& s) { s.send(4, 30, 1); },
                      {{"receive", [](GroupStage& s) { s.receive(1); }},
                       {"over, consume, goes round",
                        [](GroupStage& s) {
                          s.tick(), s.receive(2), s.acknowledge(2);
                          go_round_and_on(s, 2);
                        }}},
                      {1}));
  all.push_back(
      story("a leased one is purged, and its slot goes round with others",
            [](GroupStage& s) { s.send(4, 30, 1); },
            {{"receive", [](GroupStage& s) { s.receive(1); }},
             {"purge, goes round", [](GroupStage& s) { s.purge(2), go_round_and_on(s, 2); }}},
            {1}));
  all.push_back(story("one is removed from the middle of its list, and others go round",
                      [](GroupStage& s) { listed(s), s.remove_halfway(3); },
                      {{"expire, goes round",
                        [](GroupStage& s) {
                          s.tick(), s.expire(1);
                          for (int i = 0; i < 3; ++i) s.send(1, 2 + i, 2);
                          for (int i = 0; i < 4; ++i) s.receive(1), s.acknowledge(1);
                        }},
                       {"send", [](GroupStage& s) { s.send(2, 10, 1); }}},
                      {2}));
}

void add_stories(std::vector<GroupSchedules>& all) {
  all.push_back(story("two place one message, and one goes on",
                      [](GroupStage& s) { s.send(4, 30, 1); },
                      {{"receive", [](GroupStage& s) { s.receive(1); }},
                       {"consume, use",
                        [](GroupStage& s) {
                          s.receive(2), s.acknowledge(2);
                          for (int i = 0; i < 5; ++i) {
                            s.send(2, 2 + i, 1);
                            s.receive(2), s.acknowledge(2);
                          }
                        }}},
                      {1}));
  all.push_back(story("a leased one is taken off by others, and its slot goes round",
                      half_leased_one,
                      {{"receive", [](GroupStage& s) { s.send(1, 1, 1), s.receive(1); }},
                       {"over, consume, use",
                        [](GroupStage& s) {
                          s.tick(), s.receive(2), s.acknowledge(2);
                          for (int i = 0; i < 4; ++i) {
                            s.send(2, 2 + i, 1);
                            s.receive(2), s.acknowledge(2);
                          }
                        }}},
                      {1}));
  all.push_back(story("one is placed behind another that is leased where it was placed",
                      [](GroupStage& s) { s.send(4, 30, 1), s.send(4, 31, 1), s.send(4, 32, 1); },
                      {{"receive", [](GroupStage& s) { s.receive(1); }},
                       {"receive", [](GroupStage& s) { s.receive(2); }},
                       {"consume", [](GroupStage& s) { s.receive(3), s.acknowledge(3); }}},
                      {1, 2}));
  all.push_back(story(
      "a claim is passed while its message is delayed and published",
      [](GroupStage& s) { s.send(4, 30, 2); },
      {{"send delayed", [](GroupStage& s) { s.send_delayed(1, 1, 1); }},
       {"receive, tick, receive", [](GroupStage& s) { s.receive(2, 2), s.tick(), s.receive(2); }}},
      {1}));
  all.push_back(story(
      "the ring goes round under a receiver that is about to pass a claim",
      [](GroupStage& s) { s.claim_only(2, 30, 1); },
      {{"receive", [](GroupStage& s) { s.receive(1); }}, {"publish, goes round", [](GroupStage& s) {
                                                            s.finish(2);
                                                            s.receive(2), s.acknowledge(2);
                                                            for (int i = 0; i < 3; ++i) {
                                                              s.send(2, 2 + i, 1);
                                                              s.receive(2), s.acknowledge(2);
                                                            }
                                                            s.send(2, 5, 1);
                                                          }}}));
  all.push_back(story("a list is purged while it is consumed and its slots go round", listed,
                      {{"purge", [](GroupStage& s) { s.purge(1); }},
                       {"consume, use",
                        [](GroupStage& s) {
                          s.receive(2), s.acknowledge(2);
                          s.send(2, 2, 1), s.receive(2), s.acknowledge(2);
                          s.send(2, 3, 1), s.receive(2), s.acknowledge(2);
                        }}},
                      {1, 2}));
  all.push_back(story("a list ends while another message comes to it", listed_one,
                      {{"consume", [](GroupStage& s) { s.receive(1), s.acknowledge(1); }},
                       {"send, look",
                        [](GroupStage& s) {
                          s.send(2, 2, 1), s.send(2, 3, 1), s.send(2, 4, 1);
                          s.receive(2);
                        }},
                       {"receive", [](GroupStage& s) { s.receive(3), s.receive(3); }}},
                      {1, 2}));
}

void add_combinations(std::vector<GroupSchedules>& all) {
  for (const std::string begin :
       {"empty", "nobodys", "both", "mixed", "worn+one", "claimed+one", "await", "skipped+one",
        "waiting", "listed", "listed+quiet", "half-leased", "half-leased-one", "half-removed"}) {
    all.push_back(acts(begin, {"receive", "receive-twice"}));
    all.push_back(acts(begin, {"consume-all", "consume-all"}));
    all.push_back(acts(begin, {"send2", "consume2"}));
    all.push_back(acts(begin, {"consume", "consume"}, true));
  }
  for (const std::string begin : {"listed", "half-leased", "half-leased-over", "half-removed",
                                  "noisy-returned", "delayed", "due", "returned", "over"}) {
    all.push_back(acts(begin, {"purge", "consume2"}));
    all.push_back(acts(begin, {"purge", "expire+consume"}, true));
    all.push_back(acts(begin, {"consume", "expire+consume"}, true));
    all.push_back(acts(begin, {"repair", "consume2"}));
  }
  for (const std::string act : {"acknowledge", "acknowledge-receipt", "acknowledge-view", "release",
                                "extend", "shorten", "late-acknowledge", "late-extend"}) {
    all.push_back(acts("listed-one", {act, "consume-all"}));
    all.push_back(acts("empty", {act, "use"}, true));
    all.push_back(acts("empty", {act, "expire+consume"}));
    all.push_back(acts("empty", {act, "sweep", "consume"}));
  }
  for (const std::string act : {"send", "send-delayed", "send-nobodys", "send-block"}) {
    all.push_back(acts("empty", {act, "receive"}));
    all.push_back(acts("listed-one", {act, "expire+consume"}, true));
    all.push_back(acts("claimed", {act, "sweep", "use"}));
  }
  for (const std::string act : {"send", "send-delayed", "release", "expire"}) {
    all.push_back(acts("over", {"sleep-receive", act}));
    all.push_back(acts("empty", {"sleep-receive", act}));
  }
  for (const std::string act : {"receive", "consume", "acknowledge", "purge"}) {
    all.push_back(acts("full", {"sleep-send", act}));
  }
}

}  // namespace

const std::vector<GroupAct>& fair_acts() {
  static const std::vector<GroupAct> acts = make_acts();
  return acts;
}
const std::vector<GroupBegin>& fair_begins() {
  static const std::vector<GroupBegin> begins = make_begins();
  return begins;
}
const std::vector<GroupSchedules>& fair_schedules() {
  static const std::vector<GroupSchedules> all = [] {
    std::vector<GroupSchedules> made;
    add_stories(made);
    add_rounds(made);
    add_combinations(made);
    return made;
  }();
  return all;
}

}  // namespace ringpost::rig
