// Torn policies, bodies and attributes: errors or answers, nothing else (the sanitizers look on).
#include <gtest/gtest.h>
#include <simdjson.h>

#include <algorithm>

#include "filter/matcher.hpp"
#include "process/rig/depth.hpp"
#include "support/filter_cases.hpp"

namespace ringpost::test {
namespace {

using filter::Json;
using filter::Matcher;
using filter::Message;
using filter::Policy;
using filter::Scope;
using filter::Scratch;
using filter::SubscriptionNumber;

constexpr const char* kPieces[] = {"\"",
                                   "\\",
                                   "{",
                                   "}",
                                   "[",
                                   "]",
                                   ":",
                                   ",",
                                   "\\u",
                                   "\\ud83d",
                                   "\\u0000",
                                   "\\\"",
                                   "null",
                                   "tru",
                                   "-",
                                   "1e",
                                   "e999999999999999999999",
                                   "0",
                                   "00",
                                   ".",
                                   "\xff",
                                   "\xc3",
                                   "\xed\xa0\x80",
                                   " ",
                                   "\n",
                                   "\"$or\"",
                                   "\"numeric\"",
                                   "\"anything-but\"",
                                   "\"prefix\"",
                                   "\"wildcard\"",
                                   "*",
                                   "\"cidr\"",
                                   "/",
                                   "\"exists\"",
                                   "::",
                                   "[[[[[[[[",
                                   "{\"a\":{\"a\":"};

/// A few bytes changed, dropped, doubled or put in.
std::string torn(std::string text, Random& random) {
  for (std::size_t changes = 1 + pick(random, 4); changes != 0; --changes) {
    const std::size_t at = pick(random, text.size() + 1);
    const std::size_t length = std::min(pick(random, 8), text.size() - at);
    switch (pick(random, 5)) {
      case 0:
        if (at < text.size()) text[at] = static_cast<char>(random());
        break;
      case 1:
        text.erase(at, length);
        break;
      case 2:
        text.insert(at, text.substr(at, length));
        break;
      case 3:
        text.resize(at);
        break;
      default:
        text.insert(at, kPieces[pick(random, std::size(kPieces))]);
    }
  }
  return text;
}

/// In memory of its own size, so that a byte read beyond it is seen.
class Exact {
 public:
  explicit Exact(const std::string& text) : bytes_(text.begin(), text.end()) {
    bytes_.shrink_to_fit();
  }
  [[nodiscard]] std::string_view view() const { return {bytes_.data(), bytes_.size()}; }

 private:
  std::vector<char> bytes_;
};

/// simdjson refuses numbers that its types do not hold, and some halves of surrogate pairs pass it.
void expect_the_verdict_of_simdjson(std::string_view text, bool accepted) {
  simdjson::dom::parser parser(1 << 20);
  simdjson::dom::element element;
  const simdjson::error_code error = parser.parse(text.data(), text.size(), true).get(element);
  if (error == simdjson::NUMBER_ERROR || text.find("\\u") != std::string_view::npos) return;
  EXPECT_EQ(accepted, error == simdjson::SUCCESS)
      << simdjson::error_message(error) << ": " << ::testing::PrintToString(text);
}

TEST(FilterFuzz, JsonIsWhatSimdjsonSays) {
  Random random(rig::base_seed());
  Json json;
  for (int i = rig::by_depth(3'000, 15'000, 1'000'000); i != 0; --i) {
    const OracleMessage message = random_message(random);
    std::string text = message.body ? spell(*message.body, random) : "x";
    if (!one_in(random, 4)) text = torn(std::move(text), random);
    const Exact exact(text);
    const bool accepted = json.parse(exact.view());
    if (!text.empty()) expect_the_verdict_of_simdjson(exact.view(), accepted);
  }
}

TEST(FilterFuzz, TornPoliciesAndMessagesAreSurvived) {
  Random random(rig::base_seed());
  Matcher matcher;
  Message message;
  Scratch scratch;
  std::vector<SubscriptionNumber> matches;
  std::size_t accepted = 0;
  for (int i = rig::by_depth(5'000, 20'000, 2'000'000); i != 0; --i) {
    const Scope scope = one_in(random, 2) ? Scope::kBody : Scope::kAttributes;
    const Exact policy(torn(spell(random_policy(random, scope), random), random));
    const auto number = static_cast<SubscriptionNumber>(pick(random, 100));
    const auto parsed = Policy::parse(policy.view(), scope);
    if (parsed) {
      ++accepted;
      matcher.remove(number);
      matcher.add(number, *parsed);
    } else {
      EXPECT_FALSE(parsed.error().message.empty());
    }
    const OracleMessage original = random_message(random);
    const Exact body(torn(original.body ? spell(*original.body, random) : "", random));
    const Exact array(torn("[\"a\",1,null]", random));
    const Exact digits(torn("-10.50e2", random));
    const Attribute attributes[] = {
        {"a", array.view(), "String.Array"}, {"b", digits.view(), "Number"}, {"c", body.view()}};
    const std::size_t some = pick(random, 2);
    message.set(AttributeList(std::span(attributes).subspan(some)), body.view());
    matches.clear();
    matcher.match(message, scratch, matches);
  }
  EXPECT_GT(accepted, 100u);
  for (SubscriptionNumber number = 0; number < 100; ++number) matcher.remove(number);
  EXPECT_EQ(matcher.size(), 0u);
  EXPECT_EQ(matcher.conditions(), 0u);
}

TEST(FilterFuzz, LongTextsTakeLinearTime) {
  constexpr std::size_t kBytes = 200'000;
  const std::string half(kBytes / 2, 'a');
  Matcher matcher;
  SubscriptionNumber number = 0;
  for (const std::string& condition :
       {"{\"wildcard\":\"*" + half + "b*\"}", std::string("{\"wildcard\":\"*aaa*b*\"}"),
        "{\"anything-but\":{\"wildcard\":\"*" + half + "b*\"}}", std::string("{\"prefix\":\"aa\"}"),
        std::string("{\"wildcard\":\"*b*a*\"}")}) {
    const auto policy = Policy::parse("{\"a\":[" + condition + "]}", Scope::kBody);
    ASSERT_TRUE(policy) << policy.error().message;
    matcher.add(number++, *policy);
  }
  Message message;
  Scratch scratch;
  std::vector<SubscriptionNumber> matches;
  const std::string body = "{\"a\":\"" + std::string(kBytes, 'a') + "\"}";
  message.set(AttributeList(), body);
  matcher.match(message, scratch, matches);
  EXPECT_EQ(matches.size(), 2u);
  // One key again and again, and an array of objects that all might match.
  std::string wide = "{\"a\":[0";
  for (int i = 0; i < 20'000; ++i) wide += ",{\"b\":\"x\",\"c\":1,\"b\":\"y\"}";
  wide += "]}";
  const auto policy =
      Policy::parse(R"({"a":{"b":["y"],"c":[2],"$or":[{"b":["x"]},{"c":[1]}]}})", Scope::kBody);
  ASSERT_TRUE(policy);
  matcher.add(number, *policy);
  message.set(AttributeList(), wide);
  matches.clear();
  matcher.match(message, scratch, matches);
  EXPECT_EQ(std::count(matches.begin(), matches.end(), number), 0);
}

}  // namespace
}  // namespace ringpost::test
