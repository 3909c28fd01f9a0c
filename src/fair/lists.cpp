#include "fair/lists.hpp"

#include <algorithm>

namespace ringpost::fair {

using group::Record;
using ring::LeaseState;
using ring::LeaseWord;

bool Tenants::is_noisy(std::uint64_t key, bool waits, std::uint64_t now) const noexcept {
  if (key == kNobody) return false;
  const Tenant it{load(key)};
  const std::uint64_t all = view_.hot().in_flight.load(std::memory_order_relaxed);
  const std::uint64_t mine = it.in_flight();
  if (mine >= kNoisyLeast && mine * kNoisyShare > all) {
    if (waits && !it.noisy()) change(key, [](Tenant seen) { return seen.with_noisy(true); });
    return true;
  }
  if (!it.noisy()) return false;
  const bool forgotten = mine == 0 && now / Tenant::kSecond - it.idle_since() >= kForgottenAfter;
  if (forgotten) change(key, [](Tenant seen) { return seen.with_noisy(false); });
  return !forgotten;
}

void Tenants::count_anew(std::span<std::uint32_t> counts) const noexcept {
  if (counts.size() < cells()) return;
  std::fill(counts.begin(), counts.end(), 0u);
  std::uint64_t all = 0;
  for (std::uint32_t slot = 0; slot < view_.slots(); ++slot) {
    if (view_.lease_word(slot).state() != LeaseState::kLeased) continue;
    ++all;
    const std::uint64_t key = group::head(view_, slot).key.load(std::memory_order_relaxed);
    if (key != kNobody) ++counts[static_cast<std::uint32_t>(key) & (cells() - 1)];
  }
  view_.hot().in_flight.store(all, std::memory_order_relaxed);  // relaxed: only counts
  for (std::uint32_t i = 0; i < cells(); ++i) {
    const Tenant seen{view_.tenant(i).load(std::memory_order_relaxed)};
    std::uint64_t from = seen.word;
    if (seen.in_flight() == counts[i]) continue;
    view_.tenant(i).compare_exchange_strong(from, seen.with_count(counts[i]).word,
                                            std::memory_order_relaxed);
  }
}

void Lists::take_off(std::uint32_t index, std::uint32_t slot, std::uint64_t lap) noexcept {
  const auto mine = static_cast<std::uint32_t>(ring_.view.position_of(slot, lap));
  for (std::uint32_t tries = 0; tries < kStepsMax; ++tries) {
    const Record record = groups_.read(index);
    if (!record.occupied() || record.first() != mine) return;
    if (record.last() == mine) {
      if (!groups_.move(index, record, record.emptied())) continue;
      tenants_.consumed(record.key());
      return;
    }
    std::uint32_t next = 0;
    if (!groups_.after(slot, lap, next)) {
      if (groups_.read(index) == record) return;  // corrupt
      continue;
    }
    if (groups_.move(index, record, Record::of(record.key(), next, record.last()))) return;
  }
}

void Lists::take_off(std::uint32_t slot, std::uint64_t lap) noexcept {
  const std::uint64_t key = tenant_at(slot);
  if (key == kNobody) return;
  Record record;
  const std::uint32_t index = groups_.find(key, record);
  if (index != groups_.count()) take_off(index, slot, lap);
}

void Lists::trim(std::uint32_t index) noexcept {
  for (std::uint64_t steps = 0; steps < 2ull * ring_.view.slots() + kStepsMax; ++steps) {
    const Record record = groups_.read(index);
    if (!record.occupied()) return;
    // The lease word before the lap: if the lap is that message's, so was the word.
    const std::uint32_t slot = groups_.slot_of(record.first());
    const LeaseWord word = ring_.view.lease_word(slot);
    const std::uint64_t lap = groups_.lap_at(slot, record.first());
    if (lap == 0) {
      if (groups_.read(index) == record) return;  // corrupt
      continue;
    }
    if (waits(word, lap)) return;
    take_off(index, slot, lap);
    if (word.state() == LeaseState::kAcked) groups_.free_slot(slot, lap);
  }
}

bool Lists::finish(std::uint32_t slot) noexcept {
  const ring::RingView& view = ring_.view;
  for (std::uint32_t tries = 0; tries < kStepsMax; ++tries) {
    const LeaseWord word = view.lease_word(slot);
    const std::uint64_t lap = view.slot(slot).publish.load(std::memory_order_acquire);
    if (word.state() != LeaseState::kAcked) return true;
    Record record;
    const std::uint32_t index = groups_.find(tenant_at(slot), record);
    if (index != groups_.count() && record.occupied()) {
      // A list is in the order of positions: what is before the first one is out.
      const std::uint64_t mine = view.position_of(slot, lap & ring::kLapMask);
      const std::uint32_t front = groups_.slot_of(record.first());
      const LeaseWord first_word = view.lease_word(front);
      const std::uint64_t front_lap = groups_.lap_at(front, record.first());
      if (front_lap == 0) continue;  // moved on meanwhile
      const std::uint64_t first = view.position_of(front, front_lap);
      if (first <= mine) {
        if (waits(first_word, front_lap)) return false;
        trim(index);
        if (groups_.read(index) == record) return false;  // corrupt, or it waits by now
        continue;
      }
    }
    groups_.free_slot(slot, lap);
  }
  return false;
}

}  // namespace ringpost::fair
