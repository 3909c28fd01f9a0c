// Stories, and the combinations of acts that the rules of groups speak of.
#include <utility>

#include "rig/group_scenarios.hpp"

namespace ringpost::rig {
namespace {

using Build = std::function<void(GroupStage&)>;
using Run = std::function<void(GroupStage&)>;

GroupSchedules story(const std::string& name, const Build& build,
                     const std::vector<std::pair<std::string, Run>>& runs,
                     const std::vector<int>& mortal = {}, bool ticks = false,
                     std::uint32_t slots = 4) {
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
            if (ticks) scenario.events.push_back(stage.tick_event());
            return scenario;
          },
          slots};
}

GroupSchedules acts(const std::string& begin, const std::vector<std::string>& names,
                    bool mortal = false, std::uint32_t slots = 4) {
  std::string name;
  for (const std::string& each : names) name += (name.empty() ? "" : "|") + each;
  name += " @" + begin + " /" + std::to_string(slots) + (mortal ? " mortal" : "");
  return {name, [=](GroupStage& stage) { return group_schedules(stage, begin, names, mortal); },
          slots, names.size() > 2};
}

/// Two consumers place one message, or one comes to a group that ends.
void add_placing(std::vector<GroupSchedules>& all) {
  all.push_back(story("a message comes to its group while the last one is acknowledged",
                      [](GroupStage& s) { s.send(4, 30, 1), s.receive(1), s.send(4, 31, 1); },
                      {{"acknowledge", [](GroupStage& s) { s.acknowledge(1); }},
                       {"consume", [](GroupStage& s) { s.receive(2), s.acknowledge(2); }}},
                      {1, 2}));
  all.push_back(story("two place one message, and one goes on",
                      [](GroupStage& s) { s.send(4, 30, 1), s.receive(4), s.send(4, 31, 1); },
                      {{"receive", [](GroupStage& s) { s.receive(1); }},
                       {"receive, acknowledge, use",
                        [](GroupStage& s) {
                          s.receive(2);
                          s.acknowledge(4);
                          s.receive(2), s.acknowledge(2);
                          s.send(2, 2, 1);
                          s.receive(2), s.acknowledge(2);
                        }}},
                      {1}));
  all.push_back(story("two place a group's first message, and one goes on",
                      [](GroupStage& s) { s.wear_out_records(), s.send(4, 30, 1); },
                      {{"receive", [](GroupStage& s) { s.receive(1); }},
                       {"goes on",
                        [](GroupStage& s) {
                          s.receive(2), s.acknowledge(2);
                          s.send(2, 2, 1), s.receive(2), s.acknowledge(2);
                          s.send(2, 7, 2), s.receive(2), s.acknowledge(2);
                        }}},
                      {1}));
  all.push_back(story(
      "an emptied record is taken by another group",
      [](GroupStage& s) { s.wear_out_records(), s.send(4, 30, 1), s.receive(1), s.send(4, 31, 2); },
      {{"acknowledge", [](GroupStage& s) { s.acknowledge(1); }},
       {"receive, then the first group again",
        [](GroupStage& s) { s.receive(2), s.send(2, 2, 1), s.receive(2), s.acknowledge(2); }},
       {"receive", [](GroupStage& s) { s.receive(3); }}},
      {1}));
}

