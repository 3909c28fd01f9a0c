#include "group/receiver.hpp"

#include <algorithm>

#include "base/pause.hpp"
#include "group/expiry.hpp"
#include "group/move.hpp"

namespace ringpost::group {

using ring::Claim;
using ring::LeaseState;
using ring::LeaseWord;
using ring::RingView;

/// The first message of a group.
inline bool Receiver::lease(std::uint32_t index, std::uint32_t slot, std::uint64_t lap,
                            LeaseWord from, const LeaseTimes& times, Taken& taken) noexcept {
  const LeaseWord to = LeaseWord::leased(
      from.lap(), me_, times.deadline,
      from.count() < ring::kReceiveCountMax ? from.count() + 1 : ring::kReceiveCountMax,
      from.viewed());
  const std::uint32_t hazard = hazards_.set(shm::hazard_key(slot, lap));  // before the CAS
  ring_.due.lower(slot, times.deadline);                                  // before the CAS
  if (!ring_.view.move_lease(slot, from, to)) {
    hazards_.clear(hazard);
    return false;
  }
  taken = {slot, hazard, lap, to};
  if (wanted_ > 1) open_ = {index, true, slot, lap, slot, to};
  ring_.senders.wake_one();  // the position became passable
  return true;
}

Receiver::Outcome Receiver::take(const LeaseTimes& times, Taken& taken) noexcept {
  if (ring_.due.earliest() <= times.now) [[unlikely]] {
    expire_due(times.now, kDueBlocksInPassing);
  }
  if (hazards_.available() == 0) return Outcome::kNoHazard;
  steps_left_ = kStepsPerSlot * ring_.view.slots();
  if (open_.is_open && take_next_of_group(times, taken)) return Outcome::kTaken;
  open_.is_open = false;
  const RingView& view = ring_.view;
  // Every step follows one of somebody's; the bound is for hostile memory.
  for (; steps_left_ != 0; --steps_left_) {
    if (ring_.hints.any()) [[unlikely]] {
      ring_turn_ = !ring_turn_;  // or else what is hinted keeps others waiting in the ring
      if (ring_turn_ && walk(times, kTurnPositions, taken) == Step::kTaken) return Outcome::kTaken;
    }
    // The head first, then the hints, then the slots: whoever goes past a message that is visible
    // then has set its group's hint before.
    const std::uint64_t head_at_hints = head_;
    if (ring_.hints.any() && take_ready(times, taken)) return Outcome::kTaken;
    const Step step = walk(times, 64 * view.slots(), taken);
    if (step == Step::kTaken) return Outcome::kTaken;
    if (step != Step::kEmpty || head_ != head_at_hints) continue;
    if (ring_.due.earliest() > times.now) return Outcome::kEmpty;
    expire_due(times.now, ~0u);
  }
  return Outcome::kEmpty;
}

void Receiver::place_all(const LeaseTimes& times, std::uint64_t delay_ns) noexcept {
  Taken none;
  begin(0, delay_ns);  // lease nothing, stop at nobody's claim
  // Whatever is published now is less than a lap beyond the shared head.
  const std::uint64_t shared = ring_.view.hot().head.load(std::memory_order_acquire);  // [head]
  if (static_cast<std::int64_t>(shared - head_) > 0) head_ = shared;
  steps_left_ = kStepsPerSlot * ring_.view.slots();
  walk(times, 64 * ring_.view.slots(), none);
}

/// Along the ring, until a message is leased, nothing is there, or so many were passed.
Receiver::Step Receiver::walk(const LeaseTimes& times, std::uint32_t positions,
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
  if (view.slot(slot).publish.load(std::memory_order_acquire) == lap) {  // [publish]
    return place_at_head(slot, lap, times, taken);
  }
  return pass_head(slot, lap);
}

/// Into its group; leased at once if it is the first there, or if all before it are mine in this
/// receive; else left for when its turn comes.
Receiver::Step Receiver::place_at_head(std::uint32_t slot, std::uint64_t lap,
                                       const LeaseTimes& times, Taken& taken) noexcept {
  if (ids_ != nullptr) ids_->commit(head_);
  const Groups::Placed placed = groups_.place(head_);
  if (placed.place == Groups::Place::kPassed) return pass_head(slot, lap);
  if (placed.place == Groups::Place::kDamaged) return Step::kEmpty;
  const std::uint64_t due = due_of(slot);
  const LeaseWord idle = LeaseWord::idle(lap);
  const bool first = placed.place == Groups::Place::kFirst;
  if (due <= times.now && wanted_ != 0) {
    if (first && !open_.is_open) {
      if (!lease(placed.index, slot, lap, idle, times, taken)) return Step::kAgain;
      advance_head(head_ + 1);
      fetch_ahead();
      return Step::kTaken;
    }
    const bool continues = open_.is_open && placed.appended && placed.index == open_.index &&
                           placed.previous == static_cast<std::uint32_t>(ring_.view.position_of(
                                                  open_.last_slot, open_.last_lap));
    if (continues && lease_behind(slot, lap, idle, times, taken)) {
      advance_head(head_ + 1);
      return Step::kTaken;
    }
  }
  // Hint before state: once the position is passed nobody finds the message here.
  if (first && due <= times.now) ring_.hints.set(placed.index);
  if (due > times.now) ring_.due.lower(slot, due);
  const LeaseWord waiting =
      due > times.now ? LeaseWord::delayed(lap, due) : LeaseWord::returned(lap, 0, false);
  if (ring_.view.move_lease(slot, idle, waiting)) {
    ring_.senders.wake_one();  // the position became passable
    advance_head(head_ + 1);
    fetch_ahead();
  }
  return Step::kAgain;
}

/// Past what others have placed or finished, and past a claim that is not published: its producer
/// is slow, stopped or dead. It will find that it was passed and claim another position.
Receiver::Step Receiver::pass_head(std::uint32_t slot, std::uint64_t lap) noexcept {
  const RingView& view = ring_.view;
  auto& publish = view.slot(slot).publish;
  const LeaseWord word = view.lease_word(slot);
  if (word.passed(lap)) {
    const std::uint64_t shared = view.hot().head.load(std::memory_order_acquire);  // [head]
    advance_head(static_cast<std::int64_t>(shared - head_) > 1 ? shared : head_ + 1);
    return Step::kAgain;
  }
  if (word.lap() < lap) return Step::kEmpty;
  std::uint64_t seen = publish.load(std::memory_order_acquire);
  const Claim claim{view.claim(slot).load(std::memory_order_acquire)};  // [claim]
  if (claim.sealed() || claim.lap() < lap) return Step::kEmpty;
  if (claim.lap() > lap) return Step::kAgain;
  if (open_.is_open && seen != (lap | ring::kSkipped)) return Step::kEmpty;  // there is one already
  for (int i = 0; i < kFillingSpins && seen != (lap | ring::kSkipped); ++i) {
    seen = publish.load(std::memory_order_acquire);
    if (seen == lap) return Step::kAgain;
    base::cpu_pause();
  }
  // Meanwhile others may have gone round: a later lap's word is not mine to change.
  if ((seen & ring::kLapMask) > lap) return Step::kAgain;
  if (seen == (lap | ring::kReserved) && has_arrived(claim, slot)) return Step::kAgain;
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

/// A message from another ring has the position under the head. If its move is decided it is
/// published for its mover; if not, the move is aborted, and nobody waits for the mover.
bool Receiver::has_arrived(Claim claim, std::uint32_t slot) noexcept {
  const RingView& view = ring_.view;
  if (ring_.moves.judge_target(claim.owner(), view.header().ring_id, head_) !=
      shm::MoveBoard::Verdict::kCommitted) {
    return false;
  }
  publish_reserved(view, slot, view.lap_of(head_));
  return true;
}

bool Receiver::still_mine() const noexcept {
  return ring_.view.lease_word(open_.first_slot).continues(open_.first_word);
}

/// One behind those of its group that this receive has leased. As long as the first of them is
/// mine nobody else takes any; if it is not any more, this one is given back.
bool Receiver::lease_behind(std::uint32_t slot, std::uint64_t lap, LeaseWord from,
                            const LeaseTimes& times, Taken& taken) noexcept {
  if (!still_mine()) return false;
  const Open before = open_;
  if (!lease(open_.index, slot, lap, from, times, taken)) return false;
  open_ = before;
  open_.last_slot = slot;
  open_.last_lap = lap;
  if (still_mine()) return true;
  open_ = {};
  give_back(before.index, slot, lap, from, taken.word);
  hazards_.clear(taken.hazard);
  return false;
}

/// `from` became `mine`, and nobody received it: visible again, with the count that it had. By now
/// a sender may have raised the lap, or somebody may have ended the lease, if it was a short one.
void Receiver::give_back(std::uint32_t index, std::uint32_t slot, std::uint64_t lap, LeaseWord from,
                         LeaseWord mine) noexcept {
  for (int looks = 0; looks < kLooksMax; ++looks) {
    const LeaseWord word = ring_.view.lease_word(slot);
    const std::uint64_t publish =
        ring_.view.slot(slot).publish.load(std::memory_order_acquire);  // [publish]
    const bool leased = word.continues(mine);
    const bool ended = word.state() == LeaseState::kReturned && word.count() == mine.count();
    if (publish != lap || !(leased || ended)) return;
    ring_.hints.set(index);  // before the state
    if (ring_.view.move_lease(
            slot, word,
            LeaseWord::returned(word.lap(), from.count(), ended ? word.viewed() : from.viewed()))) {
      ring_.receivers.wake_one();
      return;
    }
  }
}

bool Receiver::take_next_of_group(const LeaseTimes& times, Taken& taken) noexcept {
  const RingView& view = ring_.view;
  for (int looks = 0; looks < kLooksMax; ++looks) {
    const Record record = groups_.read(open_.index);
    const std::uint64_t last = view.position_of(open_.last_slot, open_.last_lap);
    if (!record.occupied() || !still_mine()) return false;
    if (record.last() == static_cast<std::uint32_t>(last)) {
      // All of it that is placed: more may be in the ring.
      if (ahead_ == 0) return false;
      const std::uint64_t head = head_;
      const Step step = walk(times, ahead_, taken);
      ahead_ -= static_cast<std::uint32_t>(std::min<std::uint64_t>(ahead_, head_ - head));
      return step == Step::kTaken;
    }
    std::uint32_t position = 0;
    if (!groups_.after(open_.last_slot, open_.last_lap, position)) return false;
    const std::uint32_t slot = groups_.slot_of(position);
    const LeaseWord word = view.lease_word(slot);  // before the lap: see look()
    const std::uint64_t lap = groups_.lap_at(slot, position);
    if (lap == 0) continue;
    switch (word.state()) {
      case LeaseState::kMoved:
        if (!groups_.has_moved(slot, word)) break;
        [[fallthrough]];
      case LeaseState::kAcked:
        open_.last_slot = slot;
        open_.last_lap = lap;
        break;
      case LeaseState::kIdle:
      case LeaseState::kReturned:
        if (due_of(slot) > times.now) return false;
        if (lease_behind(slot, lap, word, times, taken)) return true;
        break;
      case LeaseState::kLeased:
      case LeaseState::kDelayed:
        if (!end_if_over(slot, word, times.now)) return false;
        break;
      default:
        return false;
    }
  }
  return false;
}

bool Receiver::take_ready(const LeaseTimes& times, Taken& taken) noexcept {
  return ring_.hints.search(rotation_ < groups_.count() ? rotation_ : 0,
                            [&](std::uint32_t index) noexcept {
                              const ring::Hints::Look found = look(index, times, taken);
                              if (found == ring::Hints::Look::kTaken) rotation_ = index + 1;
                              return found;
                            });
}

/// A hinted group. Record, lease word and publish word of its first message are read in this order:
/// if the publish word is that message's, so was the lease word, or it has changed since. And while
/// it is unchanged the message is the first.
ring::Hints::Look Receiver::look(std::uint32_t index, const LeaseTimes& times,
                                 Taken& taken) noexcept {
  using enum ring::Hints::Look;
  for (int looks = 0; looks < kLooksMax; ++looks) {
    const Record record = groups_.read(index);
    if (!record.occupied()) return kClear;
    const std::uint32_t slot = groups_.slot_of(record.first());
    const LeaseWord word = ring_.view.lease_word(slot);
    const std::uint64_t lap = groups_.lap_at(slot, record.first());
    if (lap == 0) continue;  // moved on meanwhile
    switch (word.state()) {
      case LeaseState::kAcked:
      case LeaseState::kMoved:
        groups_.advance(index);
        break;
      case LeaseState::kIdle:
        if (word.lap() != lap) break;  // finished meanwhile
        [[fallthrough]];
      case LeaseState::kReturned:
        if (due_of(slot) > times.now) return kLeave;
        if (lease(index, slot, lap, word, times, taken)) return kTaken;
        break;
      case LeaseState::kLeased:
      case LeaseState::kDelayed:
        if (end_if_over(slot, word, times.now)) break;
        // Its end, or that of one behind it, may be hinted and not be made yet. Whoever is about to
        // end it finds another word, and hints again; for those behind see needs_hint().
        if (word.drops() == LeaseWord::kDropsMax) return kLeave;
        if (ring_.view.move_lease(slot, word, word.with_drops(word.drops() + 1))) return kClear;
        break;
      default:
        return kLeave;  // not a state of a message in a group: the doctor's business
    }
  }
  return kLeave;
}

/// Deadline units; 0 without a queue delay, else when the message becomes visible.
std::uint64_t Receiver::due_of(std::uint32_t slot) const noexcept {
  if (delay_ns_ == 0) [[likely]]
    return 0;
  const ring::SlotHead& head = ring_.view.slot(slot);
  if (ring::Lengths{head.lengths.load(std::memory_order_relaxed)}.undelayed()) return 0;
  return ring::deadline_from_ns(head.sent_ns.load(std::memory_order_relaxed) + delay_ns_);
}

bool Receiver::end_if_over(std::uint32_t slot, LeaseWord word, std::uint64_t now) noexcept {
  if (word.deadline() > now) return false;
  if (end_over(ring_, groups_, slot, word) && word.state() == LeaseState::kLeased) ++expired_;
  return true;
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
    case LeaseState::kAcked:
      if (word.deadline() > now) return word.deadline();
      end_if_over(slot, word, now);
      return recheck;  // somebody may be about to lease it, with a deadline announced before
    case LeaseState::kMoved:
      groups_.finish(slot);
      return recheck;  // its mover may be about to take it back, or stand still
    case LeaseState::kLimbo:
      return ring::kDeadlineNever;
    case LeaseState::kIdle: {
      const Claim claim{ring_.view.claim(slot).load(std::memory_order_acquire)};
      return claim.sealed() || claim.lap() != word.lap() ? ring::kDeadlineNever : recheck;
    }
    case LeaseState::kReturned:
    case LeaseState::kAwait:
      return recheck;
  }
  return recheck;
}

void Receiver::advance_head(std::uint64_t head) noexcept {
  head_ = head;
  if (static_cast<std::int64_t>(head_ - head_shared_) >= kCursorStride) flush();
}

/// With a backlog the lines of coming messages, and of their groups, travel while this one is
/// worked on.
void Receiver::fetch_ahead() noexcept {
  const RingView& view = ring_.view;
  const std::uint64_t ahead = head_ + kFetchAhead;
  if (static_cast<std::int64_t>(tail_seen_ - ahead) <= 0) {
    if (head_ % kTailStride != 0) return;
    tail_seen_ = view.hot().tail.load(std::memory_order_relaxed);  // relaxed: a hint
    if (static_cast<std::int64_t>(tail_seen_ - ahead) <= 0) return;
  }
  const std::uint32_t slot = view.slot_of(ahead);
  __builtin_prefetch(&view.slot(slot), 0);
  __builtin_prefetch(view.payload(slot) + base::kCacheLineBytes - view.geometry().head_bytes, 0);
  if (slot % 4 == 0) __builtin_prefetch(&view.lease(slot), 1);  // four lease words a line
  groups_.prefetch(groups_.key_at(view.slot_of(ahead - kFetchAhead / 2)));
}

}  // namespace ringpost::group
