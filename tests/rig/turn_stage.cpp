#include "rig/turn_stage.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include "client/member.hpp"
#include "group/sweep.hpp"
#include "queue/settings.hpp"
#include "rig/ledger.hpp"
#include "rig/runtime.hpp"
#include "topic/fanout_sweep.hpp"
#include "topic/ordered_fanout.hpp"

namespace ringpost::rig {

using namespace std::chrono_literals;

namespace {

constexpr std::uint32_t kSlots = 64;
constexpr std::uint32_t kSlotsShared = 6;
constexpr std::uint32_t kBlocksShared = 40;  // eight for each participant that allocates
constexpr std::uint64_t kTopic = 7;
constexpr std::uint32_t kIds = 64;
constexpr int kLast = 15;  // the messages that the judge publishes
constexpr int kLastWithId = 14;
constexpr std::string_view kId = "id";

std::string text_of(int id) {
  return std::to_string(id) + ":" + std::string(40, static_cast<char>('a' + id % 26));
}

class NobodyElse final : public queue::Housekeeper {
  void clear_up() noexcept override {}
};

}  // namespace

struct TurnStage::World final : topic::OpenQueues {
  struct Participant {
    std::unique_ptr<shm::Participant> self;
    // Of one run; destroyed before the next, when nobody cares what becomes of shared memory.
    std::unique_ptr<shm::Arena> arena;
    std::array<std::unique_ptr<detail::QueueCore>, kQueues> cores;
    std::unique_ptr<topic::OrderedFanout> fanout;
    Leases* held = nullptr;
    int held_id = 0;
    int held_in = 0;
  };
  struct Publish {
    int id = 0;
    bool with_id = false;
    Full full = Full::kRefuses;
    bool answered = false;
    bool happened = false;
    bool duplicate = false;
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
  void make_queues();
  void forget_run();
  void prepare();
  void share_all();
  void keep(void* at, std::size_t bytes);
  bool publish(int me, int id, bool with_id, Full full);
  bool receive(int me, int queue, bool* empty = nullptr);
  void acknowledge(int me);
  void finish_reading(int me);
  void sweep(int me);
  void clear_up_after(int me, int who);
  std::string check();
  void recover();
  void drain();
  void judge_publishes();
  void judge_ids();
  void judge_order();
  void judge_rest();
  std::string describe(const void* address);

  [[nodiscard]] Participant& of(int who) { return participants[static_cast<std::size_t>(who)]; }
  [[nodiscard]] queue::QueueMapping& mapping(int queue) {
    return *mappings[static_cast<std::size_t>(queue)];
  }
  [[nodiscard]] queue::MappedRing& mapped(int queue) {
    return *rings[static_cast<std::size_t>(queue)];
  }
  [[nodiscard]] const ring::RingView& view(int queue) { return mapped(queue).view; }
  [[nodiscard]] ring::Surroundings around(int me, int queue) {
    queue::QueueHeader& header = mapping(queue).header();
    return {header.senders, header.receivers,       context->files->hazards(), *of(me).arena,
            false,          context->files->moves()};
  }
  [[nodiscard]] queue::Membership membership(int me) {
    return {*of(me).self, *of(me).arena, context->queues, nobody_else, nullptr};
  }
  [[nodiscard]] static int key(int id, int queue) { return id * 4 + queue; }
  [[nodiscard]] int delivered(int id, int queue) { return ledger.deliveries(key(id, queue)); }

  // topic::OpenQueues
  std::shared_ptr<queue::QueueMapping> queue(std::uint64_t queue_id) override {
    for (const auto& each : mappings) {
      if (each->queue_id() == queue_id) return each;
    }
    return nullptr;
  }
  bool publish(const shm::BackReference& /*where*/) override { return true; }
  bool is_gone(const shm::BackReference& where) override {
    for (int q = 0; q < kQueues; ++q) {
      if (mapped(q).ring_id == where.ring_id) return ring::is_gone(view(q), where.slot, where.lap);
    }
    return true;
  }
  bool look_again() override { return true; }
  bool has_all() override { return true; }
  Result<std::shared_ptr<topic::Turn>> turn(std::uint64_t /*topic_id*/) override { return turn_; }

