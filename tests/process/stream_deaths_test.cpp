// The crash matrix of changes of streams: each is made by a process that is killed before and after
// each of its system calls, and at instructions in between that the seed chooses. Meanwhile another
// process puts. Whatever the dead one left: every hash key has one shard that takes it, every
// acknowledged record is there once and in its order, nobody waits, the next one who comes, or the
// sweep, completes the change or undoes it, and nothing is left over.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>

#include "process/rig/depth.hpp"
#include "process/rig/require.hpp"
#include "process/rig/traced.hpp"
#include "ringpost/consumer_group.hpp"
#include "stream/numbers.hpp"
#include "support/corruption.hpp"
#include "support/streams.hpp"

namespace ringpost::rig {
namespace {

using test::files_in;
using test::RebootingBus;

constexpr char kStream[] = "ticks";

/// Where somebody dies: after so many stops at system calls, then after so many instructions.
struct Moment {
  std::size_t calls = 0;
  std::size_t instructions = 0;
};

/// Who comes first after the death.
enum class Next { kProducer, kSweep, kChanger, kReboot };
constexpr Next kEach[] = {Next::kProducer, Next::kSweep, Next::kChanger, Next::kReboot};
constexpr const char* kNames[] = {"a producer", "a sweep", "another changer", "a reboot"};

std::string describe(const Moment& moment, Next next) {
  return killed_at(moment.calls) + " and " + std::to_string(moment.instructions) +
         " instructions; then comes " + kNames[static_cast<int>(next)];
}

/// One kind of change.
struct Change {
  const char* name;
  StreamStorage storage = StreamStorage::kLog;
  /// Before it; null: there is no stream yet.
  void (*arrange)(Bus&, Stream&) = nullptr;
  void (*make)(Bus&, const StreamSettings&) = nullptr;
  bool reboots = false;  ///< before it
  bool changes = true;   ///< what can be seen of the stream
};

void nothing(Bus& /*bus*/, Stream& /*stream*/) {}
Stream opened(Bus& bus) { return require(bus.open_stream(kStream)); }
void create(Bus& bus, const StreamSettings& settings) {
  require(bus.stream(kStream, settings, {{"desk", "7"}}));
}
void remove(Bus& bus, const StreamSettings& /*settings*/) {
  require_or(bus.delete_stream(kStream), Errc::kNotFound);
}
void split(Bus& bus, const StreamSettings& /*settings*/) {
  require_or(opened(bus).split(0, stream::middle({HashKey{}, HashKey::max()})), Errc::kClosed);
}
void merge(Bus& bus, const StreamSettings& /*settings*/) {
  require_or(opened(bus).merge(1, 2), Errc::kClosed);
}
void split_first(Bus& bus, Stream& /*stream*/) { split(bus, {}); }
void set(Bus& bus, const StreamSettings& /*settings*/) {
  require(opened(bus).set({.retention = std::chrono::hours(48), .shard_limits = true}));
}
void set_tags(Bus& bus, const StreamSettings& /*settings*/) {
  require(opened(bus).set_tags({{"team", "risk"}}));
}
void tidy_up(Bus& bus, const StreamSettings& /*settings*/) { bus.sweep(); }
void open(Bus& bus, const StreamSettings& /*settings*/) { opened(bus); }

constexpr StreamStorage kMemory = StreamStorage::kMemory;

const Change kChanges[] = {
    {.name = "Create", .make = create},
    {.name = "CreateInMemory", .storage = kMemory, .make = create},
    {.name = "Split", .arrange = nothing, .make = split},
    {.name = "SplitInMemory", .storage = kMemory, .arrange = nothing, .make = split},
    {.name = "Merge", .arrange = split_first, .make = merge},
    {.name = "MergeInMemory", .storage = kMemory, .arrange = split_first, .make = merge},
    {.name = "Set", .arrange = nothing, .make = set},
    {.name = "SetInMemory", .storage = kMemory, .arrange = nothing, .make = set},
    {.name = "SetTags", .arrange = nothing, .make = set_tags},
    {.name = "TidyUpAfterASplit", .arrange = split_first, .make = tidy_up, .changes = false},
    {.name = "OpenAfterAReboot",
     .arrange = split_first,
     .make = open,
     .reboots = true,
     .changes = false},
    {.name = "Delete", .arrange = split_first, .make = remove},
    {.name = "DeleteInMemory", .storage = kMemory, .arrange = split_first, .make = remove},
};

class DeathsAtChangesOfStreams : public testing::TestWithParam<Change> {
 protected:
  struct Sent {
    std::string key;
    std::string text;
    bool durable = false;
  };

  void SetUp() override {
    static const bool allowed = tracing_is_allowed();
    if (!allowed) GTEST_SKIP() << "no process may trace another here";
    settings_ = GetParam().storage == kMemory ? test::memory_stream(1) : test::logged_stream(1);
    create(test_.bus(), settings_);  // so that directories are there
    remove(test_.bus(), settings_);
    files_ = files();
  }

