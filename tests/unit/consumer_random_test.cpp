// A consumer group under a random program: consumers come, go, stand still and hand over, shards
// are split and merged. Nothing is left out, nothing behind a checkpoint comes again, parents go
// first.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "process/rig/depth.hpp"
#include "ringpost/consumer_group.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

constexpr std::size_t kConsumers = 3;
constexpr std::uint64_t kMiddle = 1ull << 63;

class Program {
 public:
  explicit Program(unsigned seed) : random_(seed), consumers_(kConsumers) {
    stream_ = test_.bus()
                  .stream("s", {.durability = Durability::kMemory,
                                .shards = 2,
                                .storage = StreamStorage::kMemory,
                                .ring_bytes = 4u << 20})
                  .value();
    for (Consumer& each : consumers_) each = join();
  }

  void run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) step();
  }

  /// Everybody begins again at the checkpoints and works until nothing is left.
  void finish() {
    for (Consumer& each : consumers_) each.stop();
    last_.clear();
    for (int round = 0; round < 100; ++round) {
      test_.clock().advance(2s);
      for (std::size_t i = 0; i < kConsumers; ++i) {
        while (poll(i)) checkpoint(i);
      }
    }
    for (const auto& [shard, records] : put_) {
      for (const std::uint64_t position : records) {
        EXPECT_TRUE(delivered_[shard].contains(position)) << shard << " " << position;
      }
    }
  }

 private:
  unsigned pick(unsigned below) { return static_cast<unsigned>(random_() % below); }
  Consumer join() {
    return Consumer::open(test_.bus(), "s", "g",
                          {.failover = 5s, .hand_over = 8s, .records_max = 1 + pick(4)})
        .value();
  }

  void step() {
    const std::size_t who = pick(kConsumers);
    switch (pick(12)) {
      case 0:
      case 1:
      case 2:
        return put();
      case 3:
      case 4:
      case 5:
      case 6:
        if (poll(who) && pick(3) != 0) checkpoint(who);
        return;
      case 7:
        return checkpoint(who);
      case 8:
        return test_.clock().advance(std::chrono::milliseconds(pick(2'000)));
      case 9:
        if (pick(4) == 0) test_.clock().advance(6s);  // all of them are silent for too long
        return;
      case 10:
        if (pick(4) == 0) consumers_[who].stop();
        if (pick(8) == 0) consumers_[who] = join();
        last_[who].reset();
        return;
      default:
        if (pick(10) == 0) reshard();
    }
  }

  void put() {
    const HashKey key{random_(), random_()};
    const Put put = stream_.put("k", "x", {.explicit_hash_key = key}).value();
    put_[put.shard].insert(put.sequence.position);
  }

  void reshard() {
    std::vector<ShardInfo> open;
    for (const ShardInfo& each : stream_.shards().value()) {
      if (each.is_open()) open.push_back(each);
    }
    std::sort(open.begin(), open.end(),
              [](const ShardInfo& a, const ShardInfo& b) { return a.first < b.first; });
    if (open.size() < 4) {
      const ShardInfo& one = open[pick(static_cast<unsigned>(open.size()))];
      const std::uint64_t half = one.first.high / 2 + one.last.high / 2 + 1;
      static_cast<void>(stream_.split(one.number, {half, kMiddle}));
    } else {
      const unsigned lower = pick(static_cast<unsigned>(open.size() - 1));
      ASSERT_TRUE(stream_.merge(open[lower].number, open[lower + 1].number));
    }
  }

  bool poll(std::size_t who) {
    auto delivery = consumers_[who].poll().value();
    if (!delivery) return false;
    if (delivery->kind == Delivery::Kind::kRecords) note(*delivery);
    last_[who] = std::move(*delivery);
    return true;
  }

  void note(const Delivery& delivery) {
    for (const ShardInfo& each : stream_.shards().value()) {
      if (each.number != delivery.shard) continue;
      for (const auto& parent : {each.parent, each.adjacent_parent}) {
        EXPECT_TRUE(!parent || ended_.contains(*parent)) << each.number << " before its parent";
      }
    }
    std::uint64_t before = 0;
    for (const StreamRecord& record : delivery.records) {
      const std::uint64_t position = record.sequence.position;
      EXPECT_TRUE(put_[delivery.shard].contains(position));
      EXPECT_TRUE(before == 0 || before < position);
      const auto done = done_.find(delivery.shard);
      EXPECT_TRUE(done == done_.end() || position > done->second) << delivery.shard;
      delivered_[delivery.shard].insert(position);
      before = position;
    }
  }

  /// Of the last thing that it was told; it may have lost the shard meanwhile.
  void checkpoint(std::size_t who) {
    if (!last_[who]) return;
    const Delivery& delivery = *last_[who];
    const auto written = consumers_[who].checkpoint(delivery);
    if (written && delivery.kind == Delivery::Kind::kRecords) {
      done_[delivery.shard] = delivery.records[delivery.records.size() - 1].sequence.position;
    } else if (written && delivery.kind == Delivery::Kind::kShardEnd) {
      ended_.insert(delivery.shard);
    } else if (!written) {
      // It may have lost the shard, and have got it back without that delivery.
      const Errc code = written.error().code;
      EXPECT_TRUE(code == Errc::kLeaseLost || code == Errc::kInvalidArgument) << name(code);
    }
    last_[who].reset();
  }

  std::mt19937_64 random_;
  TestBus test_;
  Stream stream_;
  std::vector<Consumer> consumers_;
  std::map<std::size_t, std::optional<Delivery>> last_;
  std::map<std::uint32_t, std::set<std::uint64_t>> put_;
  std::map<std::uint32_t, std::set<std::uint64_t>> delivered_;
  std::map<std::uint32_t, std::uint64_t> done_;
  std::set<std::uint32_t> ended_;
};

TEST(AConsumerGroupUnderARandomProgram, LeavesNothingOutAndKeepsItsRules) {  // K12 K15 K16 K21
  const unsigned programs = rig::by_depth(2u, 4u, 100u);
  for (unsigned seed = 1; seed <= programs && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Program program(seed);
    program.run(1'500);
    program.finish();
  }
}

}  // namespace
}  // namespace ringpost::test
