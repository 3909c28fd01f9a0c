#include "rig/growth_stage.hpp"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include "client/member.hpp"
#include "queue/settings.hpp"
#include "rig/ledger.hpp"
#include "rig/runtime.hpp"
#include "rig/temporary_folder.hpp"
#include "sys/file.hpp"

namespace ringpost::rig {

using namespace std::chrono_literals;
using queue::ChainEntry;

struct GrowthStage::World {
  static constexpr std::uint32_t kSlots = 64;

  struct Participant {
    std::shared_ptr<client::Member> member;
    std::shared_ptr<queue::QueueMapping> mapping;
    std::unique_ptr<detail::QueueCore> core;
  };

  World();
  ~World();
  void prepare();
  bool send(int me, const std::string& text);
  int receive(int me, bool* empty = nullptr);
  std::string check();
  void judge_chain();
  [[nodiscard]] Participant& of(int who) { return participants[static_cast<std::size_t>(who)]; }
  [[nodiscard]] queue::QueueHeader& header() { return of(kJudge).mapping->header(); }
  [[nodiscard]] std::string describe(const void* address);

  TemporaryFolder folder;
  std::array<Participant, kParticipants> participants;
  Ledger ledger;
  std::uint64_t dead = 0;  ///< a word for liveness: nobody looks at it
  bool somebody_died = false;
};

GrowthStage::World::World() {
  for (Participant& each : participants) {
    auto files = shm::BusFiles::open("rig", {.participants_max = 8, .shm_dir = folder.path()});
    if (!files) throw std::runtime_error(message(files.error().code));
    auto member = client::Member::attach(std::make_shared<client::Context>(*files));
    if (!member) throw std::runtime_error(message(member.error().code));
    each.member = *member;
  }
}

GrowthStage::World::~World() {
  for (Participant& each : participants) each = {};
}

void GrowthStage::World::prepare() {
  for (const char* part : {"queues", "rings", "tmp"}) {
    for (const auto& file : std::filesystem::directory_iterator(folder.path() / "rig" / part)) {
      std::filesystem::remove(file);
    }
  }
  for (Participant& each : participants) {
    if (each.core != nullptr) static_cast<void>(each.core.release());  // may be in mid-operation
    each.mapping.reset();
  }
  QueueSettings settings = queue::with_defaults({.slots = kSlots, .bytes_max = 1u << 20});
  auto made = queue::QueueMapping::create(of(0).member->me(), "q", settings);
  if (!made) throw std::runtime_error(message(made.error().code));
  for (Participant& each : participants) {
    auto mapping = queue::QueueMapping::open(each.member->context().files, "q");
    if (!mapping) throw std::runtime_error(message(mapping.error().code));
    each.mapping = *mapping;
    auto core = detail::QueueCore::open(each.member->membership(), each.mapping);
    if (!core) throw std::runtime_error(message(core.error().code));
    each.core = std::move(*core);
    queue::QueueHeader& shared = each.mapping->header();
    share(&shared.write_ring, sizeof shared.write_ring + sizeof shared.oldest);
    share(&shared.chain, 8 * sizeof shared.chain[0]);
  }
  share(&dead, sizeof dead);
  ledger.clear();
  somebody_died = false;
}

bool GrowthStage::World::send(int me, const std::string& text) {
  const auto sent = of(me).core->send(as_bytes(text), {});
  if (!sent) ledger.broken(std::string("a send says ") + name(sent.error()));
  return sent.has_value();
}

/// The id of a message that counts, 0 for others, -1 for none.
int GrowthStage::World::receive(int me, bool* empty) {
  Leases leases;
  const std::uint32_t began = ledger.begin_receive();
  const Errc code = of(me).core->receive(leases, {});
  if (empty != nullptr) *empty = code == Errc::kEmpty;
  if (code != Errc::kOk) return -1;
  const int id = std::atoi(std::string(leases.front().text()).c_str());
  if (id != 0) ledger.received(me, id, true, began);
  if (id != 0) ledger.begin_acknowledge(me, id);
  const bool accepted = of(me).core->acknowledge(leases.front()) == Errc::kOk;
  if (id != 0) ledger.end_acknowledge(me, id, accepted);
  return id;
}

/// Whoever comes next can send, and finds every message; then the chain is as short as it can be.
std::string GrowthStage::World::check() {
  constexpr int kFresh = 40;
  ledger.begin_send(kFresh);
  ledger.end_send(kFresh, send(kJudge, std::to_string(kFresh)));
  bool empty = false;
  for (int i = 0; i < 400 && !empty && ledger.verdict().empty(); ++i) receive(kJudge, &empty);
  ledger.judge_drained();
  if (ledger.verdict().empty()) judge_chain();
  return ledger.verdict();
}

void GrowthStage::World::judge_chain() {
  const std::uint64_t oldest = header().oldest.load();
  const std::uint64_t newest = header().write_ring.load();
  const queue::QueueMapping& mapping = *of(kJudge).mapping;
  if (oldest != newest) {
    return ledger.broken("rings " + std::to_string(oldest) + " to " + std::to_string(newest) +
                         " are left of an empty queue");
  }
  for (std::uint64_t n = 0; n < oldest; ++n) {
    if (mapping.chain_id(n) != ChainEntry::kRetired) {
      ledger.broken("ring " + std::to_string(n) + " is not retired and nobody looks at it");
    }
  }
  const auto files = sys::names_in(of(kJudge).member->files().rings());
  if (!somebody_died && (!files || files->size() != 1)) {
    ledger.broken("ring files are left that nothing names");
  }
}

std::string GrowthStage::World::describe(const void* address) {
  const auto* at = static_cast<const char*>(address);
  for (Participant& each : participants) {
    const queue::QueueHeader& shared = each.mapping->header();
    if (at == reinterpret_cast<const char*>(&shared.write_ring)) return "write-ring";
    if (at == reinterpret_cast<const char*>(&shared.oldest)) return "oldest";
    const auto* chain = reinterpret_cast<const char*>(&shared.chain);
    if (at >= chain && at < chain + sizeof shared.chain) {
      return "chain" + std::to_string(static_cast<std::size_t>(at - chain) / 16);
    }
  }
  return {};
}

GrowthStage::GrowthStage() : world_(std::make_unique<World>()) {}
GrowthStage::~GrowthStage() = default;

Stage GrowthStage::stage(std::string name, std::function<void()> begin) {
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

void GrowthStage::send(int me, int id) {
  world_->ledger.begin_send(id);
  world_->ledger.end_send(id, world_->send(me, std::to_string(id)));
}
void GrowthStage::receive(int me) { world_->receive(me); }

void GrowthStage::fill() {
  for (std::uint32_t i = 0; i < World::kSlots; ++i) world_->send(0, "filler");
}
void GrowthStage::drain_first(int id) {
  fill();
  send(0, id);
  for (std::uint32_t i = 0; i < World::kSlots; ++i) world_->receive(0);
}
void GrowthStage::look_round(int me) { static_cast<void>(world_->of(me).core->stats()); }

void GrowthStage::die(int participant) {
  world_->somebody_died = true;
  world_->ledger.holder_died(participant);
}

ExploreOptions growth_options(int preemptions_max) {
  ExploreOptions options;
  options.preemptions_max = preemptions_max;
  options.reduce = false;
  return options;
}

const std::vector<NamedGrowth>& growth_schedules() {
  using Build = std::function<void(GrowthStage&)>;
  const auto scenario = [](const std::string& name, Build begin, std::vector<Build> runs,
                           std::vector<int> mortal) {
    return NamedGrowth{name, [=](GrowthStage& stage) {
                         ExploreScenario it;
                         it.stage = stage.stage(name, [&stage, begin] { begin(stage); });
                         for (std::size_t i = 0; i < runs.size(); ++i) {
                           it.operations.push_back({std::to_string(i + 1), static_cast<int>(i) + 1,
                                                    [&stage, run = runs[i]] { run(stage); }});
                         }
                         it.mortal = mortal;
                         return it;
                       }};
  };
  const Build full = [](GrowthStage& s) { s.fill(); };
  const Build first_empty = [](GrowthStage& s) { s.drain_first(30); };
  const Build first_empty_known = [](GrowthStage& s) {
    s.drain_first(30);
    for (const int me : {1, 2}) s.look_round(me);
  };
  const auto send = [](int me) -> Build { return [me](GrowthStage& s) { s.send(me, me); }; };
  const auto receive = [](int me) -> Build { return [me](GrowthStage& s) { s.receive(me); }; };
  static const std::vector<NamedGrowth> all = {
      scenario("two grow", full, {send(1), send(2)}, {1}),
      scenario("one grows, one receives", full, {send(1), receive(2)}, {1}),
      scenario("two retire", first_empty_known, {receive(1), receive(2)}, {1}),
      scenario("a late sender, and the ring is retired", first_empty, {send(1), receive(2)}, {2}),
      scenario("a sender to a closed ring",
               [first_empty](GrowthStage& s) {
                 first_empty(s);
                 s.receive(0);
               },
               {send(1)}, {}),
  };
  return all;
}

}  // namespace ringpost::rig
