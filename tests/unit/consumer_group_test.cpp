// Consumer groups on real streams: who reads which shard, and where he goes on.
#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "client/member.hpp"
#include "ringpost/consumer_group.hpp"
#include "ringpost/producer.hpp"
#include "stream/lease_table.hpp"
#include "support/child.hpp"
#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using Texts = std::vector<std::string>;
using Shards = std::vector<std::uint32_t>;

class AConsumerGroup : public testing::Test {
 protected:
  static constexpr char kStream[] = "s";
  static constexpr char kGroup[] = "g";

  Stream& stream(std::uint32_t shards, StreamStorage storage = StreamStorage::kMemory) {
    stream_ = test_.bus()
                  .stream(kStream, {.durability = Durability::kMemory,
                                    .shards = shards,
                                    .storage = storage,
                                    .ring_bytes = 4u << 20,
                                    .segment_bytes = 2u << 20})
                  .value();
    return stream_;
  }
  Consumer consumer(const ConsumerOptions& options = {}) {
    return Consumer::open(test_.bus(), kStream, kGroup, options).value();
  }
  /// Into the middle of that shard's range of hash keys.
  SequenceNumber put(std::uint32_t shard, std::string_view data) {
    for (const ShardInfo& each : stream_.shards().value()) {
      if (each.number != shard) continue;
      const Put put = stream_.put("k", data, {.explicit_hash_key = each.first}).value();
      EXPECT_EQ(put.shard, shard);
      return put.sequence;
    }
    ADD_FAILURE() << "no shard " << shard;
    return {};
  }
  /// Everything that there is for it now, "<shard>:<data>", checkpoints not written.
  static Texts read(Consumer& consumer) {
    Texts all;
    while (const auto delivery = consumer.poll().value()) note(*delivery, all);
    return all;
  }
  static void note(const Delivery& delivery, Texts& into) {
    const std::string shard = std::to_string(delivery.shard) + ":";
    switch (delivery.kind) {
      case Delivery::Kind::kRecords:
        for (const StreamRecord& each : delivery.records) {
          into.push_back(shard + std::string(as_text(each.data)));
        }
        break;
      case Delivery::Kind::kShardEnd:
        into.push_back(shard + "end");
        break;
      case Delivery::Kind::kHandOver:
        into.push_back(shard + "hand over");
        break;
      case Delivery::Kind::kLost:
        into.push_back(shard + "lost");
        break;
    }
  }
  /// The same, with a checkpoint behind each delivery.
  static Texts work(Consumer& consumer) {
    Texts all;
    while (const auto delivery = consumer.poll().value()) {
      note(*delivery, all);
      EXPECT_TRUE(consumer.checkpoint(*delivery));
    }
    return all;
  }
  /// Everybody polls in turn, until nobody has anything to do; what each was told.
  void settle(const std::vector<Consumer*>& consumers) {
    for (int round = 0; round < 40; ++round) {
      test_.clock().advance(1s);
      for (Consumer* const each : consumers) {
        while (each->poll().value()) {
        }
      }
    }
  }
  std::vector<LeaseInfo> leases() { return Consumer::leases(test_.bus(), kStream, kGroup).value(); }

  TestBus test_;
  Stream stream_;
};

TEST_F(AConsumerGroup, GivesTheOnlyConsumerEveryShard) {  // K04 K05
  stream(4);
  Consumer only = consumer();
  EXPECT_EQ(only.shards(), (Shards{0, 1, 2, 3}));
  EXPECT_EQ(Consumer::groups(test_.bus(), kStream).value(), Texts{kGroup});
  for (const LeaseInfo& each : leases()) {
    EXPECT_TRUE(each.owner_lives);
    EXPECT_EQ(each.pid, ::getpid());
  }
}