  [[nodiscard]] bool has_log() const { return GetParam().storage == StreamStorage::kLog; }
  [[nodiscard]] std::string files() {
    std::string all;
    const std::string folders[] = {test_.bus().directory() + "/streams",
                                   test_.bus().directory() + "/journals",
                                   test_.bus().directory() + "/tmp", test_.state() + "/streams"};
    for (const std::string& folder : folders) {
      for (const std::string& name : files_in(folder)) all += name + "\n";
    }
    return all;
  }
  [[nodiscard]] std::unique_ptr<Traced> victim() {
    return std::make_unique<Traced>([this]() -> Traced::Work {
      auto bus = std::make_shared<Bus>(require(Bus::open("test", test_.options())));
      static_cast<void>(bus->stream_names());  // what it has of the disk
      return [this, bus] { GetParam().make(*bus, settings_); };
    });
  }
  void change_here() { GetParam().make(test_.bus(), settings_); }

  [[nodiscard]] std::string state();
  [[nodiscard]] static std::string state_of(Stream& stream);
  void judge_ranges();
  void put(const std::string& when, bool durable);
  void judge_records(Stream& stream, bool lost_memory);
  void begin();
  void run_to_its_end();
  void die_at(const Moment& moment, Next next);
  void reboot();
  void end(bool lost_memory);

