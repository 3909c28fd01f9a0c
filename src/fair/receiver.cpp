#include "fair/receiver.hpp"

#include <algorithm>

#include "base/pause.hpp"
#include "fair/expiry.hpp"

namespace ringpost::fair {

using group::Groups;
using group::Record;
using ring::Claim;
using ring::LeaseState;
using ring::LeaseWord;
using ring::RingView;

bool Receiver::lease(std::uint32_t slot, std::uint64_t lap, LeaseWord from, const LeaseTimes& times,
                     Taken& taken) noexcept {
  const std::uint64_t tenant = lists_.tenant_at(slot);
  const LeaseWord to = LeaseWord::leased(
      from.lap(), me_, times.deadline,
      from.count() < ring::kReceiveCountMax ? from.count() + 1 : ring::kReceiveCountMax,
      from.viewed());
  const std::uint32_t hazard = hazards_.set(shm::hazard_key(slot, lap));  // before the CAS
  ring_.due.lower(slot, times.deadline);                                  // before the CAS
  lists_.tenants().begins(tenant);  // before the CAS: behind it somebody may end the lease
  if (!ring_.view.move_lease(slot, from, to)) {
    lists_.tenants().ended(tenant, times.now);
    hazards_.clear(hazard);
    return false;
  }
  taken = {slot, hazard, lap, to};
  ring_.senders.wake_one();  // the position became passable
  return true;
}

Receiver::Outcome Receiver::take(const LeaseTimes& times, Taken& taken) noexcept {
  if (ring_.due.earliest() <= times.now) [[unlikely]] {
    expire_due(times.now, kDueBlocksInPassing);
  }
  if (hazards_.available() == 0) return Outcome::kNoHazard;
  const std::uint64_t slots = ring_.view.slots();
  std::uint64_t ahead = slots;  // so many are placed before a noisy tenant gets its turn anyway
  // Every step follows one of somebody's; the bound is for hostile memory.
  for (steps_left_ = kStepsPerSlot * slots; steps_left_ != 0; --steps_left_) {
    // The head first, then the hints, then the slots: whoever goes past a message that is visible
    // then has set a hint before.
    const std::uint64_t head_at_hints = head_;
    noisy_ = {};
    if (ring_.hints.any() && take_hinted(times, taken)) return Outcome::kTaken;
    const Step step = walk(times, ahead, taken);
    if (step == Step::kTaken) return Outcome::kTaken;
    ahead -= std::min(ahead, head_ - head_at_hints);
    const bool all_seen = step == Step::kEmpty && head_ == head_at_hints;
    if (!all_seen && ahead != 0) continue;
    if (noisy_.is_there) {
      if (take_noisy(times, taken)) return Outcome::kTaken;
      continue;
    }
    if (all_seen) {
      if (ring_.due.earliest() > times.now) return Outcome::kEmpty;
      expire_due(times.now, ~0u);
    }
    ahead = slots;
  }
  return Outcome::kEmpty;
}

void Receiver::place_all(const LeaseTimes& times) noexcept {
  Taken none;
  // Whatever is published now is less than a lap beyond the shared head.
  const std::uint64_t shared = ring_.view.hot().head.load(std::memory_order_acquire);  // [head]
  if (static_cast<std::int64_t>(shared - head_) > 0) head_ = shared;
  steps_left_ = kStepsPerSlot * ring_.view.slots();
  takes_ = false;
  walk(times, kStepsPerSlot * ring_.view.slots(), none);
  takes_ = true;
}

/// Along the ring, until a message is leased, nothing is there, or so many were passed.
Receiver::Step Receiver::walk(const LeaseTimes& times, std::uint64_t positions,
                              Taken& taken) noexcept {
  Step step = Step::kAgain;
  const std::uint64_t end = head_ + positions;
  for (; step == Step::kAgain && steps_left_ > 1; --steps_left_) {
    if (static_cast<std::int64_t>(end - head_) <= 0) return Step::kAgain;
    step = take_at_head(times, taken);
  }
  return step;
}

Receiver::Step Receiver::take_at_head(const LeaseTimes& times, Taken& taken) noexcept {
  const RingView& view = ring_.view;
  const std::uint32_t slot = view.slot_of(head_);
  const std::uint64_t lap = view.lap_of(head_);
  const bool published =
      view.slot(slot).publish.load(std::memory_order_acquire) == lap;  // [publish]
  // A delay stands in the lease word before the publish: such a one is passed.
  if (!published || !view.lease_word(slot).is(LeaseState::kIdle, lap)) return pass_head(slot, lap);
  const std::uint64_t tenant = lists_.tenant_at(slot);
  if (tenant == kNobody) return pass_nobodys(slot, lap, times, taken);
  return place_at_head(slot, lap, tenant, times, taken);
}

/// Without a group id: in no list, as in a standard ring.
Receiver::Step Receiver::pass_nobodys(std::uint32_t slot, std::uint64_t lap,
                                      const LeaseTimes& times, Taken& taken) noexcept {
  const LeaseWord idle = LeaseWord::idle(lap);
  if (takes_) {
    if (!lease(slot, lap, idle, times, taken)) return Step::kAgain;
    advance_head(head_ + 1);
    return Step::kTaken;
  }
  ring_.hints.set(slot);  // before the state
  if (ring_.view.move_lease(slot, idle, LeaseWord::returned(lap, 0, false))) {
    ring_.senders.wake_one();  // the position became passable
    advance_head(head_ + 1);
  }
  return Step::kAgain;
}

/// Into its list; leased at once if it is the first there and its tenant is quiet.
Receiver::Step Receiver::place_at_head(std::uint32_t slot, std::uint64_t lap, std::uint64_t tenant,
                                       const LeaseTimes& times, Taken& taken) noexcept {
  const Groups::Placed placed = lists_.groups().place(head_);
  if (placed.place == Groups::Place::kPassed) return pass_head(slot, lap);
  if (placed.place == Groups::Place::kDamaged) return Step::kEmpty;
  const LeaseWord idle = LeaseWord::idle(lap);
  const bool has_turn = takes_ && !lists_.tenants().is_noisy(tenant, true, times.now);
  if (has_turn && placed.place == Groups::Place::kFirst) {
    if (!lease(slot, lap, idle, times, taken)) return Step::kAgain;
    lists_.take_off(placed.index, slot, lap);
    advance_head(head_ + 1);
    return Step::kTaken;
  }
  // Hint before state: once the position is passed nobody finds the message here.
  if (!is_hinted(placed)) lists_.hint(placed.index);
  if (!ring_.view.move_lease(slot, idle, LeaseWord::listed(lap))) return Step::kAgain;
  ring_.senders.wake_one();  // the position became passable
  advance_head(head_ + 1);
  return has_turn ? Step::kTop : Step::kAgain;  // one of its tenant comes before it
}

/// Whether the list's hint is set, and stays so: whoever put the message before mine there set it
/// first, and it is not cleared as long as the list has one. If that one was leased where it was
/// placed nobody set it.
bool Receiver::is_hinted(const Groups::Placed& placed) const noexcept {
  if (placed.place != Groups::Place::kBehind || !placed.appended) return false;
  return ring_.view.lease_word(ring_.view.slot_of(placed.previous)).is_listed();
}

/// Past what others have placed, leased or finished, and past a claim that is not published: its
/// producer is slow, stopped or dead. It will find that it was passed and claim another position.
Receiver::Step Receiver::pass_head(std::uint32_t slot, std::uint64_t lap) noexcept {
  const RingView& view = ring_.view;
  auto& publish = view.slot(slot).publish;
  const LeaseWord word = view.lease_word(slot);
  if (word.passed(lap)) {
    const std::uint64_t shared = view.hot().head.load(std::memory_order_acquire);  // [head]
    const bool jump = static_cast<std::int64_t>(shared - head_) > 1;
    advance_head(jump ? shared : head_ + 1);
    return Step::kAgain;
  }
  if (word.lap() < lap) return Step::kEmpty;
  std::uint64_t seen = publish.load(std::memory_order_acquire);
  const Claim claim{view.claim(slot).load(std::memory_order_acquire)};  // [claim]
  if (claim.sealed() || claim.lap() < lap) return Step::kEmpty;
  if (claim.lap() > lap) return Step::kAgain;
  for (int i = 0; i < kFillingSpins && seen != (lap | ring::kSkipped); ++i) {
    seen = publish.load(std::memory_order_acquire);
    if (seen == lap) return Step::kAgain;
    base::cpu_pause();
  }
  // Meanwhile others may have gone round: a later lap's word is not mine to change.
  if ((seen & ring::kLapMask) > lap) return Step::kAgain;
  // [publish] acq_rel: decides between its producer and me.
  if (seen != (lap | ring::kSkipped) &&
      !publish.compare_exchange_strong(seen, lap | ring::kSkipped, std::memory_order_acq_rel,
                                       std::memory_order_acquire)) {
    return Step::kAgain;
  }
  // Not yet free: its producer may still be writing.
  if (view.move_lease(slot, word, LeaseWord::await(lap))) {
    advance_head(head_ + 1);
    ring_.senders.wake_one();  // the position became passable
  }
  return Step::kAgain;
}

bool Receiver::take_hinted(const LeaseTimes& times, Taken& taken) noexcept {
  const std::uint32_t slots = ring_.view.slots();
  looks_left_ = kNoisyLooks;
  return ring_.hints.search(
      rotation_ < ring_.view.hint_count() ? rotation_ : 0, [&](std::uint32_t hint) noexcept {
        if (takes_noisy_ && hint != noisy_.hint) return Look::kLeave;
        const Look found = hint < slots ? look_at_slot(hint, times, taken)
                                        : look_at_list(hint - slots, times, taken);
        if (found == Look::kTaken || found == Look::kTakenAndLeave) rotation_ = hint + 1;
        return found;
      });
}

bool Receiver::take_noisy(const LeaseTimes& times, Taken& taken) noexcept {
  takes_noisy_ = true;
  const bool found = take_hinted(times, taken);
  takes_noisy_ = false;
  return found;
}

/// Whether a message of `tenant` may be taken in this search; remembers the best that may not.
bool Receiver::has_turn(std::uint64_t tenant, std::uint32_t hint,
                        const LeaseTimes& times) noexcept {
  const bool waits = hint >= ring_.view.slots();  // in its list
  if (takes_noisy_ || !lists_.tenants().is_noisy(tenant, waits, times.now)) return true;
  const std::uint32_t in_flight = lists_.tenants().in_flight(tenant);
  if (!noisy_.is_there || in_flight < noisy_.in_flight) noisy_ = {true, hint, in_flight};
  return false;
}

/// A hinted list. Record, lease word and publish word of its first message are read in this order:
/// if the publish word is that message's, so was the lease word, or it has changed since. And while
/// it is unchanged the message is the first.
ring::Hints::Look Receiver::look_at_list(std::uint32_t index, const LeaseTimes& times,
                                         Taken& taken) noexcept {
  Groups& groups = lists_.groups();
  for (int looks = 0; looks < kLooksMax && index < groups.count(); ++looks) {
    const Record record = groups.read(index);
    if (!record.occupied()) return Look::kClear;
    const std::uint32_t slot = groups.slot_of(record.first());
    const LeaseWord word = ring_.view.lease_word(slot);
    const std::uint64_t lap = groups.lap_at(slot, record.first());
    if (lap == 0) continue;  // moved on meanwhile
    if (!Lists::waits(word, lap)) {
      lists_.trim(index);
      if (groups.read(index) == record) break;  // corrupt
      continue;
    }
    if (!has_turn(record.key(), lists_.hint_of(index), times)) return Look::kLeave;
    if (!lease(slot, lap, word, times, taken)) continue;
    lists_.take_off(index, slot, lap);
    return Look::kTakenAndLeave;
  }
  return Look::kLeave;  // the doctor's business
}

/// A hinted slot. Lease, claim and publish are read in this order; the CAS compares the lease.
ring::Hints::Look Receiver::look_at_slot(std::uint32_t slot, const LeaseTimes& times,
                                         Taken& taken) noexcept {
  const RingView& view = ring_.view;
  if (looks_left_ == 0) return Look::kLeave;
  for (int looks = 0; looks < kLooksMax; ++looks) {
    const LeaseWord word = view.lease_word(slot);
    const Claim claim{view.claim(slot).load(std::memory_order_acquire)};
    const std::uint64_t publish = view.slot(slot).publish.load(std::memory_order_acquire);
    switch (word.state()) {
      case LeaseState::kReturned:
      case LeaseState::kAwait:
        if (word.is_listed()) return Look::kClear;
        if (publish != claim.lap()) return Look::kLeave;  // not published yet, or never
        if (!has_turn(lists_.tenant_at(slot), slot, times)) {
          if (--looks_left_ == 0) rotation_ = slot + 1;  // here the next search goes on
          return Look::kLeave;
        }
        if (!lease(slot, publish, word, times, taken)) break;
        lists_.take_off(slot, publish);  // whoever leased it before may not have come to that
        return Look::kTaken;
      case LeaseState::kLeased:
      case LeaseState::kDelayed:
        if (word.deadline() > times.now) return Look::kLeave;
        if (end_if_over(ring_, lists_, slot, word, times.now) == ring::Ended::kLease) ++expired_;
        break;
      case LeaseState::kIdle:
        // Claimed for this lap: somebody may be about to make it await or delayed.
        return claim.lap() == word.lap() ? Look::kLeave : Look::kClear;
      case LeaseState::kLimbo:
      case LeaseState::kMoved:
      case LeaseState::kAcked:
        return Look::kClear;
    }
  }
  return Look::kLeave;
}

void Receiver::expire_due(std::uint64_t now, std::uint32_t blocks_max) noexcept {
  ring_.due.scan(now, blocks_max,
                 [&](std::uint32_t slot) noexcept { return end_if_due(slot, now); });
}

/// For the due scan: ends what is over and returns the deadline that remains in this slot.
std::uint64_t Receiver::end_if_due(std::uint32_t slot, std::uint64_t now) noexcept {
  const std::uint64_t recheck = now + ring::DueIndex::kRecheckUnits;
  const LeaseWord word = ring_.view.lease_word(slot);
  switch (word.state()) {
    case LeaseState::kLeased:
    case LeaseState::kDelayed:
      if (word.deadline() > now) return word.deadline();
      if (end_if_over(ring_, lists_, slot, word, now) == ring::Ended::kLease) ++expired_;
      return recheck;  // somebody may be about to lease it, with a deadline announced before
    case LeaseState::kAcked:
      return lists_.finish(slot) ? ring::kDeadlineNever : recheck;
    case LeaseState::kReturned:
    case LeaseState::kAwait:
      return recheck;
    case LeaseState::kIdle: {
      // Ready or being filled: somebody may be about to lease or delay it.
      const Claim claim{ring_.view.claim(slot).load(std::memory_order_acquire)};
      return claim.sealed() || claim.lap() != word.lap() ? ring::kDeadlineNever : recheck;
    }
    case LeaseState::kLimbo:
    case LeaseState::kMoved:
      return ring::kDeadlineNever;
  }
  return recheck;
}

void Receiver::advance_head(std::uint64_t head) noexcept {
  head_ = head;
  if (static_cast<std::int64_t>(head_ - head_shared_) >= kCursorStride) flush();
}

}  // namespace ringpost::fair
