#include "harness/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace ringpost::bench {
namespace {

TEST(Histogram, IsZeroWhenEmpty) {
  const Histogram sut;
  EXPECT_EQ(sut.count(), 0u);
  EXPECT_EQ(sut.percentile(50), 0);
  EXPECT_EQ(sut.percentile(99.99), 0);
}

TEST(Histogram, IsExactForSmallValues) {
  Histogram sut;
  for (std::uint64_t value = 1; value <= 100; ++value) sut.record(value);
  EXPECT_EQ(sut.percentile(50), 50);
  EXPECT_EQ(sut.percentile(90), 90);
  EXPECT_EQ(sut.percentile(99), 99);
  EXPECT_EQ(sut.percentile(100), 100);
  EXPECT_EQ(sut.max(), 100u);
}

TEST(Histogram, TakesTheExactRank) {
  Histogram sut;
  for (int i = 0; i < 999; ++i) sut.record(10);
  sut.record(100);
  EXPECT_EQ(sut.percentile(99.9), 10);  // the 999th of 1,000
  EXPECT_EQ(sut.percentile(99.99), 100);
}

TEST(Histogram, AgreesWithSortedValuesWithinOnePercent) {
  Histogram sut;
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> distribution(8, 2.5);
  std::vector<std::uint64_t> values;
  for (int i = 0; i < 200'000; ++i) {
    values.push_back(static_cast<std::uint64_t>(distribution(random)));
    sut.record(values.back());
  }
  std::sort(values.begin(), values.end());
  for (const double percent : {1.0, 50.0, 90.0, 99.0, 99.9, 99.99}) {
    const auto rank =
        static_cast<std::size_t>(std::ceil(percent / 100 * static_cast<double>(values.size())));
    const auto exact = static_cast<double>(values[rank - 1]);
    EXPECT_NEAR(sut.percentile(percent), exact, exact * 0.01 + 1) << percent;
  }
  EXPECT_EQ(sut.max(), values.back());
}

TEST(Histogram, NeverExceedsItsMaximum) {
  for (std::uint64_t value : {127u, 128u, 255u, 256u, 1'000'003u}) {
    Histogram sut;
    sut.record(value);
    sut.record(value);
    EXPECT_LE(sut.percentile(50), static_cast<double>(value));
    EXPECT_GE(sut.percentile(50), static_cast<double>(value) * 0.99);
  }
}

TEST(Histogram, KeepsTheMaximumOfValuesBeyondItsRange) {
  Histogram sut;
  sut.record(~std::uint64_t{0});
  EXPECT_EQ(sut.max(), ~std::uint64_t{0});
  EXPECT_EQ(sut.count(), 1u);
}

TEST(Histogram, MergesAsIfRecordedInOne) {
  Histogram left;
  Histogram right;
  Histogram both;
  for (std::uint64_t i = 0; i < 5'000; ++i) {
    (i % 3 == 0 ? left : right).record(i * i);
    both.record(i * i);
  }
  left.merge(right);
  EXPECT_EQ(left.count(), both.count());
  EXPECT_EQ(left.max(), both.max());
  for (const double percent : {10.0, 50.0, 99.0}) {
    EXPECT_EQ(left.percentile(percent), both.percentile(percent));
  }
}

}  // namespace
}  // namespace ringpost::bench
