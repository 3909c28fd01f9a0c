// Durations, sizes, rates and counts, read and written.
#include "units.hpp"

#include <gtest/gtest.h>

namespace ringpost::cli {
namespace {

using namespace std::chrono_literals;

TEST(Units, ReadsDurations) {
  EXPECT_EQ(parse_duration("10ms"), 10ms);
  EXPECT_EQ(parse_duration("1h30m"), 90min);
  EXPECT_EQ(parse_duration("1.5s"), 1500ms);
  EXPECT_EQ(parse_duration("2d"), 48h);
  EXPECT_EQ(parse_duration("0"), 0ns);
  for (const char* text : {"", "5", "ms", "-1s", "1x", "1 s", "1e3s", "nan", "99999999999d"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(Units, ReadsSizes) {
  EXPECT_EQ(parse_size("512"), 512u);
  EXPECT_EQ(parse_size("64KiB"), 65'536u);
  EXPECT_EQ(parse_size("64K"), 65'536u);
  EXPECT_EQ(parse_size("1.5M"), 1'572'864u);
  EXPECT_EQ(parse_size("1MB"), 1'000'000u);
  for (const char* text : {"", "K", "-1", "0.5", "1Q"}) EXPECT_FALSE(parse_size(text)) << text;
}

TEST(Units, ReadsCountsAndRates) {
  EXPECT_EQ(parse_count("1,000"), 1000u);
  EXPECT_EQ(parse_count("10k"), 10'000u);
  EXPECT_EQ(parse_rate("100"), 100.0);
  EXPECT_EQ(parse_rate("6k/s"), 6000.0);
  EXPECT_EQ(parse_rate("30/m"), 0.5);
  for (const char* text : {"", "0", "/s", "5/x", "-3"}) EXPECT_FALSE(parse_rate(text)) << text;
}

TEST(Units, WritesLatenciesWithThreeDigits) {
  EXPECT_EQ(format_latency(0), "0 ns");
  EXPECT_EQ(format_latency(999), "999 ns");
  EXPECT_EQ(format_latency(1'023), "1.02 µs");
  EXPECT_EQ(format_latency(10'000'000), "10 ms");
  EXPECT_EQ(format_latency(999'600), "1 ms");
  EXPECT_EQ(format_latency(59'900'000'000), "59.9 s");
  EXPECT_EQ(format_latency(90'000'000'000), "1 min 30 s");
}

TEST(Units, WritesSettingsThatCanBeReadAgain) {
  for (const Duration duration : {Duration(0), Duration(1ms), Duration(90min), Duration(96h)}) {
    EXPECT_EQ(parse_duration(format_setting(duration)), duration);
  }
  EXPECT_EQ(format_setting(1h + 30min), "1h30m");
}

TEST(Units, WritesAgesSizesCountsRatesAndShares) {
  EXPECT_EQ(format_age(3725s), "1 h 2 min");
  EXPECT_EQ(format_age(400ms), "400 ms");
  EXPECT_EQ(format_size(104), "104 B");
  EXPECT_EQ(format_size(64 * 1024), "64 KiB");
  EXPECT_EQ(format_size(1024 * 1024 - 1), "1 MiB");
  EXPECT_EQ(format_count(1'234'567), "1,234,567");
  EXPECT_EQ(format_rate(45'213), "45,200/s");
  EXPECT_EQ(format_rate(0.42), "0.4/s");
  EXPECT_EQ(format_share(0), "0 %");
  EXPECT_EQ(format_share(1), "100 %");
  EXPECT_EQ(format_share(0.0004), "0.04 %");
}

}  // namespace
}  // namespace ringpost::cli
