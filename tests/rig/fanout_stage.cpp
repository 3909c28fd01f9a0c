#include "rig/fanout_stage.hpp"

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <utility>

#include "client/member.hpp"
#include "queue/settings.hpp"
#include "rig/ledger.hpp"
#include "rig/runtime.hpp"
#include "ring/move.hpp"
#include "ring/sweep.hpp"
#include "topic/fanout.hpp"
#include "topic/fanout_sweep.hpp"

namespace ringpost::rig {

using namespace std::chrono_literals;

namespace {

constexpr std::uint32_t kSlotsShared = 4;
constexpr std::uint32_t kBlocksShared = 6;
constexpr std::size_t kPublishesMax = 8;

std::string text_of(int id) {
  return std::to_string(id) + ":" + std::string(40, static_cast<char>('a' + id % 26));
}

class NobodyElse final : public queue::Housekeeper {
  void clear_up() noexcept override {}
};

}  // namespace

struct FanoutStage::World final : topic::OpenQueues {
  struct Participant {
    std::unique_ptr<shm::Participant> self;
    // Of one run; destroyed before the next, when nobody cares what becomes of shared memory.
    std::unique_ptr<shm::Arena> arena;
    std::array<std::unique_ptr<detail::QueueCore>, kQueues> cores;
    std::unique_ptr<topic::Fanout> fanout;
    Leases* held = nullptr;
    int held_id = 0;
    int held_in = 0;
  };
  /// What became of a publish, and where each of its deliveries may be.
  struct Publish {
    int id = 0;
    std::vector<To> to;
    bool answered = false;
    bool moves = false;     ///< a delivery may move on to the dead letters
    bool happened = false;  ///< of one that moves: it was accepted
  };
  struct Kept {
    std::byte* at;
    std::vector<std::byte> bytes;
  };

  struct LeaseMemory {
    alignas(Leases) std::byte bytes[sizeof(Leases)];
  };

  World();
  ~World() override;
  Leases* new_leases();
  void forget_run();
  void prepare();
  void share_all();
  void keep(void* at, std::size_t bytes);
  void publish(int me, int id, const std::vector<To>& to);
  bool receive(int me, int queue, bool* empty = nullptr);
  void acknowledge(int me, bool by_receipt);
  void finish_reading(int me);
  void purge(int me, int queue);
  void sweep(int me);
  void clear_up_after(int me, int who);
  std::string check();
  void recover();
  void drain();
  void judge_publishes();
  void judge_rest();
  std::string describe(const void* address);

  [[nodiscard]] Participant& of(int who) { return participants[static_cast<std::size_t>(who)]; }
  [[nodiscard]] queue::QueueMapping& mapping(int queue) {
    return *mappings[static_cast<std::size_t>(queue)];
  }
  [[nodiscard]] const ring::RingView& view(int queue) { return mapped(queue).view; }
  [[nodiscard]] queue::MappedRing& mapped(int queue) {
    return *rings[static_cast<std::size_t>(queue)];
  }
  [[nodiscard]] ring::Surroundings around(int me, int queue) {
    queue::QueueHeader& header = mapping(queue).header();
    return {header.senders, header.receivers, context->files->hazards(), *of(me).arena, false};
  }
  [[nodiscard]] queue::Membership membership(int me) {
    return {*of(me).self, *of(me).arena, context->queues, nobody_else, nullptr};
  }
  [[nodiscard]] static int key(int id, int queue) { return id * 4 + queue; }
  [[nodiscard]] int find_ring(std::uint64_t ring_id) {
    for (int q = 0; q < kQueues; ++q) {
      if (mapped(q).ring_id == ring_id) return q;
    }
    return -1;
  }

