// Group records and lists: looking up, taking the finished off the front.
#include "group/groups.hpp"

#include "group/move.hpp"
#include "ring/settle.hpp"

namespace ringpost::group {

using ring::LeaseState;
using ring::LeaseWord;

namespace {

/// Gone, and to be taken out of its group.
constexpr bool is_leaving(LeaseState state) noexcept {
  return state == LeaseState::kAcked || state == LeaseState::kMoved;
}

}  // namespace

bool Groups::has_moved(std::uint32_t slot, LeaseWord moved) noexcept {
  using Verdict = shm::MoveBoard::Verdict;
  if (moved.owner() == 0) return true;
  const Verdict verdict = ring_.moves.judge(moved.owner(), moved.move_number(), ring::kLapMask);
  if (verdict == Verdict::kAborted) bring_back(ring_, *this, slot, moved);
  return verdict == Verdict::kCommitted;
}

/// A record that no group uses, as near to the others of this hash as possible.
std::uint32_t Groups::find_free(std::uint64_t key) const noexcept {
  std::uint32_t at = static_cast<std::uint32_t>(key) & bucket_mask_;
  for (std::uint32_t i = 0; i <= bucket_mask_; ++i, at = (at + 1) & bucket_mask_) {
    Bucket& here = bucket(at);
    std::uint32_t found = kRecordsPerBucket;
    for (std::uint32_t j = 0; j < kRecordsPerBucket; ++j) {
      const std::uint64_t low = here.records[j].load_low();
      if ((low & Record::kOccupied) != 0) continue;
      found = j;
      if (low == 0) break;  // never used: the others keep their keys
    }
    if (found != kRecordsPerBucket) return at * ring::kHintsPerBucket + found;
    // [group] release, before the record beyond is used: who looks for the key goes on there.
    here.spilled.store(1, std::memory_order_release);
  }
  return count();
}

void Groups::hint(std::uint32_t slot) const noexcept {
  Record record;
  const std::uint32_t index = find(key_at(slot), record);
  if (index != count()) ring_.hints.set(index);
}

bool Groups::after(std::uint32_t slot, std::uint64_t lap, std::uint32_t& position) const noexcept {
  const Next next{ring_.view.next(slot).load(std::memory_order_acquire)};  // [next]
  if (!next.of_lap(lap) || next.slot() >= ring_.view.slots()) return false;
  const std::uint64_t its_lap =
      ring_.view.slot(next.slot()).publish.load(std::memory_order_acquire) & ring::kLapMask;
  position = static_cast<std::uint32_t>(ring_.view.position_of(next.slot(), its_lap));
  return true;
}

/// Whether `next`, which becomes the first of a group after `front`, is visible, or may become so
/// without another hint. Whoever ends a lease or delay hints before: if that was done while `front`
/// waited, the lease of `front` has used the hint up; if it was done since, a look may have dropped
/// it. Not if both were leased together, which their counts tell: each lease of `next` came with
/// one of `front`. An acknowledged one hands on what it gets: there may be another behind it.
bool Groups::needs_hint(LeaseWord front, std::uint32_t next) const noexcept {
  const LeaseWord word = ring_.view.lease_word(next);
  switch (word.state()) {
    case LeaseState::kIdle:
    case LeaseState::kReturned:
    case LeaseState::kDelayed:
      return true;
    case LeaseState::kLeased:
    case LeaseState::kAcked:
    case LeaseState::kMoved:
      return word.count() != front.count() || word.count() == ring::kReceiveCountMax ||
             front.drops() != 0;
    default:
      return false;
  }
}

bool Groups::advance(std::uint32_t index) noexcept {
  bool hinted = false;
  for (std::uint64_t steps = 0; steps < 2ull * ring_.view.slots() + kStepsMax; ++steps) {
    const Record record = read(index);
    if (!record.occupied()) return hinted;
    const std::uint32_t slot = slot_of(record.first());
    const std::uint64_t lap = lap_at(slot, record.first());
    const LeaseWord front = ring_.view.lease_word(slot);
    if (lap != 0 && front.state() != LeaseState::kAcked) {
      if (front.state() != LeaseState::kMoved) return hinted;
      if (!has_moved(slot, front)) continue;
    }
    Record without = record.emptied();
    if (record.first() != record.last()) {
      std::uint32_t next = 0;
      if (lap == 0 || !after(slot, lap, next)) {
        if (read(index) == record) return hinted;  // corrupt
        continue;
      }
      if (needs_hint(front, slot_of(next))) {
        ring_.hints.set(index);
        hinted = true;
      }
      without = Record::of(record.key(), next, record.last());
    }
    if (lap != 0 && move(index, record, without)) free_slot(slot, lap);
  }
  return hinted;
}

void Groups::free_slot(std::uint32_t slot, std::uint64_t lap) noexcept {
  for (std::uint32_t tries = 0; tries < kStepsMax; ++tries) {
    const LeaseWord word = ring_.view.lease_word(slot);
    const std::uint64_t publish = ring_.view.slot(slot).publish.load(std::memory_order_acquire);
    if (publish != lap) return;
    if (word.state() == LeaseState::kMoved) {
      if (word.owner() != 0 || free_moved(ring_, slot, word)) return;  // its mover frees it
      continue;
    }
    if (word.state() != LeaseState::kAcked) return;
    if (ring::finish(ring_, slot, word, word.viewed())) return;
  }
}

bool Groups::finish(std::uint32_t slot, std::uint64_t lap, LeaseWord acked) noexcept {
  Record record;
  const std::uint32_t index = find(key_at(slot), record);
  const auto mine = static_cast<std::uint32_t>(ring_.view.position_of(slot, lap));
  if (index != count() && record.occupied() && record.first() == mine && record.last() == mine &&
      move(index, record, record.emptied())) {
    if (!ring::finish(ring_, slot, acked, acked.viewed())) free_slot(slot, lap);
    return true;
  }
  return finish(slot);
}

bool Groups::finish(std::uint32_t slot) noexcept {
  for (std::uint32_t tries = 0; tries < kStepsMax; ++tries) {
    const LeaseWord word = ring_.view.lease_word(slot);
    const std::uint64_t lap = ring_.view.slot(slot).publish.load(std::memory_order_acquire);
    if (!is_leaving(word.state())) return true;
    if (word.state() == LeaseState::kMoved && !has_moved(slot, word)) continue;
    Record record;
    const std::uint32_t index = find(key_at(slot), record);
    const std::uint64_t mine = ring_.view.position_of(slot, lap & ring::kLapMask);
    if (index != count() && record.occupied()) {
      const std::uint32_t front = slot_of(record.first());
      const std::uint64_t front_lap = lap_at(front, record.first());
      if (front_lap == 0) continue;  // moved on meanwhile
      const std::uint64_t first = ring_.view.position_of(front, front_lap);
      if (first < mine && !is_leaving(ring_.view.lease_word(front).state())) return false;
      if (first <= mine) {
        if (advance(index)) ring_.receivers.wake_one();
        continue;
      }
    }
    // Out of its group already. By the word that was read before the group was looked at: what
    // stands there now may be another message's.
    if (word.state() == LeaseState::kAcked) {
      if (ring::finish(ring_, slot, word, word.viewed())) return true;
    } else if (word.owner() != 0 || free_moved(ring_, slot, word)) {
      return true;  // its mover frees it
    }
  }
  return false;
}

}  // namespace ringpost::group
