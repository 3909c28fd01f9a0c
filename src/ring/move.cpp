#include "ring/move.hpp"

#include "ring/limbo.hpp"

namespace ringpost::ring {
namespace {

/// The one CAS that decides. From a lost one nothing is concluded: a sender may have raised the
/// lap.
bool commit(Ring& source, const Delivery& delivery, std::uint16_t me) noexcept {
  for (;;) {
    const LeaseWord word = source.view.lease_word(delivery.slot);
    const std::uint64_t publish =
        source.view.slot(delivery.slot).publish.load(std::memory_order_acquire);  // [publish]
    if (publish != delivery.lap || word.count() != delivery.count || word.owner() != me ||
        word.state() != LeaseState::kLeased) {
      return false;
    }
    if (source.view.move_lease(delivery.slot, word,
                               LeaseWord::moved(word.lap(), me, word.count(), word.viewed()))) {
      return true;
    }
  }
}

/// The slot that the message has left. Marked as perhaps read in place, with its content still
/// there: to limbo. A block that went along takes its readers' protection with it (there were
/// none); what was copied is let go here.
void leave(Ring& source, std::uint32_t slot, std::uint16_t mover, bool block_went) noexcept {
  for (;;) {
    const LeaseWord word = source.view.lease_word(slot);
    if (word.state() != LeaseState::kMoved || word.owner() != mover) return;
    const bool limbo = word.viewed() && !block_went;
    const LeaseWord next = limbo ? LeaseWord::limbo(word.lap()) : LeaseWord::idle(word.lap() + 1);
    const Holding held = block_went ? Holding{} : holding_of(source.view, slot);
    if (!source.view.move_lease(slot, word, next)) continue;
    if (limbo) try_end_limbo(source, slot, next);
    if (!limbo) let_go(source.blocks, held);
    source.senders.wake_one();  // the position became passable
    return;
  }
}

/// By the sweeper: from the value read, so that one who comes late takes nothing back.
void publish_for(Ring& target, std::uint64_t position, std::uint16_t dead) noexcept {
  const std::uint32_t slot = target.view.slot_of(position);
  const std::uint64_t lap = target.view.lap_of(position);
  auto& publish = target.view.slot(slot).publish;
  std::uint64_t seen = publish.load(std::memory_order_acquire);
  if (target.view.claim(slot).load(std::memory_order_acquire) != Claim::of(lap, dead).word) return;
  if (seen >= lap) return;
  // [publish] acq_rel: the dead one's content, which its CAS of the source made visible to me.
  if (publish.compare_exchange_strong(seen, lap, std::memory_order_acq_rel)) {
    target.receivers.wake_all();
  }
}

}  // namespace

std::uint64_t write_note(shm::MoveNote& note, const Passage& passage) noexcept {
  const std::uint64_t number = note.read().number() + 1;
  const auto set = [](std::atomic<std::uint64_t>& word, std::uint64_t value) {
    // [moving] release: whoever sees it sees that the note before was dropped.
    word.store(value, std::memory_order_release);
  };
  set(note.source_ring, passage.source_id);
  set(note.source_slot, passage.delivery.slot);
  set(note.source_lap, passage.delivery.lap);
  set(note.target_ring, passage.target_id);
  set(note.target_position, passage.position);
  set(note.block, passage.block.block);
  set(note.generation, passage.block.generation);
  // [moving] release: the note is complete.
  note.state.store(shm::MoveWord::of(number, shm::MoveState::kOpen).word,
                   std::memory_order_release);
  return number;
}

void drop_note(shm::MoveNote& note) noexcept {
  // [moving] release: all that the note speaks of is done.
  note.state.store(note.read().become(shm::MoveState::kNone).word, std::memory_order_release);
}

bool block_may_go(const Ring& source, const Delivery& delivery, LeaseWord word, std::uint16_t me,
                  std::uint32_t hazard) noexcept {
  return !word.viewed() ||
         !source.hazards.names_besides(shm::hazard_key(delivery.slot, delivery.lap), me, hazard);
}

Settled move(const Passage& passage, std::uint16_t me, shm::HazardOwner& hazards,
             shm::MoveNote& note) noexcept {
  const Delivery& from = passage.delivery;
  write_note(note, passage);
  if (!commit(passage.source, from, me)) {
    drop_note(note);
    passage.sender.give_up(passage.position);
    return Settled::kStale;
  }
  passage.sender.publish(passage.position);
  if (passage.block.generation != 0) {
    const RingView& to = passage.target.view;
    passage.source.blocks.change_hands(
        passage.block, {passage.source_id, from.slot, from.lap},
        {passage.target_id, to.slot_of(passage.position), to.lap_of(passage.position)});
  }
  hazards.clear(passage.hazard);  // not before: a block of a deleted ring is kept by it alone
  leave(passage.source, from.slot, me, passage.block.generation != 0);
  drop_note(note);
  return Settled::kDone;
}

bool postpone(Ring& ring, const Delivery& delivery, std::uint16_t me,
              std::uint64_t deadline) noexcept {
  for (;;) {
    const LeaseWord word = ring.view.lease_word(delivery.slot);
    const std::uint64_t publish =
        ring.view.slot(delivery.slot).publish.load(std::memory_order_acquire);  // [publish]
    if (publish != delivery.lap || word.count() != delivery.count || word.owner() != me ||
        word.state() != LeaseState::kLeased) {
      return false;
    }
    ring.due.lower(delivery.slot, deadline);  // before the state
    const LeaseWord mine = LeaseWord::leased(word.lap(), me, deadline, word.count(), word.viewed());
    if (!ring.view.move_lease(delivery.slot, word, mine)) continue;
    // As for a lease that is shortened, see extend(): again, and nobody's only after that.
    if (deadline < word.deadline()) ring.due.lower(delivery.slot, deadline);
    // Lost: somebody has ended it meanwhile.
    return ring.view.move_lease(
        delivery.slot, mine,
        LeaseWord::leased(word.lap(), 0, deadline, word.count() - 1, word.viewed()));
  }
}

bool finish_move(const NotedRings& rings, std::uint16_t dead, shm::MoveNote& note) noexcept {
  if (note.read().none()) return false;  // [moving]
  const auto get = [](const std::atomic<std::uint64_t>& word) {
    return word.load(std::memory_order_relaxed);
  };
  const auto slot = static_cast<std::uint32_t>(get(note.source_slot));
  bool moved = false;
  if (rings.source != nullptr && slot < rings.source->view.slots()) {
    // Not moved: either it has not happened, or all is done but for the note.
    const LeaseWord word = rings.source->view.lease_word(slot);
    moved = word.state() == LeaseState::kMoved && word.owner() == dead;
  }
  if (moved) {
    const shm::BlockRef block{get(note.block), get(note.generation)};
    const std::uint64_t position = get(note.target_position);
    if (rings.target != nullptr) {
      const RingView& to = rings.target->view;
      publish_for(*rings.target, position, dead);
      if (block.generation != 0) {
        rings.source->blocks.change_hands(
            block, {get(note.source_ring), slot, get(note.source_lap)},
            {get(note.target_ring), to.slot_of(position), to.lap_of(position)});
      }
    }
    leave(*rings.source, slot, dead, block.generation != 0);
  }
  drop_note(note);
  return moved;
}

}  // namespace ringpost::ring
