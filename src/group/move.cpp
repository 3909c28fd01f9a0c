#include "group/move.hpp"

#include <algorithm>

#include "ring/limbo.hpp"

namespace ringpost::group {

using ring::Delivery;
using ring::LeaseState;
using ring::LeaseWord;
using ring::Ring;
using ring::RingView;
using shm::MoveState;
using shm::MoveWord;

namespace {

/// Step 2; false: consumers have gone past the position.
bool reserve(const RingView& target, std::uint64_t position) noexcept {
  const std::uint64_t lap = target.lap_of(position);
  auto& word = target.slot(target.slot_of(position)).publish;
  std::uint64_t seen = word.load(std::memory_order_relaxed);  // relaxed: the CAS decides
  // [publish] A full barrier, as group::publish(). Whatever stands there of other laps, late
  // consumers may have written it.
  while (seen != (lap | ring::kSkipped)) {
    if (word.compare_exchange_weak(seen, lap | ring::kReserved, std::memory_order_seq_cst,
                                   std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

/// Whether `word` is the lease that the mover took.
bool is_mine(const RingView& view, const Delivery& delivery, LeaseWord word,
             std::uint16_t me) noexcept {
  const std::uint64_t publish =
      view.slot(delivery.slot).publish.load(std::memory_order_acquire);  // [publish]
  return publish == delivery.lap && word.count() == delivery.count && word.owner() == me &&
         word.state() == LeaseState::kLeased;
}

/// Step 3: `leased` becomes `moved`. In this state the mark says that the slot goes to limbo: not
/// if the block goes along, for then nobody reads it, and it must not be freed with the slot. One
/// that was copied is: it is let go there.
bool depart(Ring& source, const ring::Passage& passage, std::uint16_t me, std::uint64_t number,
            LeaseWord& leased, LeaseWord& moved) noexcept {
  const Delivery& delivery = passage.delivery;
  const bool block_goes = passage.block.generation != 0;
  const bool copied = !block_goes && ring::holding_of(source.view, delivery.slot).in_block;
  for (;;) {
    leased = source.view.lease_word(delivery.slot);
    if (!is_mine(source.view, delivery, leased, me)) return false;
    moved = LeaseWord::moved(leased.lap(), me, leased.count(),
                             copied || (leased.viewed() && !block_goes), number)
                .with_drops(leased.drops());
    if (source.view.move_lease(delivery.slot, leased, moved)) return true;
  }
}

/// The move is aborted: `moved` becomes the lease again that it was. False: somebody has brought
/// the message back already.
bool come_back(Ring& source, std::uint32_t slot, LeaseWord leased, LeaseWord moved) noexcept {
  source.due.lower(slot, leased.deadline());  // before the state: a scan may have dropped it
  for (;;) {
    const LeaseWord word = source.view.lease_word(slot);
    if (!word.continues(moved)) return false;
    if (source.view.move_lease(slot, word, leased.with_lap(word.lap()).with_drops(word.drops()))) {
      return true;
    }
  }
}

/// Step 7.
void leave(Ring& source, Groups& groups, std::uint32_t slot, std::uint16_t mover,
           std::uint64_t number) noexcept {
  for (;;) {
    const LeaseWord word = source.view.lease_word(slot);
    if (word.state() != LeaseState::kMoved) return;
    if (word.owner() == 0) break;  // by a sweeper who did not come further
    if (word.owner() != mover || word.move_number() != (number & ring::kLapMask)) return;
    if (source.view.move_lease(slot, word, word.with_owner(0))) break;
  }
  groups.finish(slot);
}

/// By the sweeper: an aborted move of the dead.
void come_home(Ring& source, const Groups& groups, std::uint32_t slot, std::uint16_t dead,
               std::uint64_t number) noexcept {
  for (;;) {
    const LeaseWord word = source.view.lease_word(slot);
    if (word.state() != LeaseState::kMoved || word.owner() != dead) return;
    if (word.move_number() != (number & ring::kLapMask)) return;
    bring_back(source, groups, slot, word);
  }
}

}  // namespace

void publish_reserved(const RingView& target, std::uint32_t slot, std::uint64_t lap) noexcept {
  std::uint64_t reserved = lap | ring::kReserved;
  // [publish] A full barrier. Lost: somebody else has published it; nobody may skip it.
  target.slot(slot).publish.compare_exchange_strong(reserved, lap, std::memory_order_seq_cst,
                                                    std::memory_order_relaxed);
}

void bring_back(Ring& source, const Groups& groups, std::uint32_t slot, LeaseWord moved) noexcept {
  groups.hint(slot);  // before the state
  // Lost: by another one, or a sender has raised the lap: whoever looks next comes here.
  if (source.view.move_lease(slot, moved, LeaseWord::returned(moved.lap(), moved.count(), true))) {
    source.receivers.wake_one();
  }
}

bool free_moved(Ring& source, std::uint32_t slot, LeaseWord moved) noexcept {
  const LeaseWord next =
      moved.viewed() ? LeaseWord::limbo(moved.lap()) : LeaseWord::idle(moved.lap() + 1);
  if (!source.view.move_lease(slot, moved, next)) return false;
  if (moved.viewed()) ring::try_end_limbo(source, slot, next);
  source.senders.wake_one();  // the position became passable
  return true;
}

MoveOutcome move(const ring::Passage& passage, Groups& groups, std::uint16_t me,
                 shm::HazardOwner& hazards, shm::MoveNote& note,
                 const std::function<void()>& arrived) noexcept {
  const std::uint32_t slot = passage.delivery.slot;
  const RingView& to = passage.target.view;
  const std::uint64_t number = ring::write_note(note, passage);
  LeaseWord leased;
  LeaseWord moved;
  if (!reserve(to, passage.position)) {
    ring::drop_note(note);
    return MoveOutcome::kAgain;
  }
  if (!depart(passage.source, passage, me, number, leased, moved)) {
    ring::drop_note(note);
    return MoveOutcome::kStale;
  }
  MoveWord open = MoveWord::of(number, MoveState::kOpen);
  if (!note.change(open, MoveState::kCommitted)) {
    const bool mine = come_back(passage.source, slot, leased, moved);
    ring::drop_note(note);
    return mine ? MoveOutcome::kAgain : MoveOutcome::kStale;
  }
  publish_reserved(to, to.slot_of(passage.position), to.lap_of(passage.position));
  passage.sender.published(passage.position);
  if (passage.block.generation != 0) {
    passage.source.blocks.change_hands(
        passage.block, {passage.source_id, slot, passage.delivery.lap},
        {passage.target_id, to.slot_of(passage.position), to.lap_of(passage.position)});
  }
  hazards.clear(passage.hazard);  // not before: a block of a deleted ring is kept by it alone
  if (arrived) arrived();
  leave(passage.source, groups, slot, me, number);
  ring::drop_note(note);
  return MoveOutcome::kDone;
}

bool postpone(Ring& ring, const Delivery& delivery, std::uint16_t me,
              std::uint64_t deadline) noexcept {
  for (;;) {
    const LeaseWord word = ring.view.lease_word(delivery.slot);
    if (!is_mine(ring.view, delivery, word, me)) return false;
    ring.due.lower(delivery.slot, deadline);  // before the state
    // As dropped: the counts of this one and of the next do not tell any more that they were leased
    // together, see Groups::needs_hint().
    const std::uint32_t drops = std::max(word.drops(), 1u);
    const LeaseWord mine =
        LeaseWord::leased(word.lap(), me, deadline, word.count(), word.viewed()).with_drops(drops);
    if (!ring.view.move_lease(delivery.slot, word, mine)) continue;
    // As for a lease that is shortened, see extend(): again, and nobody's only after that.
    if (deadline < word.deadline()) ring.due.lower(delivery.slot, deadline);
    for (;;) {
      const LeaseWord now = ring.view.lease_word(delivery.slot);
      if (!now.continues(mine)) return false;  // somebody has ended it meanwhile
      if (ring.view.move_lease(
              delivery.slot, now,
              LeaseWord::leased(now.lap(), 0, deadline, now.count() - 1, now.viewed())
                  .with_drops(now.drops()))) {
        return true;
      }
    }
  }
}

bool finish_move(const ring::NotedRings& rings, Groups* groups, std::uint16_t dead,
                 shm::MoveNote& note) noexcept {
  MoveWord seen = note.read();
  if (seen.none()) return false;
  // Lost: to a consumer who aborts it.
  if (seen.state() == MoveState::kOpen && note.change(seen, MoveState::kAborted)) {
    seen = seen.become(MoveState::kAborted);
  }
  const bool moved = seen.state() == MoveState::kCommitted;
  const auto get = [](const std::atomic<std::uint64_t>& word) {
    return word.load(std::memory_order_relaxed);  // relaxed: the state carries it
  };
  const std::uint64_t slot = get(note.source_slot);
  if (moved && rings.target != nullptr) {
    const RingView& to = rings.target->view;
    const std::uint64_t position = get(note.target_position);
    publish_reserved(to, to.slot_of(position), to.lap_of(position));
    rings.target->receivers.wake_all();
    const shm::BlockRef block{get(note.block), get(note.generation)};
    if (block.generation != 0) {
      rings.target->blocks.change_hands(
          block, {get(note.source_ring), static_cast<std::uint32_t>(slot), get(note.source_lap)},
          {get(note.target_ring), to.slot_of(position), to.lap_of(position)});
    }
  }
  if (groups != nullptr && slot < rings.source->view.slots()) {
    Ring& source = *rings.source;
    const auto index = static_cast<std::uint32_t>(slot);
    if (moved) {
      leave(source, *groups, index, dead, seen.number());
    } else {
      come_home(source, *groups, index, dead, seen.number());
    }
  }
  ring::drop_note(note);
  return moved;
}

}  // namespace ringpost::group
