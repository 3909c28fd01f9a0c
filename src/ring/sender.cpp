#include "ring/sender.hpp"

#include <algorithm>

#include "base/pause.hpp"
#include "ring/limbo.hpp"

namespace ringpost::ring {

Sender::Claimed Sender::claim(std::uint64_t& position) noexcept {
  const RingView& view = ring_.view;
  // After 2N positions without a slot the ring counts as full: else a ring whose every slot is
  // leased keeps its senders walking. Positions where others were faster do not count, nor do lost
  // CASes; the bound on all steps is for hostile memory.
  const std::uint64_t walk_max = 2ull * view.slots();
  const std::uint64_t steps_max = 64ull * view.slots();
  for (std::uint64_t walked = 0, steps = 0; walked < walk_max && steps < steps_max; ++steps) {
    if (static_cast<std::int64_t>(tail_ - head_) >= static_cast<std::int64_t>(view.slots()) &&
        !has_room()) {
      return Claimed::kFull;
    }
    switch (inspect(tail_)) {
      case Step::kFree: {
        const std::uint32_t slot = view.slot_of(tail_);
        const std::uint64_t lap = view.lap_of(tail_);
        auto& claim = view.claim(slot);
        // The lease word was read before: idle(lap) holds until lap is claimed. [claim] acquire,
        // pairs with the CAS below: what the last owner did to the slot is behind us.
        Claim seen{claim.load(std::memory_order_acquire)};
        if (seen.sealed()) return Claimed::kSealed;
        if (seen.lap() >= lap) {  // taken by a faster one
          overtaken();
          break;
        }
        // [claim] acq_rel. Lost: nothing is concluded, look again.
        if (!claim.compare_exchange_strong(seen.word, Claim::of(lap, me_).word,
                                           std::memory_order_acq_rel, std::memory_order_relaxed)) {
          break;
        }
        position = tail_++;
        return Claimed::kYes;
      }
      case Step::kAdvance:
        ++tail_;
        ++walked;
        break;
      case Step::kOvertaken:
        overtaken();
        break;
      case Step::kAgain:
        break;
    }
  }
  return Claimed::kFull;
}

/// Others are ahead, perhaps by many laps: go where they said they are.
void Sender::overtaken() noexcept {
  const std::uint64_t shared = ring_.view.hot().tail.load(std::memory_order_relaxed);  // a hint
  tail_ = static_cast<std::int64_t>(shared - tail_) > 0 ? shared : tail_ + 1;
}

Sender::Step Sender::inspect(std::uint64_t position) noexcept {
  if (static_cast<std::int64_t>(idle_until_ - position) > 0) return Step::kFree;
  const RingView& view = ring_.view;
  const std::uint32_t slot = view.slot_of(position);
  const std::uint64_t lap = view.lap_of(position);
  const LeaseWord word = view.lease_word(slot);
  if (word.is(LeaseState::kIdle, lap)) {
    idle_until_ = position + 1;
    look_ahead();
    return Step::kFree;
  }
  return make_passable(slot, word, lap);
}

/// The lease word is not idle(lap): pass the position, or make it passable.
Sender::Step Sender::make_passable(std::uint32_t slot, LeaseWord word, std::uint64_t lap) noexcept {
  if (word.state() == LeaseState::kLimbo && word.lap() <= lap && try_end_limbo(ring_, slot, word)) {
    return Step::kAgain;
  }
  if (word.lap() > lap) return Step::kOvertaken;
  if (word.lap() == lap) return word.held() ? Step::kAdvance : Step::kAgain;
  if (!word.held()) {
    // idle of an earlier lap: my cursor is ahead of what the ring says; start from the shared one.
    base::cpu_pause();
    return Step::kAgain;
  }
  // Held from an earlier lap: raise the lap, all else unchanged (skip). Only if that succeeds may
  // the tail pass: else a consumer that just finished the slot would wait for a lap nobody takes.
  return ring_.view.move_lease(slot, word, word.with_lap(lap)) ? Step::kAdvance : Step::kAgain;
}

/// Reads the lease words of the next positions together, so that their lines come over at once and
/// not one by one while consumers work on them, and fetches the slots' lines for writing.
void Sender::look_ahead() noexcept {
  const RingView& view = ring_.view;
  const std::uint64_t end = std::min(idle_until_ + kLookAhead, head_ + view.slots());
  while (static_cast<std::int64_t>(end - idle_until_) > 0) {
    const std::uint32_t slot = view.slot_of(idle_until_);
    if (view.lease(slot).load_low() !=
        LeaseWord::low_of(LeaseState::kIdle, view.lap_of(idle_until_))) {
      break;
    }
    __builtin_prefetch(&view.slot(slot), 1);
    __builtin_prefetch(view.payload(slot) + base::kCacheLineBytes - sizeof(SlotHead), 1);
    ++idle_until_;
  }
}

/// The window is used up by my copy of the head: take the shared one, then walk it on myself.
bool Sender::has_room() noexcept {
  const RingView& view = ring_.view;
  const auto full = [&] {
    return static_cast<std::int64_t>(tail_ - head_) >= static_cast<std::int64_t>(view.slots());
  };
  // [head] acquire, pairs with raise_cursor: positions below it are passed.
  const std::uint64_t shared = view.hot().head.load(std::memory_order_acquire);
  if (static_cast<std::int64_t>(shared - head_) > 0) head_ = shared;
  if (!full()) return true;
  // Look: walk on over what the consumers have passed. Far, because this takes the line from under
  // their hands: it should yield many positions at once.
  const std::uint64_t before = head_;
  const std::uint64_t end = head_ + kWalk;
  while (head_ != end && view.lease_word(view.slot_of(head_)).passed(view.lap_of(head_))) ++head_;
  if (head_ != before) raise_cursor(view.hot().head, head_);
  return !full();
}

void Sender::publish(std::uint64_t position) noexcept {
  const RingView& view = ring_.view;
  auto& publish = view.slot(view.slot_of(position)).publish;
  const std::uint64_t lap = view.lap_of(position);
  if (ring_.fenced) {
    publish.exchange(lap, std::memory_order_seq_cst);
  } else {
    // [publish] release, pairs with every acquire load of the word: the content comes with it.
    publish.store(lap, std::memory_order_release);
  }
  published(position);
}

void Sender::give_up(std::uint64_t position) noexcept {
  const std::uint32_t slot = ring_.view.slot_of(position);
  for (;;) {
    // Idle, await if the head went past, or delayed. From a lost CAS nothing is concluded.
    const LeaseWord word = ring_.view.lease_word(slot);
    if (word.state() != LeaseState::kIdle && word.state() != LeaseState::kAwait &&
        word.state() != LeaseState::kDelayed) {
      return;
    }
    if (ring_.view.move_lease(slot, word, LeaseWord::idle(word.lap() + 1))) break;
  }
  ring_.senders.wake_one();  // the position became passable
}

void Sender::delay(std::uint64_t position, std::uint64_t due) noexcept {
  const RingView& view = ring_.view;
  const std::uint32_t slot = view.slot_of(position);
  ring_.due.lower(slot, due);  // before the state: else nobody looks when it is due
  for (;;) {
    // Idle, or await if the head went past; a skip raises the lap of an await. Nobody else may
    // change more than that while the claim is mine and I live.
    const LeaseWord word = view.lease_word(slot);
    if (word.state() != LeaseState::kIdle && word.state() != LeaseState::kAwait) return;
    if (view.move_lease(slot, word, LeaseWord::delayed(word.lap(), due))) break;
  }
  ring_.senders.wake_one();  // the position became passable
}

}  // namespace ringpost::ring
