#include "rig/fanout_stage.hpp"

#include <cstdlib>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <utility>

#include "queue/settings.hpp"
#include "rig/fanout_world.hpp"
#include "ring/move.hpp"

namespace ringpost::rig {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t kPublishesMax = 8;

/// Each queue gets one of the two forms of a message.
std::string text_of(int id, int queue) {
  const bool second = queue % 2 != 0;
  return std::to_string(id) + (second ? ";" : ":") +
         std::string(second ? 50 : 40, static_cast<char>('a' + id % 26));
}

/// Dead letters are of the form of the queue that they were for.
bool is_text_of(int id, int queue, const std::string& text) {
  return text == text_of(id, queue) ||
         (queue == FanoutStage::kQueues - 1 && text == text_of(id, queue + 1));
}

}  // namespace

FanoutStage::World::World() {
  const auto files = shm::BusFiles::open(
      "rig", {.participants_max = 8, .shm_dir = folder.path(), .clock = &clock});
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
    if (q == 0) settings.redrive = RedrivePolicy{"q" + std::to_string(kQueues - 1), 1};
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
         .dead_letters = diverts ? p.cores[kQueues - 1].get() : nullptr,
         .form = static_cast<std::uint32_t>(each.queue % 2)});
    ledger.begin_send(key(id, each.queue));
    if (diverts || buries) ledger.begin_send(key(id, kQueues - 1));
  }
  const std::string texts[] = {text_of(id, 0), text_of(id, 1)};
  const topic::Message forms[] = {{as_bytes(texts[0])}, {as_bytes(texts[1])}};
  const auto published = p.fanout->publish(forms, targets, {});
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
  if (p.held_id != 0) {
    ledger.received(me, key(p.held_id, queue), is_text_of(p.held_id, queue, text), began);
  }
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
  if (!is_text_of(p.held_id, p.held_in, std::string(p.held->front().text()))) {
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
    if (dead[who].load(std::memory_order_acquire) == kDead) clear_up_after(me, who);
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
  dead[who].store(kBuried, std::memory_order_release);  // nobody comes to look again
}

/// `me` has published something that is decided, and more is to be done.
bool FanoutStage::World::is_in_mid_publish(int me) {
  bool found = false;
  of(me).arena->for_each_share([&](const shm::ShareLook& share) {
    found |= share.owner == of(me).self->index() && share.pending != 0 &&
             share.fate == shm::ShareLook::Fate::kCommitted;
  });
  return found;
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
void FanoutStage::stop_at_commit(int me, int id, const std::vector<To>& to) {
  Machine::get().run_apart([&] { world_->publish(me, id, to); },
                           [&] { return world_->is_in_mid_publish(me); });
}
void FanoutStage::give_back(int me) {
  World::Participant& p = world_->of(me);
  if (p.held == nullptr) return;
  world_->ledger.begin_release(me, World::key(p.held_id, p.held_in));
  static_cast<void>(p.held->front().release());
  p.held = nullptr;
}
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
  for (std::uint32_t i = 1; i < w.view(queue).slots(); ++i) {
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
bool FanoutStage::is_dead(int participant) const { return world_->dead[participant].load() != 0; }
void FanoutStage::die(int participant) {
  world_->dead[participant].store(World::kDead);
  world_->ledger.holder_died(participant);
}

}  // namespace ringpost::rig
