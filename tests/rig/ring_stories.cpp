// Stories: operations of several steps each, put together for one rule of protocols.md, section 1.
#include <utility>

#include "rig/ring_scenarios.hpp"

namespace ringpost::rig {
namespace {

using Build = std::function<void(RingStage&)>;
using Run = std::function<void(RingStage&)>;

ExploreScenario custom(RingStage& stage, const std::string& name, Build build,
                       const std::vector<std::pair<std::string, Run>>& runs,
                       std::vector<int> mortal = {}, bool ticks = false) {
  ExploreScenario scenario;
  scenario.stage = stage.stage(name, [&stage, build = std::move(build)] { build(stage); });
  int me = 0;
  for (const auto& [what, run] : runs) {
    scenario.operations.push_back({what, ++me, [&stage, run = run] { run(stage); }});
  }
  scenario.mortal = std::move(mortal);
  if (ticks) scenario.events.push_back(stage.tick_event());
  return scenario;
}

/// A receipt of an earlier delivery, while the slot goes on to its next message.
ExploreScenario stale_receipt(RingStage& stage) {
  return custom(stage, "a stale receipt and the slot's next message",
                [](RingStage& s) { s.send(4, 30), s.receive(1), s.release(1); },
                {{"acknowledge", [](RingStage& s) { s.acknowledge_by_receipt(1); }},
                 {"next message", [](RingStage& s) {
                    s.receive(2);
                    s.acknowledge(2);
                    s.send(2, 2);
                    s.receive(2);
                  }}});
}

ExploreScenario stale_receipt_of_another_count(RingStage& stage) {
  return custom(stage, "a stale receipt and the next delivery",
                [](RingStage& s) { s.send(4, 30), s.receive(1), s.release(1); },
                {{"acknowledge", [](RingStage& s) { s.acknowledge_by_receipt(1); }},
                 {"next delivery", [](RingStage& s) { s.receive(2), s.acknowledge(2); }}});
}

/// The lease of a reader is extended, and thereby owned, by another one, who dies.
ExploreScenario reader_and_dying_extender(RingStage& stage) {
  return custom(stage, "a reader in place, and whoever extended its lease dies",
                [](RingStage& s) {
                  s.send(4, 30);
                  s.receive_in_place(1);
                  s.share_receipt(1, 2);
                  s.extend(2, 5'000);
                },
                {{"read", [](RingStage& s) { s.finish_reading(1); }},
                 {"dies", [](RingStage& s) { s.send(2, 2); }},
                 {"sweep and use",
                  [](RingStage& s) {
                    s.sweep(3);
                    s.receive(3);
                    s.acknowledge(3);
                    s.send(3, 3);
                    s.send(3, 5);
                    s.send(3, 6);
                  }}},
                {2});
}

/// In-place reader, expiry, second lease, acknowledgement, reuse of the slot.
ExploreScenario reader_and_reuse(RingStage& stage) {
  return custom(stage, "a reader in place, expiry, another lease, reuse",
                [](RingStage& s) { s.send(4, 30); },
                {{"read in place",
                  [](RingStage& s) {
                    s.receive_in_place(1);
                    s.finish_reading(1);
                    s.acknowledge(1);
                  }},
                 {"expire, take, reuse", [](RingStage& s) {
                    s.tick();
                    s.expire(2);
                    s.receive(2);
                    s.acknowledge(2);
                    s.send(2, 2);
                    s.send(2, 7);
                  }}});
}

/// The same, the reader's second lease of the message it still reads.
ExploreScenario reader_of_a_message_leased_twice(RingStage& stage) {
  return custom(
      stage, "a reader in place, two leases of others, reuse",
      [](RingStage& s) {
        s.send(4, 30);
        s.receive_in_place(1);
        s.tick();
        s.receive(4);
        s.release(4);
      },
      {{"read", [](RingStage& s) { s.finish_reading(1); }}, {"take and reuse", [](RingStage& s) {
                                                               s.receive(2);
                                                               s.acknowledge(2);
                                                               s.send(2, 2);
                                                               s.send(2, 7);
                                                             }}});
}

/// Somebody settles another one's lease by its receipt, while that one reads in place.
ExploreScenario receipt_acknowledged_under_reader(RingStage& stage) {
  return custom(stage, "a reader in place, and another acknowledges its receipt",
                [](RingStage& s) { s.send(4, 30), s.receive_in_place(1), s.share_receipt(1, 2); },
                {{"read", [](RingStage& s) { s.finish_reading(1); }},
                 {"acknowledge and reuse", [](RingStage& s) {
                    s.acknowledge_by_receipt(2);
                    s.send(2, 2);
                    s.send(2, 7);
                  }}});
}

ExploreScenario receipt_released_under_reader(RingStage& stage) {
  return custom(stage, "a reader in place, and another releases its receipt",
                [](RingStage& s) { s.send(4, 30), s.receive_in_place(1), s.share_receipt(1, 2); },
                {{"read", [](RingStage& s) { s.finish_reading(1); }},
                 {"release", [](RingStage& s) { s.release(2); }},
                 {"take and reuse", [](RingStage& s) {
                    s.receive(3);
                    s.acknowledge(3);
                    s.send(3, 3);
                    s.send(3, 6);
                  }}});
}

ExploreScenario two_releases_and_a_look(RingStage& stage) {
  return custom(stage, "two releases and two looks",
                [](RingStage& s) {
                  s.send(4, 30), s.send(4, 31);
                  s.receive(1), s.receive(2);
                },
                {{"release", [](RingStage& s) { s.release(1); }},
                 {"release", [](RingStage& s) { s.release(2); }},
                 {"receive twice", [](RingStage& s) { s.receive(3), s.receive(3); }}});
}

/// A hint is set, found, cleared; its setter is between the hint and the state.
ExploreScenario release_while_looked_at(RingStage& stage) {
  return custom(stage, "a release between its hint and its state",
                [](RingStage& s) { s.send(4, 30), s.receive(1), s.receive(2), s.receive(3); },
                {{"release", [](RingStage& s) { s.release(1); }},
                 {"look", [](RingStage& s) { s.receive(2); }},
                 {"look", [](RingStage& s) { s.receive(3); }}});
}

ExploreScenario stopped_senders(RingStage& stage) {
  return custom(stage, "a batch is claimed and its sender dies", [](RingStage&) {},
                {{"send2",
                  [](RingStage& s) {
                    s.send_batch(1, {5, 6});
                  }},
                 {"sweep and use",
                  [](RingStage& s) {
                    s.sweep(2);
                    s.send(2, 2);
                    s.receive(2);
                  }}},
                {1});
}

/// Somebody sees a slot free, and others go round the ring before it claims.
ExploreScenario overtaken_sender(RingStage& stage) {
  return custom(stage, "a sender who is overtaken by a lap", [](RingStage&) {},
                {{"send", [](RingStage& s) { s.send(1, 1); }}, {"go round", [](RingStage& s) {
                                                                  s.send(2, 2);
                                                                  s.receive(2);
                                                                  s.acknowledge(2);
                                                                  s.send(2, 7);
                                                                }}});
}

/// Somebody finds the head unpublished, and others go round the ring before it looks at the claim.
ExploreScenario overtaken_receiver(RingStage& stage) {
  return custom(stage, "a receiver who is overtaken by a lap",
                [](RingStage& s) { s.claim_only(3, 30), s.send(4, 31); },
                {{"receive", [](RingStage& s) { s.receive(1); }},
                 {"await", [](RingStage& s) { s.receive(2); }},
                 {"go round", [](RingStage& s) {
                    s.finish(3);
                    s.receive(3);
                    s.acknowledge(3);
                    s.send(3, 3);
                  }}});
}

ExploreScenario await_and_publish(RingStage& stage) {
  return custom(stage, "a message is awaited and comes", [](RingStage& s) { s.claim_only(2, 2); },
                {{"receive", [](RingStage& s) { s.receive(1); }},
                 {"publish", [](RingStage& s) { s.finish(2); }},
                 {"receive", [](RingStage& s) { s.receive(3); }}},
                {1});
}

ExploreScenario awaited_and_publish(RingStage& stage) {
  return custom(stage, "an awaited message comes",
                [](RingStage& s) { s.claim_only(2, 2), s.receive(4); },
                {{"receive", [](RingStage& s) { s.receive(1); }},
                 {"publish", [](RingStage& s) { s.finish(2); }}});
}

/// The head moves from a message that was there when somebody looked behind it to one that came
/// after: then the awaited one, sent before that, is there too and goes first.
ExploreScenario awaited_and_next(RingStage& stage) {
  return custom(
      stage, "an awaited message and the next one of its sender",
      [](RingStage& s) { s.claim_only(2, 30), s.send(4, 31), s.send(4, 32), s.receive(4); },
      {{"receive twice", [](RingStage& s) { s.receive(1), s.receive(1); }},
       {"receive", [](RingStage& s) { s.receive(3); }},
       {"publish and send", [](RingStage& s) { s.finish(2), s.send(2, 2); }}});
}

/// Somebody leases and stands still: its lease ends all the same.
ExploreScenario frozen_lease(RingStage& stage) {
  return custom(
      stage, "the lease of somebody who stands still", [](RingStage& s) { s.send(4, 30); },
      {{"receive", [](RingStage& s) { s.receive(1); }}, {"receive later", [](RingStage& s) {
                                                           s.tick_long();
                                                           s.receive(2);
                                                         }}});
}

/// A lease with a far deadline while somebody scans.
ExploreScenario long_lease_during_scan(RingStage& stage) {
  return custom(
      stage, "a long lease while somebody scans",
      [](RingStage& s) { s.send(4, 30), s.receive(3), s.acknowledge(3), s.tick(); },
      {{"expire", [](RingStage& s) { s.expire(1); }}, {"send and receive", [](RingStage& s) {
                                                         s.send(2, 2);
                                                         s.receive_for_long(2);
                                                       }}});
}

/// A position becomes passable because the message in it is delayed.
ExploreScenario sleeper_and_delay(RingStage& stage) {
  return custom(stage, "a sleeper for room and a delay",
                [](RingStage& s) {
                  s.claim_only(2, 2);
                  finished_early(s);
                },
                {{"sleep", [](RingStage& s) { s.sleep_for_room(1, 1); }},
                 {"delay and publish", [](RingStage& s) { s.finish_delayed(2); }}});
}

NamedSchedules plain(std::string name, ExploreScenario (*make)(RingStage&), std::uint32_t slots) {
  return {std::move(name), make, slots};
}

}  // namespace

std::vector<NamedSchedules> ring_stories() {
  return {
      plain("stale-receipt", stale_receipt, 1),
      plain("stale-count", stale_receipt_of_another_count, 2),
      plain("dying-extender", reader_and_dying_extender, 2),
      plain("reader-reuse", reader_and_reuse, 2),
      plain("reader-reuse", reader_and_reuse, 1),
      plain("reader-leased-twice", reader_of_a_message_leased_twice, 1),
      plain("receipt-acknowledged", receipt_acknowledged_under_reader, 1),
      plain("receipt-released", receipt_released_under_reader, 1),
      plain("two-releases", two_releases_and_a_look, 2),
      plain("release-looked-at", release_while_looked_at, 2),
      plain("dying-batch", stopped_senders, 4),
      plain("overtaken-sender", overtaken_sender, 1),
      plain("overtaken-receiver", overtaken_receiver, 2),
      plain("await-and-publish", await_and_publish, 2),
      plain("awaited-and-publish", awaited_and_publish, 2),
      plain("awaited-and-next", awaited_and_next, 4),
      plain("frozen-lease", frozen_lease, 2),
      plain("long-lease-during-scan", long_lease_during_scan, 2),
      plain("delay-wakes", sleeper_and_delay, 2),
  };
}

}  // namespace ringpost::rig
