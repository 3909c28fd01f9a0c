#include "rig/ring_world.hpp"

#include <cstring>

namespace ringpost::rig {

RingWorld::RingWorld(std::uint32_t slots) : geometry(ring::RingGeometry::of(slots, kStride)) {}

void RingWorld::prepare() {
  std::memset(static_cast<void*>(&shared), 0, sizeof shared);
  ring::initialise_ring(shared.ring, geometry, 1, 1, 0);
  view = ring::RingView(shared.ring, geometry);
  shared.participants.store(kParticipants);
  shared.clock.store(kClockBegin);
  board = shm::HazardBoard(shared.hazards, sizeof(shm::HazardRecord), &shared.participants,
                           kParticipants);
  blocks.bind(shared.blocks);
  ledger.clear();
  ids = {};
  due = {};
  retired = nothing_is_late = false;
  somebody_died = somebody_died_running = false;
  const ring::Surroundings around{shared.senders, shared.receivers, board, blocks, fenced};
  for (std::size_t i = 1; i < kParticipants; ++i) {
    participants[i].emplace(view, around, static_cast<std::uint16_t>(i), shared.hazards[i]);
  }
  share(&shared, sizeof shared);
}

bool RingWorld::claim(int me, int id, std::uint64_t& position) {
  const Sights before = look();
  switch (of(me).sender.claim(position)) {
    case ring::Sender::Claimed::kYes:
      ids[position % ids.size()] = id;
      return true;
    case ring::Sender::Claimed::kFull:
      judge_full(before);
      return false;
    case ring::Sender::Claimed::kSealed:
      return false;
  }
  return false;
}

/// As the shipped queue does it: content, block, lengths; the publish comes later.
void RingWorld::fill(int me, std::uint64_t position, int id, const shm::BlockRef* block) {
  const std::uint32_t slot = view.slot_of(position);
  auto* payload = reinterpret_cast<std::uint64_t*>(view.payload(slot));
  const auto body = static_cast<std::uint32_t>(id);
  std::uint64_t flags = 0;
  if (block != nullptr) {
    flags = ring::Lengths::kInBlock;
    __atomic_store_n(&payload[0], block->block, __ATOMIC_RELAXED);
    __atomic_store_n(&payload[1], block->generation, __ATOMIC_RELAXED);
    blocks.make_live(me, *block, {1, slot, view.lap_of(position)});
  } else {
    __atomic_store_n(&payload[0], ~std::uint64_t{body}, __ATOMIC_RELAXED);
  }
  view.slot(slot).lengths.store(ring::Lengths::of(body, 0, flags).word, std::memory_order_relaxed);
}

bool RingWorld::send(int me, int id, Sending how) {
  Participant& p = of(me);
  how == Sending::kDelayed ? ledger.begin_send(id) : ledger.begin_ordered_send(id, me);
  shm::BlockRef block{};
  const bool in_block = how == Sending::kInBlock;
  if (in_block) {
    if (!blocks.allocate(me, block)) return ledger.end_send(id, false), false;
    blocks.content(block).store(~static_cast<std::uint64_t>(id), std::memory_order_relaxed);
  }
  std::uint64_t position = 0;
  if (!claim(me, id, position)) {
    if (in_block) blocks.abandon(block);
    ledger.end_send(id, false);
    return false;
  }
  fill(me, position, id, in_block ? &block : nullptr);
  if (how == Sending::kDelayed) delay(me, position, id);
  p.sender.publish(position);
  ledger.end_send(id, true);
  return true;
}

void RingWorld::delay(int me, std::uint64_t position, int id) {
  const std::uint64_t until = shared.clock.load(std::memory_order_relaxed) + kDelay;
  due[static_cast<std::size_t>(id)] = until;
  of(me).sender.delay(position, until);
}

/// What claim_only() began.
void RingWorld::finish(int me, Sending how) {
  Participant& p = of(me);
  if (!p.unfinished) return;
  if (how == Sending::kPlain) ledger.begin_ordered_send(p.claimed_id, me);
  fill(me, p.claimed, p.claimed_id, nullptr);
  if (how == Sending::kDelayed) delay(me, p.claimed, p.claimed_id);
  p.sender.publish(p.claimed);
  p.unfinished = false;
  ledger.end_send(p.claimed_id, true);
}

int RingWorld::read(std::uint32_t slot, bool& intact) {
  const ring::Lengths lengths{view.slot(slot).lengths.load(std::memory_order_relaxed)};
  shm::BlockRef block{};
  bool has_block = false;
  ring::read_block_ref(view, slot, block, has_block);
  const auto* payload = reinterpret_cast<const std::uint64_t*>(view.payload(slot));
  const std::uint64_t content = has_block ? blocks.content(block).load(std::memory_order_relaxed)
                                          : __atomic_load_n(payload, __ATOMIC_RELAXED);
  intact = content == ~std::uint64_t{lengths.body()};
  return static_cast<int>(lengths.body());
}

bool RingWorld::receive(int me, bool in_place, std::uint64_t visibility) {
  Participant& p = of(me);
  const std::uint32_t began = ledger.begin_receive();
  const std::uint64_t now = shared.clock.load(std::memory_order_relaxed);
  const Sights before = look();
  ring::Taken taken;
  switch (p.receiver.take({now, now + visibility}, taken)) {
    case ring::Receiver::Outcome::kEmpty:
      judge_empty(before);
      return false;
    case ring::Receiver::Outcome::kNoHazard:
      ledger.broken("no hazard entry is left");
      return false;
    case ring::Receiver::Outcome::kTaken:
      break;
  }
  Held held{{taken.slot, taken.lap, taken.word.count()}, taken.word, taken.hazard, 0, true, true};
  bool intact = false;
  held.id = read(taken.slot, intact);
  if (held.id != id_at(taken.slot, taken.lap)) intact = false;
  ledger.received(me, held.id, intact, began);
  if (intact && taken.word.count() == 1) ledger.first_delivery(me, held.id);
  const std::uint64_t clock = Machine::get().unobserved([this] { return shared.clock.load(); });
  if (intact && due[static_cast<std::size_t>(held.id)] > clock) {
    ledger.broken("message " + std::to_string(held.id) + " is delivered before it is due");
  }
  if (!in_place) give_up_view(me, held);
  if (p.held_count < kHeldMax) p.held[p.held_count++] = held;
  return true;
}

void RingWorld::read_again(int me, Held& held) {
  if (!held.viewing) return;
  bool intact = false;
  const int id = read(held.delivery.slot, intact);
  if (id != held.id || !intact) {
    ledger.broken("message " + std::to_string(held.id) + " changed while participant " +
                  std::to_string(me) + " read it in place");
  }
}

void RingWorld::give_up_view(int me, Held& held) {
  if (!held.viewing) return;
  held.viewing = false;
  of(me).hazards.clear(held.hazard);
}

RingWorld::Held* RingWorld::first_held(int me) {
  return of(me).held_count == 0 ? nullptr : of(me).held.data();
}

void RingWorld::drop_first(int me) {
  Participant& p = of(me);
  for (std::size_t i = 1; i < p.held_count; ++i) p.held[i - 1] = p.held[i];
  --p.held_count;
}

void RingWorld::acknowledge(int me, bool by_receipt) {
  Held* held = first_held(me);
  if (held == nullptr) return;
  read_again(me, *held);
  give_up_view(me, *held);
  if (!held->mine) ledger.lease_may_end(held->id);  // it is another one's
  ledger.begin_acknowledge(me, held->id);
  const bool accepted =
      ring::acknowledge(of(me).ring, held->delivery, by_receipt ? nullptr : &held->word) ==
      ring::Settled::kDone;
  ledger.end_acknowledge(me, held->id, accepted);
  drop_first(me);
}

/// As client/sweep.cpp: the words of the ring, the blocks, the hazards.
void RingWorld::sweep(int me) {
  for (int who = 1; who <= kJudge; ++who) {
    if (shared.dead[who].load(std::memory_order_acquire) == 0) continue;
    ring::sweep_participant(of(me).ring, static_cast<std::uint16_t>(who));
    blocks.sweep(who, [&](const shm::BackReference& of) {
      return of.slot < view.slots() && ring::is_gone(view, of.slot, of.lap);
    });
    shm::HazardRecord& record = shared.hazards[who];
    const std::uint32_t limit = record.limit.load(std::memory_order_acquire);
    for (std::uint32_t i = 0; i < limit && i < shm::kHazardsPerParticipant; ++i) {
      if (record.entries[i].load(std::memory_order_relaxed) == 0) continue;
      record.entries[i].store(0, std::memory_order_release);
    }
  }
}

}  // namespace ringpost::rig