  // topic::OpenQueues
  std::shared_ptr<queue::QueueMapping> queue(std::uint64_t queue_id) override {
    for (const auto& each : mappings) {
      if (each->queue_id() == queue_id) return each;
    }
    return nullptr;
  }
  bool publish(const shm::BackReference& where) override {
    const int q = find_ring(where.ring_id);
    if (q < 0) return true;
    ring::Ring ring(view(q), around(sweeping, q));
    ring::publish_named(ring, where.slot, where.lap);
    return true;
  }
  bool is_gone(const shm::BackReference& where) override {
    const int q = find_ring(where.ring_id);
    return q >= 0 && ring::is_gone(view(q), where.slot, where.lap);
  }
  bool look_again() override { return true; }
  bool has_all() override { return true; }
  Result<std::shared_ptr<topic::Turn>> turn(std::uint64_t /*topic_id*/) override {
    return Unexpected(Error{.code = Errc::kNotFound});
  }

  std::filesystem::path directory;
  ManualClock clock;
  std::shared_ptr<client::Context> context;
  NobodyElse nobody_else;
  std::array<Participant, kJudge + 1> participants;
  std::array<std::shared_ptr<queue::QueueMapping>, kQueues> mappings;
  std::array<std::shared_ptr<queue::MappedRing>, kQueues> rings;
  std::vector<Kept> image;
  std::vector<std::unique_ptr<LeaseMemory>> lease_memory;
  Ledger ledger;
  std::vector<Publish> publishes;
  std::atomic<std::uint32_t> dead[kJudge + 1] = {};
  std::array<bool, kQueues> may_refuse{};
  std::array<bool, Ledger::kMessagesMax> may_be_gone{};  ///< purged, or about to be
  int sweeping = 0;
  bool buries = false;
};

FanoutStage::World::World() {
  std::string name = std::filesystem::temp_directory_path() / "ringpost-rig-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no directory for the bus");
  directory = name;
  const auto files =
      shm::BusFiles::open("rig", {.participants_max = 8, .shm_dir = name, .clock = &clock});
  if (!files) throw std::runtime_error(message(files.error().code));
  context = std::make_shared<client::Context>(*files);
  for (int who = 1; who <= kJudge; ++who) {
    auto self = shm::Participant::attach(context->files);
    if (!self) throw std::runtime_error(message(self.error().code));
    of(who).self = std::move(*self);
  }
  for (int q = kQueues - 1; q >= 0; --q) {
    QueueSettings settings{
        .visibility_timeout = 10s, .slots = 64, .inline_bytes = 40, .fixed = true};
    if (q == 0) settings.redrive = RedrivePolicy{"q2", 1};
    auto made = context->queues.create(*of(1).self, "q" + std::to_string(q),
                                       queue::with_defaults(settings));
    if (!made) throw std::runtime_error(message(made.error().code));
    mappings[static_cast<std::size_t>(q)] = *made;
    rings[static_cast<std::size_t>(q)] = (*made)->ring(0);
  }
  {
    shm::Arena arena(context->segments, *of(1).self);
    shm::Block block;
    shm::BlockRef ref;
    shm::Share* share = nullptr;
    static_cast<void>(arena.allocate(100, block));
    static_cast<void>(arena.allocate_share(ref, share));
    arena.abandon(block.ref);
    arena.abandon(ref);
  }
  mapping(0).header().settings.receives_max.store(0);
  for (int q = 0; q < kQueues; ++q) {
    keep(&mapping(q).header(), queue::kQueueFileBytes);
    keep(view(q).memory(), view(q).geometry().file_bytes);
  }
  for (const std::uint32_t c : {0u, shm::kShareClass}) {
    const auto& segment = *context->segments->segment(c, 0);
    keep(segment.mapping.data(), segment.mapping.bytes());
  }
  keep(&context->files->header().deliveries_wait, sizeof(std::uint32_t));
  for (int who = 1; who <= kJudge; ++who) {
    auto& record = context->files->participant(of(who).self->index());
    keep(&record.hazards, sizeof record.hazards);
    keep(&record.move, sizeof record.move);
  }
}

void FanoutStage::World::forget_run() {
  lease_memory.clear();
  for (Participant& each : participants) {
    each.fanout.reset();
    for (auto& core : each.cores) core.reset();
    each.arena.reset();
  }
}

FanoutStage::World::~World() {
  forget_run();
  for (Participant& each : participants) each.self.reset();
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
}

