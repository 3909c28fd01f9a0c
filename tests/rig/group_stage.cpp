#include "rig/group_stage.hpp"

#include "group/sweep.hpp"
#include "rig/group_world.hpp"

namespace ringpost::rig {

GroupStage::GroupStage(std::uint32_t slots, ring::RingKind kind)
    : world_(std::make_unique<GroupWorld>(slots, kind)) {}
GroupStage::~GroupStage() = default;

Stage GroupStage::stage(std::string name, std::function<void()> begin, bool stopped_for_ever) {
  Stage stage;
  GroupWorld& w = *world_;
  stage.name = std::move(name);
  stage.setup = [&w, begin = std::move(begin), stopped_for_ever] {
    w.prepare();
    w.stopped_for_ever = stopped_for_ever;
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

bool GroupStage::send(int me, int id, int group) { return world_->send(me, id, group, false); }
bool GroupStage::send_in_block(int me, int id, int group) {
  return world_->send(me, id, group, true);
}

bool GroupStage::send_delayed(int me, int id, int group) {
  return world_->send(me, id, group, false, world_->now() + kTick / 2);
}

void GroupStage::claim_only(int me, int id, int group) {
  GroupWorld::Participant& p = world_->of(me);
  world_->ledger.begin_send(id);
  world_->groups[static_cast<std::size_t>(id)] = group;
  p.unfinished = world_->claim(me, id, p.claimed);
  p.claimed_id = id;
}

void GroupStage::finish(int me) { world_->finish(me); }

int GroupStage::receive(int me, std::uint32_t count) {
  return world_->receive(me, count, false, kVisibility);
}
int GroupStage::receive_in_place(int me) { return world_->receive(me, 1, true, kVisibility); }

int GroupStage::receive_as(int me, int attempt, std::uint32_t count) {
  return world_->receive_attempt(me, static_cast<std::uint64_t>(attempt), count, false);
}
int GroupStage::receive_in_place_as(int me, int attempt) {
  return world_->receive_attempt(me, static_cast<std::uint64_t>(attempt), 1, true);
}

void GroupStage::finish_reading(int me) {
  GroupWorld::Participant& p = world_->of(me);
  for (std::size_t i = 0; i < p.held_count; ++i) {
    world_->read_again(me, p.held[i]);
    world_->give_up_view(me, p.held[i]);
  }
}

void GroupStage::acknowledge(int me, std::size_t index) { world_->acknowledge(me, index, false); }
void GroupStage::acknowledge_by_receipt(int me, std::size_t index) {
  world_->acknowledge(me, index, true);
}

void GroupStage::release(int me, std::size_t index) {
  GroupWorld& w = *world_;
  GroupWorld::Held* held = w.held_at(me, index);
  if (held == nullptr) return;
  GroupWorld::Participant& p = w.of(me);
  w.ledger.begin_release(me, held->id);
  const ring::Settled settled =
      w.is_fair() ? fair::release(p.ring, p.lists, held->delivery, !held->mine, w.settler(me))
                  : group::release(p.ring, p.groups, held->delivery, !held->mine, w.settler(me));
  if (settled == ring::Settled::kStale) w.ledger.refused(me, held->id);
}

void GroupStage::extend(int me, std::uint64_t units, std::size_t index) {
  GroupWorld& w = *world_;
  GroupWorld::Held* held = w.held_at(me, index);
  if (held == nullptr) return;
  if (!held->mine) w.ledger.lease_may_end(held->id);  // it ends with me from now on
  const group::Settler settler = w.settler(me);
  GroupWorld::Participant& p = w.of(me);
  const std::uint64_t end = settler.now + units;
  const ring::Settled settled =
      w.is_fair() ? fair::extend(p.ring, p.lists, held->delivery, end, true, settler)
                  : group::extend(p.ring, held->delivery, end, true, settler);
  if (settled == ring::Settled::kStale) w.ledger.refused(me, held->id);
}

void GroupStage::share_receipt(int from, int to, std::size_t index) {
  GroupWorld::Held* held = world_->held_at(from, index);
  GroupWorld::Participant& p = world_->of(to);
  if (held == nullptr || p.held_count == GroupWorld::kHeldMax) return;
  p.held[p.held_count] = *held;
  p.held[p.held_count].viewing = p.held[p.held_count].mine = false;
  ++p.held_count;
}

void GroupStage::acknowledge_halfway(int me) {
  GroupWorld& w = *world_;
  GroupWorld::Held* held = w.held_at(me, 0);
  if (held == nullptr) return;
  const ring::LeaseWord word = w.view.lease_word(held->delivery.slot);
  const auto gone = ring::LeaseWord::acked(word.lap(), static_cast<std::uint16_t>(me),
                                           word.deadline(), word.count(), word.viewed())
                        .with_drops(word.drops());
  w.ledger.begin_acknowledge(me, held->id);
  w.ledger.end_acknowledge(me, held->id, w.view.move_lease(held->delivery.slot, word, gone));
  w.drop(me, 0);
}

void GroupStage::place(int me) { world_->of(me).fair.place_all({world_->now(), 0}); }

void GroupStage::lease_halfway(int me) {
  GroupWorld& w = *world_;
  GroupWorld::Participant& p = w.of(me);
  for (std::uint32_t slot = 0; slot < w.view.slots(); ++slot) {
    const ring::LeaseWord word = w.view.lease_word(slot);
    if (!word.is_listed()) continue;
    const std::uint64_t lap = w.view.slot(slot).publish.load(std::memory_order_acquire);
    const std::uint64_t deadline = w.now() + kVisibility;
    const auto hazard = p.hazards.set(shm::hazard_key(slot, lap));
    p.ring.due.lower(slot, deadline);
    const auto to =
        ring::LeaseWord::leased(word.lap(), static_cast<std::uint16_t>(me), deadline, 1);
    p.lists.tenants().begins(p.lists.tenant_at(slot));
    if (!w.view.move_lease(slot, word, to)) std::abort();
    p.hazards.clear(hazard);
    return;  // whoever leased it was told nothing yet
  }
}

void GroupStage::remove_halfway(int me) {
  GroupWorld& w = *world_;
  GroupWorld::Participant& p = w.of(me);
  for (std::uint32_t slot = w.view.slots(); slot-- != 0;) {
    const ring::LeaseWord word = w.view.lease_word(slot);
    if (!word.is_listed()) continue;
    const int id = w.id_at(slot, w.view.slot(slot).publish.load(std::memory_order_acquire));
    w.ledger.begin_remove(id);
    p.ring.due.lower(slot, w.now());
    const bool removed =
        w.view.move_lease(slot, word, ring::LeaseWord::acked(word.lap(), 0, w.now(), 0, false));
    w.ledger.end_remove(id, removed);
    return;
  }
}

void GroupStage::expire(int me) {
  GroupWorld::Participant& p = world_->of(me);
  if (world_->is_fair()) {
    p.fair.expire_due(world_->now(), 8);
  } else {
    p.receiver.expire_due(world_->now(), 8);
  }
}

/// As QueueCore::discard_groups() and discard_fairly().
void GroupStage::purge(int me) {
  GroupWorld& w = *world_;
  GroupWorld::Participant& p = w.of(me);
  if (w.is_fair()) {
    p.fair.place_all({w.now(), 0});
  } else {
    p.receiver.place_all({w.now(), 0}, w.queue_delay * ring::kDeadlineUnitNs);
  }
  for (std::uint32_t slot = 0; slot < w.view.slots(); ++slot) {
    const std::uint64_t lap = w.view.slot(slot).publish.load(std::memory_order_acquire);
    if (lap == 0 || lap > ring::kLapMask) continue;
    const int id = w.id_at(slot, lap);
    w.ledger.begin_remove(id);
    const bool removed = w.is_fair() ? fair::discard(p.ring, p.lists, slot, lap, w.settler(me))
                                     : group::discard(p.ring, p.groups, slot, lap, w.settler(me));
    w.ledger.end_remove(id, removed);
  }
}

void GroupStage::sweep(int me) { world_->sweep(me); }
void GroupStage::repair(int me) { world_->repair(me); }

void GroupStage::sleep_for_message(int me) {
  GroupWorld& w = *world_;
  const std::uint32_t seen = w.shared.receivers.arm();
  if (receive(me) == 0) w.of(me).asleep = {&w.shared.receivers, seen};
}

void GroupStage::sleep_for_room(int me, int id, int group) {
  GroupWorld& w = *world_;
  const std::uint32_t seen = w.shared.senders.arm();
  if (!send(me, id, group)) w.of(me).asleep = {&w.shared.senders, seen};
}

void GroupStage::tick() {
  world_->shared.clock.store(world_->shared.clock.load() + kTick);
  world_->ledger.leases_may_end();
}

void GroupStage::die(int participant) {
  world_->shared.dead[static_cast<std::size_t>(participant)].store(1);
  world_->ledger.holder_died(participant);
  world_->somebody_died = world_->somebody_died_running = true;
}

Place GroupStage::clock_place() const noexcept {
  return {&world_->shared.clock, sizeof world_->shared.clock};
}
Event GroupStage::tick_event() {
  return {"tick", [this] { tick(); }, {clock_place()}};
}

void GroupStage::wear_out_records() {
  auto* buckets = reinterpret_cast<group::Bucket*>(world_->view.buckets());
  for (std::uint32_t b = 0; b < world_->geometry.buckets; ++b) {
    for (std::uint32_t i = 0; i < group::kRecordsPerBucket; ++i) {
      if (buckets[b].records[i].load_low() != 0) continue;
      const std::uint64_t key = GroupWorld::key_of(static_cast<int>(50 + i));
      buckets[b].records[i].initialise(group::Record::of(key, i, i).emptied().bits);
    }
  }
}
void GroupStage::set_delay(std::uint64_t units) noexcept { world_->queue_delay = units; }

void GroupStage::turn(int laps) {
  const int rounds = laps * static_cast<int>(slots()) + 1;
  for (int i = 0; i < rounds; ++i) {
    send(4, 1, 1 + i % 3);
    receive(4);
    acknowledge(4);
    world_->ledger.clear();
  }
}

std::uint32_t GroupStage::slots() const noexcept { return world_->geometry.slots; }

}  // namespace ringpost::rig