TEST_F(AConsumerGroup, DeliversEveryRecordInTheOrderOfItsShard) {  // K16
  stream(2);
  put(0, "a");
  put(1, "b");
  put(0, "c");
  Consumer only = consumer();
  EXPECT_EQ(work(only), (Texts{"0:a", "0:c", "1:b"}));
  put(1, "d");
  EXPECT_EQ(work(only), Texts{"1:d"});
}

TEST_F(AConsumerGroup, IsRefusedWithOptionsOutOfTheirLimits) {
  stream(1);
  const auto code = [&](const std::string& group, const ConsumerOptions& options) {
    return code_of(Consumer::open(test_.bus(), kStream, group, options));
  };
  EXPECT_EQ(code("", {}), Errc::kInvalidArgument);
  EXPECT_EQ(code("a/b", {}), Errc::kInvalidArgument);
  EXPECT_EQ(code("g", {.failover = 1ms}), Errc::kInvalidArgument);
  EXPECT_EQ(code("g", {.hand_over = 2h}), Errc::kInvalidArgument);
  EXPECT_EQ(code("g", {.records_max = 0}), Errc::kInvalidArgument);
  EXPECT_EQ(code("g", {.from = From::at({})}), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(Consumer::open(test_.bus(), "none", "g")), Errc::kNotFound);
}

TEST_F(AConsumerGroup, IsBalancedWhenAConsumerJoins) {  // K04 K06
  stream(4);
  Consumer first = consumer();
  Consumer second = consumer();
  settle({&first, &second});
  EXPECT_EQ(first.shards().size(), 2u);
  EXPECT_EQ(second.shards().size(), 2u);
  Consumer third = consumer();
  settle({&first, &second, &third});
  std::multiset<std::size_t> sizes{first.shards().size(), second.shards().size(),
                                   third.shards().size()};
  EXPECT_EQ(sizes, (std::multiset<std::size_t>{1, 1, 2}));
}

TEST_F(AConsumerGroup, StealsOneLeaseAtATime) {  // K06
  stream(8);
  Consumer first = consumer();
  Consumer second = consumer();
  EXPECT_EQ(second.shards().size(), 0u);
  test_.clock().advance(1s);
  EXPECT_EQ(read(first).size(), 1u);  // one is announced
  EXPECT_EQ(first.shards().size(), 7u);
}

TEST_F(AConsumerGroup, HandsAShardOverWithoutDeliveringAnythingTwice) {  // K09
  stream(2);
  Consumer first = consumer();
  EXPECT_EQ(first.shards(), (Shards{0, 1}));
  put(0, "a");
  put(1, "b");
  Texts told = work(first);
  Consumer second = consumer();
  // The request is answered by the poll after the one that announces it.
  const auto announced = first.poll().value();
  ASSERT_TRUE(announced);
  ASSERT_EQ(announced->kind, Delivery::Kind::kHandOver);
  const std::uint32_t shard = announced->shard;
  EXPECT_EQ(first.shards().size(), 2u);
  put(shard, "c");
  EXPECT_FALSE(first.poll().value());  // not delivered here any more
  EXPECT_EQ(first.shards().size(), 1u);
  test_.clock().advance(1s);
  EXPECT_EQ(work(second), Texts{std::to_string(shard) + ":c"});
  EXPECT_EQ(second.shards(), Shards{shard});
}

TEST_F(AConsumerGroup, WaitsForAHandOverOnlySoLong) {  // K09
  stream(2);
  Consumer first = consumer({.failover = 1h});
  Consumer second = consumer({.failover = 1h, .hand_over = 5min});
  EXPECT_EQ(second.shards().size(), 0u);
  test_.clock().advance(4min);
  read(second);
  EXPECT_EQ(second.shards().size(), 0u);
  test_.clock().advance(1min);
  read(second);
  ASSERT_EQ(second.shards().size(), 1u);
  EXPECT_EQ(read(first), Texts{std::to_string(second.shards()[0]) + ":lost"});
}

