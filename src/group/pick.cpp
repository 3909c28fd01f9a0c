#include "group/pick.hpp"

#include "group/expiry.hpp"

namespace ringpost::group {

using ring::LeaseState;
using ring::LeaseWord;

namespace {

constexpr int kLooksMax = 64;  // for hostile memory

}  // namespace

bool pick(ring::Ring& ring, Groups& groups, std::uint32_t slot, std::uint64_t lap,
          const ring::LeaseTimes& times, std::uint16_t me, shm::HazardOwner& hazards,
          ring::Taken& taken, std::uint64_t& expired) noexcept {
  if (hazards.available() == 0) return false;
  for (int looks = 0; looks < kLooksMax; ++looks) {
    // Record, lease word, publish word, in this order, as Receiver::look().
    Record record;
    const std::uint32_t index = groups.find(groups.key_at(slot), record);
    if (index == groups.count() || !record.occupied()) return false;
    const std::uint32_t first = groups.slot_of(record.first());
    const LeaseWord word = ring.view.lease_word(first);
    const std::uint64_t first_lap = groups.lap_at(first, record.first());
    if (first_lap == 0) continue;  // moved on meanwhile
    if (word.state() == LeaseState::kAcked || word.state() == LeaseState::kMoved) {
      groups.advance(index);
      continue;
    }
    if (first != slot || first_lap != lap) return false;
    if (word.state() == LeaseState::kLeased || word.state() == LeaseState::kDelayed) {
      if (word.deadline() > times.now) return false;
      if (end_over(ring, groups, slot, word) && word.state() == LeaseState::kLeased) ++expired;
      continue;
    }
    const bool ready = word.state() == LeaseState::kIdle && word.lap() == lap;
    if (!ready && word.state() != LeaseState::kReturned) continue;
    const std::uint32_t count =
        word.count() < ring::kReceiveCountMax ? word.count() + 1 : word.count();
    const LeaseWord mine = LeaseWord::leased(word.lap(), me, times.deadline, count, word.viewed());
    const std::uint32_t hazard = hazards.set(shm::hazard_key(slot, lap));  // before the CAS
    ring.due.lower(slot, times.deadline);                                  // before the CAS
    if (ring.view.move_lease(slot, word, mine)) {
      taken = {slot, hazard, lap, mine};
      ring.senders.wake_one();  // the position became passable
      return true;
    }
    hazards.clear(hazard);
  }
  return false;
}

bool put_back(ring::Ring& ring, const Groups& groups, const ring::Delivery& delivery,
              std::uint16_t me) noexcept {
  for (;;) {
    const LeaseWord word = ring.view.lease_word(delivery.slot);
    const std::uint64_t publish =
        ring.view.slot(delivery.slot).publish.load(std::memory_order_acquire);  // [publish]
    if (publish != delivery.lap || word.count() != delivery.count || word.owner() != me ||
        word.state() != LeaseState::kLeased) {
      return false;
    }
    groups.hint(delivery.slot);  // before the state: looks may have dropped it
    if (ring.view.move_lease(delivery.slot, word,
                             LeaseWord::returned(word.lap(), word.count() - 1, word.viewed()))) {
      ring.receivers.wake_one();
      return true;
    }
  }
}

}  // namespace ringpost::group
