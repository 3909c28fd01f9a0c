// Damage to chosen words: those that are counted with, walked along, or waited for.

#include <gtest/gtest.h>

#include <functional>
#include <future>

#include "dedup/key.hpp"
#include "group/groups.hpp"
#include "hostile/victim.hpp"
#include "hostile/watchdog.hpp"
#include "support/corruption.hpp"
#include "support/raw_ring.hpp"
#include "support/test_bus.hpp"

namespace ringpost::hostile {
namespace {

using ring::Claim;
using ring::LeaseWord;
using test::RawRing;

constexpr std::uint64_t kMost = ~std::uint64_t{0};
constexpr std::uint64_t kLastLap = ring::kLapMask;

struct Damage {
  const char* name;
  std::function<void(RawRing&)> inflict;
};

void each_slot(RawRing& raw, const std::function<void(std::uint32_t)>& act) {
  for (std::uint32_t slot = 0; slot < raw.view().slots(); ++slot) act(slot);
}
void all_leases(RawRing& raw, LeaseWord word) {
  each_slot(raw, [&](std::uint32_t slot) { raw.view().lease(slot).initialise(word.bits); });
}
void all_claims(RawRing& raw, std::uint64_t word) {
  each_slot(raw, [&](std::uint32_t slot) { raw.view().claim(slot).store(word); });
}
void all_publishes(RawRing& raw, std::uint64_t word) {
  each_slot(raw, [&](std::uint32_t slot) { raw.view().slot(slot).publish.store(word); });
}
void all_lengths(RawRing& raw, ring::Lengths lengths) {
  each_slot(raw, [&](std::uint32_t slot) { raw.view().slot(slot).lengths.store(lengths.word); });
}
void cursors(RawRing& raw, std::uint64_t head, std::uint64_t tail) {
  raw.view().hot().head.store(head);
  raw.view().hot().tail.store(tail);
}
void all_hints(RawRing& raw) {
  each_slot(raw, [&](std::uint32_t slot) { raw.ring().hints.set(slot); });
}

const Damage kRingDamages[] = {
    {"laps of the leases at their end",
     [](RawRing& raw) { all_leases(raw, LeaseWord::idle(kLastLap)); }},
    {"laps of the leases far ahead",
     [](RawRing& raw) { all_leases(raw, LeaseWord::idle(kLastLap / 2)); }},
    {"laps of the leases at zero", [](RawRing& raw) { all_leases(raw, LeaseWord::idle(0)); }},
    {"everything leased at the last lap",
     [](RawRing& raw) {
       all_leases(raw, LeaseWord::leased(kLastLap, 1, ring::kDeadlineNever, 1));
     }},
    {"everything leased and over",
     [](RawRing& raw) { all_leases(raw, LeaseWord::leased(1, 16'383, 0, 0)); }},
    {"everything returned without a hint",
     [](RawRing& raw) { all_leases(raw, LeaseWord::returned(1, 0, false)); }},
    {"everything returned with a hint",
     [](RawRing& raw) {
       all_hints(raw);
       all_leases(raw, LeaseWord::returned(kLastLap, ring::kReceiveCountMax, true));
     }},
    {"everything awaited",
     [](RawRing& raw) {
       all_hints(raw);
       all_leases(raw, LeaseWord::await(5));
     }},
    {"everything delayed and due",
     [](RawRing& raw) {
       all_leases(raw, LeaseWord::delayed(3, 0));
       raw.view().hot().due_top.store(0);
     }},
    {"everything in limbo",
     [](RawRing& raw) {
       all_hints(raw);
       all_leases(raw, LeaseWord::limbo(1));
     }},
    {"lease states that do not exist",
     [](RawRing& raw) {
       all_hints(raw);
       all_leases(raw, {{kMost, kMost}});
     }},
    {"claims far ahead", [](RawRing& raw) { all_claims(raw, Claim::of(kLastLap, 3).word); }},
    {"claims sealed", [](RawRing& raw) { all_claims(raw, Claim::kSealedWord); }},
    {"claims of lap zero", [](RawRing& raw) { all_claims(raw, 0); }},
    {"publishes far ahead", [](RawRing& raw) { all_publishes(raw, kMost); }},
    {"publishes of each lap", [](RawRing& raw) { all_publishes(raw, 1); }},
    {"claims one lap ahead of idle leases",
     [](RawRing& raw) {
       all_leases(raw, LeaseWord::idle(1));
       all_claims(raw, Claim::of(2, 1).word);
       all_publishes(raw, 0);
     }},
    {"head far ahead", [](RawRing& raw) { cursors(raw, kMost >> 1, 0); }},
    {"head at its end", [](RawRing& raw) { cursors(raw, kMost, 0); }},
    {"tail far ahead", [](RawRing& raw) { cursors(raw, 0, kMost >> 1); }},
    {"tail at its end", [](RawRing& raw) { cursors(raw, 0, kMost); }},
    {"both cursors far ahead", [](RawRing& raw) { cursors(raw, kMost >> 1, kMost >> 1); }},
    {"head far ahead of leases far ahead",
     [](RawRing& raw) {
       cursors(raw, std::uint64_t{1} << 62, 0);
       all_leases(raw, LeaseWord::idle(kLastLap / 2));
     }},
    {"bodies of four gigabytes",
     [](RawRing& raw) { all_lengths(raw, ring::Lengths::of(~0u, 0xffffff, 0)); }},
    {"bodies of four gigabytes in blocks",
     [](RawRing& raw) {
       all_lengths(raw, ring::Lengths::of(~0u, 0xffffff, ring::Lengths::kInBlock));
     }},
    {"inline bytes taken for references of blocks",
     [](RawRing& raw) {
       all_lengths(raw, ring::Lengths::of(100, 0, ring::Lengths::kInBlock));
       each_slot(raw, [&](std::uint32_t slot) {
         std::fill_n(raw.view().payload(slot), 16, static_cast<std::byte>(slot * 7));
       });
     }},
    {"blocks that do not exist",
     [](RawRing& raw) {
       all_lengths(raw, ring::Lengths::of(1, 0, ring::Lengths::kInBlock));
       each_slot(raw, [&](std::uint32_t slot) {
         auto* ref = reinterpret_cast<std::uint64_t*>(raw.view().payload(slot));
         ref[0] = std::uint64_t{slot % 20} << 40 | std::uint64_t{slot % 17} << 32 | slot * 1'000;
       });
     }},
    {"hints everywhere and nothing there",
     [](RawRing& raw) {
       each_slot(raw, [&](std::uint32_t slot) { raw.view().hint_cell(slot).store(~0u); });
       raw.view().hint_middle(0).store(kMost);
       raw.view().hot().hint_top.store(kMost);
     }},
    {"a due index that is always due",
     [](RawRing& raw) {
       raw.view().due_block(0).store(0);
       raw.view().hot().due_top.store(ring::DueWord::kScanning);
     }},
    {"times of the past and the future",
     [](RawRing& raw) {
       each_slot(raw, [&](std::uint32_t slot) {
         raw.view().slot(slot).sent_ns.store(slot % 2 == 0 ? 0 : kMost);
         raw.view().first_received(slot).store(kMost);
       });
     }},
};

void all_records(RawRing& raw, const std::function<group::Record(std::uint32_t)>& make) {
  auto* buckets = reinterpret_cast<group::Bucket*>(raw.view().buckets());
  for (std::uint32_t i = 0; i < raw.view().geometry().buckets; ++i) {
    for (std::uint32_t j = 0; j < group::kRecordsPerBucket; ++j) {
      buckets[i].records[j].initialise(make(i * group::kRecordsPerBucket + j).bits);
    }
    buckets[i].spilled.store(1);
  }
}
void all_next(RawRing& raw, const std::function<std::uint32_t(std::uint32_t)>& to) {
  each_slot(raw, [&](std::uint32_t slot) {
    raw.view().next(slot).store(group::Next::of(1, to(slot)).word);
  });
}
void all_acked(RawRing& raw) {
  all_publishes(raw, 1);
  all_claims(raw, Claim::of(1, 1).word);
  all_leases(raw, LeaseWord::acked(1, 0, 1, 1, false));
}
std::uint64_t key_of_slot(RawRing& raw, std::uint32_t slot) {
  return group::Groups(raw.ring()).key_at(slot);
}

const Damage kGroupDamages[] = {
    {"records of everything",
     [](RawRing& raw) {
       all_records(raw, [](std::uint32_t) { return group::Record{{kMost, kMost}}; });
     }},
    {"records that begin and end anywhere",
     [](RawRing& raw) {
       all_records(raw, [](std::uint32_t i) { return group::Record::of(i + 1, i * 77, i * 13); });
       all_hints(raw);
     }},
    {"all records of one group",
     [](RawRing& raw) {
       const std::uint64_t key = key_of_slot(raw, 0);
       all_records(raw, [&](std::uint32_t i) { return group::Record::of(key, i % 64, 63); });
     }},
    {"no free record",
     [](RawRing& raw) {
       all_records(raw, [](std::uint32_t i) { return group::Record::of(i + 1, 0, 0); });
     }},
    {"no records",
     [](RawRing& raw) { all_records(raw, [](std::uint32_t) { return group::Record{}; }); }},
    {"lists that go round, acknowledged",
     [](RawRing& raw) {
       const std::uint64_t key = key_of_slot(raw, 0);
       all_acked(raw);
       all_next(raw, [](std::uint32_t slot) { return (slot + 1) % 64; });
       all_records(raw, [&](std::uint32_t) { return group::Record::of(key, 0, 64 * 5); });
       all_hints(raw);
     }},
    {"lists of one, acknowledged",
     [](RawRing& raw) {
       const std::uint64_t key = key_of_slot(raw, 0);
       all_acked(raw);
       all_next(raw, [](std::uint32_t slot) { return slot; });
       all_records(raw, [&](std::uint32_t i) { return group::Record::of(key, i % 64, 64 * 9); });
       raw.view().hot().due_top.store(0);
       raw.view().due_block(0).store(0);
     }},
    {"acknowledged without a list",
     [](RawRing& raw) {
       all_acked(raw);
       all_records(raw, [](std::uint32_t) { return group::Record{}; });
       raw.view().hot().due_top.store(0);
       raw.view().due_block(0).store(0);
     }},
    {"lists of slots that do not exist",
     [](RawRing& raw) {
       each_slot(raw, [&](std::uint32_t slot) { raw.view().next(slot).store(kMost); });
     }},
    {"keys of zero",
     [](RawRing& raw) {
       each_slot(raw, [&](std::uint32_t slot) { group::Groups(raw.ring()).head(slot).key = 0; });
     }},
    {"ids of any length",
     [](RawRing& raw) {
       each_slot(raw, [&](std::uint32_t slot) {
         group::Groups(raw.ring()).head(slot).lengths = kMost - slot;
       });
     }},
    {"entries of ids that are not there",
     [](RawRing& raw) {
       each_slot(raw, [&](std::uint32_t slot) {
         group::Groups(raw.ring()).head(slot).entry = kMost - slot;
       });
     }},
    {"every claim passed",
     [](RawRing& raw) {
       each_slot(raw, [&](std::uint32_t slot) {
         auto& publish = raw.view().slot(slot).publish;
         publish.store(publish.load() | ring::kSkipped);
       });
     }},
    {"an insertion of every position",
     [](RawRing& raw) {
       raw.view().hot().insertion.initialise({41, ~0u});
       all_records(raw, [](std::uint32_t) { return group::Record{}; });
     }},
};

void all_attempts(RawRing& raw, std::uint64_t links,
                  const std::function<base::Pair64(std::uint64_t)>& state) {
  group::AttemptTable& table = *raw.mapping().attempts();
  table.links.initialise({1, links});
  for (std::uint32_t i = 0; i < group::kAttempts; ++i) {
    table.entries[i].state.initialise(state(i));
  }
}
/// Every entry is that of an id that the victim uses.
void all_keys(RawRing& raw, std::string_view id) {
  const dedup::Key key = dedup::key_of_id(raw.mapping().queue_id(), id);
  group::AttemptTable& table = *raw.mapping().attempts();
  for (std::uint32_t i = 0; i < group::kAttempts; ++i) {
    table.key_low[i].store(key.low);
    table.entries[i].key_high.store(key.high);
  }
}
void all_notes(RawRing& raw, std::uint64_t lease) {
  for (group::AttemptEntry& entry : raw.mapping().attempts()->entries) {
    std::uint64_t position = 0;
    for (group::AttemptNote& note : entry.notes) {
      note.position.store(lease == kMost ? kMost - position : position % 64);
      note.lease.store(lease);
      ++position;
    }
  }
}

const Damage kAttemptDamages[] = {
    {"attempts of everything",
     [](RawRing& raw) {
       all_attempts(raw, kMost, [](auto) { return base::Pair64{kMost, kMost}; });
     }},
    {"attempts done with impossible notes",
     [](RawRing& raw) {
       all_keys(raw, "once");
       all_notes(raw, kMost);
       all_attempts(raw, kMost, [](std::uint64_t i) {
         return base::Pair64{std::uint64_t{2} << 62 | i, kMost};
       });
     }},
    {"attempts done with one message many times",
     [](RawRing& raw) {
       all_keys(raw, "twice");
       all_leases(raw, LeaseWord::leased(1, 1, kLastLap, 1));
       all_notes(raw, LeaseWord::high_of(kLastLap, 1));
       all_attempts(raw, kMost, [](std::uint64_t i) {
         return base::Pair64{std::uint64_t{2} << 62 | i, kMost >> 2};
       });
     }},
    {"attempts of those who never come",
     [](RawRing& raw) {
       all_keys(raw, "once");
       all_attempts(raw, kMost, [](std::uint64_t i) {
         return base::Pair64{std::uint64_t{1 + 2 * (i % 2)} << 62 | i << 48, kMost};
       });
     }},
    {"attempts linked and free",
     [](RawRing& raw) {
       all_keys(raw, "once");
       all_attempts(raw, kMost, [](std::uint64_t i) { return base::Pair64{i, 0}; });
     }},
    {"attempts done and not linked",
     [](RawRing& raw) {
       all_attempts(raw, 0, [](std::uint64_t i) {
         return base::Pair64{std::uint64_t{2} << 62 | i, std::uint64_t{1} << 43};
       });
     }},
};

const Damage kQueueDamages[] = {
    {"rings without end", [](RawRing& raw) { raw.header().write_ring.store(kMost); }},
    {"rings beyond the table", [](RawRing& raw) { raw.header().write_ring.store(64); }},
    {"rings that are not there", [](RawRing& raw) { raw.header().write_ring.store(63); }},
    {"the oldest ring after the newest", [](RawRing& raw) { raw.header().oldest.store(5); }},
    {"the oldest ring at its end",
     [](RawRing& raw) {
       raw.header().oldest.store(kMost);
       raw.header().write_ring.store(kMost);
     }},
    {"rings across the end of numbers",
     [](RawRing& raw) {
       raw.header().oldest.store(kMost - 3);
       raw.header().write_ring.store(3);
     }},
    {"every entry the same ring",
     [](RawRing& raw) {
       for (std::uint64_t i = 0; i < queue::kChainEntries; ++i) {
         raw.header().chain[i].initialise({i, raw.ring_id()});
       }
       raw.header().write_ring.store(60);
     }},
    {"every entry retired",
     [](RawRing& raw) {
       for (std::uint64_t i = 0; i < queue::kChainEntries; ++i) {
         raw.header().chain[i].initialise({i, queue::ChainEntry::kRetired});
       }
       raw.header().write_ring.store(60);
     }},
    {"settings at their end",
     [](RawRing& raw) {
       auto& settings = raw.header().settings;
       for (auto* each : {&settings.visibility_ns, &settings.delay_ns, &settings.retention_ns,
                          &settings.message_bytes_max, &settings.in_flight_max}) {
         each->store(kMost);
       }
     }},
    {"settings at zero",
     [](RawRing& raw) {
       auto& settings = raw.header().settings;
       for (auto* each :
            {&settings.visibility_ns, &settings.delay_ns, &settings.retention_ns,
             &settings.receive_wait_ns, &settings.message_bytes_max, &settings.in_flight_max}) {
         each->store(0);
       }
     }},
    {"tags that are not there", [](RawRing& raw) { raw.header().tags.store(kMost); }},
    {"a state that does not exist", [](RawRing& raw) { raw.header().state.store(7); }},
    {"sleepers that are not there",
     [](RawRing& raw) {
       raw.header().receivers.armed.store(~0u);
       raw.header().senders.armed.store(~0u);
     }},
    {"stripes of nobody",
     [](RawRing& raw) {
       for (std::uint32_t i = 0; i < queue::kStripes; ++i) {
         raw.mapping().stripes()[i].owner.store(kMost - i);
         for (auto& each : raw.mapping().stripes()[i].counters) each.store(kMost);
         for (auto& each : raw.mapping().stripes()[i].latency) each.store(kMost / 3);
       }
     }},
    {"another geometry",
     [](RawRing& raw) {
       raw.header().stride = 4096;
       raw.header().slots = 1u << 20;
       raw.header().bytes_max = kMost;
       raw.header().fixed = 1;
     }},
};

const Damage kBusDamages[] = {
    {"participants without end",
     [](RawRing& raw) { raw.member().files().header().participants_high.store(~0u); }},
    {"no participants",
     [](RawRing& raw) { raw.member().files().header().participants_high.store(0); }},
    {"a table of participants without end",
     [](RawRing& raw) { raw.member().files().header().participants_max = ~0u; }},
    {"segments that are not there",
     [](RawRing& raw) {
       for (auto& of_class : raw.member().files().header().segments) {
         for (auto& each : of_class) each.store(each.load() != 0 ? each.load() : 12'345);
       }
     }},
    {"an arena without end",
     [](RawRing& raw) {
       raw.member().files().header().arena_bytes_max = kMost;
       auto& segments = raw.member().files().header().segments;
       for (auto& of_class : segments) of_class[0].store(777);
     }},
    {"an arena of nothing",
     [](RawRing& raw) { raw.member().files().header().arena_bytes_max = 0; }},
    {"hazards everywhere",
     [](RawRing& raw) {
       for (std::uint32_t i = 0; i < raw.member().files().participants_max(); ++i) {
         auto& hazards = raw.member().files().participant(i).hazards;
         hazards.limit.store(~0u);
         std::uint32_t slot = 0;
         for (auto& each : hazards.entries) each.store(shm::hazard_key(slot++ % 64, 1));
       }
     }},
    {"every entry live",
     [](RawRing& raw) {
       for (std::uint32_t i = 0; i < raw.member().files().participants_max(); ++i) {
         raw.member().files().participant(i).entry.store(kMost);
       }
     }},
    {"no entry live",
     [](RawRing& raw) {
       for (std::uint32_t i = 0; i < raw.member().files().participants_max(); ++i) {
         raw.member().files().participant(i).entry.store(0);
       }
     }},
    {"commands without an end",
     [](RawRing& raw) {
       for (std::uint32_t i = 0; i < raw.member().files().participants_max(); ++i) {
         auto& record = raw.member().files().participant(i);
         std::fill(std::begin(record.command), std::end(record.command), '\x1b');
         record.pid = -1;
       }
     }},
};

void suffer(const Damage& damage, QueueKind kind = QueueKind::kStandard) {
  SCOPED_TRACE(damage.name);
  const Watchdog watchdog(damage.name);
  for (const bool look_first : {false, true}) {
    Victim victim(1, kind);
    victim.populate();
    {
      RawRing raw(victim.bus(), "q");
      damage.inflict(raw);
    }
    if (look_first) victim.tidy_up();
    victim.use_old_handles();
    victim.use_new_handles();
    victim.tidy_up();
    victim.use_old_handles();
  }
}

TEST(TargetedDamage, ToARingHarmsNobodyButTheQueue) {
  for (const Damage& each : kRingDamages) suffer(each);
}

TEST(TargetedDamage, ToAFifoRingHarmsNobodyButTheQueue) {
  for (const Damage& each : kGroupDamages) suffer(each, QueueKind::kFifo);
  for (const Damage& each : kAttemptDamages) suffer(each, QueueKind::kFifo);
  for (const Damage& each : kRingDamages) suffer(each, QueueKind::kFifo);
}

TEST(TargetedDamage, ToAFairRingHarmsNobodyButTheQueue) {
  for (const Damage& each : kGroupDamages) suffer(each, QueueKind::kFair);
  for (const Damage& each : kRingDamages) suffer(each, QueueKind::kFair);
  suffer({"tenants with everything in flight",
          [](RawRing& raw) {
            for (std::uint32_t i = 0; i < raw.view().geometry().tenants; ++i) {
              raw.view().tenant(i).store(kMost);
            }
            raw.view().hot().in_flight.store(kMost);
          }},
         QueueKind::kFair);
}

TEST(TargetedDamage, ToAQueueHarmsNobodyButTheQueue) {
  for (const Damage& each : kQueueDamages) suffer(each);
}

TEST(TargetedDamage, ToTheBusFileHarmsNobodyButTheBus) {
  for (const Damage& each : kBusDamages) suffer(each);
}

TEST(TargetedDamage, ToDescriptorsOfBlocksHarmsNobodyButTheBus) {
  for (const std::uint64_t word : {std::uint64_t{0}, kMost, std::uint64_t{1} << 62 | 5,
                                   std::uint64_t{2} << 62, std::uint64_t{3} << 62}) {
    SCOPED_TRACE(word);
    const Watchdog watchdog("descriptors of blocks");
    Victim victim(2);
    victim.populate();
    for (const std::string& path : victim.segment_files()) {
      const test::RawFile file(path);
      for (std::size_t at = base::kPageBytes; at + 8 <= 2 * base::kPageBytes; at += 8) {
        file.word(at) = word;
      }
    }
    victim.use_old_handles();
    victim.use_new_handles();
    victim.tidy_up();
  }
}

TEST(TargetedDamage, ToTheWaitOfAQueueBlocksNobodyForLongerThanTheLimit) {
  test::TestBus bus;
  Queue queue = bus.queue();
  RawRing raw(bus.bus(), "q");
  raw.header().settings.receive_wait_ns.store(kMost >> 1);  // for ever, if it were believed
  const Watchdog watchdog("a receive with the wait of the queue");
  auto code = std::async(std::launch::async, [&] { return test::code_of(queue.receive()); });
  while (code.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready) {
    bus.clock().advance(std::chrono::milliseconds(100));
  }
  EXPECT_EQ(code.get(), Errc::kTimedOut);
}

}  // namespace
}  // namespace ringpost::hostile
