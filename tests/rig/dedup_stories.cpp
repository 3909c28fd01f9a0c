// Stories: operations of several steps each, put together for one rule of the table.
#include <utility>

#include "rig/dedup_scenarios.hpp"

namespace ringpost::rig {
namespace {

using S = DedupStage;
using Build = std::function<void(S&)>;

DedupStory story(std::string name, Build build, std::vector<std::pair<std::string, Build>> runs,
                 std::vector<int> mortal = {}, int ticks = 0) {
  DedupStory it;
  it.name = name;
  it.make = [=](S& stage) {
    ExploreScenario scenario;
    scenario.stage = stage.stage(name, [&stage, build] { build(stage); });
    int me = 0;
    for (const auto& [what, run] : runs) {
      scenario.operations.push_back({what, ++me, [&stage, run = run] { run(stage); }});
    }
    scenario.mortal = mortal;
    for (int i = 0; i < ticks; ++i) scenario.events.push_back(stage.tick_event("tick"));
    return scenario;
  };
  return it;
}
DedupStory heavy(DedupStory it) {
  it.heavy = true;
  return it;
}
DedupStory buffered(DedupStory it) {
  it.name += ", buffered";
  it.delayed_stores_max = 1;
  return it;
}
DedupStory of_slots(std::uint64_t slots, DedupStory it) {
  it.slots = slots;
  return it;
}

const Build kEmpty = [](S&) {};
std::pair<std::string, Build> send(int me, int id) {
  return {"send", [=](S& s) { s.send(me, id); }};
}
std::pair<std::string, Build> pass(int me) {
  return {"pass", [=](S& s) { s.pass(me); }};
}

std::vector<DedupStory> senders() {
  return {
      story("two send", kEmpty, {send(1, 1), send(2, 1)}, {1}, 1),
      heavy(buffered(story("two send", kEmpty, {send(1, 1), send(2, 1)}))),
      heavy(story("three send", kEmpty, {send(1, 1), send(2, 1), send(3, 1)}, {1})),
      heavy(story("two send, one another id", kEmpty, {send(1, 1), send(2, 1), send(3, 2)}, {1})),
      heavy(story("two send, one passes", kEmpty, {send(1, 1), send(2, 1), pass(3)}, {1})),
      heavy(story("two send what is over", [](S& s) { s.send(4, 1), s.pass(4), s.tick(); },
                  {send(1, 1), send(2, 1), send(3, 2)}, {1})),
      of_slots(2, heavy(story("two send into a ring that is full", [](S& s) { s.begin_send(4, 3); },
                              {send(1, 1), send(2, 1), pass(3)}, {1}))),
      story("a sender, and the ring goes round", kEmpty,
            {send(1, 1), {"round", [](S& s) { dedup_act("round").run(s, 2); }}}, {1}),
      story("a sender, and others who take its id and its entry", kEmpty,
            {send(1, 1),
             {"take over",
              [](S& s) {
                s.send(2, 1);
                s.pass(2);
                s.tick();
                s.send(2, 2);
                s.send(2, 1);
              }}},
            {1}),
  };
}

std::vector<DedupStory> others() {
  return {
      story("a late commit and the entry's next message",
            [](S& s) { s.begin_send(1, 1), s.publish_only(1); },
            {{"late", [](S& s) { s.finish_send(1); }},
             {"next message", [](S& s) { s.pass(2), s.tick(), s.send(2, 1); }},
             pass(3)},
            {2}),
      story("a late sender whose entry another one has",
            [](S& s) { s.begin_send(1, 1), s.skip(4); },
            {{"late", [](S& s) { s.finish_send(1); }}, send(2, 1), send(3, 2)}, {1}),
      story("a purge, and two send", [](S& s) { s.send(4, 1), s.send(4, 2), s.pass(4); },
            {{"purge", [](S& s) { s.purge(1); }}, send(2, 1), send(3, 1)}),
      story("two purge, one sends", [](S& s) { s.send(4, 1); },
            {{"purge", [](S& s) { s.purge(1); }},
             {"purge", [](S& s) { s.purge(2); }},
             {"send", [](S& s) { s.send(3, 1), s.pass(3), s.send(3, 1); }}}),
      story("a sender, and another who dies while he takes what is over", kEmpty,
            {send(1, 1), {"take over", [](S& s) { s.send(2, 2), s.tick(), s.send(2, 3); }}}, {2}),
      of_slots(2, story("a late sender into a full ring, and another of its id",
                        [](S& s) { s.begin_send(1, 1); },
                        {{"late", [](S& s) { s.finish_send(1); }}, send(2, 1)}, {2})),
      heavy(story("a sweep, and the id of the dead", kEmpty,
                  {send(1, 1), send(2, 1), {"sweep", [](S& s) { s.sweep(3); }}}, {1})),
      heavy(story("two sweep, and the id of the dead", kEmpty,
                  {send(1, 1),
                   {"sweep", [](S& s) { s.sweep(2); }},
                   {"sweep and send", [](S& s) { s.sweep(3), s.send(3, 1); }}},
                  {1})),
      heavy(story(
          "the last entry", [](S& s) { s.fill_all_but(1), s.may_be_full(); },
          {send(1, 1), send(2, 2), pass(3)}, {}, 1)),
      story("the last entry, of the dead",
            [](S& s) { s.fill_all_but(1), s.may_be_full(), s.begin_send(4, 3), s.pass(4); },
            {send(1, 1), send(2, 2), {"skip", [](S& s) { s.skip(3); }}}),
      heavy(story("two entries for three ids",
                  [](S& s) {
                    s.fill_all_but(2), s.may_be_full();
                    s.begin_send(4, 3), s.skip(4);
                  },
                  {send(1, 1), send(2, 2), {"skip", [](S& s) { s.skip(3); }}}, {1})),
  };
}

}  // namespace

const std::vector<DedupStory>& dedup_stories() {
  static const std::vector<DedupStory> all = [] {
    std::vector<DedupStory> both = senders();
    for (DedupStory& each : others()) both.push_back(std::move(each));
    return both;
  }();
  return all;
}

}  // namespace ringpost::rig
