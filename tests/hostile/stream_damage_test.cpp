// Random damage to what streams consist of: control files, journals and leases in shared memory,
// the meta file, the segments and the checkpoints on disk. A program that uses the streams in every
// way there is lives on, and every call comes back. The seed of a round is printed when it fails,
// and RINGPOST_SEED repeats it.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "hostile/damage.hpp"
#include "process/rig/scratch.hpp"
#include "ringpost/ringpost.hpp"

namespace ringpost::hostile {
namespace {

using rig::by_depth;

enum class Kind : std::uint8_t { kControl, kJournal, kDisk, kLeases, kCheckpoints };
constexpr const char* kNames[] = {"control", "journal", "disk", "lease", "checkpoint"};

constexpr char kGroup[] = "readers";
constexpr const char* kStreams[] = {"on_disk", "in_memory"};

StreamSettings settings_of(const std::string& name) {
  StreamSettings settings;
  settings.shards = 2;
  settings.record_bytes_max = 4096;
  settings.ring_bytes = 64 * 1024;
  settings.segment_bytes = 1 << 20;
  if (name == "in_memory") settings.storage = StreamStorage::kMemory;
  return settings;
}

class StreamVictim {
 public:
  explicit StreamVictim(std::uint64_t seed)
      : random_(seed),
        options_{.shm_dir = scratch_.path("shm"), .state_dir = scratch_.path("state")},
        bus_(Bus::open("victim", options_).value()) {
    for (const char* name : kStreams) {
      streams_.push_back(bus_.stream(name, settings_of(name)).value());
      put_some(streams_.back(), 60);
      consumers_.push_back(Consumer::open(bus_, name, kGroup, options_of_consumers()).value());
      consume(consumers_.back());
    }
  }

  void use_old_handles() {
    for (Stream& stream : streams_) use(stream);
    for (Consumer& consumer : consumers_) consume(consumer);
  }
  void use_new_handles() {
    auto bus = Bus::open("victim", options_);
    if (!bus) return;
    for (const char* name : kStreams) {
      if (auto stream = bus->open_stream(name)) use(*stream);
      auto consumer = Consumer::open(*bus, name, kGroup, options_of_consumers());
      if (consumer) consume(*consumer);
      static_cast<void>(Consumer::groups(*bus, name));
      static_cast<void>(Consumer::leases(*bus, name, kGroup));
    }
  }
  void tidy_up() {
    static_cast<void>(bus_.sweep());
    static_cast<void>(examine(bus_));
    const char* name = kStreams[any(2)];
    static_cast<void>(Consumer::remove(bus_, name, kGroup));
    static_cast<void>(bus_.delete_stream(name));
    if (auto made = bus_.stream(name, settings_of(name))) use(*made);
  }

  [[nodiscard]] std::vector<std::string> files(Kind kind) const {
    const std::string roots[] = {bus_.directory() + "/streams", bus_.directory() + "/journals",
                                 scratch_.path("state"), bus_.directory() + "/consumers",
                                 scratch_.path("state")};
    std::vector<std::string> found;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(roots[static_cast<int>(kind)])) {
      if (!entry.is_regular_file() || entry.file_size() < 64) continue;
      const std::string name = entry.path().filename();
      if (kind == Kind::kCheckpoints && !name.starts_with("consumers-")) continue;
      found.push_back(entry.path());
    }
    std::sort(found.begin(), found.end());
    return found;
  }

 private:
  static constexpr Duration kShort = std::chrono::milliseconds(1);

  void use(Stream& stream) {
    put_some(stream, 4);
    read_some(stream);
    reshard(stream);
    look(stream);
  }

  static ConsumerOptions options_of_consumers() {
    return {.failover = std::chrono::milliseconds(100), .hand_over = Duration::zero()};
  }
  void consume(Consumer& consumer) {
    for (int i = 0; i < 8; ++i) {
      const auto delivery = consumer.poll();
      if (!delivery || !*delivery) continue;
      add_up((*delivery)->records);
      if (any(4) != 0) static_cast<void>(consumer.checkpoint(**delivery));
    }
    if (any(4) == 0) consumer.renew();
    if (any(4) == 0) consumer.stop();
    static_cast<void>(consumer.shards());
  }

