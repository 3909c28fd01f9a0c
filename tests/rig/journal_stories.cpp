// Stories: operations of several steps each, put together for one rule of the journal.
#include <utility>

#include "rig/journal_scenarios.hpp"

namespace ringpost::rig {
namespace {

using S = JournalStage;
using Build = std::function<void(S&)>;
using Run = std::pair<std::string, Build>;
using journal::JournalKind;

constexpr JournalShape kSmall{2};
constexpr JournalShape kEight{3};
constexpr JournalShape kMemory{2, JournalKind::kMemory};

JournalStory story(std::string name, JournalShape shape, Build build, std::vector<Run> runs,
                   std::vector<int> mortal = {}) {
  JournalStory it;
  it.name = name;
  it.make = [=] {
    JournalStage& stage = journal_stage(shape);
    ExploreScenario scenario;
    scenario.stage = stage.stage(name, [&stage, build] { build(stage); });
    int me = 0;
    for (const auto& [what, run] : runs) {
      scenario.operations.push_back({what, ++me, [&stage, run = run] { run(stage); }});
    }
    scenario.mortal = mortal;
    return scenario;
  };
  return it;
}
JournalStory heavy(JournalStory it) {
  it.heavy = true;
  return it;
}
JournalStory buffered(JournalStory it) {
  it.name += ", buffered";
  it.delayed_stores_max = 1;
  return it;
}

const Build kEmpty = [](S&) {};
/// 1 is the writer, and has nothing to do.
const Build kIdle = [](S& s) { s.write(1); };
/// So many records of one cell, in the log.
Build after(int records) {
  return [=](S& s) {
    for (int i = 0; i < records; ++i) s.put(4), s.drain(4);
  };
}
/// On a disk that is in order again.
const Build kFailed = [](S& s) {
  s.put(4), s.drain(4), s.fail_at_write(0), s.put_durable(4), s.mend(), s.put(5);
};
Run recover(int me) {
  return {"recover", [=](S& s) { s.recover(me); }};
}
Run put(int me, int cells = 1) {
  return {"put", [=](S& s) { s.put(me, cells); }};
}
Run durable(int me) {
  return {"durable", [=](S& s) { s.put_durable(me); }};
}
Run batch(int me, int records) {
  return {"batch", [=](S& s) { s.put_batch_durable(me, records); }};
}
Run hand_on(int me) {
  return {"write and let go", [=](S& s) { s.write_and_let_go(me); }};
}
Run drain(int me) {
  return {"drain", [=](S& s) { s.drain(me); }};
}
Run write(int me) {
  return {"write", [=](S& s) { s.write(me); }};
}
Run sweep(int me) {
  return {"sweep", [=](S& s) { s.sweep(me); }};
}
Run read(int me) {
  return {"read", [=](S& s) { s.read(me); }};
}
/// A lap and more.
Run round(int me) {
  return {"round", [=](S& s) { journal_act("round").run(s, me); }};
}

std::vector<JournalStory> rings() {
  return {
      story("two put, one drains", kSmall, kEmpty, {put(1), put(2), drain(3)}, {1}),
      heavy(story("three put into the last cells", kSmall, after(2), {put(1, 2), put(2), put(3)},
                  {1})),
      heavy(story("two put where a lap ends", kSmall, after(3), {put(1, 2), put(2, 2), drain(3)},
                  {1, 2})),
      story("a producer, and the ring goes round", kSmall, kEmpty, {put(1), round(2)}, {1}),
      story("a producer behind his time, and the ring goes round", kSmall,
            [](S& s) { s.put(1), s.drain(4), after(2)(s); },
            {{"flush", [](S& s) { s.flush(1); }},
             {"round, another puts", [](S& s) { journal_act("round").run(s, 2), s.put(3); }}}),
      story("a reader, and the ring goes round", kSmall,
            [](S& s) { after(3)(s), s.put(4), s.mark(2); }, {read(1), round(2)}),
      story("a reader within a record that is being written", kSmall,
            [](S& s) { after(4)(s), s.mark(1); }, {read(1), put(2, 2), put(3, 2)}),
      story("a reader without a log", kMemory,
            [](S& s) {
              for (int i = 0; i < 4; ++i) s.put(4);
            },
            {read(1), put(2, 2), put(3)}),
      story("three without a log, and a claim in the way", kMemory,
            [](S& s) { s.put(4), s.put(4), s.claim(3), s.put(4); },
            {put(1), put(2), {"late", [](S& s) { s.publish(3); }}}, {1}),
      story("two sweep, and the ring goes round", kSmall,
            [](S& s) { after(3)(s), s.claim(5), s.die(5); },
            {sweep(1),
             {"sweep and go round", [](S& s) { s.sweep(2), journal_act("round").run(s, 2); }}}),
      story("a dead claim, and a sweep beside a producer", kSmall,
            [](S& s) { after(3)(s), s.claim(5), s.die(5); },
            {put(1), {"sweep, put, drain", [](S& s) { s.sweep(2), s.put(2), s.drain(2); }}}),
      heavy(story("a claim of one who dies, a sweep, and a drain", kSmall, after(3),
                  {put(1), sweep(2), drain(3)}, {1})),
      heavy(story(
          "two close, one puts", kSmall, after(3),
          {{"close", [](S& s) { s.close(1); }}, {"close", [](S& s) { s.close(2); }}, put(3)}, {1})),
      heavy(story("one closes, one puts, one drains", kSmall, after(3),
                  {{"close", [](S& s) { s.close(1); }},
                   put(2),
                   {"drain and put", [](S& s) { s.drain(3), s.put(3); }}},
                  {1, 3})),
      story("eight cells, and records of two", kEight,
            [](S& s) {
              after(6)(s);
              for (int i = 0; i < 5; ++i) s.put(4);
            },
            {put(1, 2), put(2), drain(3)}, {1}),
  };
}

/// What is acknowledged as durable, however the writers change.
std::vector<JournalStory> acknowledgements() {
  return {
      heavy(story("a batch waits once, beside a writer that stays", kSmall, kEmpty,
                  {batch(1, 3), write(2)}, {2})),
      heavy(story("two batches, and who waits writes for both", kSmall, kEmpty,
                  {batch(1, 2), batch(2, 2)}, {1})),
      heavy(story("a batch longer than the ring, and a writer that dies", kSmall, kEmpty,
                  {batch(1, 6), write(2)}, {2})),
      heavy(story("the role changes hands while two wait", kSmall, kEmpty,
                  {durable(1), durable(2), hand_on(3)}, {3})),
      heavy(story("a batch behind the claim of one who dies", kSmall, [](S& s) { s.claim(3); },
                  {batch(1, 2), {"late, and a sweep", [](S& s) { s.publish(3), s.sweep(2); }}},
                  {1})),
      heavy(story("a durable put, and the end", kSmall, after(3),
                  {durable(1), {"close", [](S& s) { s.close(2); }}, drain(3)}, {3})),
      heavy(story("a write fails while two batches wait", kSmall, [](S& s) { s.fail_at_write(2); },
                  {batch(1, 2), batch(2, 2)})),
      heavy(story("a dead writer's flush, taken up by who waits", kSmall,
                  [](S& s) { s.put(4), s.write_and_die(5); }, {batch(1, 2), batch(2, 3)}, {1})),
  };
}

std::vector<JournalStory> roles() {
  return {
      story("two wait for durability", kSmall, kEmpty, {durable(1), durable(2)}, {1}),
      heavy(story("two wait for durability, one writes", kSmall, kEmpty,
                  {durable(1), durable(2), write(3)}, {3})),
      heavy(story("a writer dies, two take over", kSmall, [](S& s) { s.put(4), s.put(4); },
                  {drain(1), drain(2), put(3)}, {1})),
      heavy(story("a writer dies, one sweeps, one takes over", kSmall,
                  [](S& s) { s.put(4), s.put(4); }, {drain(1), sweep(2), durable(3)}, {1})),
      story("a dead writer, and two who take over", kSmall,
            [](S& s) { s.put(4), s.put(4), s.write_and_die(5), s.put(4); }, {drain(1), durable(2)},
            {1}),
      story("handed over three times", kSmall, kEmpty,
            {{"two turns", [](S& s) { s.put(1), s.drain(1), s.put(1), s.drain(1); }}, durable(2)},
            {1}),
      story("a writer, and who wants it to flush", kSmall, [](S& s) { s.put(4), s.write(1); },
            {write(1), {"want", [](S& s) { s.want(2, 1); }}}),
      buffered(story("a writer without work, and a record", kSmall, kIdle, {write(1), put(2)})),
      buffered(story("a writer without work, and the end", kSmall, kIdle,
                     {write(1), {"close", [](S& s) { s.close(2); }}})),
      story("a writer without work, and a void record that is wanted", kSmall,
            [](S& s) { s.write(1), s.claim(3); },
            {write(1),
             {"abandon", [](S& s) { s.abandon(3); }},
             {"want", [](S& s) { s.want(2, 1); }}}),
      buffered(story("a writer without work, and somebody waits", kSmall,
                     [](S& s) { s.put(4), s.write(1); },
                     {write(1), {"wait", [](S& s) { s.wait_durable(2, 0); }}})),
      story("one waits for durability behind another's claim", kSmall,
            [](S& s) { s.claim(3), s.put(4); },
            {{"wait", [](S& s) { s.wait_durable(1, 1); }}, {"late", [](S& s) { s.publish(3); }}}),
      story("one waits while another drains", kSmall, [](S& s) { s.put(4); },
            {{"wait", [](S& s) { s.wait_durable(1, 0); }}, drain(2)}),
      buffered(story("one waits for a writer that stays", kSmall,
                     [](S& s) { s.write(2), s.put(4); },
                     {{"wait", [](S& s) { s.wait_durable(1, 0); }}, write(2)})),
      buffered(story("one waits, and another lets go of the role", kSmall, kEmpty,
                     {{"wait", [](S& s) { s.wait_durable(1, 0); }}, drain(2)})),
      heavy(story("two wait for room", kSmall,
                  [](S& s) {
                    for (int i = 0; i < 4; ++i) s.put(4);
                  },
                  {{"room", [](S& s) { s.wait_room(1), s.put(1); }},
                   {"room", [](S& s) { s.wait_room(2, 2), s.put(2, 2); }}},
                  {1})),
      buffered(
          story("one waits for room without a log", kMemory,
                [](S& s) {
                  s.claim(3);
                  for (int i = 0; i < 3; ++i) s.put(4);
                },
                {{"room", [](S& s) { s.wait_room(1); }}, {"late", [](S& s) { s.publish(3); }}})),
      buffered(story("a reader at the end, and a record", kSmall, kEmpty,
                     {{"follow", [](S& s) { s.wait_published(1, 0); }}, put(2)})),
      story(
          "a reader at the end, and the end", kSmall, kEmpty,
          {{"follow", [](S& s) { s.wait_published(1, 0); }}, {"close", [](S& s) { s.close(2); }}}),
      story("a reader behind a claim that is abandoned", kSmall, [](S& s) { s.claim(3), s.put(4); },
            {{"follow", [](S& s) { s.wait_published(1, 0); }},
             {"abandon", [](S& s) { s.abandon(3); }}}),
  };
}

std::vector<JournalStory> failures() {
  return {
      story("a write fails", kSmall, [](S& s) { s.fail_at_write(0); }, {durable(1), durable(2)}),
      story("a later write fails", kSmall, [](S& s) { s.fail_at_write(1); },
            {durable(1), {"twice", [](S& s) { s.put_durable(2), s.put_durable(2); }}}),
      story("a sync fails", kSmall, [](S& s) { s.put(4), s.fail_at_write(1); },
            {write(1), {"wait", [](S& s) { s.wait_durable(2, 0); }}}),
      story("a failed log is recovered, and one waits", kSmall, kFailed,
            {recover(1), {"wait", [](S& s) { s.wait_durable(2, 0); }}}, {1}),
      story("a failed log is recovered, and one puts and drains", kSmall, kFailed,
            {recover(1), {"put and drain", [](S& s) { s.put(2), s.drain(2); }}}, {1}),
      heavy(story("two recover a failed log", kSmall, kFailed, {recover(1), recover(2)}, {1})),
  };
}

}  // namespace

const std::vector<JournalStory>& journal_stories() {
  static const std::vector<JournalStory> stories = [] {
    std::vector<JournalStory> all = rings();
    for (auto make : {roles, acknowledgements, failures}) {
      for (JournalStory& each : make()) all.push_back(std::move(each));
    }
    return all;
  }();
  return stories;
}

}  // namespace ringpost::rig
