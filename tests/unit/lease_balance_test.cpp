// Which leases a consumer takes, on tables that the test writes down.
#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "stream/lease_balance.hpp"

namespace ringpost::test {
namespace {

using stream::BalanceRules;
using stream::Checkpoint;
using stream::CheckpointKind;
using stream::LeaseOwner;
using stream::LeaseSight;
using stream::LeaseWord;

constexpr std::uint64_t kFailover = 10'000;
constexpr std::uint64_t kNow = 1'000'000;
constexpr LeaseOwner kNobody{};

LeaseOwner consumer(std::uint32_t index) { return LeaseOwner::of(index, 1); }

/// Renewed a moment ago, unless `age` says otherwise.
LeaseSight lease(std::uint32_t shard, LeaseOwner owner, std::uint64_t age = 0) {
  LeaseSight sight;
  sight.shard = shard;
  sight.word = LeaseWord::of(1, owner, {CheckpointKind::kTrimHorizon, 0});
  sight.unchanged_since_ns = kNow - age;
  sight.is_ready = true;
  return sight;
}

std::vector<LeaseSight> leases(const std::vector<LeaseOwner>& owners) {
  std::vector<LeaseSight> all;
  for (const LeaseOwner owner : owners) {
    all.push_back(lease(static_cast<std::uint32_t>(all.size()), owner));
  }
  return all;
}

stream::Balance plan(const std::vector<LeaseSight>& sights, LeaseOwner me,
                     BalanceRules rules = {}) {
  rules.failover_ns = kFailover;
  return stream::balance(sights, me, rules, kNow);
}

TEST(LeaseWords, KeepOwnerCounterAndCheckpointApart) {  // L02 L03 L04
  const LeaseOwner owner = LeaseOwner::of(16'383, 16'384 + 5);
  const Checkpoint checkpoint{CheckpointKind::kAfter, ~0ull};
  const LeaseWord word = LeaseWord::of(~0u, owner, checkpoint);
  EXPECT_EQ(word.counter(), ~0u);
  EXPECT_EQ(word.owner(), owner);
  EXPECT_EQ(word.owner().index(), 16'383u);
  EXPECT_EQ(word.owner().incarnation(), 5u);
  EXPECT_EQ(word.checkpoint(), checkpoint);
  EXPECT_EQ(word.renewed().counter(), 0u);
  EXPECT_EQ(word.owned_by(kNobody).checkpoint(), checkpoint);
  EXPECT_TRUE(word.owned_by(kNobody).owner().is_nobody());
  EXPECT_EQ(word.with({CheckpointKind::kEnd, 0}).owner(), owner);
  EXPECT_TRUE(LeaseWord{}.is_unknown());
}

TEST(LeaseWords, OfBytesThatNobodyWroteAreUnknown) {
  EXPECT_TRUE((LeaseWord{{15, 7}}.is_unknown()));
}

TEST(LeaseRows, AreMovedByTheOneWhoSawThemLast) {  // K07
  stream::LeaseRow row{};
  const LeaseWord fresh = LeaseWord::of(1, kNobody, {CheckpointKind::kTrimHorizon, 0});
  ASSERT_TRUE(row.move({}, fresh));
  EXPECT_TRUE(row.move(fresh, fresh.owned_by(consumer(1))));
  EXPECT_FALSE(row.move(fresh, fresh.owned_by(consumer(2))));
  EXPECT_EQ(row.read().owner(), consumer(1));
}

TEST(ABalance, GivesTheOnlyConsumerEverything) {  // K04 K05
  const auto found = plan(leases({kNobody, kNobody, kNobody}), consumer(1));
  EXPECT_EQ(found.target, 3u);
  EXPECT_EQ(found.take.size(), 3u);
  EXPECT_FALSE(found.steal);
}

TEST(ABalance, TakesFreeOnesUpToItsShare) {  // K04 K05
  const auto found = plan(leases({consumer(2), kNobody, kNobody, kNobody, kNobody}), consumer(1));
  EXPECT_EQ(found.consumers, 2u);
  EXPECT_EQ(found.target, 3u);
  EXPECT_EQ(found.take.size(), 3u);
  EXPECT_FALSE(found.steal);
}

TEST(ABalance, WithMoreConsumersThanLeasesIsOneEach) {  // K04
  const auto found = plan(leases({consumer(2), consumer(3), kNobody}), consumer(1));
  EXPECT_EQ(found.target, 1u);
  EXPECT_EQ(found.take, std::vector<std::uint32_t>{2});
  EXPECT_TRUE(plan(leases({consumer(2), consumer(3)}), consumer(1)).take.empty());
  EXPECT_FALSE(plan(leases({consumer(2), consumer(3)}), consumer(1)).steal);
}

TEST(ABalance, TakesWhatTheDeadHaveAtOnceAndWhatTheSilentHaveInTime) {  // K03 K05
  std::vector<LeaseSight> sights{lease(0, consumer(2)), lease(1, consumer(3)),
                                 lease(2, consumer(4), kFailover - 1),
                                 lease(3, consumer(5), kFailover)};
  sights[0].owner_is_dead = true;
  auto found = plan(sights, consumer(1));
  EXPECT_EQ(found.consumers, 3u);  // 1, 3, 4
  EXPECT_EQ(found.target, 2u);
  std::sort(found.take.begin(), found.take.end());
  EXPECT_EQ(found.take, (std::vector<std::uint32_t>{0, 3}));
}

TEST(ABalance, TakesVeryOldOnesFirstAndRegardlessOfItsShare) {  // K05
  std::vector<LeaseSight> sights{
      lease(0, consumer(1)), lease(1, consumer(2)), lease(2, consumer(3), kFailover),
      lease(3, consumer(4), 3 * kFailover), lease(4, consumer(4), 3 * kFailover)};
  const auto found = plan(sights, consumer(1));
  EXPECT_EQ(found.target, 3u);
  ASSERT_EQ(found.take.size(), 2u);
  EXPECT_GE(found.take[0], 3u);
  EXPECT_GE(found.take[1], 3u);

  std::vector<LeaseSight> enough{lease(0, consumer(1)), lease(1, consumer(1)),
                                 lease(2, consumer(2)), lease(3, kNobody, 3 * kFailover)};
  EXPECT_EQ(plan(enough, consumer(1)).target, 2u);
  EXPECT_EQ(plan(enough, consumer(1)).take, std::vector<std::uint32_t>{3});
  EXPECT_TRUE(plan(enough, consumer(1), {.leases_max = 2}).take.empty());
}

TEST(ABalance, StealsOneFromTheMostLoaded) {  // K06
  const LeaseOwner two = consumer(2);
  const LeaseOwner three = consumer(3);
  const auto found = plan(leases({two, two, three, three, three, three}), consumer(1));
  EXPECT_EQ(found.target, 2u);
  EXPECT_TRUE(found.take.empty());
  ASSERT_TRUE(found.steal);
  EXPECT_GE(*found.steal, 2u);
}

TEST(ABalance, StealsNothingWhileSomethingIsFree) {  // K06
  const LeaseOwner two = consumer(2);
  EXPECT_FALSE(plan(leases({two, two, two, two, kNobody}), consumer(1)).steal);
}

TEST(ABalance, StealsNothingThatWouldOnlyTurnTheDifferenceRound) {  // K06
  const LeaseOwner two = consumer(2);
  EXPECT_FALSE(plan(leases({two}), consumer(1)).steal);
  EXPECT_FALSE(plan(leases({consumer(1), two, two}), consumer(1)).steal);
  EXPECT_TRUE(plan(leases({two, two}), consumer(1)).steal);
}

TEST(ABalance, LeavesAloneWhatAnotherHasAskedFor) {
  auto sights = leases({consumer(2), consumer(2)});
  sights[0].is_wanted = true;
  EXPECT_EQ(plan(sights, consumer(1)).steal, 1u);
  sights[1].is_wanted = true;
  EXPECT_FALSE(plan(sights, consumer(1)).steal);
  EXPECT_FALSE(plan(leases({consumer(2), consumer(2)}), consumer(1), {.may_steal = false}).steal);
}

TEST(ABalance, CountsOnlyWhatCanBeRead) {  // K12
  auto sights = leases({kNobody, kNobody, consumer(2)});
  sights[1].is_ready = false;
  const auto found = plan(sights, consumer(1));
  EXPECT_EQ(found.leases, 2u);
  EXPECT_EQ(found.take, std::vector<std::uint32_t>{0});
}

TEST(ABalance, KeepsToTheMostThatItMayTake) {
  EXPECT_EQ(plan(leases({kNobody, kNobody, kNobody}), consumer(1), {.leases_max = 2}).take.size(),
            2u);
  const LeaseOwner two = consumer(2);
  EXPECT_FALSE(plan(leases({consumer(1), two, two, two}), consumer(1), {.leases_max = 1}).steal);
}

/// Consumers that come one after another and each do what their plan says.
TEST(ABalance, IsReachedByConsumersThatJoinOneAfterAnother) {  // K04 K06
  for (std::uint32_t shards : {1u, 3u, 8u, 17u}) {
    for (std::uint32_t consumers : {1u, 2u, 5u, 9u}) {
      std::vector<LeaseOwner> owners(shards, kNobody);
      for (std::uint32_t rounds = 0; rounds < 4 * shards; ++rounds) {
        for (std::uint32_t i = 1; i <= consumers; ++i) {
          const auto found = plan(leases(owners), consumer(i));
          for (const std::uint32_t shard : found.take) owners[shard] = consumer(i);
          if (found.steal) owners[*found.steal] = consumer(i);
        }
      }
      std::map<LeaseOwner, std::uint32_t> loads;
      for (const LeaseOwner owner : owners) ++loads[owner];
      EXPECT_EQ(loads.count(kNobody), 0u);
      EXPECT_EQ(loads.size(), std::min(shards, consumers)) << shards << " " << consumers;
      for (const auto& [owner, count] : loads) {
        EXPECT_LE(count, (shards + consumers - 1) / consumers) << shards << " " << consumers;
      }
    }
  }
}

}  // namespace
}  // namespace ringpost::test
