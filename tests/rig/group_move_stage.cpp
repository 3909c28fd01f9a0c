#include "rig/group_move_stage.hpp"

#include <array>
#include <cstring>
#include <optional>

#include "group/move.hpp"
#include "group/pick.hpp"
#include "group/publish.hpp"
#include "group/receiver.hpp"
#include "group/settle.hpp"
#include "group/sweep.hpp"
#include "rig/fake_blocks.hpp"
#include "rig/ledger.hpp"
#include "rig/runtime.hpp"

namespace ringpost::rig {

struct GroupMoveWorld {
  static constexpr int kJudge = GroupMoveStage::kJudge;
  static constexpr std::size_t kParticipants = kJudge + 1;  // number 0 is nobody
  static constexpr std::uint32_t kSlots = 4;
  static constexpr std::uint32_t kStride = 64;
  static constexpr std::uint64_t kVisibility = 100;
  static constexpr std::uint64_t kTick = 1'000;
  static constexpr std::uint64_t kClockEnd = 500'000;
  static constexpr ring::RingGeometry kGeometry =
      ring::RingGeometry::of(kSlots, kStride, ring::RingKind::kFifo);

  struct SharedRing {
    alignas(base::kHotLineBytes) std::byte bytes[kGeometry.file_bytes];
    shm::WaitWord senders;
    shm::WaitWord receivers;
  };
  struct Shared {
    SharedRing rings[2];
    std::atomic<std::uint32_t> participants;
    std::atomic<std::uint64_t> clock;
    std::atomic<std::uint32_t> dead[kParticipants];
    FakeBlocks::Cells blocks;
    shm::HazardRecord hazards[kParticipants];
    shm::MoveNote notes[kParticipants];
  };
  /// One participant's ends of one ring.
  struct Ends {
    Ends(const ring::RingView& view, const ring::Surroundings& around, std::uint16_t me,
         shm::HazardOwner& hazards)
        : ring(view, around), groups(ring), sender(ring, me), receiver(ring, groups, me, hazards) {}
    ring::Ring ring;
    group::Groups groups;
    ring::Sender sender;
    group::Receiver receiver;
  };
  struct Held {
    std::size_t where = 0;
    ring::Delivery delivery;
    std::uint32_t hazard = 0;
    int id = 0;
    bool viewing = false;
    bool settled = false;
  };
  struct Participant {
    explicit Participant(shm::HazardRecord& record) : hazards(record) {}
    shm::HazardOwner hazards;
    std::array<std::optional<Ends>, 2> ends;
    std::optional<Held> held;
    bool unfinished = false;  ///< has a claim that it never publishes
  };
  /// One slot as it is, seen by a judge.
  struct Sight {
    ring::LeaseWord word;
    std::uint64_t publish = 0;
    std::uint64_t key = 0;
    [[nodiscard]] bool there() const noexcept {
      using ring::LeaseState;
      const LeaseState state = word.state();
      if (state == LeaseState::kIdle) return publish == word.lap();
      return state == LeaseState::kLeased || state == LeaseState::kReturned;
    }
  };
  using Sights = std::array<Sight, kSlots>;

  void prepare();
  [[nodiscard]] Participant& of(int who) { return *participants[static_cast<std::size_t>(who)]; }
  [[nodiscard]] Ends& ends(int who, std::size_t where) { return *of(who).ends[where]; }
  [[nodiscard]] std::uint64_t now() const { return shared.clock.load(std::memory_order_relaxed); }
  [[nodiscard]] group::Settler settler(int me) const {
    return {static_cast<std::uint16_t>(me), now()};
  }

  bool send(int me, int id, std::size_t where, bool in_block);
  void fill(int me, std::size_t where, std::uint64_t position, int id, const shm::BlockRef* block);
  [[nodiscard]] int read(std::size_t where, std::uint32_t slot, bool& intact);
  bool take(int me, std::size_t where, ring::Taken& taken);
  bool receive(int me, std::size_t where, bool in_place);
  void read_again(int me);
  void acknowledge(int me);
  void move(int me, std::uint32_t count);
  void move_second(int me);
  void redrive(int me);
  void move_or_postpone(int me, const ring::Taken& taken);
  bool move_taken(int me, const ring::Taken& taken);
  void purge(int me);
  void sweep(int me);