/// Skips, batches, laps.
void add_passing(std::vector<GroupSchedules>& all) {
  all.push_back(story("a claim is passed while it is published",
                      [](GroupStage& s) { s.claim_only(2, 30, 1), s.send(4, 31, 1); },
                      {{"receive", [](GroupStage& s) { s.receive(1, 2); }},
                       {"publish", [](GroupStage& s) { s.finish(2); }},
                       {"consume", [](GroupStage& s) { s.receive(3), s.acknowledge(3); }}},
                      {1, 2}));
  all.push_back(
      story("a batch goes on while its first lease ends",
            [](GroupStage& s) { s.send(4, 30, 1), s.send(4, 31, 1), s.send(4, 32, 1); },
            {{"receive 3", [](GroupStage& s) { s.receive(1, 3); }},
             {"tick, take",
              [](GroupStage& s) { s.tick(), s.expire(2), s.receive(2, 2), s.acknowledge(2); }}},
            {1}));
  all.push_back(story("a batch goes on while it is handed back",
                      [](GroupStage& s) {
                        s.send(4, 30, 1), s.send(4, 31, 1);
                        s.receive(1), s.receive(4);
                        s.share_receipt(1, 2);
                        s.release(1);
                      },
                      {{"receive 2", [](GroupStage& s) { s.receive(1, 2); }},
                       {"receive", [](GroupStage& s) { s.receive(3, 2), s.release(3); }}},
                      {1}));
  all.push_back(story(
      "a slow receiver at the head, a batch by others",
      [](GroupStage& s) { s.send(4, 30, 1), s.send(4, 31, 1), s.send(4, 32, 2); },
      {{"receive 2", [](GroupStage& s) { s.receive(1, 2); }},
       {"consume 2", [](GroupStage& s) { s.receive(2, 2), s.acknowledge(2), s.acknowledge(2); }}},
      {1, 2}));
  all.push_back(story("a group goes round under a look at its hint",
                      [](GroupStage& s) { s.send(4, 30, 1), s.receive(4), s.release(4); },
                      {{"receive", [](GroupStage& s) { s.receive(1); }},
                       {"goes round, release",
                        [](GroupStage& s) {
                          for (int i = 0; i < 4; ++i) {
                            s.receive(2), s.acknowledge(2);
                            s.send(2, 2 + i, 1);
                          }
                          s.receive(2), s.release(2);
                        }}},
                      {1}));
  all.push_back(story("the ring goes round under a receiver that is about to pass a claim",
                      [](GroupStage& s) { s.claim_only(2, 30, 1); },
                      {{"receive", [](GroupStage& s) { s.receive(1); }},
                       {"publish, goes round", [](GroupStage& s) {
                          s.finish(2);
                          s.receive(2), s.acknowledge(2);
                          for (int i = 0; i < 3; ++i)
                            s.send(2, 2 + i, 1), s.receive(2), s.acknowledge(2);
                          s.send(2, 5, 1);
                        }}}));
  all.push_back(story("the ring goes round under a slow receiver",
                      [](GroupStage& s) { s.send(4, 30, 1), s.receive(3), s.send(4, 31, 1); },
                      {{"receive", [](GroupStage& s) { s.receive(1); }},
                       {"goes round",
                        [](GroupStage& s) {
                          s.receive(2);
                          s.acknowledge(3), s.receive(2), s.acknowledge(2);
                          for (int i = 0; i < 4; ++i)
                            s.send(2, 2 + i, 1), s.receive(2), s.acknowledge(2);
                        }}},
                      {1}));
}

/// 1 holds a whole group; 2 has the receipt of the last one, behind which nothing else is hinted.
void batch_with_receipt(GroupStage& s, int messages) {
  for (int i = 0; i < messages; ++i) s.send(4, 30 + i, 1);
  s.receive(1, static_cast<std::uint32_t>(messages));
  s.share_receipt(1, 2, static_cast<std::size_t>(messages) - 1);
}

/// A hint is set for the end of a lease that is not the first of its group, and used up, or
/// dropped, before that end.
void add_hints_behind(std::vector<GroupSchedules>& all) {
  const Run release = [](GroupStage& s) { s.release(2); };
  const Run look = [](GroupStage& s) { s.receive(3); };
  all.push_back(story("the second of a batch is released, the first acknowledged, a look",
                      [](GroupStage& s) { batch_with_receipt(s, 2); },
                      {{"acknowledge", [](GroupStage& s) { s.acknowledge(1); }},
                       {"release", release},
                       {"receive", look}},
                      {1, 2}));
  all.push_back(story("the last of a batch is released, the one before is acknowledged, a look",
                      [](GroupStage& s) { batch_with_receipt(s, 3), s.acknowledge(1, 1); },
                      {{"acknowledge", [](GroupStage& s) { s.acknowledge(1); }},
                       {"release", release},
                       {"receive", look}},
                      {1, 2}));
  all.push_back(story("the last of a batch is released, the first received again by itself",
                      [](GroupStage& s) { batch_with_receipt(s, 3), s.acknowledge(1, 1); },
                      {{"release", [](GroupStage& s) { s.release(1); }},
                       {"release by receipt", release},
                       {"consume", [](GroupStage& s) { s.receive(3), s.acknowledge(3); }}},
                      {1, 2}));
  all.push_back(
      story("the first is released, and its lease extended to where it ends, a look in between",
            [](GroupStage& s) {
              s.send(4, 30, 1), s.receive(1);
              s.share_receipt(1, 2);
            },
            {{"extend twice",
              [](GroupStage& s) {
                s.extend(1, GroupStage::kVisibility);  // a little later, that it is another word
                s.extend(1, GroupStage::kVisibility);
              }},
             {"release", release},
             {"receive twice", [](GroupStage& s) { s.receive(3), s.receive(3); }}},
            {1, 2}));
}

