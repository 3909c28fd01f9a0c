// Sending: sizes, attributes, ids, refusals.
#include <gtest/gtest.h>

#include "support/test_bus.hpp"

namespace ringpost::test {
namespace {

Errc send_with(Queue& queue, const AttributeList& attributes) {
  return code_of(queue.send("body", {.attributes = attributes}));
}

TEST(Send, MakesTheMessageVisibleAtOnce) {
  TestBus test;
  Queue queue = test.queue();
  ASSERT_TRUE(queue.send("hello"));
  EXPECT_EQ(bodies(queue), std::vector<std::string>{"hello"});
}

TEST(Send, TakesEveryByteAsItIs) {
  TestBus test;
  Queue queue = test.queue();
  std::string body;
  for (int c = 0; c < 256; ++c) body += static_cast<char>(c);
  ASSERT_TRUE(queue.send(body));
  ASSERT_TRUE(queue.send(std::string_view("\r\n\"\0x", 5)));
  EXPECT_EQ(bodies(queue), (std::vector<std::string>{body, std::string("\r\n\"\0x", 5)}));
}

TEST(Send, TakesAnEmptyBody) {
  TestBus test;
  Queue queue = test.queue();
  ASSERT_TRUE(queue.send(""));
  EXPECT_EQ(bodies(queue), std::vector<std::string>{""});
}

TEST(Send, KeepsBodiesOfEachSizeAroundTheSlotAndTheBlockSizes) {
  TestBus test;
  Queue queue = test.queue("q", {.message_bytes_max = 64 * 1024});
  for (const std::size_t near : {40u, 104u, 128u, 256u, 512u, 4096u, 65'536u - 2}) {
    for (std::size_t size = near - 2; size <= near + 2; ++size) {
      std::string body(size, 'a');
      body.back() = 'z';
      ASSERT_TRUE(queue.send(body)) << size;
      EXPECT_EQ(drain(queue), std::vector<std::string>{body}) << size;
    }
  }
  EXPECT_EQ(test.findings(), "");
}

TEST(Send, TakesABodyOfExactlyTheLargestSizeAndNoLargerOne) {
  TestBus test;
  Queue queue = test.queue("q", {.message_bytes_max = 1024});
  EXPECT_EQ(code_of(queue.send(std::string(1024, 'x'))), Errc::kOk);
  EXPECT_EQ(code_of(queue.send(std::string(1025, 'x'))), Errc::kTooLarge);
}

TEST(Send, CountsNamesTypesAndValuesOfAttributesTowardsTheLargestSize) {
  TestBus test;
  Queue queue = test.queue("q", {.message_bytes_max = 1024});
  const std::string body(1000, 'x');
  // name 4 + type 6 + value 14 = 24
  EXPECT_EQ(code_of(queue.send(body, {.attributes = {{"name", std::string(14, 'v')}}})), Errc::kOk);
  EXPECT_EQ(code_of(queue.send(body, {.attributes = {{"name", std::string(15, 'v')}}})),
            Errc::kTooLarge);
}

TEST(Send, GivesEachMessageAnIdOfItsOwn) {
  TestBus test;
  Queue queue = test.queue();
  std::vector<std::string> ids;
  for (int i = 0; i < 100; ++i) ids.push_back(queue.send("x").value().to_string());
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(std::unique(ids.begin(), ids.end()), ids.end());
}

TEST(Send, ReturnsTheIdThatTheReceiverSees) {
  TestBus test;
  Queue queue = test.queue();
  const MessageId sent = queue.send("x").value();
  auto received = queue.receive().value();
  EXPECT_EQ(received.front().id(), sent);
}

TEST(Send, CarriesAttributesBesideTheBody) {
  TestBus test;
  Queue queue = test.queue();
  ASSERT_TRUE(
      queue.send("body", {.attributes = {{"venue", "spot"},
                                         {"price", "1.5e3", "Number"},
                                         {"raw", std::string_view("\0\1", 2), "Binary.b"}}}));
  auto received = queue.receive().value();
  Lease& lease = received.front();
  EXPECT_EQ(lease.text(), "body");
  EXPECT_EQ(lease.attributes().find("venue")->value, "spot");
  EXPECT_EQ(lease.attributes().find("venue")->type, "String");
  EXPECT_EQ(lease.attributes().find("price")->value, "1.5e3");
  EXPECT_EQ(lease.attributes().find("raw")->type, "Binary.b");
  EXPECT_EQ(lease.attributes().find("raw")->value, std::string_view("\0\1", 2));
}

TEST(Send, CarriesLargeAttributesOfASmallBody) {
  TestBus test;
  Queue queue = test.queue();
  const std::string value(10'000, 'v');
  ASSERT_TRUE(queue.send("b", {.attributes = {{"big", value}}}));
  auto received = queue.receive().value();
  EXPECT_EQ(received.front().text(), "b");
  EXPECT_EQ(received.front().attributes().find("big")->value, value);
}

TEST(SendAttributes, AreTenAtMost) {
  TestBus test;
  Queue queue = test.queue();
  std::vector<std::string> names;
  for (int i = 0; i < 11; ++i) names.push_back("a" + std::to_string(i));
  std::vector<Attribute> list;
  for (const std::string& each : names) list.push_back({each, "1"});
  EXPECT_EQ(send_with(queue, std::span<const Attribute>(list).first(10)), Errc::kOk);
  EXPECT_EQ(send_with(queue, std::span<const Attribute>(list)), Errc::kInvalidArgument);
}

TEST(SendAttributes, HaveNamesOfTheAllowedCharacters) {
  TestBus test;
  Queue queue = test.queue();
  const std::string longest(255, 'n');
  const std::string too_long(256, 'n');
  for (const std::string& good : {std::string("a"), std::string("A-z_0.9"), std::string("awsx.a"),
                                  std::string("aws"), std::string("_"), longest}) {
    EXPECT_EQ(send_with(queue, {{good, "v"}}), Errc::kOk) << good;
  }
  for (const std::string& bad :
       {std::string(), std::string(".a"), std::string("a."), std::string("a..b"),
        std::string("a b"), std::string("ä"), std::string("AWS.x"), std::string("aws.x"),
        std::string("AwS.x"), std::string("Amazon.x"), std::string("AMAZON.x"), std::string("a\n"),
        too_long}) {
    EXPECT_EQ(send_with(queue, {{bad, "v"}}), Errc::kInvalidArgument) << bad;
  }
}

TEST(SendAttributes, HaveNamesThatDifferAlsoInCaseOnly) {
  TestBus test;
  Queue queue = test.queue();
  EXPECT_EQ(send_with(queue, {{"a", "1"}, {"A", "2"}}), Errc::kOk);
  EXPECT_EQ(send_with(queue, {{"a", "1"}, {"b", "1"}, {"a", "2"}}), Errc::kInvalidArgument);
}

TEST(SendAttributes, AreOfTypeStringNumberOrBinaryWithAnOptionalLabel) {
  TestBus test;
  Queue queue = test.queue();
  const std::string longest = "String." + std::string(248, 'l');
  const std::string too_long = "String." + std::string(249, 'l');
  for (const std::string& good :
       {std::string("String"), std::string("String.json"), std::string("Number"),
        std::string("Number.int.8"), std::string("Binary"), std::string("Binary.png"), longest}) {
    EXPECT_EQ(send_with(queue, {{"a", "1", good}}), Errc::kOk) << good;
  }
  for (const std::string& bad :
       {std::string(), std::string("string"), std::string("Text"), std::string("Strings"),
        std::string("StringList"), std::string(".String"), std::string("String."), too_long}) {
    EXPECT_EQ(send_with(queue, {{"a", "1", bad}}), Errc::kInvalidArgument) << bad;
  }
}

TEST(SendAttributes, AreNeverEmpty) {
  TestBus test;
  Queue queue = test.queue();
  for (const char* type : {"String", "Number", "Binary"}) {
    EXPECT_EQ(send_with(queue, {{"a", "", type}}), Errc::kInvalidArgument) << type;
  }
}

TEST(SendAttributes, OfTypeNumberAreNumbersOfAtMost38Digits) {
  TestBus test;
  Queue queue = test.queue();
  const std::string digits38(38, '9');
  for (const std::string& good :
       {std::string("0"), std::string("-1"), std::string("+1"), std::string("1.5"),
        std::string(".5"), std::string("5."), std::string("1e10"), std::string("1E-10"),
        std::string("-1.25e+125"), std::string("1e-128"), digits38}) {
    EXPECT_EQ(send_with(queue, {{"a", good, "Number"}}), Errc::kOk) << good;
  }
  for (const std::string& bad :
       {std::string("x"), std::string("1x"), std::string("-"), std::string("."), std::string("1e"),
        std::string("1e+"), std::string("1.2.3"), std::string(" 1"), std::string("1 "),
        std::string("0x1"), std::string("1e1000"), std::string("nan"), digits38 + "9"}) {
    EXPECT_EQ(send_with(queue, {{"a", bad, "Number.x"}}), Errc::kInvalidArgument) << bad;
  }
}

TEST(SendAttributes, OfTypeNumberLieWithinTheRangeOfTheService) {
  TestBus test;
  Queue queue = test.queue();
  EXPECT_EQ(send_with(queue, {{"a", "9.9e125", "Number"}}), Errc::kOk);
  EXPECT_EQ(send_with(queue, {{"a", "-1e126", "Number"}}), Errc::kOk);
  EXPECT_EQ(send_with(queue, {{"a", "0.010e128", "Number"}}), Errc::kOk);
  EXPECT_EQ(send_with(queue, {{"a", "1.1e126", "Number"}}), Errc::kInvalidArgument);
  EXPECT_EQ(send_with(queue, {{"a", "1e127", "Number"}}), Errc::kInvalidArgument);
  EXPECT_EQ(send_with(queue, {{"a", "1e-129", "Number"}}), Errc::kInvalidArgument);
  EXPECT_EQ(send_with(queue, {{"a", "0e500", "Number"}}), Errc::kOk);
  EXPECT_EQ(send_with(queue, {{"a", "1000e125", "Number"}}), Errc::kInvalidArgument);
}

TEST(Send, LeavesNothingBehindWhenItIsRefused) {
  TestBus test;
  Queue queue = test.queue("q", {.message_bytes_max = 1024});
  EXPECT_FALSE(queue.send(std::string(2000, 'x')));
  EXPECT_FALSE(queue.send(std::string(900, 'x'), {.attributes = {{"", "v"}}}));
  EXPECT_FALSE(queue.send(std::string(900, 'x'), {.delay = 16min}));
  EXPECT_EQ(queue.stats().visible, 0u);
  EXPECT_EQ(inspect(test.bus()).arena.blocks_used, 0u);
  EXPECT_EQ(test.findings(), "");
}

TEST(Send, ThatFindsNoMemoryForALargeBodySaysSo) {
  TestBus test({.arena_bytes_max = 2u << 20});
  Queue queue = test.queue();
  const std::string body(100'000, 'x');
  Errc code = Errc::kOk;
  std::size_t sent = 0;
  while (code == Errc::kOk && sent < 1'000) {
    code = code_of(queue.send(body));
    sent += code == Errc::kOk ? 1 : 0;
  }
  EXPECT_EQ(code, Errc::kNoSpace);
  EXPECT_GE(sent, 4u);
  EXPECT_EQ(code_of(queue.send("small ones still fit")), Errc::kOk);
  EXPECT_EQ(drain(queue).size(), sent + 1);
  EXPECT_EQ(code_of(queue.send(body)), Errc::kOk);
}

}  // namespace
}  // namespace ringpost::test
