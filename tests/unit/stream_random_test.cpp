// Random calls of two participants on one stream, beside a model that knows what must be read:
// puts, splits, merges, settings, time, sweeps, reboots.
#include <map>
#include <random>

#include "client/streams.hpp"
#include "support/streams.hpp"

namespace ringpost::test {
namespace {

struct Known {
  std::uint64_t position = 0;
  std::string text;
  std::int64_t arrival_ns = 0;
};

class Trial {
 public:
  explicit Trial(std::uint64_t seed) : random_(seed) {
    static_cast<void>(bus_.bus().stream("ticks", logged_stream(2)).value());
    open();
  }

  void step() {
    switch (below(16)) {
      case 0:
        return split();
      case 1:
        return merge();
      case 2:
        return set_retention();
      case 3:
        bus_.clock().advance(std::chrono::minutes(below(600)));
        return;
      case 4:
        bus_.bus().sweep();
        return;
      case 5:
        if (below(4) == 0) reboot();
        return;
      case 6:
      case 7:
        return read_on();
      case 8:
        return read_from_a_number();
      case 9:
        return read_from_a_time();
      case 10:
        return put_batch();
      default:
        return put();
    }
  }
  /// Everything, from the beginning.
  void judge() {
    for (const ShardInfo& shard : stream().shards().value()) {
      EXPECT_EQ(all_of(stream(), shard.number), young(shard.number, 0)) << shard.id();
    }
    EXPECT_EQ(bus_.bus().sweep().elected, true);
    EXPECT_EQ(examine(bus_.bus()).findings.size(), 0u);
  }

 private:
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  Stream& stream() { return streams_[below(2)]; }

  void open() {
    streams_[0] = bus_.bus().open_stream("ticks").value();
    other_.emplace(bus_.bus().clone().value());
    streams_[1] = other_->open_stream("ticks").value();
  }
  void reboot() {
    readers_.clear();
    for (Stream& each : streams_) each = Stream();
    other_.reset();
    bus_.reboot();
    open();
  }

