// Digests and character rules of SQS; the vectors are those of the semantics, M08.
#include "ringpost/sqs.hpp"

#include <gtest/gtest.h>

#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

using namespace std::string_view_literals;

constexpr Attribute kMixed[] = {
    {"a", "x"}, {"b", "\0\1"sv, "Binary.png"}, {"C", "5", "Number.int"}};
constexpr char kMixedMd5[] = "32654d9056206ac3a150629370e1a091";

/// Attributes as a receiver gets them.
class Sent {
 public:
  explicit Sent(const AttributeList& attributes) {
    EXPECT_TRUE(queue_.send("x", {.attributes = attributes}));
    received_ = queue_.receive().value();
  }
  [[nodiscard]] AttributeView view() { return received_.front().attributes(); }

 private:
  TestBus test_;
  Queue queue_ = test_.queue();
  Leases received_;
};

std::optional<std::string> md5_on_receive(Sent& sent,
                                          std::initializer_list<std::string_view> names) {
  return sqs::md5_of_attributes(sent.view(), {names.begin(), names.size()});
}

TEST(Md5OfBody, IsThatOfItsBytes) {
  EXPECT_EQ(sqs::md5_of_body(as_bytes("hello")), "5d41402abc4b2a76b9719d911017c592");
  EXPECT_EQ(sqs::md5_of_body({}), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(sqs::md5_of_body(as_bytes("héllo")), "be50e8478cf24ff3595bc7307fb91b50");
}

TEST(Md5OfAttributes, CoversNameTypeAndValueInTheOrderOfNames) {
  EXPECT_EQ(sqs::md5_of_attributes({{"timestamp", "1493147359900", "Number"}}),
            "235c5c510d26fb653d073faed50ae77c");
  EXPECT_EQ(sqs::md5_of_attributes(kMixed), kMixedMd5);
  const Attribute other_order[] = {kMixed[2], kMixed[1], kMixed[0]};
  EXPECT_EQ(sqs::md5_of_attributes(other_order), kMixedMd5);
}

TEST(Md5OfAttributes, IsAbsentWhenThereAreNone) {
  EXPECT_EQ(sqs::md5_of_attributes(AttributeList()), std::nullopt);
  Sent none{{}};
  EXPECT_EQ(md5_on_receive(none, {"All"}), std::nullopt);
}

TEST(Md5OfAttributes, OnAReceiveIsThatOfTheSend) {
  Sent sent(kMixed);
  EXPECT_EQ(md5_on_receive(sent, {"All"}), kMixedMd5);
  EXPECT_EQ(md5_on_receive(sent, {"b", "a", "C"}), kMixedMd5);
}

TEST(Md5OfAttributes, OnAReceiveCoversOnlyWhatWasAskedFor) {
  Sent sent(kMixed);
  const Attribute two[] = {kMixed[0], kMixed[2]};
  EXPECT_EQ(md5_on_receive(sent, {"C", "a", "other"}), sqs::md5_of_attributes(two));
  EXPECT_EQ(md5_on_receive(sent, {}), std::nullopt);
  EXPECT_EQ(md5_on_receive(sent, {"A", "c"}), std::nullopt);
}

TEST(Md5OfAttributes, KeepsTheSpellingOfANumber) {
  Sent sent({{"n", "+05.50e1", "Number"}});
  EXPECT_EQ(md5_on_receive(sent, {"n"}), sqs::md5_of_attributes({{"n", "+05.50e1", "Number"}}));
  EXPECT_NE(md5_on_receive(sent, {"n"}), sqs::md5_of_attributes({{"n", "55", "Number"}}));
}

TEST(AttributeNames, AskForExactNamesPrefixesOrAll) {
  const auto asked = [](std::string_view name, std::string_view pattern) {
    return sqs::is_asked_for(name, {&pattern, 1});
  };
  for (const char* all : {"All", ".*", "*"}) EXPECT_TRUE(asked("any.name", all)) << all;
  EXPECT_TRUE(asked("shop.city", "shop.city"));
  EXPECT_FALSE(asked("shop.city", "shop"));
  EXPECT_FALSE(asked("shop.city", "Shop.city"));
  EXPECT_FALSE(asked("all", "All."));
  for (const char* prefix : {"shop.*", "shop*", "sh*"}) {
    EXPECT_TRUE(asked("shop.city", prefix)) << prefix;
    EXPECT_FALSE(asked("workshop.city", prefix)) << prefix;
  }
  EXPECT_FALSE(sqs::is_asked_for("a", {}));
}

TEST(Text, HasTheCharactersOfXml) {
  for (const std::string_view good :
       {""sv, "plain"sv, "\t\n\r"sv, " ~\x7f"sv, "\xc2\x80"sv, "\xed\x9f\xbf"sv, "\xee\x80\x80"sv,
        "\xef\xbf\xbd"sv, "\xf0\x90\x80\x80"sv, "\xf4\x8f\xbf\xbf"sv, "häuser €"sv}) {
    EXPECT_TRUE(sqs::is_text(as_bytes(good))) << good;
  }
  for (const std::string_view bad :
       {"\0"sv, "a\x01z"sv, "\x08"sv, "\x0b"sv, "\x0c"sv, "\x0e"sv, "\x1f"sv, "\xed\xa0\x80"sv,
        "\xed\xbf\xbf"sv, "\xef\xbf\xbe"sv, "\xef\xbf\xbf"sv, "\xf4\x90\x80\x80"sv}) {
    EXPECT_FALSE(sqs::is_text(as_bytes(bad))) << ::testing::PrintToString(bad);
  }
}

TEST(Text, IsWellFormedUtf8) {
  for (const std::string_view bad :
       {"\x80"sv, "\xbf"sv, "\xc0\x80"sv, "\xc1\xbf"sv, "\xe0\x80\x80"sv, "\xe0\x9f\xbf"sv,
        "\xf0\x80\x80\x80"sv, "\xf0\x8f\xbf\xbf"sv, "\xf5\x80\x80\x80"sv, "\xff"sv, "\xc3"sv,
        "\xe2\x82"sv, "\xf0\x90\x80"sv, "\xc3z"sv, "\xe2\x82z"sv, "\xe2z\x82"sv}) {
    EXPECT_FALSE(sqs::is_text(as_bytes(bad))) << ::testing::PrintToString(bad);
    EXPECT_FALSE(sqs::is_text(as_bytes("abc" + std::string(bad))));
  }
}

TEST(Id, Is1To128LettersDigitsAndMarks) {
  EXPECT_TRUE(sqs::is_id("a"));
  EXPECT_TRUE(sqs::is_id("!\"#$%&'()*+,-./0:;<=>?@A[\\]^_`z{|}~"));
  EXPECT_TRUE(sqs::is_id(std::string(128, 'x')));
  EXPECT_FALSE(sqs::is_id(std::string(129, 'x')));
  for (const std::string_view bad : {""sv, " "sv, "a b"sv, "a\n"sv, "\x7f"sv, "ä"sv, "a\0"sv}) {
    EXPECT_FALSE(sqs::is_id(bad)) << bad;
  }
}

TEST(EntryId, Is1To80LettersDigitsHyphensAndUnderscores) {
  EXPECT_TRUE(sqs::is_entry_id("Az09-_"));
  EXPECT_TRUE(sqs::is_entry_id(std::string(80, 'x')));
  EXPECT_FALSE(sqs::is_entry_id(std::string(81, 'x')));
  for (const std::string_view bad : {""sv, "a.b"sv, "a b"sv, "ä"sv, "a:b"sv}) {
    EXPECT_FALSE(sqs::is_entry_id(bad)) << bad;
  }
}

}  // namespace
}  // namespace ringpost::test
