#include "rig/lease_stage.hpp"

#include <cstring>
#include <stdexcept>
#include <utility>

#include "rig/lease_world.hpp"

namespace ringpost::rig {

LeaseWorld* LeaseWorld::active = nullptr;

namespace {

constexpr std::size_t kBlock = disk::kBlockBytes;
constexpr std::size_t kDiskBytes = kBlock * (1 + 2 * stream::kShardsInFile);
constexpr std::size_t kDiskUsed = kBlock * (1 + 2 * LeaseWorld::kShards);
constexpr std::uint32_t kParticipantsMax = 8;

std::uint64_t ns_of(Duration time) { return static_cast<std::uint64_t>(time.count()); }

}  // namespace

LeaseWorld::LeaseWorld() : disk(kDiskBytes) {
  auto opened = Bus::open("rig", {.participants_max = kParticipantsMax,
                                  .shm_dir = folder.path(),
                                  .state_dir = folder.path() / "state",
                                  .clock = &clock});
  if (!opened) throw std::runtime_error(opened.error().what);
  bus.emplace(std::move(*opened));
}

LeaseWorld::~LeaseWorld() { forget(); }

void LeaseWorld::forget() noexcept {
  for (Participant& each : participants) each = {};
}

void LeaseWorld::prepare() {
  active = this;
  forget();
  for (std::uint32_t index = 2; index < kParticipantsMax; ++index) entry(index).store(0);
  clock.now = 1'000 * ns_of(kFailover);
  std::memset(static_cast<void*>(rows.data()), 0, sizeof rows);
  std::memset(disk.data(), 0, kDiskUsed);
  disk_word.store(1);
  disk_seen = 0;
  has_file = may_take = is_late = forgets_finished = has_forgotten = false;
  shards.clear();
  from = {};
  verdict.clear();
  share(rows.data(), sizeof rows);
  share(&disk_word, sizeof disk_word);
  share(&client::Member::of(*bus).files().participant(0),
        kParticipantsMax * sizeof(shm::ParticipantRecord));
}

// ---- consumers

void LeaseWorld::open(int me) {
  begin(me);
  std::array<bool, kParticipantsMax> was_live{};
  const auto is_live = [this](std::uint32_t index) {
    return shm::EntryWord{entry(index).load()}.live();
  };
  Machine::get().unobserved([&] {
    for (std::uint32_t i = 1; i < kParticipantsMax; ++i) was_live[i] = is_live(i);
    return 0;
  });
  auto core = detail::ConsumerCore::open(
      *bus, "s", "g",
      {.from = from, .failover = kFailover, .hand_over = kHandOver, .records_max = 1});
  if (!core) return broken(std::string("a consumer cannot join: ") + core.error().what);
  of(me).core = std::move(*core);
  Machine::get().unobserved([&] {
    for (std::uint32_t i = 1; i < kParticipantsMax; ++i) {
      if (was_live[i] || !is_live(i)) continue;
      of(me).owner = stream::LeaseOwner::of(i, shm::EntryWord{entry(i).load()}.incarnation());
    }
    return 0;
  });
  end(me);
}

std::optional<Delivery::Kind> LeaseWorld::poll(int me) {
  if (!can_act(me)) return std::nullopt;
  begin(me);
  auto polled = of(me).core->poll(Duration::zero());
  if (!polled) {
    broken(std::string("a poll says: ") + polled.error().what);
    return std::nullopt;
  }
  std::optional<Delivery::Kind> told;
  if (*polled) {
    told = (*polled)->kind;
    judge_delivery(me, **polled);
    of(me).last[(*polled)->shard] = std::move(**polled);
  }
  end(me);
  return told;
}

void LeaseWorld::checkpoint(int me) {
  if (!can_act(me)) return;
  for (std::optional<Delivery>& last : of(me).last) {
    if (!last) continue;
    const Delivery::Kind kind = last->kind;
    if (kind == Delivery::Kind::kRecords || kind == Delivery::Kind::kShardEnd) {
      begin(me);
      const auto done = of(me).core->checkpoint(*last);
      judge_checkpoint(me, *last, done);
      end(me);
    }
    // The shard is nobody's now.
    if (kind != Delivery::Kind::kShardEnd && kind != Delivery::Kind::kLost) continue;
    of(me).holds[last->shard].until = 0;
    last.reset();
  }
}

void LeaseWorld::begin(int me) {
  for (std::uint32_t shard = 0; shard < kShards; ++shard) {
    Participant::Hold& hold = of(me).holds[shard];
    hold.told_now = false;
    hold.at_begin = !of(me).owner.is_nobody() && is_mine(me, shard);
  }
}

/// Whoever has changed the word of his lease has it for a while.
void LeaseWorld::end(int me) {
  for (std::uint32_t shard = 0; shard < kShards; ++shard) {
    Participant::Hold& hold = of(me).holds[shard];
    const stream::LeaseWord word = Machine::get().unobserved([&] { return rows[shard].read(); });
    hold.before = word.owner() == of(me).owner && !of(me).owner.is_nobody();
    if (!hold.at_begin && hold.before && !hold.told_now) hold.told = false;
    if (hold.before && word.counter() != hold.counter) hold.until = clock.now + ns_of(kFailover);
    hold.counter = word.counter();
  }
  judge_rows();
}

void LeaseWorld::die(int who) {
  of(who).is_dead = true;
  const std::uint32_t index = of(who).owner.index();
  if (index == 0) return;
  const shm::EntryWord was{entry(index).load()};
  if (was.live()) entry(index).store(shm::EntryWord::of(was.incarnation() + 1, false).word);
}

std::string LeaseWorld::describe(const void* address) const {
  const auto* at = static_cast<const std::byte*>(address);
  const auto is_in = [at](const void* begin, std::size_t bytes) {
    const auto* first = static_cast<const std::byte*>(begin);
    return at >= first && at < first + bytes;
  };
  if (is_in(&disk_word, sizeof disk_word)) return "disk";
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (is_in(&rows[i].lease, sizeof rows[i].lease)) return "lease" + std::to_string(i);
    if (is_in(&rows[i].wanted, sizeof rows[i].wanted)) return "wanted" + std::to_string(i);
    if (is_in(&rows[i], sizeof rows[i])) return "row" + std::to_string(i);
  }
  return "participants";
}