/// Seven groups fill the first bucket: 4 holds a message of each.
void fill_bucket(GroupStage& s) {
  for (int i = 1; i <= 7; ++i) s.send(4, 30 + i, i), s.receive(4);
}

void add_spills(std::vector<GroupSchedules>& all) {
  all.push_back(story(
      "a group gets its record in the next bucket",
      [](GroupStage& s) { fill_bucket(s), s.send(4, 38, 8); },
      {{"receive", [](GroupStage& s) { s.receive(1); }},
       {"room, receive, send",
        [](GroupStage& s) {
          s.acknowledge(4), s.receive(2), s.acknowledge(2);
          s.send(2, 2, 8), s.receive(2), s.acknowledge(2);
        }}},
      {1}, false, 8));
  all.push_back(story(
      "a group with its record in the next bucket, when there is room in the first",
      [](GroupStage& s) {
        fill_bucket(s), s.send(4, 38, 8), s.receive(3);
        s.acknowledge(4), s.send(4, 39, 8);
      },
      {{"receive", [](GroupStage& s) { s.receive(1); }},
       {"acknowledge, consume",
        [](GroupStage& s) { s.acknowledge(3), s.receive(2), s.acknowledge(2); }}},
      {1, 2}, false, 8));
}

/// A receive under the id of an attempt, and again. 3 has made it.
void add_attempts(std::vector<GroupSchedules>& all) {
  const auto attempt = [](int me, std::uint32_t count = 1) {
    return [me, count](GroupStage& s) { s.receive_as(me, 1, count); };
  };
  const Build two = [](GroupStage& s) { s.send(4, 30, 1), s.send(4, 31, 2); };
  const Build made = [two](GroupStage& s) { two(s), s.receive_as(3, 1, 2); };
  all.push_back(
      story("two make one attempt", two, {{"attempt", attempt(1)}, {"attempt", attempt(2)}}, {1}));
  all.push_back(story("two make one attempt again", made,
                      {{"again", attempt(1)}, {"again", attempt(2)}}, {1, 2}));
  all.push_back(story("an attempt is made again while another takes its entry",
                      [made](GroupStage& s) { made(s), s.acknowledge(3); },
                      {{"again", attempt(1)},
                       {"another, then the same",
                        [](GroupStage& s) {
                          s.send(2, 2, 3), s.receive_as(2, 2);
                          s.receive_as(2, 1), s.acknowledge(2), s.receive_as(2, 2);
                        }}},
                      {1}));
  all.push_back(story("an attempt is made again while its entry goes from one to another",
                      [made](GroupStage& s) { made(s), s.acknowledge(3); },
                      {{"again", attempt(1)},
                       {"others, one after the other",
                        [](GroupStage& s) {
                          s.send(2, 2, 3), s.receive_as(2, 2), s.acknowledge(2);
                          s.receive_as(2, 1), s.receive_as(2, 2);
                        }}},
                      {1}));
  all.push_back(story(
      "an attempt is made again, its message goes, and the ring goes round",
      [](GroupStage& s) { s.send(4, 30, 1), s.receive_as(3, 1); },
      {{"again, reads", [](GroupStage& s) { s.receive_in_place_as(1, 1), s.finish_reading(1); }},
       {"acknowledge, use",
        [](GroupStage& s) {
          s.acknowledge(3);
          for (int i = 0; i < 4; ++i) s.send(2, 2 + i, 2);
          s.receive(2, 4);
        }}},
      {1}));
  all.push_back(story("an attempt is made again while one of its messages is released",
                      [made](GroupStage& s) { made(s), s.share_receipt(3, 2, 1); },
                      {{"again", attempt(1, 2)},
                       {"release, consume",
                        [](GroupStage& s) { s.release(2), s.receive(2), s.acknowledge(2, 1); }}},
                      {1, 2}));
  all.push_back(story(
      "an attempt is made again while its leases end", made,
      {{"again", attempt(1, 2)}, {"consume", [](GroupStage& s) { s.expire(2), s.receive(2, 2); }}},
      {1}, true));
  all.push_back(story("an attempt stands still and is made by others", two,
                      {{"attempt", attempt(1)},
                       {"attempt", [](GroupStage& s) { s.receive_as(2, 2), s.receive_as(2, 1); }}},
                      {}, true));
}