void FanoutStage::World::keep(void* at, std::size_t bytes) {
  auto* begin = static_cast<std::byte*>(at);
  image.push_back({begin, {begin, begin + bytes}});
}

/// Not destroyed, for their holder may have been in the middle of something: their memory is freed.
Leases* FanoutStage::World::new_leases() {
  lease_memory.push_back(std::make_unique<LeaseMemory>());
  return new (lease_memory.back()->bytes) Leases;
}

void FanoutStage::World::prepare() {
  forget_run();
  for (const Kept& each : image) std::memcpy(each.at, each.bytes.data(), each.bytes.size());
  std::construct_at(&clock);
  ledger.clear();
  publishes.clear();
  publishes.reserve(kPublishesMax);
  may_refuse = {};
  buries = false;
  may_be_gone = {};
  for (auto& each : dead) each.store(0);
  for (int who = 1; who <= kJudge; ++who) {
    Participant& p = of(who);
    std::construct_at(&p.self->hazards(), context->files->participant(p.self->index()).hazards);
    p.arena = std::make_unique<shm::Arena>(context->segments, *p.self);
    for (int q = 0; q < kQueues; ++q) {
      auto core = detail::QueueCore::open(membership(who), mappings[static_cast<std::size_t>(q)]);
      if (!core) throw std::runtime_error(message(core.error().code));
      p.cores[static_cast<std::size_t>(q)] = std::move(*core);
    }
    p.fanout = std::make_unique<topic::Fanout>(membership(who));
    p.held = nullptr;
    p.held_id = 0;
  }
  share_all();
}

void FanoutStage::World::share_all() {
  for (int q = 0; q < kQueues; ++q) {
    share(&view(q).claim(0), kSlotsShared * 8);
    share(&view(q).lease(0), kSlotsShared * 16);
    share(&view(q).slot(0), kSlotsShared * view(q).geometry().stride);
  }
  for (const std::uint32_t c : {0u, shm::kShareClass}) {
    const auto& segment = *context->segments->segment(c, 0);
    share(&segment.descriptor(0), kBlocksShared * sizeof(shm::BlockDescriptor));
    if (c == shm::kShareClass) share(segment.data, kBlocksShared * sizeof(shm::Share));
  }
  share(&context->files->header().deliveries_wait, sizeof(std::uint32_t));
  for (int who = 1; who <= kJudge; ++who) {
    share(&context->files->participant(of(who).self->index()).hazards, 32);
  }
  share(&dead, sizeof dead);
}

void FanoutStage::World::publish(int me, int id, const std::vector<To>& to) {
  Participant& p = of(me);
  const std::size_t index = publishes.size();
  publishes.push_back({id, to, false, buries});
  std::vector<topic::Target> targets;
  for (const To& each : to) {
    const bool diverts = each.full == Full::kDeadLetters;
    targets.push_back(
        {.queue = p.cores[static_cast<std::size_t>(each.queue)].get(),
         .when_full = each.full == Full::kFails ? topic::WhenFull::kFail : topic::WhenFull::kRefuse,
         .dead_letters = diverts ? p.cores[kQueues - 1].get() : nullptr});
    ledger.begin_send(key(id, each.queue));
    if (diverts || buries) ledger.begin_send(key(id, kQueues - 1));
  }
  const std::string text = text_of(id);
  const topic::Message message{as_bytes(text)};
  const auto published = p.fanout->publish({&message, 1}, targets, {});
  publishes[index].happened = published.has_value();
  if (buries) return;
  publishes[index].answered = true;
  for (std::size_t i = 0; i < to.size(); ++i) {
    const bool here = published && targets[i].outcome == Errc::kOk && !targets[i].dead_lettered;
    ledger.end_send(key(id, to[i].queue), here);
    if (to[i].full != Full::kDeadLetters) continue;
    ledger.end_send(key(id, kQueues - 1), published && targets[i].dead_lettered);
  }
}