TEST_F(AConsumerGroup, TakesTheLeasesOfAConsumerThatDied) {  // K03 K16
  stream(2);
  put(0, "a");
  put(0, "b");
  Child child([&](const Line& line) {
    Bus bus = test_.attach();
    Consumer dies = Consumer::open(bus, kStream, kGroup).value();
    const auto delivery = dies.poll().value();
    require(dies.checkpoint(0, delivery->records[0].sequence).has_value(), "checkpoint");
    line.tell("has it");
    static_cast<void>(line.hear());
  });
  ASSERT_EQ(child.hear(), "has it");
  Consumer heir = consumer();
  EXPECT_EQ(read(heir), Texts{});
  child.kill();
  test_.clock().advance(1s);  // a tenth of the time for stopped ones
  EXPECT_EQ(read(heir), Texts{"0:b"});
  EXPECT_EQ(heir.shards(), (Shards{0, 1}));
}

TEST_F(AConsumerGroup, TakesTheLeasesOfAConsumerThatDoesNotPoll) {  // K01 K03
  stream(1);
  Consumer stands = consumer();
  put(0, "a");
  EXPECT_EQ(read(stands), Texts{"0:a"});
  Consumer other = consumer();
  test_.clock().advance(9'999ms);
  EXPECT_EQ(read(other), Texts{});
  test_.clock().advance(1s);
  EXPECT_EQ(read(other), Texts{"0:a"});
  EXPECT_EQ(code_of(stands.checkpoint(0, {})), Errc::kInvalidArgument);  // it does not know yet
  EXPECT_EQ(read(stands), Texts{"0:lost"});
}

TEST_F(AConsumerGroup, DoesNotGiveAShardAgainToWhoAskedForItAndStandsStill) {  // K06 K09
  stream(2);
  Consumer first = consumer();
  read(first);
  Consumer silent = consumer();  // asks for a shard, and never comes back
  EXPECT_EQ(read(first).size(), 1u);
  read(first);
  ASSERT_EQ(first.shards().size(), 1u);
  const std::uint32_t given = 1 - first.shards().front();
  put(given, "waits");
  Texts texts;
  for (int tenths = 0; tenths < 25; ++tenths) {
    test_.clock().advance(1s);
    for (std::string& text : read(first)) texts.push_back(std::move(text));
  }
  EXPECT_EQ(texts, Texts{std::to_string(given) + ":waits"});
}

TEST_F(AConsumerGroup, GoesOnInOtherShardsWhenOneCannotBeRead) {
  stream(3, StreamStorage::kLog);
  {
    Consumer makes = consumer();
    for (const std::uint32_t shard : {0u, 1u, 2u}) {
      const SequenceNumber number = put(shard, "a");
      read(makes);
      ASSERT_TRUE(makes.checkpoint(shard, number));
    }
  }
  const auto row = [&] {
    auto table =
        stream::LeaseTable::open(client::Member::of(test_.bus()).me(), stream_.id(), kGroup);
    return table.value().row(1).value()->read();
  };
  auto table =
      stream::LeaseTable::open(client::Member::of(test_.bus()).me(), stream_.id(), kGroup).value();
  const stream::LeaseWord good = row();
  const stream::LeaseWord bad = good.with({stream::CheckpointKind::kAfter, 1ull << 40});
  ASSERT_TRUE(table.row(1).value()->move(good, bad));
  put(0, "b"), put(1, "c"), put(2, "d");

  Consumer goes_on = consumer();
  EXPECT_EQ(code_of(goes_on.poll()), Errc::kInvalidArgument);
  EXPECT_EQ(read(goes_on), (Texts{"0:b", "2:d"}));
  EXPECT_TRUE(row().owner().is_nobody());
  // Nor has it come to the disk.
  ASSERT_TRUE(table.row(1).value()->move(row(), good.owned_by({}).owned_by({}).owned_by({})));
  test_.clock().advance(1s);
  EXPECT_EQ(read(goes_on), Texts{"1:c"});
}

TEST_F(AConsumerGroup, LeavesLeasesToAConsumerThatRenewsThem) {  // K01
  stream(1);
  Consumer works = consumer();
  Consumer other = consumer();
  for (int i = 0; i < 10; ++i) {
    test_.clock().advance(5s);
    works.renew();
    EXPECT_EQ(read(other), Texts{});
  }
  EXPECT_EQ(works.shards(), Shards{0});
}

TEST_F(AConsumerGroup, RefusesTheCheckpointOfALostLease) {  // K15
  stream(1);
  const SequenceNumber first = put(0, "a");
  Consumer stands = consumer();
  EXPECT_EQ(read(stands), Texts{"0:a"});
  test_.clock().advance(1s);
  Consumer other = consumer();
  test_.clock().advance(11s);
  EXPECT_EQ(read(other), Texts{"0:a"});
  EXPECT_EQ(code_of(stands.checkpoint(0, first)), Errc::kLeaseLost);
  EXPECT_EQ(stands.shards(), Shards{});
  EXPECT_EQ(code_of(stands.checkpoint(0, first)), Errc::kLeaseLost);
  EXPECT_TRUE(other.checkpoint(0, first));
}

TEST_F(AConsumerGroup, KeepsCheckpointsBetweenTheLastOneAndWhatWasDelivered) {  // K15
  stream(2);
  const SequenceNumber a = put(0, "a");
  const SequenceNumber b = put(0, "b");
  Consumer only = consumer();
  EXPECT_EQ(code_of(only.checkpoint(0, a)), Errc::kInvalidArgument);  // not delivered
  EXPECT_EQ(read(only), (Texts{"0:a", "0:b"}));
  const SequenceNumber c = put(0, "c");
  EXPECT_EQ(code_of(only.checkpoint(0, c)), Errc::kInvalidArgument);
  EXPECT_EQ(code_of(only.checkpoint(1, a)), Errc::kInvalidArgument);  // of another shard
  EXPECT_TRUE(only.checkpoint(0, b));
  EXPECT_TRUE(only.checkpoint(0, b));
  EXPECT_EQ(code_of(only.checkpoint(0, a)), Errc::kInvalidArgument);  // goes back
}

TEST_F(AConsumerGroup, GoesOnBehindItsCheckpoint) {  // K16
  stream(1);
  const SequenceNumber a = put(0, "a");
  put(0, "b");
  {
    Consumer gone = consumer();
    EXPECT_EQ(read(gone).size(), 2u);
    EXPECT_TRUE(gone.checkpoint(0, a));
  }
  Consumer next = consumer();
  EXPECT_EQ(next.shards(), Shards{0});  // given back at once
  EXPECT_EQ(read(next), Texts{"0:b"});
}

TEST_F(AConsumerGroup, BeginsWhereItsFirstConsumerSaid) {  // K11
  stream(1);
  put(0, "a");
  test_.clock().advance(1min);
  const WallTime middle{std::chrono::duration_cast<WallTime::duration>(
      std::chrono::nanoseconds(test_.clock().wall_ns()))};
  put(0, "b");
  const auto first_of = [&](const char* group, const From& from) {
    Consumer one = Consumer::open(test_.bus(), kStream, group, {.from = from}).value();
    put(0, "new");
    const Texts all = read(one);
    return all.empty() ? "" : all[0];
  };
  EXPECT_EQ(first_of("trim", From::trim_horizon()), "0:a");
  EXPECT_EQ(first_of("latest", From::latest()), "0:new");
  EXPECT_EQ(first_of("time", From::time(middle)), "0:b");
}

TEST_F(AConsumerGroup, MissesNothingThatCameBetweenItsMakingAndItsFirstReader) {  // K11
  stream(1);
  put(0, "a");
  { const Consumer made = consumer({.from = From::latest()}); }
  put(0, "b");
  Consumer later = consumer({.from = From::latest()});
  EXPECT_EQ(read(later), Texts{"0:b"});
}

TEST_F(AConsumerGroup, ReadsParentsToTheirEndBeforeTheirChildren) {  // K12 K13 R14
  stream(1);
  put(0, "a");
  const auto children = stream_.split(0, {1ull << 63, 0}).value();
  ASSERT_EQ(children, (Shards{1, 2}));
  put(1, "b");
  put(2, "c");
  Consumer only = consumer();
  EXPECT_EQ(only.shards(), Shards{0});
  EXPECT_EQ(read(only), (Texts{"0:a", "0:end"}));
  // Until somebody says that the parent is done.
  test_.clock().advance(1s);
  EXPECT_EQ(read(only), Texts{});
  Consumer second = consumer();
  test_.clock().advance(20s);
  EXPECT_EQ(read(second), (Texts{"0:a", "0:end"}));
  EXPECT_EQ(read(only), Texts{"0:lost"});
}

TEST_F(AConsumerGroup, GoesFromParentToChildrenAndThroughAMerge) {  // K12 K13
  stream(1);
  put(0, "a");
  Consumer only = consumer();
  EXPECT_EQ(work(only), Texts{"0:a"});
  stream_.split(0, {1ull << 63, 0}).value();
  put(1, "b");
  put(2, "c");
  EXPECT_EQ(work(only), (Texts{"0:end", "1:b", "2:c"}));
  EXPECT_EQ(stream_.merge(1, 2).value(), 3u);
  put(3, "d");
  EXPECT_EQ(work(only), (Texts{"1:end", "2:end", "3:d"}));
  EXPECT_EQ(only.shards(), Shards{3});
  const auto all = leases();
  ASSERT_EQ(all.size(), 4u);
  EXPECT_TRUE(all[0].finished);
  EXPECT_EQ(all[0].participant, 0u);
  EXPECT_FALSE(all[3].finished);
}

TEST_F(AConsumerGroup, GoesThroughShardsThatNeverHadARecord) {  // K12 K13
  stream(1, StreamStorage::kLog);
  stream_.split(0, {1ull << 63, 0}).value();
  EXPECT_EQ(stream_.merge(1, 2).value(), 3u);
  put(3, "a");
  Consumer only = consumer();
  EXPECT_EQ(work(only), (Texts{"0:end", "1:end", "2:end", "3:a"}));
}

TEST_F(AConsumerGroup, ThatBeganAtTheLatestReadsChildrenFromTheirBeginning) {  // K11
  stream(1);
  Consumer only = consumer({.from = From::latest()});
  put(0, "a");
  stream_.split(0, {1ull << 63, 0}).value();
  put(1, "b");
  EXPECT_EQ(work(only), (Texts{"0:a", "0:end", "1:b"}));
}

TEST_F(AConsumerGroup, TakesNoShardEndThatWasNotDelivered) {  // K13
  stream(1);
  put(0, "a");
  Consumer only = consumer();
  Delivery end;
  end.kind = Delivery::Kind::kShardEnd;
  EXPECT_EQ(code_of(only.checkpoint(end)), Errc::kInvalidArgument);
}

TEST_F(AConsumerGroup, WorksWithAHandlerUntilItIsStopped) {  // K16 K18
  stream(2);
  for (const char* const data : {"a", "b", "c"}) put(0, data);
  put(1, "d");
  std::stop_source stop;
  Texts all;
  Consumer only = consumer({.records_max = 2});
  const auto handler = [&](const Delivery& delivery) {
    note(delivery, all);
    if (all.size() == 4) stop.request_stop();
  };
  EXPECT_TRUE(only.run(handler, stop.get_token()));
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, (Texts{"0:a", "0:b", "0:c", "1:d"}));
  only.stop();
  Consumer next = consumer();
  EXPECT_EQ(read(next), Texts{});
}