  std::string text() {
    return std::to_string(count_++) + std::string(below(8) == 0 ? below(12'000) : below(200), 'x');
  }
  HashKey key() { return {random_(), random_()}; }
  std::int64_t now() const { return static_cast<std::int64_t>(bus_.now_ns()); }
  void note(const Put& put, std::string text) {
    std::vector<Known>& known = shards_[put.shard];
    if (!known.empty()) {
      EXPECT_GT(put.sequence.position, known.back().position);
    }
    known.push_back({put.sequence.position, std::move(text), now()});
  }
  void put() {
    const std::string data = text();
    const auto put = stream().put("k", data, {.explicit_hash_key = key()});
    ASSERT_TRUE(put) << name(put.error());
    note(*put, data);
  }
  void put_batch() {
    std::vector<std::string> texts;
    std::vector<PutEntry> entries;
    for (std::size_t i = 0; i < 10; ++i) texts.push_back(text());
    for (const std::string& each : texts) entries.push_back({"k", as_bytes(each), key()});
    const auto results = stream().put_batch(entries).value();
    for (std::size_t i = 0; i < results.size(); ++i) {
      ASSERT_TRUE(results[i]) << name(results[i].error());
      note(*results[i], texts[i]);
    }
  }

  std::vector<ShardInfo> open_shards() {
    auto open = stream().shards({.kind = ShardFilter::Kind::kAtLatest}).value();
    std::sort(open.begin(), open.end(),
              [](const ShardInfo& a, const ShardInfo& b) { return a.first < b.first; });
    return open;
  }
  void split() {
    const auto open = open_shards();
    if (open.size() >= 6) return;
    const ShardInfo& shard = open[below(open.size())];
    ASSERT_TRUE(stream().split(shard.number, stream::middle({shard.first, shard.last})));
  }
  void merge() {
    const auto open = open_shards();
    if (open.size() < 2) return;
    const std::size_t lower = below(open.size() - 1);
    ASSERT_TRUE(stream().merge(open[lower].number, open[lower + 1].number));
  }
  /// Only while nothing is past either: nobody knows what of that is still there.
  void set_retention() {
    const Duration next = below(2) == 0 ? 24h : 48h;
    for (const auto& [shard, known] : shards_) {
      for (const Known& each : known) {
        if (each.arrival_ns <= now() - Duration(24h).count()) return;
      }
    }
    retention_ = next;
    ASSERT_TRUE(stream().set({.retention = retention_}));
  }
  bool is_young(const Known& record) const {
    return record.arrival_ns > now() - retention_.count();
  }
  Texts young(std::uint32_t shard, std::uint64_t from) {
    Texts texts;
    for (const Known& each : shards_[shard]) {
      if (each.position >= from && is_young(each)) texts.push_back(each.text);
    }
    return texts;
  }
  std::optional<std::uint32_t> any_shard() {
    const auto listed = stream().shards().value();
    return listed.empty() ? std::nullopt : std::optional(listed[below(listed.size())].number);
  }

  /// A reader that stays, of one handle, and knows nothing of what the other one does.
  void read_on() {
    const std::uint32_t shard = any_shard().value();
    auto found = readers_.find(shard);
    if (found == readers_.end()) {
      found =
          readers_.emplace(shard, streams_[0].reader(shard, From::trim_horizon()).value()).first;
    }
    const std::uint64_t from = found->second.position().position;
    const Texts wanted = young(shard, from);
    Texts read;
    for (bool more = true; more;) {
      const Records records = found->second.read({.limit = 3}).value();
      for (std::string& each : texts_of(records)) read.push_back(std::move(each));
      more = !records.empty();
    }
    EXPECT_EQ(read, wanted) << ShardInfo::id_of(shard) << " from " << from;
  }
  void read_from_a_number() {
    const std::uint32_t shard = any_shard().value();
    const std::vector<Known>& known = shards_[shard];
    if (known.empty()) return;
    const Known& record = known[below(known.size())];
    SequenceNumber number;
    for (const ShardInfo& each : stream().shards().value()) {
      if (each.number == shard) number = each.start;
    }
    number.position = record.position;
    EXPECT_EQ(all_of(stream(), shard, From::at(number)), young(shard, record.position));
    EXPECT_EQ(all_of(stream(), shard, From::after(number)), young(shard, record.position + 1));
  }
  void read_from_a_time() {
    const std::uint32_t shard = any_shard().value();
    const std::int64_t when =
        now() - std::chrono::nanoseconds(std::chrono::minutes(below(3'000))).count();
    if (when < 0) return;
    Texts wanted;
    for (const Known& each : shards_[shard]) {
      if (each.arrival_ns >= when && is_young(each)) wanted.push_back(each.text);
    }
    const WallTime time(
        std::chrono::duration_cast<WallTime::duration>(std::chrono::nanoseconds(when)));
    EXPECT_EQ(all_of(stream(), shard, From::time(time)), wanted);
  }

  std::mt19937_64 random_;
  RebootingBus bus_;
  std::optional<Bus> other_;
  Stream streams_[2];
  std::map<std::uint32_t, std::vector<Known>> shards_;
  std::map<std::uint32_t, ShardReader> readers_;
  Duration retention_ = 24h;
  std::uint64_t count_ = 0;
};

class RandomStream : public testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Seeds, RandomStream, testing::Range<std::uint64_t>(0, 6));

TEST_P(RandomStream, AndTheModelReadTheSame) {
  Trial trial(GetParam());
  for (int step = 0; step < 200 && !testing::Test::HasFailure(); ++step) {
    const testing::ScopedTrace trace(__FILE__, __LINE__, "step " + std::to_string(step));
    trial.step();
  }
  trial.judge();
}

}  // namespace
}  // namespace ringpost::test