bool FanoutStage::World::receive(int me, int queue, bool* empty) {
  Participant& p = of(me);
  Leases* const leases = new_leases();
  const std::uint32_t began = ledger.begin_receive();
  const Errc code =
      p.cores[static_cast<std::size_t>(queue)]->receive(*leases, {.visibility_timeout = 10s});
  if (empty != nullptr) *empty = code != Errc::kOk;
  if (code != Errc::kOk) return false;
  const std::string text(leases->front().text());
  p.held = leases;
  p.held_id = std::atoi(text.c_str());
  p.held_in = queue;
  if (p.held_id != 0) ledger.received(me, key(p.held_id, queue), text == text_of(p.held_id), began);
  return true;
}

void FanoutStage::World::acknowledge(int me, bool by_receipt) {
  Participant& p = of(me);
  if (p.held == nullptr) return;
  const int id = key(p.held_id, p.held_in);
  if (p.held_id != 0) ledger.begin_acknowledge(me, id);
  detail::QueueCore& core = *p.cores[static_cast<std::size_t>(p.held_in)];
  Errc code = Errc::kOk;
  if (by_receipt) {
    code = core.acknowledge(core.receipt_of(p.held->front()));
  } else {
    code = p.held->front().acknowledge();
    p.held = nullptr;
  }
  if (p.held_id != 0) ledger.end_acknowledge(me, id, code == Errc::kOk);
}

void FanoutStage::World::finish_reading(int me) {
  Participant& p = of(me);
  if (p.held == nullptr) return;
  if (p.held->front().text() != text_of(p.held_id)) {
    ledger.broken("message " + std::to_string(p.held_id) + " changed while participant " +
                  std::to_string(me) + " read it in place");
  }
  p.held->clear();
  p.held = nullptr;
}

/// As QueueCore::purge, which does not say what it removed.
void FanoutStage::World::purge(int me, int queue) {
  ring::Ring ring(view(queue), around(me, queue));
  for (std::uint32_t slot = 0; slot < kSlotsShared; ++slot) {
    const std::uint64_t lap = view(queue).slot(slot).publish.load(std::memory_order_acquire);
    if (lap == 0) continue;
    const int id = Machine::get().unobserved([&] {
      shm::BlockRef ref{};
      bool has_block = false;
      ring::read_block_ref(view(queue), slot, ref, has_block);
      const std::byte* content = has_block ? of(me).arena->data(ref, 40) : nullptr;
      return content != nullptr ? std::atoi(reinterpret_cast<const char*>(content)) : 0;
    });
    if (id == 0) continue;
    ledger.begin_remove(key(id, queue));
    may_be_gone[static_cast<std::size_t>(key(id, queue))] = true;
    ledger.end_remove(key(id, queue), ring::discard(ring, slot, lap));
  }
}

void FanoutStage::World::sweep(int me) {
  for (int who = 1; who <= kJudge; ++who) {
    if (dead[who].load(std::memory_order_acquire) != 0) clear_up_after(me, who);
  }
  sweeping = me;
  if (topic::FanoutSweep::deliveries_wait(*context->files)) {
    topic::FanoutSweep(membership(me), *this).complete();
  }
}

/// As client/sweep.cpp.
void FanoutStage::World::clear_up_after(int me, int who) {
  sweeping = me;
  const std::uint16_t index = of(who).self->index();
  auto& record = context->files->participant(index);
  {
    ring::Ring source(view(0), around(me, 0));
    ring::Ring target(view(kQueues - 1), around(me, kQueues - 1));
    ring::finish_move({&source, &target}, index, record.move);
  }
  topic::FanoutSweep fanouts(membership(me), *this);
  if (!fanouts.settle(index)) return;
  for (int q = 0; q < kQueues; ++q) {
    ring::Ring ring(view(q), around(me, q));
    ring::sweep_participant(ring, index);
  }
  fanouts.complete();
  of(me).arena->sweep(index, [&](const shm::BackReference& where) { return is_gone(where); });
  fanouts.end_gone();
  for (auto& entry : record.hazards.entries) {
    if (entry.load(std::memory_order_relaxed) != 0) entry.store(0, std::memory_order_release);
  }
}