  [[nodiscard]] Sights look(std::size_t where);
  void judge_order(std::size_t where, const Sights& before, std::uint32_t slot);
  void drain(int me);
  void consume_all(int me);
  std::string check();
  void recover();
  void judge_fresh();
  void judge_rest();
  [[nodiscard]] std::string describe(const void* address) const;

  Shared shared{};
  Shared image{};
  std::array<ring::RingView, 2> views;
  shm::HazardBoard board;
  FakeBlocks blocks;
  Ledger ledger;
  std::array<std::optional<Participant>, kParticipants> participants;
  std::array<int, Ledger::kMessagesMax> groups{};  ///< by id
  bool somebody_died = false;
};

void GroupMoveWorld::prepare() {
  std::memset(static_cast<void*>(&shared), 0, sizeof shared);
  shared.participants.store(kParticipants);
  shared.clock.store(1'000);
  board = shm::HazardBoard(shared.hazards, sizeof(shm::HazardRecord), &shared.participants,
                           kParticipants);
  blocks.bind(shared.blocks);
  ledger.clear();
  groups = {};
  somebody_died = false;
  const shm::MoveBoard moves(shared.notes, sizeof(shm::MoveNote), kParticipants);
  for (std::size_t where = 0; where < 2; ++where) {
    ring::initialise_ring(shared.rings[where].bytes, kGeometry, where + 1, where + 1, 0);
    views[where] = ring::RingView(shared.rings[where].bytes, kGeometry);
  }
  for (std::size_t i = 1; i < kParticipants; ++i) {
    participants[i].emplace(shared.hazards[i]);
    for (std::size_t where = 0; where < 2; ++where) {
      SharedRing& in = shared.rings[where];
      participants[i]->ends[where].emplace(
          views[where], ring::Surroundings{in.senders, in.receivers, board, blocks, false, moves},
          static_cast<std::uint16_t>(i), participants[i]->hazards);
    }
  }
  share(&shared, sizeof shared);
}

void GroupMoveWorld::fill(int me, std::size_t where, std::uint64_t position, int id,
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
  ends(me, where).groups.head(slot).key.store(
      static_cast<std::uint64_t>(groups[static_cast<std::size_t>(id)]) * 16,
      std::memory_order_relaxed);
}

bool GroupMoveWorld::send(int me, int id, std::size_t where, bool in_block) {
  ledger.begin_send(id);
  Ends& to = ends(me, where);
  shm::BlockRef block{};
  if (in_block && !blocks.allocate(me, block)) return ledger.end_send(id, false), false;
  if (in_block) blocks.content(block).store(~static_cast<std::uint64_t>(id));
  std::uint64_t position = 0;
  bool published = false;
  while (!published && to.sender.claim(position) == ring::Sender::Claimed::kYes) {
    if (in_block) {
      const ring::RingView& view = views[where];
      blocks.make_live(me, block, {where + 1, view.slot_of(position), view.lap_of(position)});
    }
    fill(me, where, position, id, in_block ? &block : nullptr);
    published = group::publish(to.ring, to.sender, position);
    if (published) break;
    if (in_block) blocks.take_back(me, block);
    group::void_claim(to.ring, position);
  }
  if (in_block && !published) blocks.abandon(block);
  ledger.end_send(id, published);
  return published;
}

int GroupMoveWorld::read(std::size_t where, std::uint32_t slot, bool& intact) {
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

bool GroupMoveWorld::take(int me, std::size_t where, ring::Taken& taken) {
  const std::uint64_t clock = now();
  const Sights before = look(where);
  if (ends(me, where).receiver.take({clock, clock + kVisibility}, taken) !=
      group::Receiver::Outcome::kTaken) {
    return false;
  }
  judge_order(where, before, taken.slot);
  return true;
}

bool GroupMoveWorld::receive(int me, std::size_t where, bool in_place) {
  Participant& p = of(me);
  read_again(me);  // it holds one at a time
  const std::uint32_t began = ledger.begin_receive();
  ring::Taken taken;
  ends(me, where).receiver.begin(1, 0);
  if (!take(me, where, taken)) return false;
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

void GroupMoveWorld::read_again(int me) {
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

void GroupMoveWorld::acknowledge(int me) {
  Participant& p = of(me);
  if (!p.held || p.held->settled) return;
  Ends& in = ends(me, p.held->where);
  ledger.begin_acknowledge(me, p.held->id);
  const bool accepted = group::acknowledge(in.ring, in.groups, p.held->delivery, nullptr,
                                           settler(me)) == ring::Settled::kDone;
  ledger.end_acknowledge(me, p.held->id, accepted);
  p.held->settled = true;  // but he may read on
}

/// As QueueCore::take_from_groups(), of dead letters.
void GroupMoveWorld::move(int me, std::uint32_t count) {
  ends(me, 0).receiver.begin(count, 0);
  ring::Taken taken;
  for (std::uint32_t i = 0; i < count && take(me, 0, taken); ++i) move_or_postpone(me, taken);
}

void GroupMoveWorld::move_second(int me) {
  Participant& p = of(me);
  Ends& from = ends(me, 0);
  const std::uint32_t began = ledger.begin_receive();
  from.receiver.begin(2, 0);
  ring::Taken first;
  ring::Taken second;
  if (!take(me, 0, first)) return;
  bool intact = false;
  const int id = read(0, first.slot, intact);
  ledger.received(me, id, intact, began);
  p.hazards.clear(first.hazard);
  p.held = {0, {first.slot, first.lap, first.word.count()}, 0, id};
  const std::uint64_t clock = now();
  if (from.receiver.take({clock, clock + kVisibility}, second) ==
      group::Receiver::Outcome::kTaken) {
    move_or_postpone(me, second);
  }
  acknowledge(me);
}

/// As MoveWorker: one pass. Positions of the first lap and the next, so from the oldest on.
void GroupMoveWorld::redrive(int me) {
  Ends& from = ends(me, 0);
  from.receiver.place_all({now(), 0}, 0);
  for (std::uint64_t position = 0; position < 4 * kSlots; ++position) {
    const std::uint32_t slot = views[0].slot_of(position);
    const std::uint64_t lap = views[0].lap_of(position);
    ring::Taken taken;
    std::uint64_t expired = 0;
    const Sights before = look(0);
    if (!group::pick(from.ring, from.groups, slot, lap, {now(), now() + kVisibility},
                     static_cast<std::uint16_t>(me), of(me).hazards, taken, expired)) {
      continue;
    }
    judge_order(0, before, slot);
    if (move_taken(me, taken)) continue;
    of(me).hazards.clear(taken.hazard);
    const ring::Delivery delivery{slot, lap, taken.word.count()};
    group::put_back(from.ring, from.groups, delivery, static_cast<std::uint16_t>(me));
  }
}

/// As QueueCore::bury().
void GroupMoveWorld::move_or_postpone(int me, const ring::Taken& taken) {
  if (move_taken(me, taken)) return;
  of(me).hazards.clear(taken.hazard);
  ends(me, 0).receiver.leave_group();
  group::postpone(ends(me, 0).ring, {taken.slot, taken.lap, taken.word.count()},
                  static_cast<std::uint16_t>(me), now() + kVisibility / 2);
}

/// As QueueCore::move_in_group().
bool GroupMoveWorld::move_taken(int me, const ring::Taken& taken) {
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
  bool moved = false;
  for (int places = 0; places < 3; ++places) {
    if (to.sender.claim(position) != ring::Sender::Claimed::kYes) break;
    if (copies) {
      blocks.make_live(me, copy, {2, views[1].slot_of(position), views[1].lap_of(position)});
    }
    fill(me, 1, position, id, copies ? &copy : goes ? &block : nullptr);
    const ring::Passage passage{from.ring,    1,        delivery,
                                taken.hazard, to.ring,  2,
                                to.sender,    position, goes ? block : shm::BlockRef{}};
    const group::MoveOutcome outcome =
        group::move(passage, from.groups, index, of(me).hazards, shared.notes[me]);
    moved = outcome == group::MoveOutcome::kDone;
    if (moved) break;
    if (copies) blocks.take_back(me, copy);
    group::void_claim(to.ring, position);
    if (outcome == group::MoveOutcome::kStale) break;
  }
  if (copies && !moved) blocks.abandon(copy);
  return moved;
}

/// As QueueCore::discard_groups().
void GroupMoveWorld::purge(int me) {
  Ends& from = ends(me, 0);
  from.receiver.place_all({now(), 0}, 0);
  for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
    const std::uint64_t lap = views[0].slot(slot).publish.load(std::memory_order_acquire);
    if (lap == 0 || lap > ring::kLapMask) continue;
    bool intact = false;
    const int id = Machine::get().unobserved([&] { return read(0, slot, intact); });
    ledger.begin_remove(id);
    ledger.end_remove(id, group::discard(from.ring, from.groups, slot, lap, settler(me)));
  }
}

/// As client/sweep.cpp.
void GroupMoveWorld::sweep(int me) {
  for (int who = 1; who <= kJudge; ++who) {
    if (shared.dead[who].load(std::memory_order_acquire) == 0) continue;
    const auto dead = static_cast<std::uint16_t>(who);
    group::finish_move({&ends(me, 0).ring, &ends(me, 1).ring}, &ends(me, 0).groups, dead,
                       shared.notes[who]);
    for (std::size_t where = 0; where < 2; ++where) {
      group::sweep_participant(ends(me, where).ring, ends(me, where).groups, dead);
    }
    blocks.sweep(who, [&](const shm::BackReference& back) {
      return ring::is_gone(views[back.ring_id - 1], back.slot, back.lap);
    });
    for (auto& entry : shared.hazards[who].entries) {
      if (entry.load(std::memory_order_relaxed) != 0) entry.store(0, std::memory_order_release);
    }
  }
}

GroupMoveWorld::Sights GroupMoveWorld::look(std::size_t where) {
  return Machine::get().unobserved([&] {
    Sights sights;
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
      sights[slot] = {views[where].lease_word(slot),
                      views[where].slot(slot).publish.load(std::memory_order_relaxed),
                      ends(kJudge, where).groups.key_at(slot)};
    }
    return sights;
  });
}

/// The message in `slot` has just been taken: no earlier one of its group was there all the while.
void GroupMoveWorld::judge_order(std::size_t where, const Sights& before, std::uint32_t slot) {
  const Sights after = look(where);
  const ring::RingView& view = views[where];
  const std::uint64_t mine = view.position_of(slot, after[slot].publish & ring::kLapMask);
  for (std::uint32_t other = 0; other < kSlots; ++other) {
    const Sight& then = before[other];
    const Sight& now = after[other];
    if (other == slot || then.publish != now.publish || now.key != after[slot].key) continue;
    if (!then.there() || !now.there()) continue;
    if (view.position_of(other, now.publish & ring::kLapMask) >= mine) continue;
    ledger.broken("the message in slot " + std::to_string(slot) +
                  " overtakes one of its group in slot " + std::to_string(other));
  }
}

void GroupMoveWorld::drain(int me) {
  for (std::size_t where = 0; where < 2; ++where) {
    while (ledger.verdict().empty() && receive(me, where, false)) acknowledge(me);
  }
}

void GroupMoveWorld::consume_all(int me) {
  for (int i = 0; i < 3; ++i) {
    shared.clock.store(shared.clock.load() + 2 * ring::DueIndex::kRecheckUnits);
    ledger.leases_may_end();
    drain(me);
  }
  for (std::size_t where = 0; where < 2; ++where) {
    const group::Groups& records = ends(kJudge, where).groups;
    for (std::uint32_t index = 0; index < records.count(); ++index) {
      if (index % ring::kHintsPerBucket == group::kRecordsPerBucket) continue;
      const bool waits = Machine::get().unobserved([&] { return records.read(index).occupied(); });
      if (waits) ledger.broken("a group waits for somebody who stands still");
    }
  }
}

/// The living finish, the dead are cleared up after; doing it again changes nothing.
void GroupMoveWorld::recover() {
  for (int who = 1; who < kJudge; ++who) {
    if (of(who).unfinished) shared.dead[who].store(1);
    if (shared.dead[who].load() == 0) read_again(who);
  }
  if (somebody_died && shared.clock.load() < kClockEnd / 2) {  // nobody sweeps for long
    consume_all(kJudge);
    ledger.judge_drained();
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

std::string GroupMoveWorld::check() {
  if (shared.dead[2].load() == 0) acknowledge(2);  // a lease that is live holds
  recover();
  ledger.leases_may_end();
  shared.clock.store(kClockEnd);
  drain(kJudge);
  ledger.judge_drained();
  if (ledger.verdict().empty()) judge_fresh();
  if (ledger.verdict().empty()) judge_rest();
  return ledger.verdict();
}

/// Each ring has room for as many as ever.
void GroupMoveWorld::judge_fresh() {
  for (std::size_t where = 0; where < 2; ++where) {
    for (std::uint32_t i = 0; i < kSlots; ++i) {
      const int id = 40 + static_cast<int>(where * kSlots + i);
      groups[static_cast<std::size_t>(id)] = 1 + static_cast<int>(i % 2);
      if (!send(kJudge, id, where, false)) ledger.broken("no room in a drained ring");
    }
  }
  drain(kJudge);
  ledger.judge_drained();
}

void GroupMoveWorld::judge_rest() {
  for (std::size_t where = 0; where < 2; ++where) {
    const ring::RingView& view = views[where];
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
      const ring::LeaseWord word = view.lease_word(slot);
      if (word.held()) ledger.broken("slot " + std::to_string(slot) + " is held for ever");
      const ring::Claim claim{view.claim(slot).load()};
      if (claim.lap() >= word.lap()) ledger.broken("a claim is left");
    }
    if (ends(kJudge, where).ring.hints.any()) ledger.broken("a hint of nothing stays for ever");
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

std::string GroupMoveWorld::describe(const void* address) const {
  const auto* at = static_cast<const std::byte*>(address);
  const auto in = [at](const void* place, std::size_t bytes) {
    const auto* first = static_cast<const std::byte*>(place);
    return at >= first && at < first + bytes;
  };
  for (std::size_t where = 0; where < 2; ++where) {
    const ring::RingView& view = views[where];
    const std::string ring = where == 0 ? "source " : "target ";
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
      const std::string number = std::to_string(slot);
      if (in(&view.claim(slot), 8)) return ring + "claim" + number;
      if (in(&view.lease(slot), 16)) return ring + "lease" + number;
      if (in(&view.next(slot), 8)) return ring + "next" + number;
      if (in(&view.slot(slot).publish, 8)) return ring + "publish" + number;
      if (in(&view.slot(slot), kStride)) return ring + "slot" + number;
    }
    if (in(view.buckets(), kGeometry.buckets * ring::kBucketBytes)) return ring + "record";
    if (in(&shared.rings[where], sizeof shared.rings[where])) return ring + "rest";
  }
  if (in(&shared.notes, sizeof shared.notes)) return "note";
  if (in(&shared.blocks, sizeof shared.blocks)) return "block";
  if (in(&shared.hazards, sizeof shared.hazards)) return "hazard";
  return {};
}

GroupMoveStage::GroupMoveStage() : world_(std::make_unique<GroupMoveWorld>()) {}
GroupMoveStage::~GroupMoveStage() = default;

Stage GroupMoveStage::stage(std::string name, std::function<void()> begin) {
  GroupMoveWorld& w = *world_;
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
  stage.describe = [&w](const void* address) { return w.describe(address); };
  return stage;
}

bool GroupMoveStage::send(int me, int id, int group, Where where, bool in_block) {
  world_->groups[static_cast<std::size_t>(id)] = group;
  return world_->send(me, id, static_cast<std::size_t>(where), in_block);
}
void GroupMoveStage::claim_only(int me) {
  std::uint64_t position = 0;
  world_->of(me).unfinished =
      world_->ends(me, 1).sender.claim(position) == ring::Sender::Claimed::kYes;
}
bool GroupMoveStage::receive(int me, Where where, bool in_place) {
  return world_->receive(me, static_cast<std::size_t>(where), in_place);
}
void GroupMoveStage::finish_reading(int me) { world_->read_again(me); }
void GroupMoveStage::acknowledge(int me) { world_->acknowledge(me); }
void GroupMoveStage::release(int me) {
  auto& held = world_->of(me).held;
  if (!held || held->settled) return;
  GroupMoveWorld::Ends& in = world_->ends(me, held->where);
  world_->ledger.begin_release(me, held->id);
  static_cast<void>(group::release(in.ring, in.groups, held->delivery, true, world_->settler(me)));
}
void GroupMoveStage::move(int me, std::uint32_t count) { world_->move(me, count); }
void GroupMoveStage::redrive(int me) { world_->redrive(me); }
void GroupMoveStage::move_second(int me) { world_->move_second(me); }
void GroupMoveStage::purge(int me) { world_->purge(me); }
void GroupMoveStage::sweep(int me) { world_->sweep(me); }
void GroupMoveStage::consume_all(int me) { world_->consume_all(me); }
void GroupMoveStage::tick() {
  world_->shared.clock.fetch_add(GroupMoveWorld::kTick);
  world_->ledger.leases_may_end();
}
void GroupMoveStage::die(int participant) {
  world_->shared.dead[participant].store(1);
  world_->ledger.holder_died(participant);
  world_->somebody_died = true;
}
Event GroupMoveStage::tick_event() {
  return {"tick", [this] { tick(); }, {{&world_->shared.clock, sizeof world_->shared.clock}}};
}

}  // namespace ringpost::rig
