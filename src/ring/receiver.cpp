#include "ring/receiver.hpp"

#include "base/pause.hpp"
#include "ring/expiry.hpp"

namespace ringpost::ring {

Receiver::Outcome Receiver::take(const LeaseTimes& times, Taken& taken) noexcept {
  if (ring_.due.earliest() <= times.now) [[unlikely]] {
    expire_due(times.now, kDueBlocksInPassing);
  }
  if (hazards_.available() == 0) return Outcome::kNoHazard;
  // Every return to the top follows a step of somebody's; the bound is for hostile memory.
  for (std::uint64_t tries = 0; tries < 64ull * ring_.view.slots(); ++tries) {
    // The head first, then the hints, then the slots: whoever made a message of mine wait behind
    // the head has set its hint before the head moved.
    const std::uint64_t shared = ring_.view.hot().head.load(std::memory_order_acquire);  // [head]
    if (static_cast<std::int64_t>(shared - head_) > 0) head_ = shared;
    const std::uint64_t head_at_hints = head_;
    if (ring_.hints.any() && take_returned(times, taken)) return Outcome::kTaken;
    Step step = Step::kAgain;
    while (step == Step::kAgain) step = take_at_head(times, taken);
    if (step == Step::kTaken) return Outcome::kTaken;
    // Empty holds only if the hints were read after the last change of the head.
    if (head_ == head_at_hints) return Outcome::kEmpty;
  }
  return Outcome::kEmpty;
}

Receiver::Step Receiver::take_at_head(const LeaseTimes& times, Taken& taken) noexcept {
  const RingView& view = ring_.view;
  const std::uint32_t slot = view.slot_of(head_);
  const std::uint64_t lap = view.lap_of(head_);
  if (view.slot(slot).publish.load(std::memory_order_acquire) == lap) {  // [publish]
    // The common case: what the lease word must be is known without reading it.
    if (lease(slot, lap, LeaseWord::idle(lap), times, taken)) {
      advance(head_ + 1);
      return Step::kTaken;
    }
  }
  return pass_head(slot, lap);
}

/// The slot under the head cannot be leased as it is: go past it, wait for it, or say empty.
Receiver::Step Receiver::pass_head(std::uint32_t slot, std::uint64_t lap) noexcept {
  const RingView& view = ring_.view;
  auto& publish = view.slot(slot).publish;
  const LeaseWord word = view.lease_word(slot);
  if (word.passed(lap)) {
    advance(head_ + 1);
    return Step::kAgain;
  }
  if (word.lap() < lap) return Step::kEmpty;
  // idle(lap), unpublished when I looked.
  const Claim claim{view.claim(slot).load(std::memory_order_acquire)};  // [claim]
  if (claim.sealed() || claim.lap() < lap) return Step::kEmpty;
  if (claim.lap() > lap) return Step::kAgain;  // others have gone round: empty would be false
  for (int i = 0; i < kFillingSpins; ++i) {
    if (publish.load(std::memory_order_acquire) == lap) return Step::kAgain;
    base::cpu_pause();
  }
  // Its producer is slow, stopped or dead: nobody waits for it. The hint stays until it is there.
  ring_.hints.set(slot);
  if (view.move_lease(slot, word, LeaseWord::await(lap))) {
    advance(head_ + 1);
    ring_.senders.wake_one();  // the position became passable
  }
  return Step::kAgain;
}

bool Receiver::lease(std::uint32_t slot, std::uint64_t lap, LeaseWord from, const LeaseTimes& times,
                     Taken& taken) noexcept {
  const LeaseWord to = LeaseWord::leased(
      from.lap(), me_, times.deadline,
      from.count() < kReceiveCountMax ? from.count() + 1 : kReceiveCountMax, from.viewed());
  const std::uint32_t hazard = hazards_.set(shm::hazard_key(slot, lap));  // before the CAS
  ring_.due.lower(slot, times.deadline);                                  // before the CAS
  if (!ring_.view.move_lease(slot, from, to)) {
    hazards_.clear(hazard);
    return false;
  }
  taken = {slot, hazard, lap, to};
  ring_.senders.wake_one();  // the position became passable
  return true;
}

bool Receiver::take_returned(const LeaseTimes& times, Taken& taken) noexcept {
  return ring_.hints.search(ring_.view.slot_of(head_),
                            [&](std::uint32_t slot) noexcept { return look(slot, times, taken); });
}

/// A hinted slot. Lease, claim and publish are read in this order; the CAS compares the lease.
Hints::Look Receiver::look(std::uint32_t slot, const LeaseTimes& times, Taken& taken) noexcept {
  using enum Hints::Look;
  const RingView& view = ring_.view;
  const LeaseWord word = view.lease_word(slot);
  const Claim claim{view.claim(slot).load(std::memory_order_acquire)};
  const std::uint64_t publish = view.slot(slot).publish.load(std::memory_order_acquire);
  switch (word.state()) {
    case LeaseState::kReturned:
      return lease(slot, publish, word, times, taken) ? kTaken : kLeave;
    case LeaseState::kAwait:
      if (publish != claim.lap()) return kLeave;
      return lease(slot, publish, word, times, taken) ? kTaken : kLeave;
    case LeaseState::kLeased:
    case LeaseState::kDelayed:
      switch (end_if_over(ring_, slot, word, times.now)) {
        case Ended::kNo:
          return kLeave;
        case Ended::kLease:
          ++expired_;
          break;
        case Ended::kDelay:
          break;
      }
      return look(slot, times, taken);  // it is returned or awaited now
    case LeaseState::kIdle:
      // Claimed for this lap: somebody may be about to make it await or delayed.
      return claim.lap() == word.lap() ? kLeave : kClear;
    case LeaseState::kLimbo:
      return kClear;
  }
  return kLeave;  // not a state: corrupt, the sweeper's and the doctor's business
}

void Receiver::expire_due(std::uint64_t now, std::uint32_t blocks_max) noexcept {
  ring_.due.scan(now, blocks_max,
                 [&](std::uint32_t slot) noexcept { return end_if_due(slot, now); });
}

/// For the due scan: ends what is over and returns the deadline that remains in this slot.
std::uint64_t Receiver::end_if_due(std::uint32_t slot, std::uint64_t now) noexcept {
  const std::uint64_t recheck = now + DueIndex::kRecheckUnits;
  const RingView& view = ring_.view;
  const LeaseWord word = view.lease_word(slot);
  switch (word.state()) {
    case LeaseState::kLeased:
    case LeaseState::kDelayed:
      if (word.deadline() > now) return word.deadline();
      if (end_if_over(ring_, slot, word, now) == Ended::kLease) ++expired_;
      return recheck;  // somebody may be about to lease it, with a deadline announced before
    case LeaseState::kReturned:
    case LeaseState::kAwait:
      return recheck;
    case LeaseState::kIdle: {
      // Ready or being filled: a consumer may be about to lease it, and a producer about to delay
      // it. A consumer only if the position before was passed already (it goes in order).
      const Claim claim{view.claim(slot).load(std::memory_order_acquire)};
      if (claim.sealed() || claim.lap() != word.lap()) return kDeadlineNever;
      const bool published = view.slot(slot).publish.load(std::memory_order_acquire) == claim.lap();
      if (!published) return recheck;
      const std::uint64_t position = view.position_of(slot, word.lap());
      if (position == 0) return recheck;
      const LeaseWord before = view.lease_word(view.slot_of(position - 1));
      return before.passed(view.lap_of(position - 1)) ? recheck : kDeadlineNever;
    }
    case LeaseState::kLimbo:
      return kDeadlineNever;
  }
  return recheck;
}

void Receiver::advance(std::uint64_t head) noexcept {
  head_ = head;
  auto& shared = ring_.view.hot().head;
  const std::uint64_t seen = shared.load(std::memory_order_relaxed);  // relaxed: a hint
  if (static_cast<std::int64_t>(head_ - seen) >= kCursorStride) raise_cursor(shared, head_);
}

}  // namespace ringpost::ring
