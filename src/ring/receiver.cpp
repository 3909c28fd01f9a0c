#include "ring/receiver.hpp"

#include "base/pause.hpp"
#include "ring/expiry.hpp"

namespace ringpost::ring {

Receiver::Outcome Receiver::take(const LeaseTimes& times, Taken& taken) noexcept {
  if (ring_.due.earliest() <= times.now) [[unlikely]] {
    expire_due(times.now, kDueBlocksInPassing);
  }
  if (hazards_.available() == 0) return Outcome::kNoHazard;
  // Every step follows one of somebody's; the bound is for hostile memory.
  const RingView& view = ring_.view;
  for (std::uint64_t steps = 0; steps < 64ull * view.slots(); ++steps) {
    // The head first, then the hints, then the slots: whoever made a message of mine wait behind
    // the head has set its hint before the head moved. My own head will do: it is only read by me,
    // and any position that was ever passed is a valid start.
    const std::uint64_t head_at_hints = head_;
    bool in_order = true;
    if (ring_.hints.any()) [[unlikely]] {
      // An awaited message behind the head comes before what its producer published after it: if
      // the one under the head was there before I looked behind, nothing of its producer's is.
      in_order = view.slot(view.slot_of(head_)).publish.load(std::memory_order_acquire) ==
                 view.lap_of(head_);
      if (take_returned(times, taken)) return Outcome::kTaken;
    }
    Step step = Step::kAgain;
    for (; step == Step::kAgain && steps < 64ull * view.slots(); ++steps) {
      step = take_at_head(times, in_order, taken);
    }
    if (step == Step::kTaken) return Outcome::kTaken;
    // Empty holds only if the hints were read after the last change of the head, and if nothing is
    // due that the look in passing left for later.
    if (step != Step::kEmpty || head_ != head_at_hints) continue;
    if (ring_.due.earliest() > times.now) return Outcome::kEmpty;
    expire_due(times.now, ~0u);
  }
  return Outcome::kEmpty;
}

Receiver::Step Receiver::take_at_head(const LeaseTimes& times, bool in_order,
                                      Taken& taken) noexcept {
  const RingView& view = ring_.view;
  const std::uint32_t slot = view.slot_of(head_);
  const std::uint64_t lap = view.lap_of(head_);
  if (view.slot(slot).publish.load(std::memory_order_acquire) == lap) {  // [publish]
    if (!in_order) return Step::kTop;
    const Lengths lengths{view.slot(slot).lengths.load(std::memory_order_relaxed)};
    if (lengths.content() > base::kCacheLineBytes - sizeof(SlotHead)) {
      __builtin_prefetch(second_line(slot), 0);  // travels while the lease is taken
    }
    // The common case: what the lease word must be is known without reading it.
    if (lease(slot, lap, LeaseWord::idle(lap), times, taken)) {
      advance(head_ + 1);
      fetch_ahead();
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
    const std::uint64_t shared = view.hot().head.load(std::memory_order_acquire);  // [head]
    const bool jump = static_cast<std::int64_t>(shared - head_) > 1;
    advance(jump ? shared : head_ + 1);
    // Over an awaited message, perhaps, or there is one behind: look there first (take(): order).
    if (jump || word.state() == LeaseState::kAwait || ring_.hints.any()) return Step::kTop;
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
  return Step::kTop;
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

/// A returned message is taken where it is found. Of awaited ones the oldest that is there goes
/// first, and only if a search that began after it was seen finds none older: what its producer
/// sent before it was there by then.
bool Receiver::take_returned(const LeaseTimes& times, Taken& taken) noexcept {
  const std::uint32_t from = ring_.view.slot_of(head_);
  const auto search = [&] {
    awaited_.oldest = Awaited::kNone;
    return ring_.hints.search(
        from, [&](std::uint32_t slot) noexcept { return look(slot, times, taken); });
  };
  std::uint64_t candidate = Awaited::kNone;
  for (int tries = 0; tries < kLooksMax; ++tries) {  // the bound is for hostile memory
    awaited_.wanted = Awaited::kNone;
    if (search()) return true;
    if (awaited_.oldest == Awaited::kNone) return false;
    if (awaited_.oldest == candidate) {
      awaited_.wanted = candidate;
      if (search()) return true;
    }
    candidate = awaited_.oldest;
  }
  return false;
}

bool Receiver::may_take_awaited(std::uint64_t position) noexcept {
  awaited_.oldest = std::min(awaited_.oldest, position);
  return position == awaited_.wanted;
}

/// A hinted slot. From a lost CAS nothing is concluded (a sender may only have raised the lap):
/// look again. The bound is for hostile memory.
Hints::Look Receiver::look(std::uint32_t slot, const LeaseTimes& times, Taken& taken) noexcept {
  for (int tries = 0; tries < kLooksMax; ++tries) {
    const auto found = look_once(slot, times, taken);
    if (found) return *found;
  }
  return Hints::Look::kLeave;
}

/// Lease, claim and publish are read in this order; the CAS compares the lease. Nothing: lost.
std::optional<Hints::Look> Receiver::look_once(std::uint32_t slot, const LeaseTimes& times,
                                               Taken& taken) noexcept {
  using enum Hints::Look;
  const auto take_it = [&](std::uint64_t lap, LeaseWord from) -> std::optional<Hints::Look> {
    if (!lease(slot, lap, from, times, taken)) return std::nullopt;
    return kTaken;
  };
  const RingView& view = ring_.view;
  const LeaseWord word = view.lease_word(slot);
  const Claim claim{view.claim(slot).load(std::memory_order_acquire)};
  const std::uint64_t publish = view.slot(slot).publish.load(std::memory_order_acquire);
  switch (word.state()) {
    case LeaseState::kReturned:
      return take_it(publish, word);
    case LeaseState::kAwait:
      if (publish != claim.lap()) return kLeave;
      if (!may_take_awaited(view.position_of(slot, publish))) return kLeave;
      return take_it(publish, word);
    case LeaseState::kLeased:
    case LeaseState::kDelayed:
      if (word.deadline() > times.now) return kLeave;
      if (end_if_over(ring_, slot, word, times.now) == Ended::kLease) ++expired_;
      return std::nullopt;  // it is returned or awaited now, or was changed: look again
    case LeaseState::kIdle:
      // Claimed for this lap: somebody may be about to make it await or delayed.
      return claim.lap() == word.lap() ? kLeave : kClear;
    case LeaseState::kLimbo:
    case LeaseState::kMoved:
      return kClear;
    case LeaseState::kAcked:
      break;
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
    case LeaseState::kMoved:
      return kDeadlineNever;
    case LeaseState::kAcked:
      break;  // FIFO
  }
  return recheck;
}

void Receiver::advance(std::uint64_t head) noexcept {
  head_ = head;
  const auto ahead = static_cast<std::int64_t>(head_ - head_shared_);
  if (ahead == stride_ - kFetchHeadBefore) __builtin_prefetch(&ring_.view.hot().head, 1);
  if (ahead >= stride_) flush();
}

/// With a backlog the lines of coming messages travel while this one is worked on. Without one they
/// are left alone: their producer is writing them.
void Receiver::fetch_ahead() noexcept {
  const RingView& view = ring_.view;
  const std::uint64_t ahead = head_ + kFetchAhead;
  if (static_cast<std::int64_t>(tail_seen_ - ahead) <= 0) {
    if (head_ % kTailStride != 0 || head_ - empty_at_ < kTailStride) return;
    tail_seen_ = view.hot().tail.load(std::memory_order_relaxed);  // relaxed: a hint
    if (static_cast<std::int64_t>(tail_seen_ - ahead) <= 0) return;
  }
  const std::uint32_t slot = view.slot_of(ahead);
  __builtin_prefetch(&view.slot(slot), 0);
  __builtin_prefetch(second_line(slot), 0);
  if (slot % 4 == 0) __builtin_prefetch(&view.lease(slot), 1);  // four lease words a line
}

}  // namespace ringpost::ring