void add_combinations(std::vector<GroupSchedules>& all) {
  for (const std::string begin : {"empty", "one", "two", "both", "mixed", "worn+one", "claimed+one",
                                  "await", "skipped+one", "returned"}) {
    all.push_back(acts(begin, {"receive", "receive"}));
    all.push_back(acts(begin, {"receive2", "consume"}));
    all.push_back(acts(begin, {"send", "receive"}));
    all.push_back(acts(begin, {"consume-all", "consume-all"}));
    all.push_back(acts(begin, {"consume", "consume"}, true));
  }
  for (const std::string begin : {"empty", "worn", "leased", "consumed"}) {
    all.push_back(acts(begin, {"send", "send", "consume2"}));
    all.push_back(acts(begin, {"send", "send-other", "receive"}));
    all.push_back(acts(begin, {"send", "sweep", "use"}));
    all.push_back(acts(begin, {"send-block", "consume"}, true));
  }
  for (const std::string begin :
       {"leased+one", "locked", "batch", "batch-last-gone", "over", "over-in-place", "due",
        "delayed", "acked", "acked-over", "batch-first-returned", "batch-returned"}) {
    all.push_back(acts(begin, {"receive2", "expire+consume"}));
    all.push_back(acts(begin, {"consume2", "expire+consume"}, true));
    all.push_back(acts(begin, {"send", "consume2"}));
    all.push_back(acts(begin, {"purge", "consume"}));
  }
  for (const std::string act :
       {"acknowledge", "acknowledge-first", "acknowledge2", "acknowledge2-last-first", "release",
        "release2", "shorten", "extend", "acknowledge-view", "acknowledge-block"}) {
    all.push_back(acts("one", {act, "consume-all"}));
    all.push_back(acts("empty", {act, "use"}, true));
    all.push_back(acts("empty", {act, "expire+consume"}));
    all.push_back(acts("empty", {act, "sweep", "consume"}));
    all.push_back(acts("one", {act, "purge"}));
  }
}

void add_sleepers(std::vector<GroupSchedules>& all) {
  for (const std::string act : {"send", "release", "acknowledge-first", "release2", "purge"}) {
    all.push_back(acts("empty", {"sleep-receive", act}));
    all.push_back(acts("locked", {"sleep-receive", act}));
  }
  // Some end a delay while others, who looked at the clock before, look at its hint.
  all.push_back(acts("due", {"consume-all", "expire", "receive"}));
  all.push_back(acts("delayed", {"expire+consume", "expire+consume"}));
  all.push_back(acts("delayed", {"expire+consume", "expire", "consume"}, true));
  all.push_back(acts("over", {"sleep-receive", "expire"}));
  all.push_back(acts("due", {"sleep-receive", "expire"}));
  all.push_back(acts("acked-over", {"sleep-receive", "expire"}));
  all.push_back(acts("dead-consumer", {"sleep-receive", "sweep"}));
  all.push_back(acts("dead-settler", {"sleep-receive", "sweep"}));
  for (const std::string act : {"receive", "consume", "acknowledge", "purge"}) {
    all.push_back(acts("full", {"sleep-send", act}));
  }
}

}  // namespace

std::vector<GroupSchedules> group_stories() {
  std::vector<GroupSchedules> all;
  add_placing(all);
  add_passing(all);
  add_hints_behind(all);
  add_attempts(all);
  add_spills(all);
  return all;
}

const std::vector<GroupSchedules>& group_special_schedules() {
  static const std::vector<GroupSchedules> all = [] {
    std::vector<GroupSchedules> made = group_stories();
    add_combinations(made);
    add_sleepers(made);
    return made;
  }();
  return all;
}

}  // namespace ringpost::rig
