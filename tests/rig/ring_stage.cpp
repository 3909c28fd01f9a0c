#include "rig/ring_stage.hpp"

#include "rig/ring_world.hpp"

namespace ringpost::rig {

RingStage::RingStage(std::uint32_t slots) : world_(std::make_unique<RingWorld>(slots)) {}
RingStage::~RingStage() = default;

Stage RingStage::stage(std::string name, std::function<void()> begin) {
  Stage stage;
  RingWorld& w = *world_;
  stage.name = std::move(name);
  stage.setup = [&w, begin = std::move(begin)] {
    w.prepare();
    begin();
    w.somebody_died_running = false;
    if (!w.ledger.verdict().empty()) fail(w.ledger.verdict());
  };
  stage.on_death = [this](int participant) { die(participant); };
  stage.liveness = {{&w.shared.dead, sizeof w.shared.dead}};
  stage.check = [&w] { return w.check(); };
  stage.describe = [&w](const void* address) { return w.describe(address); };
  return stage;
}

bool RingStage::send(int me, int id) { return world_->send(me, id, RingWorld::Sending::kPlain); }
bool RingStage::send_delayed(int me, int id) {
  return world_->send(me, id, RingWorld::Sending::kDelayed);
}
bool RingStage::send_in_block(int me, int id) {
  return world_->send(me, id, RingWorld::Sending::kInBlock);
}

int RingStage::send_batch(int me, std::initializer_list<int> ids) {
  RingWorld& w = *world_;
  std::array<std::uint64_t, 8> positions{};
  std::size_t claimed = 0;
  for (const int id : ids) {
    w.ledger.begin_ordered_send(id, me);
    if (!w.claim(me, id, positions[claimed])) {
      w.ledger.end_send(id, false);
      break;
    }
    ++claimed;
  }
  const int* id = ids.begin();
  for (std::size_t i = 0; i < claimed; ++i) w.fill(me, positions[i], id[i], nullptr);
  for (std::size_t i = 0; i < claimed; ++i) {
    w.of(me).sender.publish(positions[i]);
    w.ledger.end_send(id[i], true);
  }
  return static_cast<int>(claimed);
}

void RingStage::claim_only(int me, int id) {
  RingWorld::Participant& p = world_->of(me);
  world_->ledger.begin_send(id);
  p.unfinished = world_->claim(me, id, p.claimed);
  p.claimed_id = id;
}

void RingStage::delay_only(int me, int id) {
  RingWorld::Participant& p = world_->of(me);
  claim_only(me, id);
  if (p.unfinished) world_->delay(me, p.claimed, id);
}

void RingStage::finish(int me) { world_->finish(me, RingWorld::Sending::kPlain); }
void RingStage::finish_delayed(int me) { world_->finish(me, RingWorld::Sending::kDelayed); }

bool RingStage::receive(int me) { return world_->receive(me, false, kVisibility); }
bool RingStage::receive_in_place(int me) { return world_->receive(me, true, kVisibility); }
bool RingStage::receive_for_long(int me) { return world_->receive(me, false, kLongVisibility); }

void RingStage::finish_reading(int me) {
  RingWorld::Participant& p = world_->of(me);
  for (std::size_t i = 0; i < p.held_count; ++i) {
    world_->read_again(me, p.held[i]);
    world_->give_up_view(me, p.held[i]);
  }
}

void RingStage::acknowledge(int me) { world_->acknowledge(me, false); }
void RingStage::acknowledge_by_receipt(int me) { world_->acknowledge(me, true); }

void RingStage::release(int me) {
  RingWorld::Held* held = world_->first_held(me);
  if (held == nullptr) return;
  world_->ledger.begin_release(me, held->id);
  if (ring::release(world_->of(me).ring, held->delivery, !held->mine) == ring::Settled::kStale) {
    world_->ledger.refused(me, held->id);
  }
}

void RingStage::extend(int me, std::uint64_t units) {
  RingWorld::Held* held = world_->first_held(me);
  if (held == nullptr) return;
  if (!held->mine) world_->ledger.lease_may_end(held->id);  // it ends with me from now on
  const std::uint64_t deadline = world_->shared.clock.load(std::memory_order_relaxed) + units;
  if (ring::extend(world_->of(me).ring, held->delivery, deadline, static_cast<std::uint16_t>(me),
                   true) == ring::Settled::kStale) {
    world_->ledger.refused(me, held->id);
  }
}

void RingStage::share_receipt(int from, int to) {
  RingWorld::Held* held = world_->first_held(from);
  RingWorld::Participant& p = world_->of(to);
  if (held == nullptr || p.held_count == RingWorld::kHeldMax) return;
  p.held[p.held_count] = *held;
  p.held[p.held_count].viewing = p.held[p.held_count].mine = false;
  ++p.held_count;
}

void RingStage::expire(int me) {
  world_->of(me).receiver.expire_due(world_->shared.clock.load(std::memory_order_relaxed), 8);
}

void RingStage::discard_all(int me) {
  RingWorld& w = *world_;
  for (std::uint32_t slot = 0; slot < w.view.slots(); ++slot) {
    const std::uint64_t lap = w.view.slot(slot).publish.load(std::memory_order_acquire);
    if (lap == 0) continue;
    const int id = w.id_at(slot, lap);
    w.ledger.begin_remove(id);
    w.ledger.end_remove(id, ring::discard(w.of(me).ring, slot, lap));
  }
}

void RingStage::sweep(int me) { world_->sweep(me); }
void RingStage::repair(int me) { ring::repair_hints(world_->of(me).ring); }

void RingStage::seal(int me) {
  RingWorld& w = *world_;
  if (!ring::try_seal(w.of(me).ring)) return;
  w.retired = true;
  const RingWorld::Sights sights = w.look();
  for (std::uint32_t slot = 0; slot < w.view.slots(); ++slot) {
    if (sights[slot].word.held()) w.ledger.broken("a ring was sealed that still holds a message");
  }
}

void RingStage::sleep_for_message(int me) {
  RingWorld& w = *world_;
  const std::uint32_t seen = w.shared.receivers.arm();
  if (!receive(me)) w.of(me).asleep = {&w.shared.receivers, seen};
}

void RingStage::sleep_for_room(int me, int id) {
  RingWorld& w = *world_;
  const std::uint32_t seen = w.shared.senders.arm();
  if (!send(me, id)) w.of(me).asleep = {&w.shared.senders, seen};
}

void RingStage::tick() {
  world_->shared.clock.store(world_->shared.clock.load() + kTick);
  world_->ledger.leases_may_end();
}

void RingStage::tick_long() {
  world_->shared.clock.store(world_->shared.clock.load() + 2 * ring::DueIndex::kRecheckUnits);
  world_->ledger.leases_may_end();
  world_->nothing_is_late = true;
}

void RingStage::die(int participant) {
  world_->shared.dead[static_cast<std::size_t>(participant)].store(1);
  world_->ledger.holder_died(participant);
  world_->somebody_died = world_->somebody_died_running = true;
}

Place RingStage::clock_place() const noexcept {
  return {&world_->shared.clock, sizeof world_->shared.clock};
}
Event RingStage::tick_event() {
  return {"tick", [this] { tick(); }, {clock_place()}};
}

void RingStage::turn(int laps) {
  const int rounds = laps * static_cast<int>(slots()) + 1;
  for (int i = 0; i < rounds; ++i) {
    send(4, 1);
    receive(4);
    acknowledge(4);
    clear_ledger();
  }
}

void RingStage::clear_ledger() { world_->ledger.clear(); }
void RingStage::set_fenced(bool fenced) noexcept {
  world_->fenced = fenced;
  Machine::get().set_barriers(!fenced);
}
std::uint32_t RingStage::slots() const noexcept { return world_->geometry.slots; }

}  // namespace ringpost::rig
