// The tests of the rig, second part: a queue that is correct but not lock-free, a lock, and a fence
// that only a store buffer shows to be missing.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "rig/depth.hpp"
#include "rig/toy/scenarios.hpp"

namespace ringpost::rig {
namespace {

using toy::Bug;

/// Two producers and a consumer of the toy ring.
template <Bug kBug>
class RingWorld {
 public:
  ExploreScenario schedules() {
    ExploreScenario scenario;
    scenario.stage = stage();
    scenario.operations = {push(0, 1), push(1, 2), pop(2)};
    return scenario;
  }

  /// Four fibers; the check only notes how the memory ended.
  ExploreScenario ends(std::set<std::string>& found) {
    ExploreScenario scenario = schedules();
    scenario.operations.push_back(pop(3));
    scenario.stage.check = [this, &found] {
      found.insert({reinterpret_cast<const char*>(&memory_), sizeof memory_});
      return ledger_.verdict();
    };
    return scenario;
  }

  CrashScenario crashes() {
    CrashScenario scenario;
    scenario.stage = stage();
    scenario.victim = push(0, 1);
    scenario.survivors = {{"push+pop", 1, [this] { push(1, 2).body(), pop(1).body(); }}};
    scenario.recovery = {"nothing", 1, [] {}};
    scenario.second_recovery = scenario.recovery;
    return scenario;
  }

 private:
  Stage stage() {
    Stage stage;
    stage.name = "ring";
    stage.setup = [this] {
      toy::Ring<kBug>::initialise(memory_);
      ledger_.clear();
      share(&memory_, sizeof memory_);
    };
    stage.check = [this] {
      pop(2).body();
      pop(2).body();
      ledger_.judge_drained();
      return ledger_.verdict();
    };
    return stage;
  }
  Operation push(int me, int id) {
    return {"push" + std::to_string(id), me, [this, id] {
              ledger_.begin_send(id);
              ledger_.end_send(id, ring_.push(static_cast<std::uint64_t>(id)));
            }};
  }
  Operation pop(int me) {
    return {"pop", me, [this, me] {
              bool intact = true;
              const auto value = ring_.pop(intact);
              if (!value) return;
              ledger_.received(me, static_cast<int>(*value), intact, ledger_.begin_receive());
              ledger_.end_acknowledge(me, static_cast<int>(*value), true);
            }};
  }

  toy::RingMemory memory_{};
  toy::Ring<kBug> ring_{memory_};
  Ledger ledger_;
};

TEST(ToyRing, HoldsUnderEverySchedule) {
  RingWorld<Bug::kNone> world;
  ExploreOptions options;
  options.preemptions_max = by_depth(2, 3, 3);
  const ExploreReport report = explore(world.schedules(), options);
  EXPECT_TRUE(report.holds() && report.exhaustive) << report.text();
  EXPECT_GT(report.preempted, 0u);
}

TEST(ToyRing, ReductionReachesEveryEndOfFourFibers) {
  RingWorld<Bug::kNone> world;
  std::set<std::string> reduced;
  std::set<std::string> full;
  ExploreOptions options;
  options.iterative = false;
  const ExploreReport with = explore(world.ends(reduced), options);
  options.reduce = false;
  const ExploreReport without = explore(world.ends(full), options);
  EXPECT_TRUE(with.exhaustive && without.exhaustive) << with.text() << without.text();
  EXPECT_EQ(reduced, full);
  EXPECT_LT(with.schedules, without.schedules);
}

TEST(ToyRing, SeededBugsAreFound) {
  RingWorld<Bug::kTailByStore> tail;
  EXPECT_TRUE(explore(tail.schedules()).failed);
  RingWorld<Bug::kSequenceFirst> sequence;
  EXPECT_TRUE(explore(sequence.schedules()).failed);
}

TEST(ToyRing, AKilledProducerHidesWhatComesAfterIt) {
  RingWorld<Bug::kNone> world;
  const CrashReport report = run_crash_matrix(world.crashes());
  ASSERT_FALSE(report.holds());
  EXPECT_NE(report.failures.front().what.find("accepted and is lost"), std::string::npos)
      << report.text();
}

/// Two participants count under a lock.
class LockWorld {
 public:
  Stage stage() {
    Stage stage;
    stage.name = "lock";
    stage.setup = [this] {
      memory_.locked = 0;
      memory_.count = 0;
      share(&memory_, sizeof memory_);
    };
    stage.check = [this] {
      return memory_.count == 2 ? std::string{} : std::string{"a count is lost"};
    };
    return stage;
  }
  Operation increment(int me) {
    return {"count" + std::to_string(me), me, [this] { toy::locked_increment(memory_); }};
  }