// ---- the stage

LeaseStage::LeaseStage() : world_(std::make_unique<LeaseWorld>()) {}
LeaseStage::~LeaseStage() = default;

Stage LeaseStage::stage(std::string name, std::function<void()> begin) {
  Stage stage;
  LeaseWorld& w = *world_;
  stage.name = std::move(name);
  stage.setup = [&w, begin = std::move(begin)] {
    w.prepare();
    begin();
    if (!w.verdict.empty()) fail(w.verdict);
  };
  stage.on_death = [&w](int participant) { w.die(participant); };
  stage.liveness = {{&w.entry(2), (kParticipantsMax - 2) * sizeof(shm::ParticipantRecord)}};
  stage.check = [&w] { return w.check(); };
  stage.describe = [&w](const void* address) { return w.describe(address); };
  return stage;
}

void LeaseStage::open(int me) { world_->open(me); }
void LeaseStage::poll(int me) { world_->poll(me); }
void LeaseStage::work(int me) {
  while (world_->poll(me) == Delivery::Kind::kLost) continue;
  world_->checkpoint(me);
}
void LeaseStage::checkpoint(int me) { world_->checkpoint(me); }
void LeaseStage::renew(int me) {
  if (!world_->can_act(me)) return;
  world_->begin(me);
  world_->of(me).core->renew();
  world_->end(me);
}
void LeaseStage::stop(int me) {
  if (!world_->can_act(me)) return;
  world_->begin(me);
  world_->of(me).core->stop();
  world_->of(me).last = {};
  world_->end(me);
  for (auto& each : world_->of(me).holds) each.until = 0;
}

void LeaseStage::begin_at(const From& from) { world_->from = from; }
void LeaseStage::shard(std::uint32_t records, bool open, int parent, int adjacent) {
  world_->shards.push_back({records, open, parent, adjacent});
  if (world_->from.kind == From::Kind::kLatest && parent < 0) {
    world_->shards.back().base = records + 1;
  }
}
void LeaseStage::put(std::uint32_t shard, std::uint32_t records) {
  world_->shards[shard].records += records;
}
void LeaseStage::close(std::uint32_t shard) { world_->shards[shard].open = false; }
void LeaseStage::pass(int tenths) {
  world_->clock.now += static_cast<std::uint64_t>(tenths) * ns_of(LeaseWorld::kFailover) / 10;
}
void LeaseStage::may_take(bool is_late) {
  world_->may_take = true;
  world_->is_late = is_late;
}
void LeaseStage::forget_finished() { world_->forgets_finished = true; }
void LeaseStage::die(int participant) { world_->die(participant); }
void LeaseStage::reboot() {
  LeaseWorld& w = *world_;
  w.forget();
  for (std::uint32_t index = 2; index < kParticipantsMax; ++index) w.entry(index).store(0);
  std::memset(static_cast<void*>(w.rows.data()), 0, sizeof w.rows);
  for (LeaseWorld::Shard& each : w.shards) {
    each.next = 0;
    each.confirmed_before = each.confirmed;
  }
}

}  // namespace ringpost::rig
