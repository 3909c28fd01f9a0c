#include "harness/summary.hpp"

#include <gtest/gtest.h>

#include "harness/row_runner.hpp"

namespace ringpost::bench {
namespace {

RunResult rate_run(double rate, Placement placement) {
  RunResult result;
  result.rate = rate;
  result.placement = placement;
  result.verified = true;
  return result;
}

RunResult latency_run(double p50_ns, Placement placement) {
  RunResult result = rate_run(1, placement);
  for (int i = 0; i < 100; ++i) result.latency.record(ns_to_ticks(p50_ns));
  for (int i = 0; i < 5; ++i) result.latency.record(ns_to_ticks(p50_ns * 10));
  return result;
}

Row row_with(std::vector<Rival> rivals, Unit unit = Unit::kPerSecond) {
  Row row;
  row.name = "test/row";
  row.unit = unit;
  row.subject = {{"only", {}}};
  row.rivals = std::move(rivals);
  return row;
}

constexpr auto kNear = Placement::kNear;
constexpr auto kFar = Placement::kFar;
constexpr auto kMixed = Placement::kMixed;

TEST(Placements, AreToldByTheRoundTripOfALine) {
  EXPECT_EQ(placement_of(70), Placement::kSibling);
  EXPECT_EQ(placement_of(120), kNear);
  EXPECT_EQ(placement_of(490), kFar);
}

TEST(Placements, OfDifferingProbesAreMixed) {
  EXPECT_EQ(placement_of_all(std::vector<double>{118, 121, 125}), kNear);
  EXPECT_EQ(placement_of_all(std::vector<double>{118, 480, 121}), kMixed);
  EXPECT_EQ(placement_of_all({}), kMixed);
}

TEST(Summary, PairsNeighboursOfOnePlacementOnly) {
  const Row row = row_with({{"peer", {{"only", {}}}}});
  const Summary summary = summarise(row, {
                                             {0, 0, rate_run(10, kNear)},
                                             {1, 0, rate_run(20, kNear)},  // pairs before, after
                                             {0, 0, rate_run(12, kNear)},
                                             {1, 0, rate_run(5, kFar)},  // no neighbour is far
                                             {0, 0, rate_run(11, kMixed)},
                                             {1, 0, rate_run(44, kNear)},  // after only
                                             {0, 0, rate_run(11, kNear)},
                                         });
  EXPECT_EQ(summary.placement, kNear);
  EXPECT_EQ(summary.pairs[static_cast<std::size_t>(kNear)], 3u);
  EXPECT_EQ(summary.pairs[static_cast<std::size_t>(kFar)], 0u);
  EXPECT_EQ(summary.figures.runs, 3u);
  EXPECT_EQ(summary.figures.value, 11);  // median of 10, 12, 11
  EXPECT_EQ(summary.figures.least, 10);
  EXPECT_EQ(summary.figures.most, 12);
  EXPECT_DOUBLE_EQ(summary.rivals[0].ratio.value, 0.5);  // median of 0.5, 0.6, 0.25
}

TEST(Summary, ReportsThePlacementWithMostPairs) {
  const Row row = row_with({{"peer", {{"only", {}}}}});
  const Summary summary = summarise(row, {
                                             {0, 0, rate_run(10, kNear)},
                                             {1, 0, rate_run(20, kNear)},
                                             {0, 0, rate_run(4, kFar)},
                                             {1, 0, rate_run(5, kFar)},
                                             {0, 0, rate_run(4, kFar)},
                                         });
  EXPECT_EQ(summary.placement, kFar);
  EXPECT_EQ(summary.figures.value, 4);
  EXPECT_DOUBLE_EQ(summary.rivals[0].ratio.value, 0.8);
}

TEST(Summary, TakesTheBetterVariantOfARival) {
  const Row row = row_with({{"peer", {{"slow", {}}, {"fast", {}}}}});
  const Summary summary = summarise(row, {
                                             {0, 0, rate_run(10, kNear)},
                                             {1, 0, rate_run(20, kNear)},
                                             {0, 0, rate_run(10, kNear)},
                                             {1, 1, rate_run(40, kNear)},
                                             {0, 0, rate_run(10, kNear)},
                                         });
  EXPECT_EQ(summary.rivals[0].variant, "fast");
  EXPECT_DOUBLE_EQ(summary.rivals[0].ratio.value, 0.25);
  EXPECT_EQ(summary.rivals[0].ratio.pairs, 2u);
}

TEST(Summary, GivesRatiosOfPercentilesForLatency) {
  const Row row =
      row_with({{"limit", {{"only", {}}}}, {"slow", {{"only", {}}}, Ratio::kTimesFaster, 1}},
               Unit::kNanoseconds);
  const Summary summary = summarise(row, {
                                             {0, 0, latency_run(200, kNear)},
                                             {1, 0, latency_run(100, kNear)},
                                             {0, 0, latency_run(200, kNear)},
                                             {2, 0, latency_run(2000, kNear)},
                                         });
  EXPECT_NEAR(summary.figures.p50, 200, 3);
  EXPECT_NEAR(summary.rivals[0].ratio.p50, 2, 0.05);
  EXPECT_NEAR(summary.rivals[0].ratio.p99, 2, 0.05);
  EXPECT_NEAR(summary.rivals[1].ratio.p50, 10, 0.2);
}

TEST(Summary, IsNotVerifiedIfOneRunWasNot) {
  RunResult bad = rate_run(10, kNear);
  bad.verified = false;
  bad.note = "lost or twice 1";
  const Summary summary = summarise(row_with({}), {{0, 0, rate_run(10, kNear)}, {0, 0, bad}});
  EXPECT_FALSE(summary.verified);
  EXPECT_EQ(summary.note, "lost or twice 1");
}

TEST(Summary, LeavesOutRivalsWhoseMessagesWereWrong) {
  RunResult bad = rate_run(1000, kNear);
  bad.verified = false;
  bad.note = "corrupted";
  const Row row = row_with({{"peer", {{"only", {}}}}});
  const Summary summary = summarise(row, {{0, 0, rate_run(10, kNear)}, {1, 0, bad}});
  EXPECT_TRUE(summary.verified);
  EXPECT_EQ(summary.rivals[0].figures.runs, 0u);
  EXPECT_EQ(summary.rivals[0].note, "corrupted");
}

class RowRunner : public testing::Test {
 protected:
  /// Takes a second of the test's own time.
  Measurement run_of(char name, double rate) {
    return [this, name, rate](const RunSettings&) {
      order_ += name;
      ++now_;
      return rate_run(rate, kNear);
    };
  }
  RowBudget budget(double seconds) {
    return {.seconds = seconds, .settings = {}, .now = [this] { return now_; }};
  }
  std::string order_;
  double now_ = 0;
};

TEST_F(RowRunner, InterleavesAndDropsTheBeatenVariant) {
  Row row = row_with({{"peer", {{"slow", run_of('s', 10)}, {"fast", run_of('f', 20)}}}});
  row.subject = {{"only", run_of('a', 15)}};
  const Summary summary = run_row(row, budget(20), [](double) {});
  EXPECT_EQ(order_, "asafasafasafafafafafa");
  EXPECT_EQ(summary.rivals[0].variant, "fast");
  EXPECT_DOUBLE_EQ(summary.rivals[0].ratio.value, 0.75);
}

TEST_F(RowRunner, EndsWithTheSubjectWhereverTheTimeIsOver) {
  for (double seconds = 1; seconds < 12; ++seconds) {
    order_.clear();
    now_ = 0;
    Row row =
        row_with({{"peer", {{"one", run_of('b', 10)}}}, {"other", {{"one", run_of('c', 10)}}}});
    row.subject = {{"only", run_of('a', 15)}};
    static_cast<void>(run_row(row, budget(seconds), [](double) {}));
    EXPECT_EQ(order_.back(), 'a') << order_;
  }
}

TEST_F(RowRunner, EndsTheRowWhenItsSubjectFails) {
  Row row = row_with({});
  row.subject = {{"only", [](const RunSettings&) -> RunResult { throw std::runtime_error("no"); }}};
  const Summary summary = run_row(row, {.seconds = 5, .settings = {}}, [](double) {});
  EXPECT_EQ(summary.figures.runs, 0u);
  EXPECT_FALSE(summary.verified);
  EXPECT_EQ(summary.note, "no");
}

}  // namespace
}  // namespace ringpost::bench