 private:
  toy::LockMemory memory_{};
};

TEST(ToyLock, WhoWaitsForAFrozenHolderIsReportedAsBlocked) {
  LockWorld world;
  CrashScenario scenario;
  scenario.stage = world.stage();
  scenario.victim = world.increment(0);
  scenario.survivors = {world.increment(1)};
  scenario.recovery = {"nothing", 1, [] {}};
  scenario.second_recovery = scenario.recovery;
  CrashOptions options;
  options.failures_kept = 100;
  const CrashReport report = run_crash_matrix(scenario, options);
  bool blocked = false;
  for (const CrashFailure& failure : report.failures) {
    blocked |= failure.what.find("is blocked by a") != std::string::npos;
  }
  EXPECT_TRUE(blocked) << report.text();
  const auto frozen = replay_crash_case(scenario, {CrashWay::kFrozen, 1, 0, 0});
  EXPECT_EQ(frozen.what.find("count1 is blocked by a frozen process"), 0u) << frozen.what;
}

TEST(ToyLock, WhoInsistsIsReportedAsBlockedByWhoStandsStill) {
  LockWorld world;
  ExploreScenario scenario;
  scenario.stage = world.stage();
  scenario.operations = {world.increment(0), world.increment(1)};
  const ExploreReport report = explore(scenario);
  ASSERT_TRUE(report.failed);
  EXPECT_NE(report.what.find("blocked"), std::string::npos) << report.text();
}

template <Bug kBug>
ExploreReport explore_sleeper(int delayed_stores_max) {
  toy::SleeperMemory memory{};
  bool sleeps = false;
  ExploreScenario scenario;
  scenario.stage.name = "sleeper";
  scenario.stage.setup = [&] {
    memory.published = memory.asleep = memory.woken = 0;
    sleeps = false;
    share(&memory, sizeof memory);
  };
  scenario.stage.check = [&]() -> std::string {
    return sleeps && memory.woken == 0 ? "sleeps beside a message and nobody wakes it" : "";
  };
  scenario.operations = {
      {"wait", 0, [&] { sleeps = toy::Sleeper<kBug>::wait(memory); }},
      {"publish", 1, [&] { toy::Sleeper<kBug>::publish(memory); }},
  };
  ExploreOptions options;
  options.delayed_stores_max = delayed_stores_max;
  return explore(scenario, options);
}

TEST(ToySleeper, AMissingFenceShowsOnlyWithStoreBuffers) {
  EXPECT_TRUE(explore_sleeper<Bug::kNoMembarrier>(0).holds());
  const ExploreReport report = explore_sleeper<Bug::kNoMembarrier>(2);
  EXPECT_TRUE(report.failed);
  EXPECT_NE(report.schedule.find('d'), std::string::npos) << report.text();
}

TEST(ToySleeper, AMembarrierOfTheSleeperIsEnough) {
  for (int delayed = 0; delayed <= 2; ++delayed) {
    const ExploreReport report = explore_sleeper<Bug::kNone>(delayed);
    EXPECT_TRUE(report.holds() && report.exhaustive) << report.text();
  }
}

}  // namespace
}  // namespace ringpost::rig