  void put_some(Stream& stream, int count) {
    PutOptions options;
    options.wait = kShort;
    for (int i = 0; i < count; ++i) {
      options.durability = any(2) == 0 ? Durability::kMemory : Durability::kDurable;
      static_cast<void>(
          stream.put("key " + std::to_string(any(9)), std::string(any(2'000), 'x'), options));
    }
    const std::string body(300, 'b');
    const PutEntry entries[] = {{"a", as_bytes(body)}, {"b", as_bytes(body)}};
    static_cast<void>(stream.put_batch(entries, options));
  }

  void read_some(Stream& stream) {
    const auto shards = stream.shards();
    if (!shards) return;
    for (std::size_t i = 0; i < std::min<std::size_t>(shards->size(), 4); ++i) {
      const std::uint32_t shard = (*shards)[i].number;
      const From from = any(3) == 0 ? From::latest() : From::trim_horizon();
      auto reader = stream.reader(shard, from, any(2) == 0 ? Follow::kDurable : Follow::kPublished);
      if (reader) read_with(*reader);
      if (const auto iterator = stream.iterator(shard, From::trim_horizon())) {
        if (const auto got = stream.get(*iterator, 10)) add_up(got->records);
      }
    }
  }

  void read_with(ShardReader& reader) {
    for (int i = 0; i < 100; ++i) {
      const auto record = reader.next();
      if (!record && record.error() != Errc::kLapped) break;
      if (record) add_up(record->key, record->data);
      static_cast<void>(reader.intact());
    }
    if (const auto records = reader.read({.limit = 100, .bytes_max = 10'000, .wait = kShort})) {
      add_up(*records);
    }
    static_cast<void>(reader.behind_latest());
    static_cast<void>(reader.children());
  }

  void reshard(Stream& stream) {
    if (any(4) != 0) return;
    const auto shards = stream.shards();
    if (!shards || shards->empty() || shards->size() > 8) return;
    const ShardInfo& one = (*shards)[any(shards->size())];
    static_cast<void>(
        stream.split(one.number, HashKey{one.first.high / 2 + one.last.high / 2, any(1'000)}));
    static_cast<void>(stream.merge(one.number, one.number + 1));
  }

  void look(Stream& stream) {
    static_cast<void>(stream.settings());
    static_cast<void>(stream.stats());
    static_cast<void>(stream.tags());
    static_cast<void>(stream.set_tags({{"colour", "red"}}));
    StreamSettings changes;
    changes.retention = std::chrono::hours(24 + any(10));
    static_cast<void>(stream.set(changes));
  }

  void add_up(const Records& records) {
    for (const StreamRecord& record : records) add_up(record.key, record.data);
  }
  void add_up(std::string_view key, ByteSpan data) {
    for (const char each : key) sum_ += static_cast<unsigned char>(each);
    for (const std::byte each : data) sum_ += static_cast<unsigned char>(each);
  }
  [[nodiscard]] std::size_t any(std::size_t below) { return random_() % below; }

  std::mt19937_64 random_;
  const rig::Scratch scratch_;
  const BusOptions options_;
  Bus bus_;
  std::vector<Stream> streams_;
  std::vector<Consumer> consumers_;
  std::uint64_t sum_ = 0;  ///< of the bytes that were read, so that they are
};

class StreamDamage : public ::testing::TestWithParam<Kind> {
 protected:
  static std::string any_file(const StreamVictim& victim, std::mt19937_64& random) {
    const auto files = victim.files(GetParam());
    return files.at(random() % files.size());
  }
  static std::string describe(const char* when) {
    return std::string("damage ") + when + " to a " + kNames[static_cast<int>(GetParam())] +
           " file";
  }
};

INSTANTIATE_TEST_SUITE_P(To, StreamDamage,
                         ::testing::Values(Kind::kControl, Kind::kJournal, Kind::kDisk,
                                           Kind::kLeases, Kind::kCheckpoints),
                         [](const auto& each) { return kNames[static_cast<int>(each.param)]; });

TEST_P(StreamDamage, AtRestHarmsNobodyButTheStreams) {
  repeat(by_depth(10, GetParam() < Kind::kLeases ? 30 : 12, 3'000), 0, describe("at rest"),
         [](std::uint64_t seed, std::mt19937_64& random) {
           StreamVictim victim(seed);
           use_at_rest(victim, test::RawFile(any_file(victim, random)), random);
         });
}

TEST_P(StreamDamage, UnderWayHarmsNobodyButTheStreams) {
  repeat(by_depth(2, 6, 600), 1'000'000, describe("under way"),
         [](std::uint64_t seed, std::mt19937_64& random) {
           StreamVictim victim(seed);
           use_under_way(victim, test::RawFile(any_file(victim, random)), seed, 2);
         });
}

}  // namespace
}  // namespace ringpost::hostile
