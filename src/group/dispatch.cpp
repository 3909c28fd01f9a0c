// Placing: a published message goes to the end of its group.
#include "group/groups.hpp"

namespace ringpost::group {

using ring::LeaseState;

Groups::Placed Groups::place_slowly(std::uint64_t position) noexcept {
  const ring::RingView& view = ring_.view;
  const std::uint32_t slot = view.slot_of(position);
  const std::uint64_t lap = view.lap_of(position);
  const auto mine = static_cast<std::uint32_t>(position);
  const std::uint64_t key = key_at(slot);
  bool full = false;
  for (std::uint32_t steps = 0; steps < kStepsMax && !full; ++steps) {
    const base::Pair64 insertion = view.hot().insertion.load();  // [insertion] before the search
    Record record;
    const std::uint32_t index = find(key, record);
    // After the search: as long as nobody has gone past, the record is older than the placing.
    if (!view.lease_word(slot).is(LeaseState::kIdle, lap)) return {};
    if (index == count()) {
      insert(position, key, insertion, full);
      continue;  // it is there now, or was until others went past
    }
    if (record.occupied() && record.last() == mine) {
      return {record.first() == mine ? Place::kFirst : Place::kBehind, index, 0, false};
    }
    if (!append(index, record, position)) continue;
    if (!record.occupied()) return {Place::kFirst, index, 0, true};
    return {Place::kBehind, index, record.last(), true};
  }
  return {Place::kDamaged};
}

bool Groups::append(std::uint32_t index, Record record, std::uint64_t position) noexcept {
  const auto mine = static_cast<std::uint32_t>(position);
  if (!record.occupied()) return move(index, record, Record::of(record.key(), mine, mine));
  return link(index, record, position) &&
         move(index, record, Record::of(record.key(), record.first(), mine));
}

/// From the last message of the group to mine, before the record says that mine is the last.
bool Groups::link(std::uint32_t index, Record record, std::uint64_t position) noexcept {
  const std::uint32_t last = slot_of(record.last());
  const std::uint64_t lap = lap_at(last, record.last());
  if (lap == 0) return false;
  auto& next = ring_.view.next(last);
  std::uint64_t seen = next.load(std::memory_order_acquire);
  // Unchanged: the lap and what was seen in `next` are the last message's. Who is late loses: the
  // first one who linked has changed `next`.
  if (!(read(index) == record)) return false;
  const Next to = Next::of(lap, ring_.view.slot_of(position));
  if (seen == to.word) return true;
  // [next] release, pairs with after().
  return next.compare_exchange_strong(seen, to.word, std::memory_order_acq_rel,
                                      std::memory_order_relaxed);
}

/// The first message of a group without a record. One word says which record it gets, so that it
/// gets one: `seen` was read before the search that found none.
bool Groups::insert(std::uint64_t position, std::uint64_t key, base::Pair64 seen,
                    bool& full) noexcept {
  const ring::RingView& view = ring_.view;
  auto index = static_cast<std::uint32_t>(seen.high);
  if (seen.low != position + 1) {
    index = find_free(key);
    full = index == count();  // cannot be: there are more records than slots
    if (full) return false;
    // [insertion] A full barrier.
    if (!view.hot().insertion.compare_exchange(seen, {position + 1, index})) return false;
  }
  if (index >= count()) return false;
  const Record record = read(index);
  // After the look at the record: while nobody has gone past, it is not one that mine has left.
  if (record.occupied()) return false;
  if (!view.lease_word(view.slot_of(position)).is(LeaseState::kIdle, view.lap_of(position))) {
    return false;
  }
  const auto mine = static_cast<std::uint32_t>(position);
  return move(index, record, Record::of(key, mine, mine));
}

}  // namespace ringpost::group
