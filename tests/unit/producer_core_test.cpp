// The producer's batches, retries and results, step by step, with a stream that does as the test
// says.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "client/producer_core.hpp"
#include "support/test_bus.hpp"
#include "sys/error.hpp"

namespace ringpost::test {
namespace {

using detail::ProducerCore;

/// Two shards, by the highest bit of the hash key; when they are split two others, by another bit.
class FakeStream final : public detail::RecordSink {
 public:
  struct Taken {
    std::uint32_t shard;
    std::string key;
    std::string data;
  };

  std::uint32_t shard_of(const HashKey& key) override {
    if (is_split) return 2 + static_cast<std::uint32_t>(key.high & 1);
    return static_cast<std::uint32_t>(key.high >> 63);
  }
  Result<std::vector<Result<Put, Errc>>> put_batch(std::span<const PutEntry> entries,
                                                   const PutOptions& options) override {
    EXPECT_EQ(options.durability, Durability::kMemory);
    before_put();
    for (const PutEntry& each : entries) {
      if (each.key.empty()) return sys::error(Errc::kInvalidArgument, "key", "is empty");
    }
    ++batches;
    sizes.push_back(entries.size());
    std::vector<Result<Put, Errc>> results;
    for (const PutEntry& each : entries) results.push_back(put(each));
    return results;
  }
  Errc wait_durable(std::span<const Put> puts, Duration) noexcept override {
    ++flushes;
    for (const Put& put : puts) {
      if (durable_errors.contains(put.shard)) return durable_errors.at(put.shard);
    }
    return Errc::kOk;
  }
  Durability durability() override { return durable; }

  std::vector<std::string> data_of(std::uint32_t shard) const {
    std::vector<std::string> all;
    for (const Taken& each : taken) {
      if (each.shard == shard) all.push_back(each.data);
    }
    return all;
  }

  std::vector<Taken> taken;
  std::vector<std::size_t> sizes;
  int batches = 0;
  int flushes = 0;
  bool is_split = false;
  std::uint32_t room = UINT32_MAX;  ///< for so many records more
  Errc refusal = Errc::kThrottled;
  Durability durable = Durability::kMemory;
  std::map<std::uint32_t, Errc> durable_errors;
  std::function<void()> before_put = [] {};

 private:
  Result<Put, Errc> put(const PutEntry& entry) {
    if (room == 0) return Unexpected(refusal);
    --room;
    const HashKey hash = entry.explicit_hash_key.value_or(HashKey::of(entry.key));
    const std::uint32_t shard = shard_of(hash);
    taken.push_back({shard, std::string(entry.key), std::string(as_text(entry.data))});
    return Put{shard, {.shard = shard, .position = taken.size()}};
  }
};

constexpr HashKey kLow{0, 1};
constexpr HashKey kHigh{1ull << 63, 0};

class AProducer : public testing::Test {
 protected:
  ProducerCore& producer(const ProducerOptions& options = {}) {
    core_ = std::make_unique<ProducerCore>(stream_, options, base::TimeSource(&clock_));
    return *core_;
  }
  /// Results are kept in the order in which they come: "data:code".
  Errc put(std::string_view data, std::optional<HashKey> hash_key = kLow,
           std::string_view key = "k") {
    const std::string name(data);
    const auto on_outcome = [this, name](const Outcome& outcome) {
      outcomes_.push_back(name + ":" + std::string(::ringpost::name(outcome.code)));
      last_ = outcome;
    };
    return core_->put(key, as_bytes(data), {.explicit_hash_key = hash_key, .wait = 0s}, on_outcome,
                      nullptr);
  }
  std::uint64_t now() const { return clock_.monotonic_ns(); }

