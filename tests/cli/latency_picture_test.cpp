// The latency distribution as text and as SVG.
#include "latency_picture.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace ringpost::cli {
namespace {

Histogram body_with_a_tail() {
  Histogram histogram;
  histogram.record(1'000, 900);
  histogram.record(2'000, 95);
  histogram.record(20'000'000, 5);
  return histogram;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(LatencyPicture, EmptyHistogramSaysSo) {
  EXPECT_TRUE(has(draw_text(Histogram()), "no latencies"));
  EXPECT_TRUE(has(percentiles_line(Histogram()), "no latencies"));
  EXPECT_TRUE(has(draw_svg(Histogram(), "title"), "no latencies"));
}

TEST(LatencyPicture, LineNamesPercentilesAndTheShareThatIsLate) {
  const std::string line = percentiles_line(body_with_a_tail());
  for (const char* part : {"p50 ", "p90 ", "p99 ", "p99.9 ", "max ", "over 10 ms 0.5 %"}) {
    EXPECT_TRUE(has(line, part)) << part << " in " << line;
  }
}

TEST(LatencyPicture, TextHasFewLinesAndShowsWhatIsRare) {
  const std::string text = draw_text(body_with_a_tail());
  EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 16);
  EXPECT_TRUE(has(text, "0.5 %")) << text;
  EXPECT_TRUE(has(text, "▏")) << text;
  for (const char* mark : {"p50", "p99", "p99.9"}) EXPECT_TRUE(has(text, mark)) << text;
}

TEST(LatencyPicture, TextOfOneValueIsOneLine) {
  Histogram histogram;
  histogram.record(1'000);
  const std::string text = draw_text(histogram);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_TRUE(has(text, "100 %")) << text;
}

TEST(LatencyPicture, SvgIsEscapedAndMarksTheLateOnes) {
  const std::string svg = draw_svg(body_with_a_tail(), "a < b & c", {"64 \"B\"", kLateNs});
  EXPECT_TRUE(has(svg, "a &lt; b &amp; c"));
  EXPECT_TRUE(has(svg, "64 &quot;B&quot;"));
  EXPECT_TRUE(has(svg, "class=\"late\""));
  EXPECT_TRUE(has(svg, "<polyline"));
}

}  // namespace
}  // namespace ringpost::cli
