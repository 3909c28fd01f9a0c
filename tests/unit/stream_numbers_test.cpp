// Hash keys, sequence numbers, shard ids, iterators: as text and in order.
#include <gtest/gtest.h>

#include "ringpost/stream.hpp"
#include "stream/numbers.hpp"

namespace ringpost {
namespace {

HashKey key(const char* decimal) { return HashKey::parse(decimal).value(); }

TEST(HashKeyOf, IsMd5AsANumberMostSignificantByteFirst) {
  EXPECT_EQ(HashKey::of("a"), (HashKey{0x0cc175b9c0f1b6a8, 0x31c399e269772661}));
  EXPECT_EQ(HashKey::of("a").to_string(), "16955237001963240173058271559858726497");
  EXPECT_EQ(HashKey::of("partitionKey-03").to_string(), "183955990062578521952773094788915351226");
  EXPECT_EQ(HashKey::of("user-42"), (HashKey{0x7631bc07a1cc8fcd, 0x56e70fc6b2fb4a43}));
  EXPECT_EQ(HashKey::of("\xc3\xa9"), (HashKey{0x66ddcd97cfdeabb2, 0xf6fb8a999b4bc76f}));
}

TEST(HashKeyOf, DiffersForAnotherFormOfTheSameCharacter) {
  EXPECT_NE(HashKey::of("\xc3\xa9"), HashKey::of("e\xcc\x81"));
}

TEST(HashKeyText, IsADecimalWithoutSignOrLeadingZeroBelow2ToThe128) {
  EXPECT_EQ(key("0"), HashKey{});
  EXPECT_EQ(key("340282366920938463463374607431768211455"), HashKey::max());
  EXPECT_EQ(HashKey::max().to_string(), "340282366920938463463374607431768211455");
  for (const char* wrong :
       {"", "-1", "+1", "01", "1x", " 1", "0x10", "340282366920938463463374607431768211456",
        "999999999999999999999999999999999999999999999999999999999999999999999"
        "999999999999999999"}) {
    EXPECT_FALSE(HashKey::parse(wrong)) << wrong;
  }
}

TEST(EqualRanges, AreAsWideAsTheyCanBeAndTheLastHasTheRest) {
  const auto three = stream::equal_ranges(3);
  EXPECT_EQ(three[0].first, HashKey{});
  EXPECT_EQ(three[1].first, key("113427455640312821154458202477256070485"));
  EXPECT_EQ(three[2].first, key("226854911280625642308916404954512140970"));
  EXPECT_EQ(three[2].last, HashKey::max());
  EXPECT_EQ(three[0].last, stream::before(three[1].first));
  const auto four = stream::equal_ranges(4);
  EXPECT_EQ(four[1].first, key("85070591730234615865843651857942052864"));
  EXPECT_TRUE(four[0].contains(HashKey::of("a")));
  EXPECT_TRUE(four[2].contains(HashKey::of("partitionKey-03")));
  EXPECT_TRUE(four[1].contains(HashKey::of("user-42")));
  EXPECT_TRUE(four[1].contains(HashKey::of("\xc3\xa9")));
}

TEST(EqualRanges, OfOneAreEverything) {
  EXPECT_EQ(stream::equal_ranges(1), (std::vector<stream::Range>{{HashKey{}, HashKey::max()}}));
}

TEST(MiddleOfARange, BeginsItsUpperHalf) {
  EXPECT_EQ(stream::middle({HashKey{}, HashKey::max()}), (HashKey{1ull << 63, 0}));
  EXPECT_EQ(stream::middle({{0, 10}, {0, 13}}), (HashKey{0, 12}));
  EXPECT_EQ(stream::middle({{1, ~0ull - 1}, {2, 1}}), (HashKey{2, 0}));
}

constexpr SequenceNumber kNumber{.shard_created_s = 1'421'889'722,
                                 .shard = 18,
                                 .position = 0x1234567,
                                 .arrival_s = 1'421'889'999};

TEST(SequenceNumberText, IsADecimalOfFiftySixDigitsThatParsesBack) {
  const std::string text = kNumber.to_string();
  EXPECT_EQ(text.size(), 56u);
  EXPECT_EQ(SequenceNumber::parse(text), kNumber);
}

TEST(SequenceNumberText, HasTheLayoutOfVersionTwo) {
  // 2 · 000000005 · 3 · 0000000000000007 · 00 · 000000006 · 00000003 · 2 in hexadecimal
  const SequenceNumber small{.shard_created_s = 5, .shard = 3, .position = 7, .arrival_s = 6};
  EXPECT_EQ(small.to_string(), "49039857309559405318945146589565820973166768731411447858");
}

TEST(SequenceNumberText, OfTheNumberBeforeAllIsZero) {
  EXPECT_EQ(SequenceNumber{}.to_string(), "0");
  EXPECT_EQ(SequenceNumber::parse("0"), SequenceNumber{});
}

TEST(SequenceNumberText, OfAnotherLayoutIsRefused) {
  for (const char* wrong :
       {"", "1", "00", "-5", "x", "4903985730955940531894514658956582097316676873141144785",
        "49039857309559405318945146589565820973166768731411447859"}) {
    EXPECT_FALSE(SequenceNumber::parse(wrong)) << wrong;
  }
}

TEST(SequenceNumbers, RiseWithThePositionWhateverTheClockSays) {
  SequenceNumber later = kNumber;
  later.position += 1;
  later.arrival_s = 0;
  EXPECT_LT(kNumber, later);
}

TEST(SequenceNumbers, OfAShardThatWasCreatedLaterAreHigherThanAllOfItsParents) {
  SequenceNumber end = kNumber;
  end.position = 0x7fffffffffffffff;
  const SequenceNumber child{.shard_created_s = kNumber.shard_created_s + 1, .shard = 19};
  EXPECT_LT(end, child);
  EXPECT_LT(kNumber, end);
}

TEST(ShardId, HasTwelveDigits) {
  EXPECT_EQ(ShardInfo::id_of(0), "shardId-000000000000");
  EXPECT_EQ(ShardInfo::id_of(4'294'967'295u), "shardId-004294967295");
  EXPECT_EQ(ShardInfo::parse_id("shardId-000000000042"), 42u);
  for (const char* wrong :
       {"", "shardId-", "shardId-42", "shard-000000000042", "shardId-00000000004x",
        "shardId-0000000000042", "shardId-999999999999"}) {
    EXPECT_FALSE(ShardInfo::parse_id(wrong)) << wrong;
  }
}

constexpr ShardIterator kIterator{
    .stream_id = 77, .shard = 3, .position = 123'456, .issued_ns = 1'000'000'007, .number = 2};

TEST(ShardIteratorText, ParsesBackAlsoInDoubleQuotes) {
  const std::string text = kIterator.to_string();
  EXPECT_LE(text.size(), 512u);
  EXPECT_EQ(ShardIterator::parse(text), kIterator);
  EXPECT_EQ(ShardIterator::parse('"' + text + '"'), kIterator);
}

TEST(ShardIteratorText, ThatWasChangedIsRefused) {
  const std::string text = kIterator.to_string();
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = changed[i] == '0' ? '1' : '0';
    EXPECT_FALSE(ShardIterator::parse(changed)) << i;
  }
  EXPECT_FALSE(ShardIterator::parse(""));
  EXPECT_FALSE(ShardIterator::parse("\""));
  EXPECT_FALSE(ShardIterator::parse(text + "0"));
}

}  // namespace
}  // namespace ringpost
