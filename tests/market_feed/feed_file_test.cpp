#include "feed_file.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "content_hash.hpp"

namespace ringpost::market_feed {
namespace {

TEST(FeedLine, IsTimeVenueAndJson) {
  const auto line = FeedLine::parse(R"(1723161255088156767 usdm {"a": 1})");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->received_ns, 1723161255088156767u);
  EXPECT_EQ(line->venue, "usdm");
  EXPECT_EQ(line->json, R"({"a": 1})");
}

TEST(FeedLine, RefusesWhatIsNoLine) {
  for (const char* text :
       {"", "x", "12", "12 ", "12 usdm", "12  {}", "-3 usdm {}", "99999999999999999999 usdm {}"}) {
    EXPECT_FALSE(FeedLine::parse(text)) << text;
  }
}

TEST(OrderKey, IsVenueAndSymbol) {
  const auto key = [](const char* text) { return order_key(FeedLine::parse(text).value()); };
  EXPECT_EQ(key(R"(1 usdm {"stream":"btcusdt@depth@0ms","data":{}})"), "usdm.BTCUSDT");
  EXPECT_EQ(key(R"(1 spot {"stream":"ethusdt@trade","data":{}})"), "spot.ETHUSDT");
  EXPECT_EQ(key(R"(1 spot {"data":{},"stream":"ethusdt@trade"})"), "");
  EXPECT_EQ(key(R"(1 spot {"stream":"ethusdt"})"), "");
}

TEST(SplitLines, LeavesOutLineEnds) {
  EXPECT_EQ(split_lines("a\nbc\n", 10), (std::vector<std::string_view>{"a", "bc"}));
  EXPECT_EQ(split_lines("a\nbc", 10), (std::vector<std::string_view>{"a", "bc"}));
  EXPECT_EQ(split_lines("a\n\nb\n", 2), (std::vector<std::string_view>{"a", ""}));
  EXPECT_TRUE(split_lines("", 10).empty());
}

TEST(Unpack, ReadsTheRecordedFeed) {
  const std::string text = unpack(RINGPOST_MARKET_FEED);
  const auto lines = split_lines(text, 1'000'000);
  ASSERT_EQ(lines.size(), 42'736u);
  std::uint64_t before_ns = 0;
  for (const std::string_view text_of_line : lines) {
    const auto line = FeedLine::parse(text_of_line);
    ASSERT_TRUE(line) << text_of_line;
    ASSERT_LE(before_ns, line->received_ns);
    ASSERT_TRUE(line->venue == "spot" || line->venue == "usdm");
    before_ns = line->received_ns;
  }
}

TEST(Unpack, RefusesAFileThatIsCutOff) {
  std::ifstream whole(RINGPOST_MARKET_FEED, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(whole), {}};
  std::string path = std::filesystem::temp_directory_path() / "market-feed-XXXXXX";
  const int descriptor = mkstemp(path.data());
  ASSERT_GE(descriptor, 0);
  close(descriptor);
  std::ofstream(path, std::ios::binary) << bytes.substr(0, bytes.size() / 2);
  EXPECT_THROW(unpack(path), std::runtime_error);
  std::filesystem::remove(path);
}

TEST(Unpack, NamesAMissingFile) {
  EXPECT_THROW(unpack("/nonexistent/feed.gz"), std::runtime_error);
}

TEST(ContentHash, DiffersForEachLineOfTheFeed) {
  const std::string text = unpack(RINGPOST_MARKET_FEED);
  std::vector<std::uint64_t> hashes;
  for (const std::string_view line : split_lines(text, 1'000'000))
    hashes.push_back(content_hash(line));
  std::sort(hashes.begin(), hashes.end());
  EXPECT_EQ(std::adjacent_find(hashes.begin(), hashes.end()), hashes.end());
}

TEST(ContentHash, SeesEveryByteAndTheLength) {
  std::string text(100, 'a');
  const std::uint64_t before = content_hash(text);
  for (char& letter : text) {
    letter = 'b';
    EXPECT_NE(content_hash(text), before);
    letter = 'a';
  }
  EXPECT_NE(content_hash(std::string(99, 'a')), before);
  EXPECT_NE(content_hash(std::string_view("\0", 1)), content_hash(""));
}

}  // namespace
}  // namespace ringpost::market_feed