  std::filesystem::path directory;
  ManualClock clock;
  std::shared_ptr<client::Context> context;
  NobodyElse nobody_else;
  std::shared_ptr<topic::Turn> turn_;
  std::array<Participant, kJudge + 1> participants;
  std::array<std::shared_ptr<queue::QueueMapping>, kQueues> mappings;
  std::array<std::shared_ptr<queue::MappedRing>, kQueues> rings;
  std::vector<Kept> image;
  std::vector<std::unique_ptr<LeaseMemory>> lease_memory;
  Ledger ledger;
  std::vector<Publish> publishes;
  std::array<std::vector<int>, kQueues> order;  ///< in which messages were first received
  std::atomic<std::uint32_t> dead[kJudge + 1] = {};
  bool is_full = false;
};

TurnStage::World::World() {
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
  make_queues();
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
  for (int q = 0; q < kQueues; ++q) {
    keep(&mapping(q).header(), queue::kQueueFileBytes);
    keep(view(q).memory(), view(q).geometry().file_bytes);
  }
  keep(turn_->mapping().data(), turn_->mapping().bytes());
  for (const std::uint32_t c : {0u, shm::kShareClass}) {
    const auto& segment = *context->segments->segment(c, 0);
    keep(segment.mapping.data(), segment.mapping.bytes());
  }
  keep(&context->files->header().deliveries_wait, sizeof(std::uint32_t));
  for (int who = 1; who <= kJudge; ++who) {
    auto& record = context->files->participant(of(who).self->index());
    keep(&record.hazards, sizeof record.hazards);
  }
}

void TurnStage::World::make_queues() {
  for (int q = kQueues - 1; q >= 0; --q) {
    const QueueSettings settings{
        .visibility_timeout = 10s, .slots = kSlots, .inline_bytes = 40, .fifo = true};
    auto made = context->queues.create(*of(1).self, "q" + std::to_string(q),
                                       queue::with_defaults(settings));
    if (!made) throw std::runtime_error(message(made.error().code));
    mappings[static_cast<std::size_t>(q)] = *made;
    rings[static_cast<std::size_t>(q)] = (*made)->ring(0);
  }
  const auto made = topic::Turn::make(*of(1).self, kTopic, kIds, 300'000'000'000);
  auto opened = topic::Turn::open(*context->files, kTopic);
  if (!made || !opened) throw std::runtime_error("no turn");
  turn_ = std::move(*opened);
}

void TurnStage::World::forget_run() {
  lease_memory.clear();
  for (Participant& each : participants) {
    each.fanout.reset();
    for (auto& core : each.cores) core.reset();
    each.arena.reset();
  }
}

TurnStage::World::~World() {
  forget_run();
  for (Participant& each : participants) each.self.reset();
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
}

void TurnStage::World::keep(void* at, std::size_t bytes) {
  auto* begin = static_cast<std::byte*>(at);
  image.push_back({begin, {begin, begin + bytes}});
}

/// Not destroyed, for their holder may have been in the middle of something: their memory is freed.
Leases* TurnStage::World::new_leases() {
  lease_memory.push_back(std::make_unique<LeaseMemory>());
  return new (lease_memory.back()->bytes) Leases;
}

void TurnStage::World::prepare() {
  forget_run();
  for (const Kept& each : image) std::memcpy(each.at, each.bytes.data(), each.bytes.size());
  std::construct_at(&clock);
  ledger.clear();
  publishes.clear();
  publishes.reserve(8);
  for (auto& each : order) each.clear();
  is_full = false;
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
    p.fanout = std::make_unique<topic::OrderedFanout>(membership(who), turn_);
    p.held = nullptr;
    p.held_id = 0;
  }
  share_all();
}

void TurnStage::World::share_all() {
  for (int q = 0; q < kQueues; ++q) {
    share(&view(q).claim(0), kSlotsShared * 8);
    share(&view(q).lease(0), kSlotsShared * 16);
    share(&view(q).slot(0), kSlotsShared * view(q).geometry().stride);
  }
  share(&turn_->header().turn, sizeof(base::Word128));
  share(turn_->mapping().data() + base::kPageBytes, turn_->mapping().bytes() - base::kPageBytes);
  for (const std::uint32_t c : {0u, shm::kShareClass}) {
    const auto& segment = *context->segments->segment(c, 0);
    share(&segment.descriptor(0), kBlocksShared * sizeof(shm::BlockDescriptor));
    if (c == shm::kShareClass) share(segment.data, kBlocksShared * sizeof(shm::Share));
  }
  for (int who = 1; who <= kJudge; ++who) {
    share(&context->files->participant(of(who).self->index()).hazards, 32);
  }
  share(&dead, sizeof dead);
}

bool TurnStage::World::publish(int me, int id, bool with_id, Full full) {
  Participant& p = of(me);
  const std::size_t index = publishes.size();
  publishes.push_back({id, with_id, full});
  std::vector<topic::Target> targets;
  for (int q = 0; q < 2; ++q) {
    const bool diverts = q == 1 && full == Full::kDeadLetters;
    const bool fails = q == 1 && full == Full::kFails;
    targets.push_back({.queue = p.cores[static_cast<std::size_t>(q)].get(),
                       .when_full = fails ? topic::WhenFull::kFail : topic::WhenFull::kRefuse,
                       .dead_letters = diverts ? p.cores[kQueues - 1].get() : nullptr});
    ledger.begin_send(key(id, q));
    if (diverts) ledger.begin_send(key(id, kQueues - 1));
  }
  const std::string text = text_of(id);
  const topic::Message forms[] = {{as_bytes(text)}};
  const topic::Order order_of{.group = "g",
                              .dedup_id = with_id ? kId : std::string_view{},
                              .key = dedup::key_of_id(kTopic, kId)};
  const auto published = p.fanout->publish(forms, order_of, targets, {});
  Publish& it = publishes[index];
  it.happened = published && !published->duplicate;
  it.duplicate = published && published->duplicate;
  it.answered = true;
  if (!published && published.error() != Errc::kFull) ledger.broken("a publish failed");
  // Whether a queue that was full when its slot was skipped has it, others may have decided.
  if (it.happened) ledger.end_send(key(id, 0), true);
  for (int q = 0; q < kQueues && !it.happened; ++q) {
    if (q < 2 || full == Full::kDeadLetters) ledger.end_send(key(id, q), false);
  }
  return it.happened;
}

bool TurnStage::World::receive(int me, int queue, bool* empty) {
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
  if (p.held_id == 0) return true;
  ledger.received(me, key(p.held_id, queue), text == text_of(p.held_id), began);
  std::vector<int>& seen = order[static_cast<std::size_t>(queue)];
  if (std::find(seen.begin(), seen.end(), p.held_id) == seen.end()) seen.push_back(p.held_id);
  return true;
}

void TurnStage::World::acknowledge(int me) {
  Participant& p = of(me);
  if (p.held == nullptr) return;
  const int id = key(p.held_id, p.held_in);
  if (p.held_id != 0) ledger.begin_acknowledge(me, id);
  const Errc code = p.held->front().acknowledge();
  p.held = nullptr;
  if (p.held_id != 0) ledger.end_acknowledge(me, id, code == Errc::kOk);
}

void TurnStage::World::finish_reading(int me) {
  Participant& p = of(me);
  if (p.held == nullptr) return;
  if (p.held_id != 0 && p.held->front().text() != text_of(p.held_id)) {
    ledger.broken("message " + std::to_string(p.held_id) + " changed while it was read in place");
  }
  p.held->clear();
  p.held = nullptr;
}

void TurnStage::World::sweep(int me) {
  for (int who = 1; who <= kJudge; ++who) {
    if (dead[who].load(std::memory_order_acquire) != 0) clear_up_after(me, who);
  }
}

/// As client/sweep.cpp.
void TurnStage::World::clear_up_after(int me, int who) {
  const std::uint16_t index = of(who).self->index();
  topic::FanoutSweep fanouts(membership(me), *this);
  if (!fanouts.settle(index)) return;
  for (int q = 0; q < kQueues; ++q) {
    ring::Ring ring(view(q), around(me, q));
    group::Groups groups(ring);
    group::sweep_participant(ring, groups, index);
  }
  fanouts.complete();
  of(me).arena->sweep(index, [&](const shm::BackReference& where) { return is_gone(where); });
  fanouts.end_gone();
  for (auto& entry : context->files->participant(index).hazards.entries) {
    if (entry.load(std::memory_order_relaxed) != 0) entry.store(0, std::memory_order_release);
  }
}

/// The living finish, the dead are cleared up after.
void TurnStage::World::recover() {
  for (int who = 1; who < kJudge; ++who) {
    if (dead[who].load() == 0) finish_reading(who);
  }
  sweep(kJudge);
  for (int q = 0; q < kQueues; ++q) {  // limbo that nobody reads any more
    ring::Ring ring(view(q), around(kJudge, q));
    group::Groups groups(ring);
    group::repair_hints(ring, groups);
  }
}

void TurnStage::World::drain() {
  for (int q = 0; q < kQueues; ++q) {
    for (bool empty = false; !empty && ledger.verdict().empty();) {
      if (receive(kJudge, q, &empty)) acknowledge(kJudge);
    }
  }
}

std::string TurnStage::World::check() {
  recover();
  ledger.leases_may_end();
  clock.advance(20s);
  drain();
  ledger.judge_drained();
  if (ledger.verdict().empty()) judge_publishes();
  if (ledger.verdict().empty()) judge_order();
  if (ledger.verdict().empty()) judge_ids();
  recover();
  if (ledger.verdict().empty()) judge_rest();
  return ledger.verdict();
}

/// All of its deliveries or none.
void TurnStage::World::judge_publishes() {
  for (const Publish& each : publishes) {
    const int first = delivered(each.id, 0);
    int second = delivered(each.id, 1);
    if (each.full == Full::kDeadLetters) second += delivered(each.id, kQueues - 1);
    const bool may_miss = is_full && each.full == Full::kRefuses;
    if (each.happened && first == 0) ledger.broken("a publish that was answered is lost");
    const bool whole = (first != 0) == (second != 0) || (first != 0 && may_miss);
    if (!whole) {
      ledger.broken("publish " + std::to_string(each.id) + " reached one queue and not the other");
    }
  }
}

/// One of those with the id was accepted, or none; and whoever comes next is told so. Everything
/// works on.
void TurnStage::World::judge_ids() {
  int accepted = 0;
  bool somebody_was_told = false;
  for (const Publish& each : publishes) {
    if (!each.with_id) continue;
    accepted += delivered(each.id, 0) != 0 ? 1 : 0;
    somebody_was_told |= each.duplicate;
  }
  if (accepted > 1) ledger.broken("two publishes with one id were delivered");
  if (somebody_was_told && accepted == 0) ledger.broken("a duplicate of nothing was swallowed");
  const bool happened = publish(kJudge, kLastWithId, true, Full::kRefuses);
  if (happened == (accepted != 0)) {
    ledger.broken(happened ? "an id that was accepted was forgotten" : "an id was taken by nobody");
  }
  if (!publish(kJudge, kLast, false, Full::kRefuses))
    ledger.broken("nothing is published any more");
  drain();
  ledger.judge_drained();
}

/// Those that both queues had came in the same order.
void TurnStage::World::judge_order() {
  std::vector<int> both[2];
  for (std::size_t q = 0; q < 2; ++q) {
    for (const int id : order[q]) {
      const std::vector<int>& other = order[1 - q];
      if (std::find(other.begin(), other.end(), id) != other.end()) both[q].push_back(id);
    }
  }
  if (both[0] != both[1]) ledger.broken("the queues got the messages in different orders");
}

void TurnStage::World::judge_rest() {
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
  if (turn_->read().is_busy()) ledger.broken("the turn is taken");
  of(kJudge).arena->for_each_block([&](const shm::BlockLook& block) {
    if (block.state == shm::BlockState::kFree) return;
    ledger.broken(block.ref.block >> 40 == shm::kShareClass ? "a share leaks" : "a block leaks");
  });
}

std::string TurnStage::World::describe(const void* address) {
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
  if (in(&turn_->header().turn, 16)) return "turn";
  if (in(turn_->mapping().data(), turn_->mapping().bytes())) return "ids";
  for (const std::uint32_t c : {0u, shm::kShareClass}) {
    const auto& segment = *context->segments->segment(c, 0);
    for (std::uint32_t i = 0; i < kBlocksShared; ++i) {
      const std::string what = (c == 0 ? "block" : "share") + std::to_string(i);
      const shm::BlockDescriptor& descriptor = segment.descriptor(i);
      if (in(&descriptor.deliveries, 8)) return what + " bits";
      if (in(&descriptor, sizeof descriptor)) return what + " state";
      if (c == 0 || !in(segment.data + i * sizeof(shm::Share), sizeof(shm::Share))) continue;
      const auto* share = reinterpret_cast<const shm::Share*>(segment.data) + i;
      for (std::uint32_t n = 0; n < 2; ++n) {
        if (in(&share->entries[n], 16)) return what + " entry" + std::to_string(n);
      }
      return what + " fields";
    }
  }
  return {};
}

TurnStage::TurnStage() : world_(std::make_unique<World>()) {}
TurnStage::~TurnStage() = default;

Stage TurnStage::stage(std::string name, std::function<void()> begin) {
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

void TurnStage::publish(int me, int message, bool with_id, Full full) {
  world_->publish(me, message, with_id, full);
}
bool TurnStage::receive(int me, int queue) { return world_->receive(me, queue); }
void TurnStage::acknowledge(int me) { world_->acknowledge(me); }
void TurnStage::sweep(int me) { world_->sweep(me); }
void TurnStage::fill(int room) {
  World& w = *world_;
  detail::QueueCore& core = *w.of(4).cores[1];
  for (int i = static_cast<int>(kSlots) - room; i > 0; --i) {
    if (!core.send(as_bytes("0"), {.group = "g"})) fail("the queue is full too soon");
  }
  w.is_full = true;
}
void TurnStage::die(int participant) {
  world_->dead[participant].store(1);
  world_->ledger.holder_died(participant);
}

}  // namespace ringpost::rig