  ManualClock clock_;
  FakeStream stream_;
  std::unique_ptr<ProducerCore> core_;
  std::vector<std::string> outcomes_;
  Outcome last_;
};

using Texts = std::vector<std::string>;

TEST_F(AProducer, PutsRecordsOfAShardTogetherAndInOrder) {
  producer();
  for (const char* const data : {"a", "b", "c"}) ASSERT_EQ(put(data, kLow), Errc::kOk);
  ASSERT_EQ(put("d", kHigh), Errc::kOk);
  core_->step();
  EXPECT_EQ(stream_.data_of(0), (Texts{"a", "b", "c"}));
  EXPECT_EQ(stream_.data_of(1), Texts{"d"});
  EXPECT_EQ(stream_.batches, 2);
  EXPECT_EQ(outcomes_, (Texts{"a:Ok", "b:Ok", "c:Ok", "d:Ok"}));
  EXPECT_EQ(last_.put.shard, 1u);
  EXPECT_EQ(last_.attempts, 1u);
  const ProducerStats stats = core_->stats();
  EXPECT_EQ(stats.done, 4u);
  EXPECT_EQ(stats.bytes, 8u);
  EXPECT_EQ(stats.buffered_records, 0u);
  EXPECT_EQ(stats.buffered_bytes, 0u);
}

TEST_F(AProducer, LingersUntilTheBatchIsFullOrTheTimeIsOver) {  // P10
  producer({.linger = 100ms, .batch_records_max = 3});
  put("a");
  EXPECT_EQ(core_->step(), now() + 100'000'000);
  put("b");
  core_->step();
  EXPECT_EQ(stream_.batches, 0);
  put("c");
  core_->step();
  EXPECT_EQ(stream_.batches, 1);
  put("d");
  clock_.advance(99ms);
  core_->step();
  EXPECT_EQ(stream_.batches, 1);
  clock_.advance(1ms);
  EXPECT_EQ(core_->step(), UINT64_MAX);
  EXPECT_EQ(stream_.batches, 2);
}

TEST_F(AProducer, SendsWhatWaitsWhenItIsFlushedOrClosed) {
  producer({.linger = 1h});
  put("a");
  core_->step();
  EXPECT_EQ(core_->flush(0s), Errc::kTimedOut);
  core_->step();
  EXPECT_EQ(core_->flush(0s), Errc::kOk);
  put("b");
  core_->step();
  EXPECT_EQ(stream_.batches, 1);
  core_->close();
  EXPECT_FALSE(core_->is_done());
  core_->step();
  EXPECT_TRUE(core_->is_done());
  EXPECT_EQ(outcomes_, (Texts{"a:Ok", "b:Ok"}));
  EXPECT_EQ(put("c"), Errc::kClosed);
}

TEST_F(AProducer, TriesThrottledRecordsAgainInOrder) {  // P12
  producer();
  stream_.room = 1;
  for (const char* const data : {"a", "b", "c"}) put(data);
  EXPECT_EQ(core_->step(), now() + 25'000'000);
  EXPECT_EQ(outcomes_, Texts{"a:Ok"});
  stream_.room = 100;
  core_->step();
  EXPECT_EQ(outcomes_.size(), 1u);
  clock_.advance(25ms);
  core_->step();
  EXPECT_EQ(stream_.data_of(0), (Texts{"a", "b", "c"}));
  EXPECT_EQ(last_.attempts, 2u);
  EXPECT_EQ(core_->stats().retries, 2u);
  EXPECT_EQ(core_->stats().throttled, 2u);
}

TEST_F(AProducer, GivesUpWhenTheTimeToLiveIsOver) {  // P12
  producer({.record_ttl = 1s});
  stream_.room = 0;
  for (const Errc code : {Errc::kThrottled, Errc::kFull, Errc::kNoSpace}) {
    stream_.refusal = code;
    outcomes_.clear();
    put("a");
    core_->step();
    EXPECT_TRUE(outcomes_.empty());
    clock_.advance(1s);
    core_->step();
    EXPECT_EQ(outcomes_, Texts{"a:" + std::string(name(code))});
  }
  EXPECT_EQ(core_->stats().failed, 3u);
}

TEST_F(AProducer, FailsThrottledRecordsAtOnceIfItIsToldTo) {  // P10
  producer({.fail_if_throttled = true});
  stream_.room = 0;
  put("a");
  core_->step();
  EXPECT_EQ(outcomes_, Texts{"a:Throttled"});
}

TEST_F(AProducer, ReportsARecordThatIsWrongAndPutsTheOthers) {
  producer();
  put("a");
  put("b", kLow, "");
  put("c");
  core_->step();
  EXPECT_EQ(outcomes_, (Texts{"a:Ok", "b:InvalidArgument", "c:Ok"}));
  EXPECT_EQ(last_.attempts, 1u);
}

TEST_F(AProducer, WaitsOnceForTheDurabilityOfAll) {
  stream_.durable = Durability::kDurable;
  producer({.batch_records_max = 2});
  for (const char* const data : {"a", "b", "c", "d", "e"}) put(data, data[0] == 'e' ? kHigh : kLow);
  core_->step();
  EXPECT_EQ(stream_.flushes, 1);
  EXPECT_EQ(outcomes_.size(), 5u);
}

TEST_F(AProducer, SaysNothingOfARecordThatIsNotDurableYet) {
  stream_.durable = Durability::kDurable;
  stream_.durable_errors[0] = Errc::kTimedOut;
  producer({.record_ttl = 10s});
  put("a", kLow);
  put("b", kHigh);
  EXPECT_EQ(core_->step(), 0u);
  EXPECT_EQ(outcomes_, Texts{"b:Ok"});
  stream_.durable_errors.clear();
  core_->step();
  EXPECT_EQ(outcomes_, (Texts{"b:Ok", "a:Ok"}));
  EXPECT_EQ(stream_.data_of(0), Texts{"a"});  // put once
}

TEST_F(AProducer, SaysWhatHappenedToADurabilityThatDoesNotCome) {
  stream_.durable = Durability::kDurable;
  stream_.durable_errors = {{0, Errc::kTimedOut}, {1, Errc::kLogFailed}};
  producer({.record_ttl = 10s});
  put("a", kLow);
  put("b", kHigh);
  core_->step();
  EXPECT_EQ(outcomes_, Texts{"b:LogFailed"});
  clock_.advance(10s);
  core_->step();
  EXPECT_EQ(outcomes_, (Texts{"b:LogFailed", "a:TimedOut"}));
}

TEST_F(AProducer, TakesNoMoreThanItsBufferHolds) {
  producer({.buffered_records_max = 2, .buffered_bytes_max = 100});
  EXPECT_EQ(put(std::string(101, 'x')), Errc::kTooLarge);
  EXPECT_EQ(put(std::string(60, 'x')), Errc::kOk);
  EXPECT_EQ(put(std::string(60, 'x')), Errc::kFull);
  EXPECT_EQ(put("a"), Errc::kOk);
  EXPECT_EQ(put("b"), Errc::kFull);
  EXPECT_EQ(core_->stats().waits, 2u);
  core_->step();
  EXPECT_EQ(put("b"), Errc::kOk);
  EXPECT_EQ(core_->stats().accepted, 3u);
}

TEST_F(AProducer, KeepsBatchesWithinTheirBytes) {
  producer({.batch_bytes_max = 100});
  for (int i = 0; i < 5; ++i) put(std::string(40, 'x'));
  put(std::string(500, 'x'));
  core_->step();
  EXPECT_EQ(stream_.sizes, (std::vector<std::size_t>{2, 2, 1, 1}));
}

TEST_F(AProducer, PacksRecordsOfAShardIfItIsToldTo) {  // P04 P05 P07
  producer({.aggregate = true});
  put("one", kHigh);
  put("a", kLow, "x");
  put("b", HashKey{5, 5}, "y");
  put("c", std::nullopt, "user-42");  // 7631bc…: low
  core_->step();
  ASSERT_EQ(stream_.taken.size(), 2u);
  EXPECT_EQ(stream_.taken[0].key, "a");
  const auto packed = stream::unpack(as_bytes(stream_.taken[0].data));
  ASSERT_TRUE(packed);
  ASSERT_EQ(packed->size(), 3u);
  EXPECT_EQ((*packed)[2].key, "user-42");
  EXPECT_EQ(stream_.data_of(1), Texts{"one"});  // alone: as it is
  EXPECT_EQ(outcomes_.size(), 4u);
  EXPECT_EQ(core_->stats().aggregates, 1u);
}

TEST_F(AProducer, KeepsAggregatesWithinTheirLimits) {  // P10
  producer({.aggregate = true, .aggregate_bytes_max = 200});
  for (int i = 0; i < 20; ++i) put(std::string(30, 'x'));
  core_->step();
  ASSERT_GT(stream_.taken.size(), 2u);
  for (const auto& each : stream_.taken) EXPECT_LE(each.data.size(), 200u);
  stream_.taken.clear();
  producer({.aggregate = true, .aggregate_records_max = 2});
  for (int i = 0; i < 5; ++i) put("x");
  core_->step();
  EXPECT_EQ(stream_.taken.size(), 3u);
}

TEST_F(AProducer, PutsAgainWhatAnAggregateTookToTheWrongShard) {  // P08 P09
  producer({.aggregate = true});
  put("a", HashKey{1, 0});
  put("b", HashKey{2, 0});
  put("c", HashKey{3, 0});
  stream_.before_put = [this] { stream_.is_split = true; };
  core_->step();
  EXPECT_EQ(stream_.data_of(2), Texts{"b"});
  EXPECT_EQ(stream_.data_of(3).size(), 1u);
  EXPECT_EQ(outcomes_, (Texts{"a:Ok", "c:Ok", "b:Ok"}));
}

}  // namespace
}  // namespace ringpost::test
