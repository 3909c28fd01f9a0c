#include "rig/control_stage.hpp"

#include <filesystem>
#include <optional>
#include <stdexcept>

#include "client/member.hpp"
#include "rig/runtime.hpp"
#include "rig/temporary_folder.hpp"
#include "stream/settings.hpp"
#include "stream/shard_map.hpp"

namespace ringpost::rig {

using stream::ControlFile;
using stream::Meta;

struct ControlStage::World {
  static constexpr std::uint64_t kStreamId = 7;
  static constexpr std::size_t kPlaceBytes = 256;  ///< of settings and tags, as far as they go

  World() {
    auto opened = Bus::open("rig", {.participants_max = 8, .shm_dir = folder.path()});
    if (!opened) throw std::runtime_error(opened.error().what);
    bus.emplace(std::move(*opened));
  }
  void prepare();
  void share_all(ControlFile& control);
  void apply(const Meta& next);
  void judge(const Meta& seen);
  void judge_map(ControlFile& control);
  std::string check();
  [[nodiscard]] shm::Participant& me() { return client::Member::of(*bus).me(); }
  void broken(std::string text) {
    if (verdict.empty()) verdict = std::move(text);
  }

  TemporaryFolder folder;
  std::optional<Bus> bus;
  std::optional<ControlFile> changer, reader, judges;
  Meta wanted;             ///< as the changer has left it, or meant to
  std::uint64_t dead = 0;  ///< a word for liveness: nobody looks at it
  std::string verdict;
};

void ControlStage::World::prepare() {
  changer.reset(), reader.reset(), judges.reset();
  stream::ControlFile::remove(client::Member::of(*bus).files(), "s");
  verdict.clear();
  wanted = {.generation = 1, .stream_id = kStreamId, .created_ns = 1, .name = "s"};
  wanted.settings =
      stream::with_defaults({.retention = 24h, .shards = 1, .storage = StreamStorage::kMemory});
  wanted.tags = {{"hours", "24"}};
  stream::ShardRecord shard;
  shard.range = {HashKey{}, HashKey::max()};
  wanted.shards = {shard};
  auto made = ControlFile::create(me(), wanted, {});
  if (!made) throw std::runtime_error(made.error().what);
  changer.emplace(std::move(*made));
  for (auto* each : {&reader, &judges}) {
    auto opened = ControlFile::open(me().bus_pointer(), "s");
    if (!opened) throw std::runtime_error(opened.error().what);
    each->emplace(std::move(*opened));
  }
  for (auto* each : {&changer, &reader, &judges}) share_all(**each);
  share(&dead, sizeof dead);
}

void ControlStage::World::share_all(ControlFile& control) {
  auto& header = control.header();
  share(&header.state, reinterpret_cast<std::byte*>(&header.stripes) -
                           reinterpret_cast<std::byte*>(&header.state));
  auto* const begin = reinterpret_cast<std::byte*>(&header);
  share(begin + stream::kChangeableOffset, kPlaceBytes);
  share(begin + stream::kChangeableOffset + stream::kMetaBytesMax, kPlaceBytes);
  static_cast<void>(control.shards());
  share(&control.entry(0), 4 * sizeof(stream::ShardEntry));
}

/// What is on disk already, and would be done once more.
void ControlStage::World::apply(const Meta& next) {
  wanted = next;
  ++wanted.generation;
  if (auto done = changer->apply(wanted, {}); !done) broken(done.error().what);
}

void ControlStage::World::judge(const Meta& seen) {
  const auto hours =
      std::chrono::duration_cast<std::chrono::hours>(*seen.settings.retention).count();
  const auto tag = seen.tags.find("hours");
  if (tag == seen.tags.end() || tag->second != std::to_string(hours)) {
    broken("settings of one change, tags of another");
  }
}

void ControlStage::World::judge_map(ControlFile& control) {
  stream::ShardMap map;
  // The journal of the parent would say so.
  const auto end_of = [](const stream::ShardRecord&) { return std::optional<std::uint64_t>(); };
  if (auto read = map.refresh(control, end_of); !read) return broken(read.error().what);
  const HashKey middle = stream::middle({HashKey{}, HashKey::max()});
  for (const HashKey& key : {HashKey{}, stream::before(middle), middle, HashKey::max()}) {
    const auto shard = map.route(key);
    if (!shard) return broken("a hash key has no shard");
    const stream::ShardRecord& record = map.shards()[*shard];
    if (record.end) return broken("a shard that is closed takes records");
    if (record.parent && record.created_ns != 2) return broken("a shard that is not complete");
  }
  for (const stream::ShardRecord& record : map.shards()) {
    if (record.end && (record.children.size() != 2 || record.closed_ns != 3 || *record.end != 9)) {
      broken("a shard is closed, and one cannot see what became of it");
    }
  }
}

std::string ControlStage::World::check() {
  judge_map(*judges);
  auto meta = judges->changeable();
  if (!meta) broken(meta.error().what);
  if (meta) judge(*meta);
  // Whoever comes next does once more what the last one meant to.
  if (auto done = judges->apply(wanted, {}); !done) broken(done.error().what);
  auto again = judges->meta();
  if (!again || !(*again == wanted)) broken("the next changer does not leave what he meant to");
  judge_map(*judges);
  return verdict;
}

ControlStage::ControlStage() : world_(std::make_unique<World>()) {}
ControlStage::~ControlStage() = default;

Stage ControlStage::stage(std::string name) {
  Stage stage;
  World& w = *world_;
  stage.name = std::move(name);
  stage.setup = [&w] { w.prepare(); };
  stage.on_death = [](int) {};
  stage.liveness = {{&w.dead, sizeof w.dead}};
  stage.check = [&w] { return w.check(); };
  return stage;
}

void ControlStage::set(std::uint64_t hours) {
  Meta next = world_->wanted;
  next.settings.retention = std::chrono::hours(hours);
  next.tags["hours"] = std::to_string(hours);
  world_->apply(next);
}

void ControlStage::split() {
  Meta next = world_->wanted;
  const HashKey middle = stream::middle({HashKey{}, HashKey::max()});
  for (const stream::Range& range :
       {stream::Range{HashKey{}, stream::before(middle)}, stream::Range{middle, HashKey::max()}}) {
    stream::ShardRecord child;
    child.number = static_cast<std::uint32_t>(next.shards.size());
    child.range = range;
    child.parent = 0;
    child.created_s = 1;
    child.created_ns = 2;
    next.shards[0].children.push_back(child.number);
    next.shards.push_back(child);
  }
  world_->apply(next);
  next = world_->wanted;
  next.shards[0].end = 9;
  next.shards[0].closed_ns = 3;
  world_->apply(next);
}

void ControlStage::read_settings() {
  auto meta = world_->reader->changeable();
  if (!meta) return world_->broken(meta.error().what);
  world_->judge(*meta);
}
void ControlStage::read_map() { world_->judge_map(*world_->reader); }

const std::vector<NamedControl>& control_schedules() {
  using Run = std::function<void(ControlStage&)>;
  const auto scenario = [](const std::string& name, Run change, Run read) {
    return NamedControl{name, [=](ControlStage& stage) {
                          ExploreScenario it;
                          it.stage = stage.stage(name);
                          it.operations = {{"change", 1, [&stage, change] { change(stage); }},
                                           {"read", 2, [&stage, read] { read(stage); }}};
                          it.mortal = {1};
                          return it;
                        }};
  };
  const Run map = [](ControlStage& s) { s.read_map(); };
  const Run settings = [](ControlStage& s) { s.read_settings(); };
  static const std::vector<NamedControl> all = {
      scenario(
          "settings, and changes", [](ControlStage& s) { s.set(25), s.set(26), s.set(27); },
          settings),
      scenario(
          "map, and a split", [](ControlStage& s) { s.split(); }, map),
  };
  return all;
}

}  // namespace ringpost::rig