/// The living finish, the dead are cleared up after.
void FanoutStage::World::recover() {
  for (int who = 1; who < kJudge; ++who) {
    if (dead[who].load() == 0) finish_reading(who);
  }
  sweep(kJudge);
  for (int q = 0; q < kQueues; ++q) {  // limbo that nobody reads any more
    ring::Ring ring(view(q), around(kJudge, q));
    ring::repair_hints(ring);
  }
}

void FanoutStage::World::drain() {
  for (int q = 0; q < kQueues; ++q) {
    for (bool empty = false; !empty && ledger.verdict().empty();) {
      if (receive(kJudge, q, &empty)) acknowledge(kJudge, false);
    }
  }
}

std::string FanoutStage::World::check() {
  recover();
  ledger.leases_may_end();
  clock.advance(20s);
  drain();
  recover();  // there is room now
  drain();
  ledger.judge_drained();
  if (ledger.verdict().empty()) judge_publishes();
  // And everything works on.
  if (ledger.verdict().empty()) {
    publish(kJudge, 15, {{0, Full::kFails}, {1, Full::kFails}, {2, Full::kFails}});
    drain();
    ledger.judge_drained();
    if (!publishes.empty()) judge_publishes();
  }
  recover();
  if (ledger.verdict().empty()) judge_rest();
  return ledger.verdict();
}

/// All of its deliveries or none. The answered are the ledger's.
void FanoutStage::World::judge_publishes() {
  for (const Publish& each : publishes) {
    int there = 0;
    int wanted = 0;
    for (const To& to : each.to) {
      int count = ledger.deliveries(key(each.id, to.queue));
      if (may_be_gone[static_cast<std::size_t>(key(each.id, to.queue))]) continue;
      if (to.full == Full::kDeadLetters || each.moves)
        count += ledger.deliveries(key(each.id, kQueues - 1));
      const bool may_miss =
          to.full == Full::kRefuses && may_refuse[static_cast<std::size_t>(to.queue)];
      there += count != 0 ? 1 : 0;
      wanted += count != 0 || !may_miss ? 1 : 0;
    }
    const bool none = there == 0 && !each.happened;
    if (each.answered || none || there == wanted) continue;
    ledger.broken("of publish " + std::to_string(each.id) + " " + std::to_string(there) +
                  " deliveries were made and not " + std::to_string(wanted));
  }
}

void FanoutStage::World::judge_rest() {
  for (int q = 0; q < kQueues; ++q) {
    for (std::uint32_t slot = 0; slot < view(q).slots(); ++slot) {
      const ring::LeaseWord word = view(q).lease_word(slot);
      if (word.held()) {
        ledger.broken("slot " + std::to_string(slot) + " of queue " + std::to_string(q) +
                      " is held for ever");
      }
      if (ring::Claim{view(q).claim(slot).load()}.lap() >= word.lap()) {
        ledger.broken("a claim of queue " + std::to_string(q) + " is left");
      }
    }
  }
  of(kJudge).arena->for_each_block([&](const shm::BlockLook& block) {
    if (block.state == shm::BlockState::kFree) return;
    ledger.broken(block.ref.block >> 40 == shm::kShareClass ? "a share leaks" : "a block leaks");
  });
  if (topic::FanoutSweep::deliveries_wait(*context->files)) {
    ledger.broken("somebody is said to wait for room");
  }
  for (int who = 1; who <= kJudge; ++who) {
    const auto& record = context->files->participant(of(who).self->index());
    for (const auto& entry : record.hazards.entries) {
      if (entry.load() != 0) ledger.broken("a hazard entry leaks");
    }
  }
}

