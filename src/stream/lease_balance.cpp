#include "stream/lease_balance.hpp"

#include <algorithm>
#include <map>

namespace ringpost::stream {
namespace {

/// Left alone for so many times the failover time: taken regardless of the target.
constexpr std::uint64_t kVeryOld = 3;

/// Spreads the consumers over what they may take.
std::uint64_t place_in_order_of(LeaseOwner me, std::uint32_t shard) noexcept {
  std::uint64_t mixed = (std::uint64_t{me.word} << 32 | shard) * 0x9e3779b97f4a7c15ull;
  mixed ^= mixed >> 29;
  mixed *= 0xbf58476d1ce4e5b9ull;
  return mixed ^ mixed >> 32;
}

std::uint64_t age(const LeaseSight& sight, std::uint64_t now_ns) noexcept {
  return now_ns > sight.unchanged_since_ns ? now_ns - sight.unchanged_since_ns : 0;
}

bool is_very_old(const LeaseSight& sight, std::uint64_t now_ns,
                 std::uint64_t failover_ns) noexcept {
  return age(sight, now_ns) >= kVeryOld * failover_ns;
}

struct Load {
  LeaseOwner owner;
  std::uint32_t leases = 0;
};

/// From whom to steal when `mine` is below the target and nothing is free. Nobody who has fewer
/// than two more leases than I: that would only turn the difference round.
std::optional<Load> most_loaded(const std::map<LeaseOwner, std::uint32_t>& loads, LeaseOwner me,
                                std::uint32_t mine) {
  std::optional<Load> most;
  for (const auto& [owner, leases] : loads) {
    if (owner == me || leases < mine + 2) continue;
    if (!most || leases > most->leases) most = Load{owner, leases};
  }
  return most;
}

}  // namespace

bool is_free(const LeaseSight& sight, std::uint64_t now_ns, std::uint64_t failover_ns) noexcept {
  return sight.word.owner().is_nobody() || sight.owner_is_dead || age(sight, now_ns) >= failover_ns;
}

Balance balance(std::span<const LeaseSight> sights, LeaseOwner me, const BalanceRules& rules,
                std::uint64_t now_ns) {
  Balance found;
  std::map<LeaseOwner, std::uint32_t> loads{{me, 0}};
  std::vector<const LeaseSight*> free;
  for (const LeaseSight& sight : sights) {
    if (!sight.is_ready) continue;
    ++found.leases;
    const bool mine = sight.word.owner() == me;
    if (mine || !is_free(sight, now_ns, rules.failover_ns)) {
      ++loads[sight.word.owner()];
    } else {
      free.push_back(&sight);
    }
  }
  found.consumers = static_cast<std::uint32_t>(loads.size());
  found.target = (found.leases + found.consumers - 1) / found.consumers;
  const std::uint32_t wanted = std::min(found.target, rules.leases_max);
  std::uint32_t mine = loads.at(me);
  const auto order = [&](const LeaseSight* one, const LeaseSight* other) {
    const bool old_one = is_very_old(*one, now_ns, rules.failover_ns);
    const bool old_other = is_very_old(*other, now_ns, rules.failover_ns);
    if (old_one != old_other) return old_one;
    return place_in_order_of(me, one->shard) < place_in_order_of(me, other->shard);
  };
  std::sort(free.begin(), free.end(), order);
  for (const LeaseSight* each : free) {
    const bool regardless = is_very_old(*each, now_ns, rules.failover_ns);
    if (mine >= (regardless ? rules.leases_max : wanted)) break;
    found.take.push_back(each->shard);
    ++mine;
  }
  if (!free.empty() || !rules.may_steal || mine >= wanted) return found;

  const std::optional<Load> victim = most_loaded(loads, me, mine);
  if (!victim) return found;
  const LeaseSight* pick = nullptr;
  for (const LeaseSight& sight : sights) {
    if (!sight.is_ready || sight.is_wanted || sight.word.owner() != victim->owner) continue;
    if (pick == nullptr ||
        place_in_order_of(me, sight.shard) < place_in_order_of(me, pick->shard)) {
      pick = &sight;
    }
  }
  if (pick != nullptr) found.steal = pick->shard;
  return found;
}

}  // namespace ringpost::stream
