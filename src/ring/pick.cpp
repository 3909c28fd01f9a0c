#include "ring/pick.hpp"

#include "ring/expiry.hpp"

namespace ringpost::ring {
namespace {

constexpr int kLooksMax = 64;  // for hostile memory

/// Claim and publish are of that lap: read after the lease word, which a CAS compares.
bool is_there(const RingView& view, std::uint32_t slot, std::uint64_t lap) noexcept {
  const Claim claim{view.claim(slot).load(std::memory_order_acquire)};  // [claim]
  return !claim.sealed() && claim.lap() == lap &&
         view.slot(slot).publish.load(std::memory_order_acquire) == lap;  // [publish]
}

}  // namespace

bool is_visible(const RingView& view, std::uint32_t slot, std::uint64_t lap,
                std::uint64_t now) noexcept {
  const LeaseWord word = view.lease_word(slot);
  if (!is_there(view, slot, lap)) return false;
  switch (word.state()) {
    case LeaseState::kIdle:
      return word.lap() == lap;
    case LeaseState::kReturned:
    case LeaseState::kAwait:
      return true;
    case LeaseState::kLeased:
    case LeaseState::kDelayed:
      return word.deadline() <= now;
    case LeaseState::kLimbo:
    case LeaseState::kAcked:
    case LeaseState::kMoved:
      break;
  }
  return false;
}

bool pick(Ring& ring, std::uint32_t slot, std::uint64_t lap, const LeaseTimes& times,
          std::uint16_t me, shm::HazardOwner& hazards, Taken& taken,
          std::uint64_t& expired) noexcept {
  if (hazards.available() == 0) return false;
  for (int looks = 0; looks < kLooksMax && is_visible(ring.view, slot, lap, times.now); ++looks) {
    const LeaseWord word = ring.view.lease_word(slot);
    if (!is_there(ring.view, slot, lap)) return false;
    if (word.state() == LeaseState::kIdle && word.lap() == lap) {
      ring.hints.set(slot);  // before the state
      if (ring.view.move_lease(slot, word, LeaseWord::returned(lap, 0, false))) {
        ring.senders.wake_one();  // the position became passable
      }
    } else if (word.state() == LeaseState::kLeased || word.state() == LeaseState::kDelayed) {
      if (end_if_over(ring, slot, word, times.now) == Ended::kLease) ++expired;
    } else if (word.state() == LeaseState::kReturned || word.state() == LeaseState::kAwait) {
      const std::uint32_t count = word.count() < kReceiveCountMax ? word.count() + 1 : word.count();
      const LeaseWord mine =
          LeaseWord::leased(word.lap(), me, times.deadline, count, word.viewed());
      const std::uint32_t hazard = hazards.set(shm::hazard_key(slot, lap));  // before the CAS
      ring.due.lower(slot, times.deadline);                                  // before the CAS
      if (ring.view.move_lease(slot, word, mine)) {
        taken = {slot, hazard, lap, mine};
        return true;
      }
      hazards.clear(hazard);
    }
  }
  return false;
}

bool put_back(Ring& ring, const Delivery& delivery, std::uint16_t me) noexcept {
  for (;;) {
    const LeaseWord word = ring.view.lease_word(delivery.slot);
    const std::uint64_t publish =
        ring.view.slot(delivery.slot).publish.load(std::memory_order_acquire);  // [publish]
    if (publish != delivery.lap || word.count() != delivery.count || word.owner() != me ||
        word.state() != LeaseState::kLeased) {
      return false;
    }
    ring.hints.set(delivery.slot);  // before the state
    if (ring.view.move_lease(delivery.slot, word,
                             LeaseWord::returned(word.lap(), word.count() - 1, word.viewed()))) {
      ring.receivers.wake_one();
      return true;
    }
  }
}

}  // namespace ringpost::ring
