#include "rig/move_stage.hpp"

#include <cstring>

#include "rig/move_world.hpp"
#include "rig/runtime.hpp"
#include "ring/move.hpp"
#include "ring/sweep.hpp"

namespace ringpost::rig {

void MoveWorld::prepare() {
  std::memset(static_cast<void*>(&shared), 0, sizeof shared);
  shared.participants.store(kParticipants);
  shared.clock.store(1'000);
  board = shm::HazardBoard(shared.hazards, sizeof(shm::HazardRecord), &shared.participants,
                           kParticipants);
  blocks.bind(shared.blocks);
  ledger.clear();
  somebody_died = false;
  for (std::size_t where = 0; where < 2; ++where) {
    ring::initialise_ring(shared.rings[where].bytes, kGeometry, where + 1, where + 1, 0);
    views[where] = ring::RingView(shared.rings[where].bytes, kGeometry);
  }
  for (std::size_t i = 1; i < kParticipants; ++i) {
    participants[i].emplace(shared.hazards[i]);
    for (std::size_t where = 0; where < 2; ++where) {
      SharedRing& in = shared.rings[where];
      participants[i]->ends[where].emplace(
          views[where], ring::Surroundings{in.senders, in.receivers, board, blocks},
          static_cast<std::uint16_t>(i), participants[i]->hazards);
    }
  }
  share(&shared, sizeof shared);
}

void MoveWorld::fill(std::size_t where, std::uint64_t position, int id,
                     const shm::BlockRef* block) {
  const ring::RingView& view = views[where];
  const std::uint32_t slot = view.slot_of(position);
  auto* payload = reinterpret_cast<std::uint64_t*>(view.payload(slot));
  const auto body = static_cast<std::uint32_t>(id);
  __atomic_store_n(&payload[0], block != nullptr ? block->block : ~std::uint64_t{body},
                   __ATOMIC_RELAXED);
  if (block != nullptr) __atomic_store_n(&payload[1], block->generation, __ATOMIC_RELAXED);
  view.slot(slot).lengths.store(
      ring::Lengths::of(body, 0, block != nullptr ? ring::Lengths::kInBlock : 0).word,
      std::memory_order_relaxed);
}

bool MoveWorld::send(int me, int id, std::size_t where, bool in_block) {
  ledger.begin_send(id);
  shm::BlockRef block{};
  if (in_block && !blocks.allocate(me, block)) return ledger.end_send(id, false), false;
  if (in_block) blocks.content(block).store(~static_cast<std::uint64_t>(id));
  std::uint64_t position = 0;
  if (ends(me, where).sender.claim(position) != ring::Sender::Claimed::kYes) {
    if (in_block) blocks.abandon(block);
    return ledger.end_send(id, false), false;
  }
  if (in_block) {
    const ring::RingView& view = views[where];
    blocks.make_live(me, block, {where + 1, view.slot_of(position), view.lap_of(position)});
  }
  fill(where, position, id, in_block ? &block : nullptr);
  ends(me, where).sender.publish(position);
  ledger.end_send(id, true);
  return true;
}

int MoveWorld::read(std::size_t where, std::uint32_t slot, bool& intact) {
  const ring::RingView& view = views[where];
  const ring::Lengths lengths{view.slot(slot).lengths.load(std::memory_order_relaxed)};
  shm::BlockRef block{};
  bool has_block = false;
  ring::read_block_ref(view, slot, block, has_block);
  const auto* payload = reinterpret_cast<const std::uint64_t*>(view.payload(slot));
  const std::uint64_t content = has_block ? blocks.content(block).load(std::memory_order_relaxed)
                                          : __atomic_load_n(payload, __ATOMIC_RELAXED);
  intact = content == ~std::uint64_t{lengths.body()} && (!has_block || blocks.is_live(block));
  return static_cast<int>(lengths.body());
}

bool MoveWorld::receive(int me, std::size_t where, bool in_place) {
  Participant& p = of(me);
  const std::uint32_t began = ledger.begin_receive();
  const std::uint64_t now = shared.clock.load(std::memory_order_relaxed);
  ring::Taken taken;
  if (ends(me, where).receiver.take({now, now + kVisibility}, taken) !=
      ring::Receiver::Outcome::kTaken) {
    return false;
  }
  bool intact = false;
  const int id = read(where, taken.slot, intact);
  ledger.received(me, id, intact, began);
  p.held = {where, {taken.slot, taken.lap, taken.word.count()}, taken.hazard, id, true};
  if (!in_place) {
    p.held->viewing = false;
    p.hazards.clear(taken.hazard);
  }
  return true;
}

void MoveWorld::read_again(int me) {
  Participant& p = of(me);
  if (!p.held || !p.held->viewing) return;
  bool intact = false;
  const int id = read(p.held->where, p.held->delivery.slot, intact);
  if (id != p.held->id || !intact) {
    ledger.broken("message " + std::to_string(p.held->id) + " changed while participant " +
                  std::to_string(me) + " read it in place");
  }
  p.held->viewing = false;
  p.hazards.clear(p.held->hazard);
}

void MoveWorld::acknowledge(int me) {
  Participant& p = of(me);
  if (!p.held || p.held->settled) return;
  ledger.begin_acknowledge(me, p.held->id);
  const bool accepted = ring::acknowledge(ends(me, p.held->where).ring, p.held->delivery,
                                          nullptr) == ring::Settled::kDone;
  ledger.end_acknowledge(me, p.held->id, accepted);
  p.held->settled = true;  // but he may read on
}

/// As QueueCore::bury.
void MoveWorld::move(int me) {
  Participant& p = of(me);
  const std::uint64_t now = shared.clock.load(std::memory_order_relaxed);
  ring::Taken taken;
  if (ends(me, 0).receiver.take({now, now + kVisibility}, taken) !=
      ring::Receiver::Outcome::kTaken) {
    return;
  }
  if (move_taken(me, taken)) return;
  p.hazards.clear(taken.hazard);
  ring::postpone(ends(me, 0).ring, {taken.slot, taken.lap, taken.word.count()},
                 static_cast<std::uint16_t>(me), now + kVisibility / 2);
}

/// As QueueCore::move.
bool MoveWorld::move_taken(int me, const ring::Taken& taken) {
  Ends& from = ends(me, 0);
  Ends& to = ends(me, 1);
  const ring::Delivery delivery{taken.slot, taken.lap, taken.word.count()};
  const auto index = static_cast<std::uint16_t>(me);
  bool intact = false;
  const int id = read(0, taken.slot, intact);
  shm::BlockRef block{};
  bool has_block = false;
  ring::read_block_ref(views[0], taken.slot, block, has_block);
  const bool goes =
      has_block && ring::block_may_go(from.ring, delivery, taken.word, index, taken.hazard);
  shm::BlockRef copy{};
  const bool copies = has_block && !goes;
  if (copies) {
    if (!blocks.allocate(me, copy)) return false;
    blocks.content(copy).store(blocks.content(block).load());
  }
  std::uint64_t position = 0;
  if (to.sender.claim(position) != ring::Sender::Claimed::kYes) {
    if (copies) blocks.abandon(copy);
    return false;
  }
  if (copies) {
    blocks.make_live(me, copy, {2, views[1].slot_of(position), views[1].lap_of(position)});
  }
  fill(1, position, id, copies ? &copy : goes ? &block : nullptr);
  const ring::Passage passage{from.ring,    1,        delivery,
                              taken.hazard, to.ring,  2,
                              to.sender,    position, goes ? block : shm::BlockRef{}};
  if (ring::move(passage, index, of(me).hazards, shared.notes[me]) == ring::Settled::kDone) {
    return true;
  }
  if (copies) blocks.free(copy);
  return false;
}

/// As client/sweep.cpp.
void MoveWorld::sweep(int me) {
  for (int who = 1; who <= kJudge; ++who) {
    if (shared.dead[who].load(std::memory_order_acquire) == 0) continue;
    const auto dead = static_cast<std::uint16_t>(who);
    ring::finish_move({&ends(me, 0).ring, &ends(me, 1).ring}, dead, shared.notes[who]);
    for (std::size_t where = 0; where < 2; ++where) {
      ring::sweep_participant(ends(me, where).ring, dead);
    }
    queue::sweep_tasks(shared.tasks, dead);
    blocks.sweep(who, [&](const shm::BackReference& back) {
      return ring::is_gone(views[back.ring_id - 1], back.slot, back.lap);
    });
    for (auto& entry : shared.hazards[who].entries) {
      if (entry.load(std::memory_order_relaxed) != 0) entry.store(0, std::memory_order_release);
    }
  }
}

/// The living finish, the dead are cleared up after; doing it again changes nothing.
void MoveWorld::recover() {
  for (int who = 1; who < kJudge; ++who) {
    if (of(who).unfinished) shared.dead[who].store(1);
    if (shared.dead[who].load() == 0) read_again(who);
  }
  sweep(kJudge);
  std::memcpy(static_cast<void*>(&image), static_cast<const void*>(&shared), sizeof shared);
  sweep(kJudge);
  // The words of sleepers count those that were woken in vain.
  for (std::size_t where = 0; where < 2; ++where) {
    if (std::memcmp(image.rings[where].bytes, shared.rings[where].bytes, kGeometry.file_bytes) !=
        0) {
      ledger.broken("a second sweep changes something");
    }
  }
}

std::string MoveWorld::check() {
  recover();
  if (shared.dead[2].load() == 0) acknowledge(2);  // a lease that is live holds
  ledger.leases_may_end();
  shared.clock.store(kClockEnd);
  const auto drain = [&](std::size_t where) {
    while (ledger.verdict().empty() && receive(kJudge, where, false)) acknowledge(kJudge);
  };
  judge_tasks([&] { drain(1); });
  for (std::size_t where = 0; where < 2; ++where) drain(where);
  ledger.judge_drained();
  // Each ring has room for as many as ever.
  for (std::size_t where = 0; where < 2 && ledger.verdict().empty(); ++where) {
    for (std::uint32_t i = 0; i < kSlots; ++i) {
      const int id = 40 + static_cast<int>(where * kSlots + i);
      if (!send(kJudge, id, where, false)) ledger.broken("no room in a drained ring");
    }
    drain(where);
  }
  ledger.judge_drained();
  if (ledger.verdict().empty()) judge_rest();
  return ledger.verdict();
}

void MoveWorld::judge_rest() {
  for (const ring::RingView& view : views) {
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
      const ring::LeaseWord word = view.lease_word(slot);
      if (word.held()) ledger.broken("slot " + std::to_string(slot) + " is held for ever");
      const ring::Claim claim{view.claim(slot).load()};
      if (claim.lap() >= word.lap()) ledger.broken("a claim is left");
    }
  }
  if (!blocks.all_free()) ledger.broken("a block leaks");
  if (blocks.freed_twice()) ledger.broken("a block was freed twice");
  for (std::size_t i = 1; i < kParticipants; ++i) {
    if (!shared.notes[i].read().none()) ledger.broken("a note of a move is left");
    for (const auto& entry : shared.hazards[i].entries) {
      if (entry.load() != 0) ledger.broken("a hazard entry leaks");
    }
  }
}

MoveStage::MoveStage() : world_(std::make_unique<MoveWorld>()) {}
MoveStage::~MoveStage() = default;

Stage MoveStage::stage(std::string name, std::function<void()> begin) {
  MoveWorld& w = *world_;
  Stage stage;
  stage.name = std::move(name);
  stage.setup = [&w, begin = std::move(begin)] {
    w.prepare();
    begin();
    if (!w.ledger.verdict().empty()) fail(w.ledger.verdict());
  };
  stage.on_death = [this](int participant) { die(participant); };
  stage.liveness = {{&w.shared.dead, sizeof w.shared.dead}};
  stage.check = [&w] { return w.check(); };
  stage.describe = [&w](const void* address) -> std::string {
    const auto* at = static_cast<const std::byte*>(address);
    const auto in = [at](const void* place, std::size_t bytes) {
      const auto* first = static_cast<const std::byte*>(place);
      return at >= first && at < first + bytes;
    };
    for (std::size_t where = 0; where < 2; ++where) {
      const ring::RingView& view = w.views[where];
      const std::string ring = where == 0 ? "source " : "target ";
      for (std::uint32_t slot = 0; slot < MoveWorld::kSlots; ++slot) {
        const std::string number = std::to_string(slot);
        if (in(&view.claim(slot), 8)) return ring + "claim" + number;
        if (in(&view.lease(slot), 16)) return ring + "lease" + number;
        if (in(&view.slot(slot), MoveWorld::kStride)) return ring + "slot" + number;
      }
      if (in(&w.shared.rings[where], sizeof w.shared.rings[where])) return ring + "rest";
    }
    if (in(&w.shared.hint, 8)) return "task hint";
    if (in(&w.shared.tasks, sizeof w.shared.tasks)) return "tasks";
    if (in(&w.shared.notes, sizeof w.shared.notes)) return "note";
    if (in(&w.shared.blocks, sizeof w.shared.blocks)) return "block";
    if (in(&w.shared.hazards, sizeof w.shared.hazards)) return "hazard";
    return {};
  };
  return stage;
}

bool MoveStage::send(int me, int id, Where where, bool in_block) {
  return world_->send(me, id, static_cast<std::size_t>(where), in_block);
}
void MoveStage::claim_only(int me) {
  std::uint64_t position = 0;
  world_->of(me).unfinished =
      world_->ends(me, 1).sender.claim(position) == ring::Sender::Claimed::kYes;
}
bool MoveStage::receive(int me, Where where, bool in_place) {
  return world_->receive(me, static_cast<std::size_t>(where), in_place);
}
void MoveStage::give_up(int me) {
  ring::Sender& sender = world_->ends(me, 1).sender;
  std::uint64_t position = 0;
  if (sender.claim(position) == ring::Sender::Claimed::kYes) sender.give_up(position);
}
void MoveStage::finish_reading(int me) { world_->read_again(me); }
void MoveStage::acknowledge(int me) { world_->acknowledge(me); }
void MoveStage::release(int me) {
  auto& held = world_->of(me).held;
  if (!held || held->settled) return;
  world_->ledger.begin_release(me, held->id);
  static_cast<void>(ring::release(world_->ends(me, held->where).ring, held->delivery, true));
}
void MoveStage::move(int me) { world_->move(me); }
void MoveStage::start_task(int me) { world_->start_task(me); }
void MoveStage::work(int me) { world_->work(me); }
void MoveStage::look_for_tasks(int me) { world_->look_for_tasks(me); }
void MoveStage::cancel_task() { world_->cancel_task(); }
void MoveStage::pick(int me, int id) { world_->pick(me, id); }
void MoveStage::purge(int me) {
  MoveWorld& w = *world_;
  for (std::uint32_t slot = 0; slot < MoveWorld::kSlots; ++slot) {
    const std::uint64_t lap = w.views[0].slot(slot).publish.load(std::memory_order_acquire);
    if (lap == 0) continue;
    bool intact = false;
    const int id = Machine::get().unobserved([&] { return w.read(0, slot, intact); });
    w.ledger.begin_remove(id);
    w.ledger.end_remove(id, ring::discard(w.ends(me, 0).ring, slot, lap));
  }
}
void MoveStage::sweep(int me) { world_->sweep(me); }
void MoveStage::tick() {
  world_->shared.clock.fetch_add(MoveWorld::kTick);
  world_->ledger.leases_may_end();
}
void MoveStage::die(int participant) {
  world_->shared.dead[participant].store(1);
  world_->ledger.holder_died(participant);
  world_->somebody_died = true;
}
Event MoveStage::tick_event() {
  return {"tick", [this] { tick(); }, {{&world_->shared.clock, sizeof world_->shared.clock}}};
}

}  // namespace ringpost::rig
