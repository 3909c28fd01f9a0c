#include "rig/dedup_stage.hpp"

#include <cstring>
#include <utility>

#include "rig/dedup_world.hpp"

namespace ringpost::rig {

void DedupWorld::prepare() {
  std::memset(static_cast<void*>(&shared), 0, sizeof shared);
  dedup::Table::initialise(shared.table, 1);
  table = dedup::Table::attach(shared.table, sizeof shared.table).value();
  shared.cursors.clock = kClockBegin;
  for (Message& message : messages) message.id = 0, message.entry = 0;
  facts = {};
  calls = {};
  current = {};
  purges = {};
  unfinished = {};
  call_count = purge_count = 0;
  order = position_end = 0;
  ids_sent = 0;
  unfilled = dedup::kEntriesPerBucket;
  full_is_right = false;
  verdict.clear();
  share(shared.table + table.geometry().used_map, 8);
  share(&bucket(), offsetof(dedup::IdBucket, entries) + kWatched * sizeof(dedup::IdEntry));
  share(&shared.slots, sizeof shared - offsetof(Shared, slots));
}

void DedupWorld::send(int me, int id) {
  const std::size_t call = begin_call(me, id);
  end_call(call, ring().send(table, dedup_key(id), id, static_cast<std::uint16_t>(me)));
}

void DedupWorld::finish_send(int me) {
  Unfinished& it = of(me);
  DedupRing ring = this->ring();
  if (it.published) {
    table.commit(it.send.entry, it.send.position, ring.expiry());
    end_call(it.call, {DedupRing::Sent::kAccepted, it.send.position});
  } else if (it.begun) {
    current[static_cast<std::size_t>(me)] = it.call;
    end_call(it.call, ring.finish(table, it.send));
  }
  it.begun = it.published = false;
}

void DedupWorld::pass() {
  DedupRing ring = this->ring();
  const std::uint64_t end = shared.cursors.tail.load();
  while (shared.cursors.head.load() < end) ring.dispatch(table);
}

void DedupWorld::purge() {
  const std::uint64_t end = ring().discard_all(table);
  Purge& it = purges[purge_count++ % purges.size()];
  it = {end, ++order, kNever};
  table.clear(end);
  it.ended = ++order;
}

/// The ring's claims, then the table. Whose a claim is stands in the ring; here the log knows.
void DedupWorld::sweep() {
  DedupRing ring = this->ring();
  const Leftovers before = look_for_leftovers();
  for (std::size_t dead = 1; dead < kParticipants; ++dead) {
    if (shared.dead[dead].load() == 0) continue;
    const std::uint64_t tail = shared.cursors.tail.load();
    for (std::uint64_t position = shared.cursors.head.load(); position < tail; ++position) {
      if (facts[position].me == static_cast<int>(dead)) ring.skip(position);
    }
    if (table.sweep(static_cast<std::uint16_t>(dead), ring).left != 0) {
      broken("a sweep leaves a position of the dead undecided");
    }
    judge_swept(before, static_cast<std::uint16_t>(dead));
  }
}

void DedupWorld::find(int me, int id) {
  const std::size_t call = begin_call(me, id);
  const auto found = table.find(dedup_key(id), shared.cursors.clock.load());
  if (found) judge_duplicate(calls[call], *found);
}

std::string DedupWorld::describe(const void* address) const {
  const auto* at = static_cast<const std::byte*>(address);
  const auto within = [at](const auto& of, std::size_t bytes) {
    const auto* begin = reinterpret_cast<const std::byte*>(&of);
    return at >= begin && at < begin + bytes;
  };
  const auto& bucket =
      reinterpret_cast<const dedup::IdBucket&>(shared.table[table.geometry().buckets_begin]);
  if (within(bucket.links, sizeof bucket.links)) return "links";
  if (within(bucket.prints, sizeof bucket.prints)) return "prints";
  for (std::uint32_t i = 0; i < kWatched; ++i) {
    const dedup::IdEntry& entry = bucket.entries[i];
    if (within(entry.state, 8)) return "entry" + std::to_string(i) + ".state";
    if (within(entry.state, 16)) return "entry" + std::to_string(i) + ".position";
    if (within(entry, sizeof entry)) return "entry" + std::to_string(i) + ".key";
  }
  for (std::size_t i = 0; i < kSlotsMax; ++i) {
    if (within(shared.slots[i], sizeof shared.slots[i])) return "slot" + std::to_string(i);
  }
  if (at == reinterpret_cast<const std::byte*>(&shared.cursors.tail)) return "tail";
  if (at == reinterpret_cast<const std::byte*>(&shared.cursors.head)) return "head";
  if (at == reinterpret_cast<const std::byte*>(&shared.cursors.clock)) return "clock";
  if (within(shared.dead, sizeof shared.dead)) return "dead";
  return {};
}

DedupStage::DedupStage(std::uint64_t slots) : world_(std::make_unique<DedupWorld>(slots)) {}
DedupStage::~DedupStage() = default;

Stage DedupStage::stage(std::string name, std::function<void()> begin) {
  Stage stage;
  DedupWorld& w = *world_;
  stage.name = std::move(name);
  stage.setup = [&w, begin = std::move(begin)] {
    w.prepare();
    begin();
    if (!w.verdict.empty()) fail(w.verdict);
  };
  stage.on_death = [this](int participant) { die(participant); };
  stage.liveness = {{&w.shared.dead, sizeof w.shared.dead}};
  stage.check = [&w] { return w.check(); };
  stage.describe = [&w](const void* address) { return w.describe(address); };
  return stage;
}

void DedupStage::send(int me, int id) { world_->send(me, id); }

void DedupStage::begin_send(int me, int id) {
  DedupWorld& w = *world_;
  DedupWorld::Unfinished& it = w.of(me);
  it.call = w.begin_call(me, id);
  it.send = {dedup_key(id), id, static_cast<std::uint16_t>(me), w.clock()};
  it.begun = !w.ring().begin(w.table, it.send).has_value();
}
void DedupStage::publish_only(int me) {
  DedupWorld::Unfinished& it = world_->of(me);
  it.published = world_->ring().publish(it.send);
}
void DedupStage::finish_send(int me) { world_->finish_send(me); }
void DedupStage::find(int me, int id) { world_->find(me, id); }

void DedupStage::pass(int /*me*/) { world_->pass(); }
void DedupStage::skip(int /*me*/) {
  DedupRing ring = world_->ring();
  const std::uint64_t tail = world_->shared.cursors.tail.load();
  for (std::uint64_t position = world_->shared.cursors.head.load(); position < tail; ++position) {
    ring.skip(position);
  }
}
void DedupStage::purge(int /*me*/) { world_->purge(); }
void DedupStage::sweep(int /*me*/) { world_->sweep(); }

void DedupStage::take_only(int me, int id) {
  DedupWorld& w = *world_;
  DedupSend send{dedup_key(id), id, static_cast<std::uint16_t>(me), w.clock()};
  w.current[send.me] = w.begin_call(me, id);
  static_cast<void>(w.ring().claim(send));
  dedup::IdEntry* entry = w.bucket().entries;
  while (!dedup::EntryWord{entry->state.load()}.is(dedup::EntryState::kFree)) ++entry;
  const dedup::EntryWord word{entry->state.load()};
  entry->state.initialise(word.undecided(send.position, send.me).bits);
  w.used_map() = 1;
}

void DedupStage::free_only(int id) {
  for (dedup::IdEntry& entry : world_->bucket().entries) {
    if (entry.key_high.load() != dedup_key(id).high) continue;
    const dedup::EntryWord word{entry.state.load()};
    entry.state.initialise(word.freed().bits);
    return;
  }
}

void DedupStage::fill_all_but(std::uint32_t left) {
  constexpr std::uint16_t kNobody = 100;  // who does not die
  for (std::uint32_t i = left; i < dedup::kEntriesPerBucket; ++i) {
    world_->bucket().entries[i].state.initialise(
        dedup::EntryWord{}.undecided(1'000 + i, kNobody).bits);
  }
  world_->used_map() = 1;
  world_->unfilled = left;
}
void DedupStage::may_be_full() { world_->full_is_right = true; }

void DedupStage::tick() {
  world_->shared.cursors.clock.store(world_->shared.cursors.clock.load() + kWindow);
}
void DedupStage::die(int participant) {
  world_->shared.dead[static_cast<std::size_t>(participant)].store(1);
}
Event DedupStage::tick_event(std::string name) {
  const auto& clock = world_->shared.cursors.clock;
  return {std::move(name), [this] { tick(); }, {{&clock, sizeof clock}}};
}

}  // namespace ringpost::rig
