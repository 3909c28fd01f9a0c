#include <gtest/gtest.h>

#include "ringpost/stats.hpp"

namespace ringpost {
namespace {

TEST(Histogram, IsEmptyAtFirst) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.percentile(50), 0u);
  EXPECT_EQ(histogram.max(), 0u);
  EXPECT_EQ(histogram.share_over(1), 0.0);
}

TEST(Histogram, PutsEachValueIntoTheBucketThatBoundsIt) {
  for (std::uint64_t shift = 0; shift < 40; ++shift) {
    for (const std::uint64_t offset : {0ull, 1ull, 3ull}) {
      const std::uint64_t value = (1ull << shift) + offset;
      const std::size_t bucket = Histogram::bucket_of(value);
      EXPECT_LE(value, Histogram::upper_bound(bucket)) << value;
      if (bucket > 0) {
        EXPECT_GT(value, Histogram::upper_bound(bucket - 1)) << value;
      }
    }
  }
}

TEST(Histogram, IsExactWithinATenth) {
  for (std::uint64_t value = 8; value < 1ull << 39; value = value * 9 / 8 + 1) {
    const std::uint64_t bound = Histogram::upper_bound(Histogram::bucket_of(value));
    EXPECT_LE(static_cast<double>(bound - value) / static_cast<double>(value), 0.125) << value;
  }
}

TEST(Histogram, KeepsSmallValuesExactly) {
  for (std::uint64_t value = 0; value < 8; ++value) {
    EXPECT_EQ(Histogram::upper_bound(Histogram::bucket_of(value)), value);
  }
}

TEST(Histogram, PutsWhateverIsTooLargeIntoTheLastBucket) {
  EXPECT_EQ(Histogram::bucket_of(~0ull), Histogram::kBuckets - 1);
  EXPECT_EQ(Histogram::bucket_of(1ull << 50), Histogram::kBuckets - 1);
}

TEST(Histogram, NeverSinksWithTheValue) {
  std::size_t before = 0;
  for (std::uint64_t value = 0; value < 1ull << 41; value += 1 + value / 50) {
    const std::size_t bucket = Histogram::bucket_of(value);
    EXPECT_GE(bucket, before);
    before = bucket;
  }
}

TEST(Histogram, GivesPercentilesOfWhatWasRecorded) {
  Histogram histogram;
  for (std::uint64_t value = 1; value <= 1000; ++value) histogram.record(value * 1000);
  EXPECT_EQ(histogram.count(), 1000u);
  EXPECT_NEAR(static_cast<double>(histogram.percentile(50)), 500'000, 500'000 * 0.125);
  EXPECT_NEAR(static_cast<double>(histogram.percentile(99)), 990'000, 990'000 * 0.125);
  EXPECT_GE(histogram.max(), 1'000'000u);
  EXPECT_LE(histogram.percentile(0), 2'000u);
}

TEST(Histogram, CountsOneValueManyTimes) {
  Histogram histogram;
  histogram.record(100, 99);
  histogram.record(1'000'000);
  EXPECT_EQ(histogram.count(), 100u);
  EXPECT_LT(histogram.percentile(99), 120u);
  EXPECT_GE(histogram.percentile(99.5), 1'000'000u);
}

TEST(Histogram, SaysWhichShareLiesAboveAValue) {
  Histogram histogram;
  histogram.record(1'000, 75);
  histogram.record(20'000'000, 25);
  EXPECT_DOUBLE_EQ(histogram.share_over(10'000'000), 0.25);
  EXPECT_DOUBLE_EQ(histogram.share_over(0), 1.0);
  EXPECT_DOUBLE_EQ(histogram.share_over(1ull << 39), 0.0);
}

TEST(Histogram, AddsAnother) {
  Histogram one;
  Histogram other;
  one.record(10);
  other.record(10);
  other.record(1'000);
  one.merge(other);
  EXPECT_EQ(one.count(), 3u);
  EXPECT_EQ(one[Histogram::bucket_of(10)], 2u);
}

TEST(Histogram, GivesWhatCameSinceAnEarlierOne) {
  Histogram now;
  now.record(10, 5);
  const Histogram earlier = now;
  now.record(10, 2);
  now.record(500);
  now.subtract(earlier);
  EXPECT_EQ(now.count(), 3u);
  EXPECT_EQ(now[Histogram::bucket_of(10)], 2u);
}

TEST(Histogram, NeverGoesBelowZeroWhenTheEarlierOneIsTheLargerOne) {
  Histogram earlier;
  earlier.record(10, 5);
  Histogram now;
  now.record(10, 2);
  now.subtract(earlier);
  EXPECT_EQ(now.count(), 0u);
}

}  // namespace
}  // namespace ringpost
