// All policies of a topic at once: the same answers as one at a time, whatever came and went.
#include "filter/matcher.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <thread>

#include "process/rig/depth.hpp"
#include "support/filter_cases.hpp"

namespace ringpost::test {
namespace {

using filter::Matcher;
using filter::Message;
using filter::Policy;
using filter::PolicyErrc;
using filter::Scope;
using filter::Scratch;

/// A matcher beside the policies that are in it.
class Topic {
 public:
  explicit Topic(Random& random) : random_(random) {}

  /// One that comes, or one that goes.
  void change(std::uint32_t numbers) {
    const auto number = static_cast<std::uint32_t>(pick(random_, numbers));
    if (policies_.erase(number) != 0) {
      EXPECT_TRUE(matcher_.remove(number));
    } else {
      add(number);
    }
    EXPECT_EQ(matcher_.size(), policies_.size());
  }

  /// How many policies were judged.
  std::size_t compare(const OracleMessage& original) {
    const SpeltMessage spelt(original, random_);
    const std::vector<Attribute> attributes = spelt.attributes();
    message_.set(AttributeList(std::span<const Attribute>(attributes)), spelt.body());
    matches_.clear();
    matcher_.match(message_, scratch_, matches_);
    std::sort(matches_.begin(), matches_.end());
    std::vector<std::uint32_t> expected;
    for (const auto& [number, entry] : policies_) {
      if (!entry.policy || accepts(*entry.policy, entry.scope, original))
        expected.push_back(number);
    }
    if (matches_ != expected) explain(expected, spelt);
    accepted_ += expected.size();
    return policies_.size();
  }

  [[nodiscard]] std::size_t accepted() const noexcept { return accepted_; }

 private:
  struct Entry {
    std::optional<JsonValue> policy;
    Scope scope{};
  };

  void add(std::uint32_t number) {
    if (one_in(random_, 40)) {
      matcher_.add(number);
      policies_[number] = {};
      return;
    }
    while (true) {
      const Scope scope = one_in(random_, 2) ? Scope::kBody : Scope::kAttributes;
      JsonValue policy = random_policy(random_, scope);
      if (one_in(random_, 60)) policy.members.clear();
      const auto parsed = Policy::parse(spell(policy, random_), scope);
      if (!parsed) {
        const PolicyErrc code = parsed.error().code;
        ASSERT_TRUE(code == PolicyErrc::kTooManyKeys || code == PolicyErrc::kTooComplex)
            << parsed.error().message << ": " << spell(policy);
        continue;
      }
      matcher_.add(number, *parsed);
      policies_[number] = {std::move(policy), scope};
      return;
    }
  }

  void explain(const std::vector<std::uint32_t>& expected, const SpeltMessage& spelt) const {
    std::vector<std::uint32_t> different;
    std::set_symmetric_difference(matches_.begin(), matches_.end(), expected.begin(),
                                  expected.end(), std::back_inserter(different));
    const std::uint32_t one = different.empty() ? matches_.front() : different.front();
    const Entry& entry = policies_.at(one);
    ADD_FAILURE() << (std::count(expected.begin(), expected.end(), one) != 0 ? "missed: "
                                                                             : "not wanted: ")
                  << (entry.scope == Scope::kBody ? "body " : "attributes ")
                  << (entry.policy ? spell(*entry.policy) : "no policy") << '\n'
                  << spelt.to_string();
  }