TEST_F(AConsumerGroup, DeliversAgainWhatAHandlerThrewAt) {  // K17
  stream(1);
  put(0, "a");
  Consumer only = consumer();
  const auto handler = [](const Delivery&) { throw std::runtime_error("no"); };
  EXPECT_THROW(static_cast<void>(only.run(handler, {})), std::runtime_error);
  EXPECT_EQ(read(only), Texts{"0:a"});
}

TEST_F(AConsumerGroup, WritesCheckpointsAsOftenAsItIsToldTo) {
  stream(1);
  put(0, "a");
  put(0, "b");
  std::stop_source stop;
  int count = 0;
  Consumer only = consumer({.records_max = 1, .checkpoint_every = 1h});
  const auto handler = [&](const Delivery&) {
    if (++count == 2) stop.request_stop();
  };
  EXPECT_TRUE(only.run(handler, stop.get_token()));
  Consumer next = consumer();
  only.stop();
  test_.clock().advance(1s);
  EXPECT_EQ(read(next), Texts{});  // what was done is written at the end
}

TEST_F(AConsumerGroup, KnowsItsCheckpointsWhenSharedMemoryIsLost) {
  stream(2, StreamStorage::kLog);
  const SequenceNumber a = put(0, "a");
  put(0, "b");
  put(1, "c");
  {
    Consumer one = consumer();
    EXPECT_EQ(read(one), (Texts{"0:a", "0:b", "1:c"}));
    EXPECT_TRUE(one.checkpoint(0, a));
  }
  stream::remove_groups(client::Member::of(test_.bus()).files(), stream_.id());
  Consumer again = consumer({.from = From::latest()});
  EXPECT_EQ(read(again), (Texts{"0:b", "1:c"}));
}

