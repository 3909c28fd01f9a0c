#include "rig/group_stage.hpp"

#include "group/sweep.hpp"
#include "rig/group_world.hpp"

namespace ringpost::rig {

GroupStage::GroupStage(std::uint32_t slots) : world_(std::make_unique<GroupWorld>(slots)) {}
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
  w.ledger.begin_release(me, held->id);
  if (group::release(w.of(me).ring, w.of(me).groups, held->delivery, !held->mine, w.settler(me)) ==
      ring::Settled::kStale) {
    w.ledger.refused(me, held->id);
  }
}

void GroupStage::extend(int me, std::uint64_t units, std::size_t index) {
  GroupWorld& w = *world_;
  GroupWorld::Held* held = w.held_at(me, index);
  if (held == nullptr) return;
  if (!held->mine) w.ledger.lease_may_end(held->id);  // it ends with me from now on
  const group::Settler settler = w.settler(me);
  if (group::extend(w.of(me).ring, held->delivery, settler.now + units, true, settler) ==
      ring::Settled::kStale) {
    w.ledger.refused(me, held->id);
  }
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

void GroupStage::expire(int me) { world_->of(me).receiver.expire_due(world_->now(), 8); }

/// As QueueCore::discard_groups().
void GroupStage::purge(int me) {
  GroupWorld& w = *world_;
  GroupWorld::Participant& p = w.of(me);
  p.receiver.place_all({w.now(), 0}, w.queue_delay * ring::kDeadlineUnitNs);
  for (std::uint32_t slot = 0; slot < w.view.slots(); ++slot) {
    const std::uint64_t lap = w.view.slot(slot).publish.load(std::memory_order_acquire);
    if (lap == 0 || lap > ring::kLapMask) continue;
    const int id = w.id_at(slot, lap);
    w.ledger.begin_remove(id);
    w.ledger.end_remove(id, group::discard(p.ring, p.groups, slot, lap, w.settler(me)));
  }
}

void GroupStage::sweep(int me) { world_->sweep(me); }
void GroupStage::repair(int me) { group::repair_hints(world_->of(me).ring, world_->of(me).groups); }

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
