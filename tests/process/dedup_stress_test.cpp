// Property: among many senders each id is accepted once a window, whoever skips, passes, purges or
// expires at the same time. Method: threads over one table and a stand-in for the ring; few ids, a
// clock that the calls move on, and a judge that knows when each call ran and what was published.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "process/rig/depth.hpp"
#include "rig/dedup_ring.hpp"

namespace ringpost::rig {
namespace {

constexpr std::uint64_t kWindow = 60;
constexpr std::uint64_t kSlots = 16;
constexpr int kIds = 40;
constexpr int kThreads = 4;

struct Call {
  DedupRing::Sent sent;
  int id = 0;
  std::uint64_t position = 0, began = 0, ended = 0;
};

struct World {
  explicit World(std::size_t positions)
      : memory(dedup::Table::bytes_for(1) / sizeof(dedup::IdBucket)), log(positions) {
    dedup::Table::initialise(bytes(), 1);
    table = dedup::Table::attach(bytes(), memory.size() * sizeof(dedup::IdBucket)).value();
    cursors.clock = 1;
  }
  [[nodiscard]] std::byte* bytes() { return reinterpret_cast<std::byte*>(memory.data()); }

  std::vector<dedup::IdBucket> memory;  // aligned enough
  dedup::Table table;
  DedupRing::Slot slots[kSlots] = {};
  DedupRing::Cursors cursors{};
  DedupLog log;
  DedupRing ring{slots, kSlots, cursors, kWindow, log};
  std::vector<Call> calls[kThreads];
  std::vector<std::uint64_t> purges[kThreads];  ///< the first position that each did not forget
};

/// Ids of equal print and first choice meet more often.
dedup::Key key_of(int id) {
  const auto number = static_cast<std::uint64_t>(id);
  return {number % 3 << 40 | number % 2, number};
}

void run(World& world, int me, std::uint64_t calls, std::uint64_t seed) {
  std::mt19937_64 random(seed + static_cast<std::uint64_t>(me));
  for (std::uint64_t i = 0; i < calls; ++i) {
    world.cursors.clock.fetch_add(random() % 4 == 0 ? 1 : 0);
    if (random() % 3 == 0) world.ring.dispatch(world.table);
    if (random() % 200 == 0) {
      const std::uint64_t end = world.ring.discard_all(world.table);
      world.table.clear(end);
      world.purges[me].push_back(end);
    }
    Call call;
    call.id = 1 + static_cast<int>(random() % kIds);
    call.began = world.cursors.clock.load();
    const auto outcome =
        world.ring.send(world.table, key_of(call.id), call.id, static_cast<std::uint16_t>(me));
    call.ended = world.cursors.clock.load();
    call.sent = outcome.sent;
    call.position = outcome.position;
    world.calls[me].push_back(call);
    if (call.sent == DedupRing::Sent::kRingFull) world.ring.dispatch(world.table);
  }
}

std::string judge(const World& world) {
  std::vector<const Call*> accepted(world.log.messages.size());
  std::vector<std::vector<std::uint64_t>> by_id(kIds + 1);
  std::vector<std::uint64_t> purges;
  for (const auto& each : world.purges) purges.insert(purges.end(), each.begin(), each.end());
  std::sort(purges.begin(), purges.end());
  for (const auto& calls : world.calls) {
    for (const Call& call : calls) {
      if (call.sent == DedupRing::Sent::kDamaged) return "damaged";
      if (call.sent == DedupRing::Sent::kTableFull) return "the table is full";
      if (call.sent != DedupRing::Sent::kAccepted) continue;
      if (world.log.messages[call.position].id != call.id) return "accepted and not published";
      accepted[call.position] = &call;
    }
  }
  for (std::uint64_t position = 0; position < accepted.size(); ++position) {
    const int id = world.log.messages[position].id;
    if (id == 0) continue;
    if (accepted[position] == nullptr) return "published and not accepted";
    by_id[static_cast<std::size_t>(id)].push_back(position);
  }
  const auto purged_between = [&](std::uint64_t first, std::uint64_t second) {
    const auto purge = std::upper_bound(purges.begin(), purges.end(), first);
    return purge != purges.end() && *purge <= second;
  };
  const auto over_for = [&](std::uint64_t first, std::uint64_t second) {
    return accepted[second]->ended >= world.log.messages[first].time + kWindow;
  };
  for (const auto& positions : by_id) {
    for (std::size_t i = 0; i < positions.size(); ++i) {
      for (std::size_t j = i; j-- > 0 && i - j < 20;) {
        const std::uint64_t a = positions[j];
        const std::uint64_t b = positions[i];
        if (purged_between(a, b) || over_for(a, b) || over_for(b, a)) continue;
        return "id " + std::to_string(world.log.messages[a].id) + " was accepted at " +
               std::to_string(a) + " and at " + std::to_string(b);
      }
    }
  }
  for (const auto& calls : world.calls) {
    for (const Call& call : calls) {
      if (call.sent != DedupRing::Sent::kDuplicate) continue;
      const Call* of = call.position < accepted.size() ? accepted[call.position] : nullptr;
      if (of == nullptr || of->id != call.id) return "duplicate of nothing";
      if (of->began > call.ended || of->ended + kWindow <= call.began) {
        return "duplicate of what is over";
      }
    }
  }
  return {};
}

/// Returns how many were accepted, and how many were duplicates.
std::pair<std::uint64_t, std::uint64_t> one_round(std::uint64_t seed) {
  constexpr std::uint64_t kCalls = 20'000;
  World world(kCalls * kThreads * 8);
  std::vector<std::thread> threads;
  for (int me = 0; me < kThreads; ++me) {
    threads.emplace_back([&, me] { run(world, me, kCalls, seed); });
  }
  for (std::thread& each : threads) each.join();
  EXPECT_EQ(judge(world), "") << "seed " << seed;
  const dedup::Table::Checked checked = world.table.check();
  EXPECT_EQ(checked.leftovers + checked.misplaced + checked.twice, 0u) << "seed " << seed;
  std::pair<std::uint64_t, std::uint64_t> counts;
  for (const auto& each : world.calls) {
    for (const Call& call : each) {
      counts.first += call.sent == DedupRing::Sent::kAccepted ? 1u : 0u;
      counts.second += call.sent == DedupRing::Sent::kDuplicate ? 1u : 0u;
    }
  }
  return counts;
}

TEST(DedupStress, AcceptsEachIdOnceAWindow) {
  std::pair<std::uint64_t, std::uint64_t> all;
  for (std::uint64_t i = 0; i < by_depth<std::uint64_t>(2, 30, 300) && !HasFailure(); ++i) {
    const auto [accepted, duplicates] = one_round(base_seed() + i * 100);
    all.first += accepted;
    all.second += duplicates;
  }
  std::printf("%llu accepted, %llu duplicates\n", static_cast<unsigned long long>(all.first),
              static_cast<unsigned long long>(all.second));
}

}  // namespace
}  // namespace ringpost::rig
