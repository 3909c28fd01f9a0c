#include "rig/durable_stage.hpp"

#include <malloc.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "group/groups.hpp"
#include "group/ids.hpp"
#include "group/move.hpp"
#include "group/sweep.hpp"
#include "journal/sweep.hpp"
#include "queue/settings.hpp"
#include "rig/durable_world.hpp"
#include "ring/move.hpp"
#include "ring/sweep.hpp"
#include "sys/error.hpp"

extern "C" void ringpost_rig_pause();

namespace ringpost::rig {

using namespace std::chrono_literals;

DurableWorld* DurableWorld::active = nullptr;

namespace {

void must(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

std::size_t bytes_of(queue::QueueMapping& mapping) {
  if (mapping.dedup() == nullptr) return queue::kQueueFileBytes;
  return queue::kQueueFileBytes + mapping.dedup()->geometry().bytes + queue::kAttemptsBytes;
}

}  // namespace

std::uint64_t DurableWorld::ItsClock::monotonic_ns() const noexcept {
  const bool is_late = world.of(world.current()).sleeps > 2;
  return world.words.now_ns.load() + (is_late ? 9'000'000'000 : 0);
}

void DurableWorld::ItsHousekeeper::clear_up() noexcept { world.sweep(world.current()); }

bool DurableWorld::ItsHousekeeper::flush_logs() {
  bool all = true;
  for (int q = 0; q < kQueues; ++q) {
    durable::QueueLog& log = *world.core(world.current(), q).log();
    log.include_others();
    all = log.wait_durable(log.deadline_ns({})) == Errc::kOk && all;
  }
  return all;
}

DurableWorld::DurableWorld(const DurableShape& its_shape) : shape(its_shape) {
  active = this;
  // Buffers of logs come and go with each run: not from the kernel each time.
  ::mallopt(M_MMAP_THRESHOLD, 64 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 256 << 20);
  words.now_ns.store(1'000'000'000);
  const auto files = shm::BusFiles::open("rig", {.participants_max = 8,
                                                 .shm_dir = folder.path() / "shm",
                                                 .state_dir = folder.path() / "state",
                                                 .clock = &clock});
  if (!files) throw std::runtime_error(files.error().what);
  context = std::make_shared<client::Context>(*files);
  for (int who = 1; who <= kJudge; ++who) {
    auto self = shm::Participant::attach(context->files);
    must(self.has_value(), "nobody can attach");
    of(who).self = std::move(*self);
    must(of(who).self->index() == who, "participants have other numbers");
  }
  for (int q = kQueues - 1; q >= 0; --q) {
    journals[static_cast<std::size_t>(q)] = std::make_unique<Journal>();
    journal::initialise_journal(journals[static_cast<std::size_t>(q)]->bytes,
                                journal::JournalGeometry::of(kCellsLog2),
                                {.number = journal::kOfQueue});
    QueueSettings settings{.visibility_timeout = 10s,
                           .message_bytes_max = 1024,
                           .slots = kSlots,
                           .inline_bytes = 128,
                           .bytes_max = 1,
                           .durability = Durability::kDurable};
    settings.log_segment_bytes = shape.segment_bytes;
    if (shape.fifo) settings.fifo = true;
    if (shape.fifo) settings.dedup = Dedup::kById;
    if (shape.fifo) settings.dedup_entries = 64;
    if (q == 0) settings.redrive = RedrivePolicy{name_of(1), 1};
    auto made = context->queues.create(*of(1).self, name_of(q), queue::with_defaults(settings), {},
                                       {.journal = static_cast<std::uint64_t>(q) + 1,
                                        .lasting_id = static_cast<std::uint64_t>(q) + 100});
    if (!made) throw std::runtime_error(made.error().what);
    mappings[static_cast<std::size_t>(q)] = *made;
    rings[static_cast<std::size_t>(q)] = (*made)->ring(0);
  }
  mapping(0).header().settings.receives_max.store(0);
  for (auto& each : disks) each = std::make_unique<sim::Disk>(1);
  capture(fresh);
}

DurableWorld::~DurableWorld() {
  forget_run();
  for (Participant& each : participants) each.self.reset();
  active = nullptr;
}

void DurableWorld::capture(State& state) {
  const auto keep = [&](void* at, std::size_t bytes) {
    auto* begin = static_cast<std::byte*>(at);
    state.memory.push_back({begin, {begin, begin + bytes}});
  };
  for (int q = 0; q < kQueues; ++q) {
    const auto index = static_cast<std::size_t>(q);
    keep(&mapping(q).header(), bytes_of(mapping(q)));
    keep(view(q).memory(), view(q).geometry().file_bytes);
    keep(journals[index].get(), sizeof(Journal));
    state.disks[index] = disks[index]->copy(1);
  }
  for (int who = 1; who <= kJudge; ++who) {
    auto& record = context->files->participant(of(who).self->index());
    keep(&record.hazards, sizeof record.hazards);
    keep(&record.move, sizeof record.move);
  }
  state.facts = facts;
  state.moment = moment;
  state.ledger = ledger;
}

void DurableWorld::restore(const State& state) {
  forget_run();
  for (const Kept& each : state.memory) std::memcpy(each.at, each.bytes.data(), each.bytes.size());
  words.now_ns.store(1'000'000'000);
  words.disk.store(0);
  words.lock.store(0);
  for (auto& each : words.dead) each.store(0);
  facts = state.facts;
  ledger = state.ledger;
  moment = state.moment;
  purges = fillers = 0;
  cuts = last_acknowledged = 0;
  buries = is_purging = is_judging = somebody_died = false;
  by_fiber = {};
  outside = kJudge;
  for (int q = 0; q < kQueues; ++q) {
    const auto index = static_cast<std::size_t>(q);
    disks[index] = state.disks[index]->copy(1);
    found[index] = read(q);
    disks[index]->on_step = [this, q](sim::Step step) { stepped(q, step); };
  }
  open_cores();
}

void DurableWorld::open_cores() {
  for (int who = 1; who <= kJudge; ++who) {
    Participant& p = of(who);
    std::construct_at(&p.self->hazards(), context->files->participant(p.self->index()).hazards);
    p.arena = std::make_unique<shm::Arena>(context->segments, *p.self);
    for (int q = 0; q < kQueues; ++q) {
      auto core = detail::QueueCore::open(membership(who), mappings[static_cast<std::size_t>(q)]);
      if (!core) throw std::runtime_error(core.error().what);
      p.cores[static_cast<std::size_t>(q)] = std::move(*core);
    }
    p.held = nullptr;
    p.held_id = p.sleeps = 0;
  }
}

/// What the last run has left; nobody cares what becomes of its memory and of its disks.
void DurableWorld::forget_run() {
  is_judging = true;
  lease_memory.clear();
  // Of a deleted queue a handle that goes writes nothing.
  for (const auto& each : mappings) {
    if (each != nullptr) each->header().state.store(1);
  }
  for (Participant& each : participants) {
    each.sleeps = 100;
    for (auto& core : each.cores) core.reset();
    each.arena.reset();
  }
  for (int who = 1; who <= kJudge; ++who) die(who);
  is_judging = false;
}

void DurableWorld::prepare(DurableStage& stage, const DurableStage::Base& base) {
  active = this;
  if (!bases.contains(base.name)) {
    restore(fresh);
    base.build(stage);
    for (Participant& each : participants) {
      for (auto& core : each.cores) core.reset();
    }
    capture(bases[base.name]);
  }
  restore(bases[base.name]);
  share_all();
}

void DurableWorld::share_all() {
  for (int q = 0; q < kQueues; ++q) {
    share(&view(q).claim(0), kSlotsShared * 8);
    share(&view(q).lease(0), kSlotsShared * 16);
    for (std::uint32_t slot = 0; slot < kSlotsShared; ++slot) {
      share(&view(q).slot(slot), sizeof(ring::SlotHead));
    }
    queue::QueueHeader& header = mapping(q).header();
    share(&header.refill, 40);
    if (shape.fifo) {
      auto* const ids = reinterpret_cast<std::byte*>(&header) + queue::kQueueFileBytes;
      share(ids, mapping(q).dedup()->geometry().bytes);
    }
    const journal::JournalView view = journal(q);
    share(&view.hot(), offsetof(journal::JournalHot, log_state) + 8);
    share(&view.descriptor(0), view.cells() * 8);
  }
  for (int who = 1; who <= kJudge; ++who) {
    share(&context->files->participant(of(who).self->index()).move, sizeof(shm::MoveNote));
  }
  share(&words, sizeof words);
}

journal::JournalView DurableWorld::journal(int queue) {
  return {journals[static_cast<std::size_t>(queue)]->bytes,
          journal::JournalGeometry::of(kCellsLog2), journal::JournalKind::kLog, 0, false};
}

/// Not destroyed, for their holder may have been in the middle of something: their memory is freed.
Leases* DurableWorld::new_leases() {
  lease_memory.push_back(std::make_unique<LeaseMemory>());
  return new (lease_memory.back()->bytes) Leases;
}

// ---- who acts

DurableWorld::Participant& DurableWorld::begin(int me) {
  Machine& machine = Machine::get();
  (machine.in_fiber() ? by_fiber[machine.current() % by_fiber.size()] : outside) = me;
  of(me).sleeps = 0;
  return of(me);
}

int DurableWorld::current() const {
  Machine& machine = Machine::get();
  return machine.in_fiber() ? by_fiber[machine.current() % by_fiber.size()] : outside;
}

/// Others go first; after a few times his deadline is over.
void DurableWorld::slept() {
  ++of(current()).sleeps;
  ringpost_rig_pause();
}

void DurableWorld::told(int id, const MessageId& as) {
  Fact& it = fact(id);
  if (it.told && it.position != as.position) ledger.broken("one message has two names");
  it.told = true;
  it.position = as.position;
  it.told_at = ++moment;
}

void DurableWorld::send(int me, const std::vector<int>& ids) {
  begin(me);
  std::vector<std::string> texts;
  std::vector<std::string> names;
  std::vector<OutMessage> messages;
  for (const int id : ids) {
    texts.push_back(std::to_string(id));
    names.push_back("d" + std::to_string(id));
    if (id == 0) continue;
    if (!fact(id).begun) ledger.begin_send(id);
    if (!fact(id).begun) fact(id).begun_at = ++moment;
    fact(id).begun = true;
    if (is_purging) may_be_purged(id);
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    OutMessage message{.body = as_bytes(texts[i])};
    if (shape.fifo) message.group = ids[i] != 0 ? "g" : "f";
    if (shape.fifo && ids[i] != 0) message.dedup_id = names[i];
    if (shape.fifo && ids[i] == 0) message.dedup_id = names[i] = "f" + std::to_string(++fillers);
    messages.push_back(message);
  }
  detail::QueueCore& queue = core(me, 0);
  if (ids.size() > 1) {
    const auto sent = queue.send_batch(messages, {});
    must(sent.has_value(), "a batch of fillers fails");
  } else {
    const auto sent = queue.send(messages[0].body,
                                 {.group = messages[0].group, .dedup_id = messages[0].dedup_id});
    if (sent && ids[0] != 0) told(ids[0], *sent), ledger.end_send(ids[0], true);
  }
  Machine::get().unobserved([&] { return judge_power(), 0; });
}

void DurableWorld::may_be_purged(int id) {
  ++fact(id).ending;
  ledger.begin_remove(id);
}

bool DurableWorld::receive(int me, int queue, bool* empty) {
  Participant& p = begin(me);
  Leases* const leases = new_leases();
  const std::uint32_t began = ledger.begin_receive();
  const Errc code = core(me, queue).receive(*leases, {.visibility_timeout = 10s});
  if (empty != nullptr) *empty = code != Errc::kOk;
  if (code != Errc::kOk) return false;
  const std::string text(leases->front().text());
  p.held = leases;
  p.held_id = std::atoi(text.c_str());
  if (p.held_id == 0) return true;
  ledger.received(me, p.held_id, text == std::to_string(p.held_id), began);
  if (!shape.fifo || queue != 0) return true;
  const std::uint64_t position = leases->front().id().position;
  if (position < last_acknowledged) ledger.broken("a message of a group comes after a later one");
  return true;
}

void DurableWorld::acknowledge(int me, int queue) {
  Participant& p = begin(me);
  if (p.held == nullptr) return;
  const int id = p.held_id;
  if (id != 0) ledger.begin_acknowledge(me, id);
  if (id != 0) ++fact(id).ending;
  const std::uint64_t position = p.held->front().id().position;
  const bool accepted = p.held->front().acknowledge() == Errc::kOk;
  p.held = nullptr;
  if (id == 0) return;
  ledger.end_acknowledge(me, id, accepted);
  if (!accepted) --fact(id).ending;
  if (!accepted) return;
  if (shape.fifo && queue == 0) last_acknowledged = std::max(last_acknowledged, position);
  Machine::get().unobserved([&] {
    std::uint64_t end = 0;
    static_cast<void>(core(me, queue).log()->journal().producer().frontier(end));
    // A message that was moved may be in the log of the queue that it came from.
    if (!buries) fact(id).gone_at = end;
    return 0;
  });
}

// ---- the dead

void DurableWorld::die(int participant) {
  somebody_died = true;
  words.dead[participant].store(kDead);
  ledger.holder_died(participant);
  struct stat mine {};
  for (Lock& each : locks) {
    struct stat status {};
    if (each.who != participant || each.fd < 0 || ::fstat(each.fd, &status) != 0) continue;
    if (::stat((folder.path() / "lock").c_str(), &mine) == 0 && mine.st_ino == status.st_ino) {
      ::close(each.fd);
    }
    each.fd = -1;
  }
  std::erase_if(locks, [](const Lock& each) { return each.fd < 0; });
}

/// Of the log of q0: the kernel's, which takes it from the dead.
Result<sys::Fd> DurableWorld::lock_log() {
  words.lock.fetch_add(1);
  const std::string path = folder.path() / "lock";
  sys::Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.is_open() || ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    return sys::error(Errc::kBusy, path, "somebody has it");
  }
  std::erase_if(locks, [&](const Lock& each) { return each.fd == fd.get(); });
  locks.push_back({current(), fd.get()});
  return fd;
}

Result<std::unique_ptr<disk::Directory>> DurableWorld::mount(const std::string& queue) {
  return std::unique_ptr<disk::Directory>(disks[queue == name_of(0) ? 0 : 1]->mount());
}

void DurableWorld::sweep(int me) {
  for (int who = 1; who <= kJudge; ++who) {
    if (words.dead[who].load(std::memory_order_acquire) == kDead) clear_up_after(me, who);
  }
}

namespace {

/// As client/sweep.cpp.
struct DeadIdsStay {
  const group::Ids& ids;
  [[nodiscard]] dedup::SlotState judge(std::uint64_t position) const noexcept {
    const dedup::SlotState state = ids.judge(position);
    return state == dedup::SlotState::kDead ? dedup::SlotState::kFilling : state;
  }
  [[nodiscard]] std::uint64_t expiry() const noexcept { return ids.expiry(); }
};

}  // namespace

/// As client/sweep.cpp.
void DurableWorld::clear_up_after(int me, int who) {
  const std::uint16_t index = of(who).self->index();
  auto& record = context->files->participant(index);
  ring::Ring source(view(0), around(me, 0));
  ring::Ring target(view(1), around(me, 1));
  if (shape.fifo) {
    group::Groups groups(source);
    group::finish_move({&source, &target}, &groups, index, record.move);
  } else {
    ring::finish_move({&source, &target}, index, record.move);
  }
  for (ring::Ring* const ring : {&source, &target}) {
    queue::QueueMapping& its = mapping(ring == &source ? 0 : 1);
    queue::publish_refilled(its.header(), *ring, 0);
  }
  for (ring::Ring* const ring : {&source, &target}) {
    if (!shape.fifo) ring::sweep_participant(*ring, index);
    if (!shape.fifo) continue;
    queue::QueueMapping& its = mapping(ring == &source ? 0 : 1);
    group::Groups groups(*ring);
    group::sweep_participant(*ring, groups, index);
    group::Ids ids(*ring, groups, *its.dedup(), context->files->time(),
                   its.header().settings.dedup_window_ns);
    static_cast<void>(its.dedup()->sweep(index, DeadIdsStay{ids}));
  }
  for (int q = 0; q < kQueues; ++q) journal::sweep_participant(journal(q), index);
  for (auto& entry : record.hazards.entries) {
    if (entry.load(std::memory_order_relaxed) != 0) entry.store(0, std::memory_order_release);
  }
  words.dead[who].store(kBuried, std::memory_order_release);
}

// ---- the stage

DurableStage::DurableStage(const DurableShape& shape)
    : world_(std::make_unique<DurableWorld>(shape)) {}
DurableStage::~DurableStage() = default;

Stage DurableStage::stage(std::string name, const Base& base, std::function<void()> begin) {
  DurableWorld& w = *world_;
  Stage stage;
  stage.name = std::move(name);
  stage.setup = [this, &w, base, begin = std::move(begin)] {
    w.prepare(*this, base);
    begin();
    if (!w.ledger.verdict().empty()) fail(w.ledger.verdict());
  };
  stage.on_death = [this](int participant) { die(participant); };
  stage.liveness = {{&w.words.dead, sizeof w.words.dead}};
  stage.check = [&w] { return w.check(); };
  stage.describe = [&w](const void* address) { return w.describe(address); };
  return stage;
}

void DurableStage::send(int me, int id) { world_->send(me, {id}); }
bool DurableStage::receive(int me) { return world_->receive(me, 0); }
void DurableStage::acknowledge(int me) { world_->acknowledge(me, 0); }
void DurableStage::give_back(int me) {
  DurableWorld::Participant& p = world_->begin(me);
  if (p.held == nullptr) return;
  if (p.held_id != 0) world_->ledger.begin_release(me, p.held_id);
  static_cast<void>(p.held->front().release());
  p.held = nullptr;
}
void DurableStage::purge(int me) {
  DurableWorld& w = *world_;
  w.begin(me);
  w.words.lock.fetch_add(1);  // from here on it has begun
  ++w.purges;
  w.is_purging = true;
  for (std::size_t id = 1; id < DurableWorld::kMessages; ++id) {
    if (w.facts[id].begun) w.may_be_purged(static_cast<int>(id));
  }
  static_cast<void>(w.core(me, 0).purge());
  w.is_purging = false;
}
void DurableStage::sweep(int me) {
  world_->begin(me);
  world_->sweep(me);
}
void DurableStage::tend(int me) {
  world_->begin(me);
  world_->core(me, 0).tend_log();
}
void DurableStage::drain_log(int me) {
  world_->begin(me);
  world_->core(me, 0).log()->drain();
}
void DurableStage::fill() {
  std::vector<int> fillers(DurableWorld::kSlots, 0);
  world_->send(DurableWorld::kJudge, fillers);
}
void DurableStage::wear(int messages) {
  constexpr int me = DurableWorld::kJudge;
  for (int i = 0; i < messages; ++i) {
    world_->send(me, {0});
    if (world_->receive(me, 0)) world_->acknowledge(me, 0);
    drain_log(me);
  }
}
void DurableStage::fret(int times) {
  constexpr int me = DurableWorld::kJudge;
  for (int i = 0; i < times; ++i) {
    if (world_->receive(me, 0)) give_back(me);
    drain_log(me);
  }
}
void DurableStage::bury_from_now_on() {
  world_->mapping(0).header().settings.receives_max.store(1);
  world_->buries = true;
}
void DurableStage::die(int participant) { world_->die(participant); }
void DurableStage::tick() {
  world_->words.now_ns.fetch_add(DurableWorld::kTickNs);
  world_->ledger.leases_may_end();
}
Event DurableStage::tick_event() {
  return {"tick", [this] { tick(); }, {{&world_->words.now_ns, sizeof world_->words.now_ns}}};
}

}  // namespace ringpost::rig