std::string FanoutStage::World::describe(const void* address) {
  const auto* at = static_cast<const std::byte*>(address);
  const auto in = [at](const void* place, std::size_t bytes) {
    const auto* first = static_cast<const std::byte*>(place);
    return at >= first && at < first + bytes;
  };
  for (int q = 0; q < kQueues; ++q) {
    const std::string queue = "q" + std::to_string(q) + " ";
    for (std::uint32_t slot = 0; slot < kSlotsShared; ++slot) {
      const std::string number = std::to_string(slot);
      if (in(&view(q).claim(slot), 8)) return queue + "claim" + number;
      if (in(&view(q).lease(slot), 16)) return queue + "lease" + number;
      if (in(&view(q).slot(slot), 8)) return queue + "publish" + number;
      if (in(&view(q).slot(slot), view(q).geometry().stride)) return queue + "slot" + number;
    }
  }
  for (const std::uint32_t c : {0u, shm::kShareClass}) {
    const auto& segment = *context->segments->segment(c, 0);
    for (std::uint32_t i = 0; i < kBlocksShared; ++i) {
      const std::string what = (c == 0 ? "block" : "share") + std::to_string(i);
      const shm::BlockDescriptor& descriptor = segment.descriptor(i);
      if (in(&descriptor.deliveries, 8)) return what + " bits";
      if (in(&descriptor, sizeof descriptor)) return what + " state";
      if (c == 0 || !in(segment.data + i * sizeof(shm::Share), sizeof(shm::Share))) continue;
      const auto* share = reinterpret_cast<const shm::Share*>(segment.data) + i;
      for (std::uint32_t n = 0; n < kQueues; ++n) {
        if (in(&share->entries[n], 16)) return what + " entry" + std::to_string(n);
      }
      return what + " fields";
    }
  }
  return {};
}

FanoutStage::FanoutStage() : world_(std::make_unique<World>()) {}
FanoutStage::~FanoutStage() = default;

Stage FanoutStage::stage(std::string name, std::function<void()> begin) {
  World& w = *world_;
  Stage stage;
  stage.name = std::move(name);
  stage.setup = [&w, begin = std::move(begin)] {
    w.prepare();
    begin();
    if (!w.ledger.verdict().empty()) fail(w.ledger.verdict());
  };
  stage.on_death = [this](int participant) { die(participant); };
  stage.liveness = {{&w.dead, sizeof w.dead}};
  stage.check = [&w] { return w.check(); };
  stage.describe = [&w](const void* address) { return w.describe(address); };
  return stage;
}

void FanoutStage::publish(int me, int id, const std::vector<To>& to) {
  world_->publish(me, id, to);
}
bool FanoutStage::receive(int me, int queue) { return world_->receive(me, queue); }
void FanoutStage::acknowledge(int me) { world_->acknowledge(me, false); }
void FanoutStage::acknowledge_while_reading(int me) { world_->acknowledge(me, true); }
void FanoutStage::finish_reading(int me) { world_->finish_reading(me); }
void FanoutStage::purge(int me, int queue) { world_->purge(me, queue); }
void FanoutStage::sweep(int me) { world_->sweep(me); }
void FanoutStage::fill(int queue) {
  World& w = *world_;
  detail::QueueCore& core = *w.of(4).cores[static_cast<std::size_t>(queue)];
  while (core.send(as_bytes("0"), {})) {
  }
  w.may_refuse[static_cast<std::size_t>(queue)] = true;
}
void FanoutStage::drain_one(int me, int queue) {
  if (world_->receive(me, queue)) world_->acknowledge(me, false);
}
void FanoutStage::go_round(int me, int queue) {
  World& w = *world_;
  for (std::uint32_t i = 0; i < w.view(queue).slots(); ++i) {
    if (!w.of(me).cores[static_cast<std::size_t>(queue)]->send(as_bytes("0"), {})) return;
    if (w.receive(me, queue)) w.acknowledge(me, false);
  }
}
void FanoutStage::bury_from_now_on() {
  world_->mapping(0).header().settings.receives_max.store(1);
  world_->buries = true;
}
void FanoutStage::tick() {
  world_->clock.advance(20s);
  world_->ledger.leases_may_end();
}
void FanoutStage::die(int participant) {
  world_->dead[participant].store(1);
  world_->ledger.holder_died(participant);
}

}  // namespace ringpost::rig