  RebootingBus test_;
  StreamSettings settings_;
  std::string files_;  ///< when there is no stream
  std::optional<Stream> producer_;
  std::vector<Sent> sent_;  ///< and acknowledged
  std::string before_, after_;
  std::size_t stops_ = 0;  ///< at system calls
};

/// Everything that can be seen of the stream; of none nothing.
std::string DeathsAtChangesOfStreams::state() {
  auto opened = test_.bus().open_stream(kStream);
  if (!opened && opened.error() == Errc::kNotFound) return "";
  Stream stream = require(std::move(opened));
  return state_of(stream);
}
std::string DeathsAtChangesOfStreams::state_of(Stream& stream) {
  if (!stream.shards()) return "";  // deleted
  std::string text = std::to_string(stream.settings().retention->count()) + " " +
                     std::to_string(*stream.settings().shard_limits);
  for (const auto& [key, value] : require(stream.tags())) text += " " + key + "=" + value;
  for (const ShardInfo& each : require(stream.shards())) {
    text += "\n" + each.id() + " " + each.first.to_string() + " " + each.last.to_string() +
            (each.is_open() ? " open" : " closed");
  }
  return text;
}

/// The open shards have every hash key, each one of them.
void DeathsAtChangesOfStreams::judge_ranges() {
  Stream stream = opened(test_.bus());
  auto open = require(stream.shards({.kind = ShardFilter::Kind::kAtLatest}));
  std::sort(open.begin(), open.end(),
            [](const ShardInfo& a, const ShardInfo& b) { return a.first < b.first; });
  ASSERT_FALSE(open.empty());
  EXPECT_EQ(open.front().first, HashKey{});
  EXPECT_EQ(open.back().last, HashKey::max());
  for (std::size_t i = 0; i + 1 < open.size(); ++i) {
    EXPECT_EQ(stream::behind(open[i].last), open[i + 1].first);
  }
}

/// One record at each end of every range that there may be.
void DeathsAtChangesOfStreams::put(const std::string& when, bool durable) {
  if (!producer_) return;
  const HashKey middle = stream::middle({HashKey{}, HashKey::max()});
  const std::pair<const char*, HashKey> keys[] = {
      {"a", {}}, {"b", stream::before(middle)}, {"c", middle}, {"d", HashKey::max()}};
  for (const auto& [key, hash] : keys) {
    PutOptions options{.explicit_hash_key = hash, .wait = Duration::zero()};
    options.durability = durable && has_log() ? Durability::kDurable : Durability::kMemory;
    if (durable) options.wait = 5s;
    const auto done = producer_->put(key, when, options);
    if (done) sent_.push_back({key, when, durable && has_log()});
    const bool may_fail = !done && (done.error() == Errc::kDeleted);
    EXPECT_TRUE(done || may_fail) << when << " " << key << ": " << name(done.error());
  }
}

/// Parents have lower numbers than their children.
void DeathsAtChangesOfStreams::judge_records(Stream& stream, bool lost_memory) {
  std::vector<std::string> found;
  for (const ShardInfo& each : require(stream.shards())) {
    ShardReader reader =
        require(stream.reader(each.number, From::trim_horizon(), Follow::kPublished));
    for (Records records = require(reader.read()); !records.empty();
         records = require(reader.read())) {
      for (const StreamRecord& record : records) {
        found.push_back(std::string(record.key) + " " + std::string(as_text(record.data)));
      }
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const std::string& a, const std::string& b) { return a[0] < b[0]; });
  std::vector<std::string> wanted;
  for (const Sent& each : sent_) {
    const std::string text = each.key + " " + each.text;
    const bool is_there = std::find(found.begin(), found.end(), text) != found.end();
    if (!lost_memory || each.durable || is_there) wanted.push_back(text);
  }
  std::stable_sort(wanted.begin(), wanted.end(),
                   [](const std::string& a, const std::string& b) { return a[0] < b[0]; });
  EXPECT_EQ(found, wanted);
}

void DeathsAtChangesOfStreams::begin() {
  sent_.clear();
  if (GetParam().arrange == nullptr) return;
  create(test_.bus(), settings_);
  producer_.emplace(opened(test_.bus()));
  put("first", true);
  GetParam().arrange(test_.bus(), *producer_);
  put("before", true);
  if (GetParam().reboots) reboot();
}

void DeathsAtChangesOfStreams::reboot() {
  producer_.reset();
  test_.reboot();
}

/// Without a death: learns how many stops there are, and the state before and after.
void DeathsAtChangesOfStreams::run_to_its_end() {
  begin();
  if (!GetParam().reboots) before_ = state();
  const auto child = victim();
  while (child->to_next_call()) ++stops_;
  child->kill();
  after_ = state();
  if (GetParam().reboots) before_ = after_;
  EXPECT_EQ(before_ != after_, GetParam().changes);
  end(false);
}

void DeathsAtChangesOfStreams::die_at(const Moment& moment, Next next) {
  if (next == Next::kReboot && !has_log()) return;
  SCOPED_TRACE(describe(moment, next));
  begin();
  const auto child = victim();
  for (std::size_t calls = 0; calls < moment.calls && child->to_next_call();) ++calls;
  for (std::size_t steps = 0; steps < moment.instructions && child->step();) ++steps;
  put("between", false);
  const std::string seen = producer_ ? state_of(*producer_) : before_;
  child->kill();
  const bool reboots = next == Next::kReboot;
  if (next == Next::kProducer) put("after", true);
  if (next == Next::kSweep) test_.bus().sweep();
  if (next == Next::kChanger) change_here();
  if (reboots) reboot();
  const std::string left = state();
  if (next != Next::kProducer) {
    if (!left.empty()) judge_ranges();
    EXPECT_TRUE(left == after_ || (left == before_ && next != Next::kChanger)) << left;
  }
  // One that was to be deleted comes back with power, if the disk had not heard of it.
  const bool may_come_back = reboots && after_.empty();
  EXPECT_TRUE(seen != after_ || left == after_ || may_come_back) << "it was made, and then was not";
  if (!left.empty()) {
    producer_.emplace(opened(test_.bus()));
    put("after all", true);
  }
  end(reboots);
}

/// The next changer, the sweep; then the stream goes, comes again and goes.
void DeathsAtChangesOfStreams::end(bool lost_memory) {
  change_here();
  EXPECT_EQ(state(), after_);
  if (!after_.empty()) {
    judge_ranges();
    if (!producer_) producer_.emplace(opened(test_.bus()));
    put("end", true);
    Stream stream = opened(test_.bus());
    judge_records(stream, lost_memory);
  }
  test_.bus().sweep();
  producer_.reset();
  sent_.clear();
  remove(test_.bus(), settings_);
  create(test_.bus(), settings_);
  producer_.emplace(opened(test_.bus()));
  put("again", false);
  Stream again = opened(test_.bus());
  judge_records(again, false);
  producer_.reset();
  remove(test_.bus(), settings_);
  EXPECT_EQ(files(), files_);
}

TEST_P(DeathsAtChangesOfStreams, BeforeAndAfterEachSystemCall) {
  run_to_its_end();
  ASSERT_GT(stops_, 4u);
  // At nightly depth each of them; below so many, others with each seed.
  const std::size_t most = by_depth<std::size_t>(5, 8, stops_ + 1);
  const std::size_t every = std::max<std::size_t>(1, (stops_ + 1) / most);
  for (const Next next : kEach) {
    const std::size_t first = (base_seed() + static_cast<std::size_t>(next)) % every;
    for (std::size_t calls = first; calls <= stops_ && !HasFailure(); calls += every) {
      die_at({.calls = calls}, next);
    }
  }
}

TEST_P(DeathsAtChangesOfStreams, AtInstructionsInBetween) {
  constexpr double kInstructionsMax = 2'048;
  run_to_its_end();
  std::mt19937_64 random(base_seed());
  std::uniform_int_distribution<std::size_t> calls(0, stops_);
  std::uniform_real_distribution<double> magnitude(0, std::log2(kInstructionsMax));
  const std::size_t rounds = by_depth<std::size_t>(4, 8, 400);
  for (std::size_t round = 0; round < rounds && !HasFailure(); ++round) {
    const std::size_t after = calls(random);
    die_at({after, static_cast<std::size_t>(std::exp2(magnitude(random)))}, kEach[round % 4]);
  }
}

INSTANTIATE_TEST_SUITE_P(Each, DeathsAtChangesOfStreams, testing::ValuesIn(kChanges),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace ringpost::rig
