// How many workers a pool wants, with the time told to it.
#include "scaler.hpp"

#include <gtest/gtest.h>

namespace ringpost::cli {
namespace {

using namespace std::chrono_literals;

class ScalerTest : public ::testing::Test {
 protected:
  static ScalePolicy policy() {
    return {.min = 1,
            .max = 8,
            .batch = 1,
            .backlog = 10,
            .age = 1s,
            .grow_interval = 1s,
            .shrink_after = 30s};
  }
  std::uint32_t after(Duration time, const Load& load) {
    now_ += time;
    return scaler_.decide(load, now_);
  }
  static Load backlog(std::uint64_t messages, std::uint32_t busy) { return {messages, 0ns, busy}; }

  Scaler::TimePoint now_{};
  Scaler scaler_{policy()};
};

TEST_F(ScalerTest, BeginsWithTheFewest) { EXPECT_EQ(scaler_.wanted(), 1u); }

TEST_F(ScalerTest, SmallFreshBacklogChangesNothing) { EXPECT_EQ(after(0s, backlog(9, 1)), 1u); }

TEST_F(ScalerTest, BacklogForEachWorkerDoublesThemAtOnce) {
  EXPECT_EQ(after(0s, backlog(10, 1)), 2u);
}

TEST_F(ScalerTest, NextStepUpWaitsForTheInterval) {
  ASSERT_EQ(after(0s, backlog(1000, 1)), 2u);
  EXPECT_EQ(after(999ms, backlog(1000, 2)), 2u);
  EXPECT_EQ(after(1ms, backlog(1000, 2)), 4u);
}

TEST_F(ScalerTest, BacklogCountsForEachWorker) {
  ASSERT_EQ(after(0s, backlog(10, 1)), 2u);
  EXPECT_EQ(after(1s, backlog(19, 2)), 2u);
  EXPECT_EQ(after(1s, backlog(20, 2)), 4u);
}

TEST_F(ScalerTest, OldMessageMakesThemGrow) {
  EXPECT_EQ(after(0s, Load{1, 999ms, 1}), 1u);
  EXPECT_EQ(after(0s, Load{1, 1s, 1}), 2u);
}

TEST_F(ScalerTest, NeverGrowsBeyondTheMost) {
  for (int step = 0; step < 10; ++step) after(1s, backlog(1'000'000, scaler_.wanted()));
  EXPECT_EQ(scaler_.wanted(), 8u);
}

TEST_F(ScalerTest, NeverGrowsBeyondWhatTheBacklogOccupies) {
  ASSERT_EQ(after(0s, backlog(1000, 1)), 2u);
  ASSERT_EQ(after(1s, backlog(1000, 2)), 4u);
  EXPECT_EQ(after(1s, Load{1, 1h, 4}), 5u);
}

TEST_F(ScalerTest, BatchIsTheWorkOfOneWorker) {
  ScalePolicy batches = policy();
  batches.batch = 100;
  batches.backlog = 2;
  Scaler scaler(batches);
  EXPECT_EQ(scaler.decide(backlog(100, 1), now_), 1u) << "one batch waits";
  EXPECT_EQ(scaler.decide(backlog(101, 1), now_), 2u) << "a second batch begins";
}

TEST_F(ScalerTest, ShrinksToWhatWasNeededSinceThereWereSomeToSpare) {
  for (int step = 0; step < 3; ++step) after(1s, backlog(1000, scaler_.wanted()));
  ASSERT_EQ(scaler_.wanted(), 8u);
  EXPECT_EQ(after(0s, backlog(0, 2)), 8u);
  EXPECT_EQ(after(10s, backlog(1, 3)), 8u);
  EXPECT_EQ(after(19s, backlog(0, 1)), 8u);
  EXPECT_EQ(after(1s, backlog(0, 1)), 4u);
}

TEST_F(ScalerTest, WorkForAllOfThemPutsTheShrinkingOff) {
  ASSERT_EQ(after(0s, backlog(1000, 1)), 2u);
  EXPECT_EQ(after(1s, backlog(0, 0)), 2u);
  EXPECT_EQ(after(29s, backlog(0, 2)), 2u);
  EXPECT_EQ(after(1s, backlog(0, 0)), 2u);
  EXPECT_EQ(after(29s, backlog(0, 0)), 2u);
  EXPECT_EQ(after(1s, backlog(0, 0)), 1u);
}

TEST_F(ScalerTest, NeverShrinksBelowTheFewest) {
  ScalePolicy steady = policy();
  steady.min = 3;
  Scaler scaler(steady);
  scaler.decide(backlog(0, 0), now_);
  EXPECT_EQ(scaler.decide(backlog(0, 0), now_ + 1h), 3u);
}

TEST_F(ScalerTest, GrowsAgainAtOnceAfterItShrank) {
  ASSERT_EQ(after(0s, backlog(10, 1)), 2u);
  after(1s, backlog(0, 0));
  ASSERT_EQ(after(30s, backlog(0, 0)), 1u);
  EXPECT_EQ(after(0s, backlog(10, 1)), 2u);
}

}  // namespace
}  // namespace ringpost::cli