TEST_F(AConsumerGroup, IsForgottenWhenItIsRemovedOrItsStreamDeleted) {
  stream(1, StreamStorage::kLog);
  put(0, "a");
  {
    Consumer one = consumer();
    EXPECT_EQ(code_of(Consumer::remove(test_.bus(), kStream, kGroup)), Errc::kBusy);
    EXPECT_EQ(work(one), Texts{"0:a"});
  }
  EXPECT_TRUE(Consumer::remove(test_.bus(), kStream, kGroup));
  EXPECT_EQ(Consumer::groups(test_.bus(), kStream).value(), Texts{});
  EXPECT_EQ(code_of(Consumer::leases(test_.bus(), kStream, kGroup)), Errc::kNotFound);
  {
    Consumer two = consumer();
    EXPECT_EQ(work(two), Texts{"0:a"});
  }
  ASSERT_TRUE(test_.bus().delete_stream(kStream));
  EXPECT_TRUE(std::filesystem::is_empty(test_.path("consumers")));
}

TEST_F(AConsumerGroup, GoesOnInTheProducersRecords) {
  stream(2);
  Producer producer = Producer::open(test_.bus(), kStream, {.aggregate = true}).value();
  std::multiset<std::string> sent;
  for (int i = 0; i < 500; ++i) {
    sent.insert(std::to_string(i));
    ASSERT_EQ(producer.put("key " + std::to_string(i % 7), std::to_string(i)), Errc::kOk);
  }
  const Ticket last = producer.submit("last", "last").value();
  sent.insert("last");
  EXPECT_EQ(producer.flush(), Errc::kOk);
  EXPECT_TRUE(last.get()->code == Errc::kOk);
  Consumer only = consumer();
  std::map<std::uint32_t, ShardInfo> shards;
  for (const ShardInfo& each : stream_.shards().value()) shards.emplace(each.number, each);
  std::multiset<std::string> received;
  while (const auto delivery = only.poll().value()) {
    for (const StreamRecord& record : delivery->records) {
      for (const UserRecord& each : unpack(record, &shards.at(delivery->shard))) {
        received.emplace(as_text(each.data));
      }
    }
  }
  EXPECT_EQ(received, sent);
  producer.close();
  EXPECT_EQ(producer.put("k", "late"), Errc::kClosed);
  EXPECT_EQ(producer.stats().done, 501u);
}

}  // namespace
}  // namespace ringpost::test
