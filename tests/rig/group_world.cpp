#include "rig/group_world.hpp"

#include <cstring>

#include "fair/sweep.hpp"
#include "group/publish.hpp"
#include "group/sweep.hpp"

namespace ringpost::rig {

GroupWorld::GroupWorld(std::uint32_t slots, ring::RingKind kind)
    : geometry(ring::RingGeometry::of(slots, kStride, kind)) {}

/// All in bucket 0, for there they meet; 20 and more in the last one. Group 0 is none (fair rings).
std::uint64_t GroupWorld::key_of(int group) noexcept {
  return static_cast<std::uint64_t>(group) * 16 + (group >= 20 ? 15 : 0);
}

void GroupWorld::prepare() {
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
  groups = {};
  sent = {};
  attempt_of = {};
  queue_delay = 0;
  somebody_died = somebody_died_running = attempts_made = counted_anew = false;
  attempt_events = 0;
  const ring::Surroundings around{shared.senders, shared.receivers, board, blocks, false};
  for (std::size_t i = 1; i < kParticipants; ++i) {
    participants[i].emplace(view, around, static_cast<std::uint16_t>(i), shared.hazards[i],
                            shared.attempts);
  }
  share(&shared, sizeof shared);
}

bool GroupWorld::claim(int me, int id, std::uint64_t& position) {
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

/// As the shipped queue does it: content, block, lengths, group; the publish comes later.
void GroupWorld::fill(int me, std::uint64_t position, int id, const shm::BlockRef* block) {
  const std::uint32_t slot = view.slot_of(position);
  auto* payload = reinterpret_cast<std::uint64_t*>(view.payload(slot));
  const auto body = static_cast<std::uint32_t>(id);
  const auto index = static_cast<std::size_t>(id);
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
  if (queue_delay != 0) {
    sent[index] = now();
    view.slot(slot).sent_ns.store(sent[index] * ring::kDeadlineUnitNs, std::memory_order_relaxed);
  }
  of(me).groups.head(slot).key.store(key_of(groups[index]), std::memory_order_relaxed);
}

/// False: consumers have gone past; the block is mine again.
bool GroupWorld::publish(int me, std::uint64_t position, int id, const shm::BlockRef* block,
                         std::uint64_t due) {
  fill(me, position, id, block);
  if (due != 0) of(me).sender.delay(position, due);
  if (group::publish(of(me).ring, of(me).sender, position)) return true;
  if (block != nullptr) blocks.take_back(me, *block);
  if (is_fair()) {
    fair::give_up(of(me).ring, position);
  } else {
    group::void_claim(of(me).ring, position);
  }
  return false;
}

bool GroupWorld::send(int me, int id, int group, bool in_block, std::uint64_t due) {
  ledger.begin_send(id);
  groups[static_cast<std::size_t>(id)] = group;
  shm::BlockRef block{};
  if (in_block) {
    if (!blocks.allocate(me, block)) return ledger.end_send(id, false), false;
    blocks.content(block).store(~static_cast<std::uint64_t>(id), std::memory_order_relaxed);
  }
  std::uint64_t position = 0;
  bool published = false;
  while (!published && claim(me, id, position)) {
    published = publish(me, position, id, in_block ? &block : nullptr, due);
  }
  if (in_block && !published) blocks.abandon(block);
  ledger.end_send(id, published);
  return published;
}

/// What claim_only() began.
void GroupWorld::finish(int me) {
  Participant& p = of(me);
  if (!p.unfinished) return;
  const int id = p.claimed_id;
  p.unfinished = false;
  if (publish(me, p.claimed, id, nullptr)) return ledger.end_send(id, true);
  send(me, id, groups[static_cast<std::size_t>(id)], false);
}

int GroupWorld::read(std::uint32_t slot, bool& intact) {
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

int GroupWorld::receive(int me, std::uint32_t count, bool in_place, std::uint64_t visibility) {
  Participant& p = of(me);
  p.receiver.begin(count, queue_delay * ring::kDeadlineUnitNs);
  p.call_begin = p.held_count;
  Call call{ledger.begin_receive(), {now(), 0}, in_place};
  call.times.deadline = call.times.now + visibility;
  while (p.held_count - p.call_begin < count && take(me, call)) {
  }
  return static_cast<int>(p.held_count - p.call_begin);
}

ring::Receiver::Outcome GroupWorld::take(Participant& p, const Call& call,
                                         ring::Taken& taken) const {
  return is_fair() ? p.fair.take(call.times, taken) : p.receiver.take(call.times, taken);
}

bool GroupWorld::take(int me, const Call& call) {
  Participant& p = of(me);
  const Sights before = look();
  ring::Taken taken;
  switch (take(p, call, taken)) {
    case group::Receiver::Outcome::kEmpty:
      if (p.held_count == p.call_begin) judge_empty(before);
      return false;
    case group::Receiver::Outcome::kNoHazard:
      ledger.broken("no hazard entry is left");
      return false;
    case group::Receiver::Outcome::kTaken:
      break;
  }
  if (!is_fair()) judge_order(me, before, taken.slot);
  Held held{{taken.slot, taken.lap, taken.word.count()}, taken.word, taken.hazard, 0, true, true};
  bool intact = false;
  held.id = read(taken.slot, intact);
  if (held.id != id_at(taken.slot, taken.lap)) intact = false;
  ledger.received(me, held.id, intact, call.began);
  if (intact && queue_delay != 0) {
    const std::uint64_t clock = Machine::get().unobserved([this] { return this->now(); });
    if (sent[static_cast<std::size_t>(held.id)] + queue_delay > clock) {
      ledger.broken("message " + std::to_string(held.id) + " is delivered before it is due");
    }
  }
  if (!call.in_place) give_up_view(me, held);
  if (p.held_count < kHeldMax) p.held[p.held_count++] = held;
  return true;
}

/// As QueueCore::take_attempt().
int GroupWorld::receive_attempt(int me, std::uint64_t id, std::uint32_t count, bool in_place) {
  using Outcome = group::Attempts::Outcome;
  Participant& p = of(me);
  attempts_made = true;
  const bool alone = !calls(me, id);
  const std::uint32_t events = ++attempt_events;
  p.entered = Machine::get().unobserved([this] { return this->now(); });  // until I look myself
  p.calling = id;
  p.call_begin = p.held_count;
  p.entered = now();
  const group::Attempts::Entered entered = p.attempts.enter({id, ~id}, p.entered);
  int received = 0;
  if (entered.outcome == Outcome::kBusy) {
    if (alone && events == attempt_events) ledger.broken("busy, and nobody is at it who gets on");
  } else {
    judge_alone(me, id);
    if (entered.outcome == Outcome::kAgain) received = receive_again(me, entered.noted, in_place);
    if (received == 0) received = receive(me, count, in_place, kVisibility);
    const group::AttemptNotes notes = notes_of_call(me, id);
    p.inside = 0;
    if (entered.outcome != Outcome::kNoRoom) {
      received != 0 ? p.attempts.keep(entered, notes) : p.attempts.give_up(entered);
    }
  }
  p.calling = 0;
  ++attempt_events;
  return received;
}

int GroupWorld::receive_again(int me, const group::AttemptNotes& noted, bool in_place) {
  Participant& p = of(me);
  const std::uint32_t began = ledger.begin_receive();
  for (std::uint32_t i = 0; i < noted.count; ++i) {
    const std::uint64_t position = noted.notes[i].position;
    ledger.lease_may_end(ids[position % ids.size()]);  // two may settle it from now on
  }
  std::array<ring::Taken, group::kAttemptMessages> taken;
  if (!p.attempts.renew(noted, {now(), now() + kVisibility}, taken)) return 0;
  for (std::uint32_t i = 0; i < noted.count; ++i) {
    const ring::Taken& it = taken[i];
    Held held{{it.slot, it.lap, it.word.count()}, it.word, it.hazard, 0, true, true};
    bool intact = false;
    held.id = read(it.slot, intact);
    if (held.id != id_at(it.slot, it.lap)) intact = false;
    ledger.received(me, held.id, intact, began);
    if (attempt_of[static_cast<std::size_t>(held.id)] != p.calling) {
      ledger.broken("a message is received again under an id that is not its own");
    }
    if (!in_place) give_up_view(me, held);
    p.held[p.held_count++] = held;
  }
  return static_cast<int>(noted.count);
}

group::AttemptNotes GroupWorld::notes_of_call(int me, std::uint64_t attempt) {
  const Participant& p = of(me);
  group::AttemptNotes notes;
  notes.end = now() + kRemembered;
  for (std::size_t i = p.call_begin; i < p.held_count; ++i) {
    const Held& held = p.held[i];
    attempt_of[static_cast<std::size_t>(held.id)] = attempt;
    notes.add(view.position_of(held.delivery.slot, held.delivery.lap), held.word.bits.high);
  }
  return notes;
}

void GroupWorld::read_again(int me, Held& held) {
  if (!held.viewing) return;
  bool intact = false;
  const int id = read(held.delivery.slot, intact);
  if (id != held.id || !intact) {
    ledger.broken("message " + std::to_string(held.id) + " changed while participant " +
                  std::to_string(me) + " read it in place");
  }
}

void GroupWorld::give_up_view(int me, Held& held) {
  if (!held.viewing) return;
  held.viewing = false;
  of(me).hazards.clear(held.hazard);
}

GroupWorld::Held* GroupWorld::held_at(int me, std::size_t index) {
  return index < of(me).held_count ? &of(me).held[index] : nullptr;
}

void GroupWorld::drop(int me, std::size_t index) {
  Participant& p = of(me);
  for (std::size_t i = index + 1; i < p.held_count; ++i) p.held[i - 1] = p.held[i];
  --p.held_count;
}

void GroupWorld::acknowledge(int me, std::size_t index, bool by_receipt) {
  Held* held = held_at(me, index);
  if (held == nullptr) return;
  read_again(me, *held);
  give_up_view(me, *held);
  if (!held->mine) ledger.lease_may_end(held->id);  // it is another one's
  ledger.begin_acknowledge(me, held->id);
  const ring::LeaseWord* known = by_receipt ? nullptr : &held->word;
  const bool accepted = acknowledge(me, *held, known) == ring::Settled::kDone;
  ledger.end_acknowledge(me, held->id, accepted);
  drop(me, index);
}

ring::Settled GroupWorld::acknowledge(int me, const Held& held, const ring::LeaseWord* known) {
  Participant& p = of(me);
  if (is_fair()) return fair::acknowledge(p.ring, p.lists, held.delivery, known, settler(me));
  return group::acknowledge(p.ring, p.groups, held.delivery, known, settler(me));
}

void GroupWorld::repair(int me) {
  Participant& p = of(me);
  counted_anew = true;
  if (is_fair()) {
    fair::repair_hints(p.ring, p.lists, counts);
  } else {
    group::repair_hints(p.ring, p.groups);
  }
}

/// As client/sweep.cpp: the words of the ring, the blocks, the hazards.
void GroupWorld::sweep(int me) {
  for (int who = 1; who <= kJudge; ++who) {
    if (shared.dead[who].load(std::memory_order_acquire) == 0) continue;
    Participant& p = of(me);
    const auto dead = static_cast<std::uint16_t>(who);
    if (is_fair()) {
      fair::sweep_participant(p.ring, p.lists, dead, counts);
    } else {
      group::sweep_participant(p.ring, p.groups, dead);
    }
    if (attempts_made) {
      group::Attempts::sweep(shared.attempts, static_cast<std::uint16_t>(who));
      of(who).calling = of(who).inside = 0;
      ++attempt_events;
    }
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