  Random& random_;
  Matcher matcher_;
  Message message_;
  Scratch scratch_;
  std::vector<std::uint32_t> matches_;
  std::map<std::uint32_t, Entry> policies_;
  std::size_t accepted_ = 0;
};

TEST(FilterMatcher, AgreesWithTheSemanticsForEveryPolicy) {
  // The sanitizers' builds take ten times as long.
  const std::size_t wanted =
      rig::by_depth<std::size_t>(100'000, 1'000'000, 30'000'000) / RINGPOST_FILTER_SHARE;
  Random random(rig::base_seed());
  std::size_t accepted = 0;
  for (std::size_t judged = 0; judged < wanted && !::testing::Test::HasFailure();) {
    Topic topic(random);
    for (int i = 0; i < 60; ++i) topic.change(60);
    for (int i = 0; i < 40; ++i) {
      judged += topic.compare(random_message(random));
      topic.change(60);
      topic.change(60);
    }
    accepted += topic.accepted();
  }
  // Neither "always" nor "never" would pass.
  EXPECT_GT(accepted, wanted / 10);
  EXPECT_LT(accepted, wanted / 2);
}

Policy policy_of(const std::string& json, Scope scope = Scope::kAttributes) {
  return Policy::parse(json, scope).value_or(Policy());
}

std::vector<std::uint32_t> matched(const Matcher& matcher, const AttributeList& attributes,
                                   std::string_view body = "{}") {
  Message message;
  message.set(attributes, body);
  Scratch scratch;
  std::vector<std::uint32_t> matches;
  matcher.match(message, scratch, matches);
  std::sort(matches.begin(), matches.end());
  return matches;
}

TEST(FilterMatcher, GivesEverythingToSubscriptionsWithoutAPolicy) {
  Matcher matcher;
  matcher.add(3);
  matcher.add(1, policy_of("{}"));
  matcher.add(2, policy_of(R"({"a":["x"]})"));
  EXPECT_EQ(matched(matcher, {}), (std::vector<std::uint32_t>{1, 3}));
  EXPECT_EQ(matched(matcher, {{"a", "x"}}), (std::vector<std::uint32_t>{1, 2, 3}));
  EXPECT_TRUE(matcher.remove(3));
  EXPECT_FALSE(matcher.remove(3));
  EXPECT_FALSE(matcher.remove(4'000'000'000u));
  EXPECT_EQ(matched(matcher, {}), (std::vector<std::uint32_t>{1}));
}

TEST(FilterMatcher, NamesEachSubscriptionOnce) {
  Matcher matcher;
  matcher.add(0, policy_of(R"({"$or":[{"a":["x","y"]},{"a":[{"prefix":"x"}]}]})"));
  EXPECT_EQ(matched(matcher, {{"a", R"(["x","y","xx"])", "String.Array"}}),
            (std::vector<std::uint32_t>{0}));
}

TEST(FilterMatcher, LooksOnlyAtWhatTheScopeSays) {
  Matcher matcher;
  matcher.add(0, policy_of(R"({"a":["x"]})"));
  matcher.add(1, policy_of(R"({"a":["x"]})", Scope::kBody));
  EXPECT_EQ(matched(matcher, {{"a", "x"}}, R"({"a":"y"})"), (std::vector<std::uint32_t>{0}));
  EXPECT_EQ(matched(matcher, {{"a", "y"}}, R"({"a":"x"})"), (std::vector<std::uint32_t>{1}));
  EXPECT_EQ(matched(matcher, {{"a", "x"}}, "no JSON"), (std::vector<std::uint32_t>{0}));
  EXPECT_EQ(matched(matcher, {{"a", "[", "String.Array"}}, R"({"a":"x"})"),
            (std::vector<std::uint32_t>{1}));
}

TEST(FilterMatcher, KeepsNothingOfWhatWasRemoved) {
  Random random(3);
  Matcher matcher;
  for (int round = 0; round < 3; ++round) {
    for (std::uint32_t number = 0; number < 2'000;) {
      const Scope scope = one_in(random, 2) ? Scope::kBody : Scope::kAttributes;
      const auto policy = Policy::parse(spell(random_policy(random, scope)), scope);
      if (policy) matcher.add(number++, *policy);
    }
    EXPECT_GT(matcher.conditions(), 200u);
    for (std::uint32_t number = 0; number < 2'000; ++number) EXPECT_TRUE(matcher.remove(number));
    EXPECT_EQ(matcher.size(), 0u);
    EXPECT_EQ(matcher.conditions(), 0u);
  }
}

TEST(FilterMatcher, KeepsSubscriptionsOfEqualPoliciesApart) {
  constexpr const char* kPolicies[] = {
      R"({"a":["x"]})",
      R"({"a":["x"],"b":[{"numeric":[">",1]}]})",
      R"({"b":[{"numeric":[">",1]}],"a":["x"]})",  // equal to the one before
      R"({"a":["x","y"]})",
      R"({"a":["y","x"],"b":[{"exists":true}],"c":[{"exists":false}]})",
      R"({"$or":[{"a":["x"]},{"b":[2]}]})",
      R"({"$or":[{"a":["x"]},{"a":["x"]}]})",
      R"({"$or":[{"a":["y"]},{"a":["x"],"b":[{"numeric":[">",1]}]}]})",
  };
  constexpr std::int64_t kOne = 1'000'000'000;  // billionths
  Random random(6);
  Matcher matcher;
  std::map<std::uint32_t, std::string> policies;
  for (int i = 0; i < 5'000; ++i) {
    const auto number = static_cast<std::uint32_t>(pick(random, 40));
    if (policies.erase(number) != 0) {
      EXPECT_TRUE(matcher.remove(number));
    } else {
      policies[number] = kPolicies[pick(random, std::size(kPolicies))];
      matcher.add(number, policy_of(policies[number]));
    }
    OracleMessage message;
    const auto add = [&message](const char* name, OracleAttribute::Type type, JsonValue value) {
      message.attributes.push_back({name, type, std::move(value)});
    };
    if (!one_in(random, 4)) {
      add("a", OracleAttribute::Type::kString, JsonValue::string(one_in(random, 2) ? "x" : "y"));
    }
    if (one_in(random, 2)) {
      add("b", OracleAttribute::Type::kNumber,
          JsonValue::number(one_in(random, 2) ? kOne : 2 * kOne));
    }
    std::vector<std::uint32_t> expected;
    for (const auto& [other, policy] : policies) {
      if (accepts(read_value(policy), Scope::kAttributes, message)) expected.push_back(other);
    }
    const SpeltMessage spelt(message, random);
    const std::vector<Attribute> attributes = spelt.attributes();
    ASSERT_EQ(matched(matcher, AttributeList(std::span<const Attribute>(attributes))), expected);
  }
  for (const auto& [number, policy] : policies) EXPECT_TRUE(matcher.remove(number));
  EXPECT_EQ(matcher.conditions(), 0u);
}

TEST(FilterMatcher, FindsRangesAmongMany) {
  Random random(4);
  Matcher matcher;
  std::map<std::uint32_t, std::pair<int, int>> ranges;
  for (int i = 0; i < 4'000; ++i) {
    const auto number = static_cast<std::uint32_t>(pick(random, 1'000));
    if (ranges.erase(number) != 0) {
      matcher.remove(number);
      continue;
    }
    const int low = static_cast<int>(pick(random, 500)) - 250;
    const int high = low + 1 + static_cast<int>(pick(random, 60));
    ranges[number] = {low, high};
    matcher.add(number, policy_of("{\"a\":[{\"numeric\":[\">=\"," + std::to_string(low) +
                                  ",\"<\"," + std::to_string(high) + "]}]}"));
    const int value = static_cast<int>(pick(random, 600)) - 300;
    std::vector<std::uint32_t> expected;
    for (const auto& [other, range] : ranges) {
      if (range.first <= value && value < range.second) expected.push_back(other);
    }
    ASSERT_EQ(matched(matcher, {{"a", std::to_string(value), "Number"}}), expected);
  }
}

TEST(FilterMatcher, FindsWildcardsThatBeginOrEndAlike) {
  Random random(5);
  Matcher matcher;
  std::map<std::uint32_t, std::string> patterns;
  constexpr const char* kShapes[] = {"a*x%*", "*x%*b", "*xyz%*", "a*x%", "*%*"};
  for (int i = 0; i < 3'000; ++i) {
    const auto number = static_cast<std::uint32_t>(pick(random, 50));
    if (patterns.erase(number) != 0) {
      matcher.remove(number);
      continue;
    }
    std::string pattern = kShapes[number % std::size(kShapes)];
    pattern.replace(pattern.find('%'), 1, std::to_string(number));
    const std::string condition = "{\"a\":[{\"wildcard\":\"" + pattern + "\"}]}";
    matcher.add(number, policy_of(condition));
    patterns[number] = condition;
    const std::string value = "a-x" + std::to_string(pick(random, 50)) + "-xyz" +
                              std::to_string(pick(random, 50)) + (one_in(random, 2) ? "b" : "");
    OracleMessage message;
    message.attributes.push_back({"a", OracleAttribute::Type::kString, JsonValue::string(value)});
    std::vector<std::uint32_t> expected;
    for (const auto& [other, policy] : patterns) {
      if (accepts(read_value(policy), Scope::kAttributes, message)) expected.push_back(other);
    }
    ASSERT_EQ(matched(matcher, {{"a", value}}), expected) << value;
  }
}

TEST(FilterMatcher, IsReadByManyThreads) {
  Matcher matcher;
  for (std::uint32_t number = 0; number < 1'000; ++number) {
    matcher.add(number, policy_of("{\"a\":[\"" + std::to_string(number % 100) + "\"]}"));
  }
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&matcher, thread] {
      for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(matched(matcher, {{"a", std::to_string((i + thread) % 100)}}).size(), 10u);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace ringpost::test
