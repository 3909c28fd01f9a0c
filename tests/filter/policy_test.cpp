// What is a policy, and with which words others are refused. Ids are those of the semantics.
#include "filter/policy.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace ringpost::test {
namespace {

using filter::Policy;
using filter::PolicyErrc;
using filter::Scope;

std::string refusal(std::string_view json, Scope scope = Scope::kBody) {
  const auto policy = Policy::parse(json, scope);
  return policy ? "accepted" : policy.error().message;
}

/// `conditions`: what stands in the array of a field.
std::string refusal_of(const std::string& conditions) {
  const std::string json = "{\"key\":[" + conditions + "]}";
  EXPECT_EQ(refusal(json, Scope::kAttributes), refusal(json, Scope::kBody)) << json;
  return refusal(json);
}

std::string refusal_of_numeric(const std::string& terms) {
  return refusal_of("{\"numeric\":[" + terms + "]}");
}

PolicyErrc code_of(std::string_view json, Scope scope = Scope::kBody) {
  return Policy::parse(json, scope).error().code;
}

/// `"1","2",…`
std::string values(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + '"';
  }
  return text;
}

std::string field(const std::string& name, int conditions) {
  return '"' + name + "\":[" + values(conditions) + ']';
}

TEST(FilterScope, IsOneOfTwoNames_C01) {
  EXPECT_EQ(*filter::parse_scope("MessageBody"), Scope::kBody);
  EXPECT_EQ(*filter::parse_scope("MessageAttributes"), Scope::kAttributes);
  EXPECT_EQ(filter::parse_scope("X").error().message,
            "FilterPolicyScope: Invalid value [X]. Please use either MessageBody or "
            "MessageAttributes");
  EXPECT_EQ(filter::parse_scope("messagebody").error().code, PolicyErrc::kBadScope);
}

TEST(FilterPolicy, IsAJsonObject_C02) {
  for (const char* json : {"", " ", "x", "{", "{\"a\":[1]", "{\"a\":[1],}", "[]", "\"a\"", "1",
                           "{\"a\":[01]}", "{\"a\":[1.]}", "{'a':[1]}", "{\"a\":[\"\x01\"]}",
                           "{\"a\":[\"\xff\"]}", "{\"a\":[1]}x", "{\"a\":[\"\\x\"]}"}) {
    EXPECT_TRUE(refusal(json).starts_with("FilterPolicy: failed to parse JSON. ")) << json;
    EXPECT_EQ(code_of(json), PolicyErrc::kNotJson) << json;
  }
}

TEST(FilterPolicy, HasAtMost256Kibibytes_C02) {
  std::string json = "{\"a\":[\"\"]}";
  json.insert(7, filter::kPolicyBytesMax - json.size(), 'x');
  EXPECT_EQ(refusal(json), "accepted");
  json.insert(7, 1, 'x');
  EXPECT_EQ(code_of(json), PolicyErrc::kTooLarge);
}

TEST(FilterPolicy, HasAtMostFiveKeysCountedAtTheLeaves_C04) {
  const std::string five = R"("a":["1"],"b":["1"],"c":["1"],"d":["1"],"e":["1"])";
  const std::string text = "FilterPolicy: Filter policy can not have more than 5 keys";
  EXPECT_EQ(refusal('{' + five + '}', Scope::kAttributes), "accepted");
  EXPECT_EQ(refusal('{' + five + R"(,"f":["1"]})", Scope::kAttributes), text);
  EXPECT_EQ(refusal("{\"x\":{" + five + "}}"), "accepted");
  EXPECT_EQ(refusal("{\"x\":{" + five + R"(},"f":["1"]})"), text);
  EXPECT_EQ(refusal(R"({"$or":[{"a":[1]},{"a":[2]},{"a":[3]},{"a":[4]},{"a":[5]}]})"), "accepted");
  EXPECT_EQ(refusal(R"({"$or":[{"a":[1]},{"a":[2]},{"a":[3]}],"$Or":[4],"b":[5],"c":[6]})"), text);
}

TEST(FilterPolicy, NestsOnlyForBodies_C06) {
  EXPECT_EQ(refusal(R"({"a":{"b":["x"]}})"), "accepted");
  EXPECT_EQ(refusal(R"({"a":{"b":["x"]}})", Scope::kAttributes),
            "Filter policy scope MessageAttributes does not support nested filter policy");
  EXPECT_EQ(code_of(R"({"$or":[{"a":{"b":["x"]}},{"c":["x"]}]})", Scope::kAttributes),
            PolicyErrc::kNested);
  EXPECT_EQ(refusal(R"({"a":{}})"), "FilterPolicy: Empty objects are not allowed");
}

TEST(FilterPolicy, HasArraysOfPlainValuesAndOperators_C07_C08_C09) {
  EXPECT_EQ(refusal(R"({"key":"v"})"), "FilterPolicy: \"key\" must be an object or an array");
  EXPECT_EQ(refusal(R"({"key":null})", Scope::kAttributes),
            "FilterPolicy: \"key\" must be an object or an array");
  EXPECT_EQ(refusal_of(""), "FilterPolicy: Empty arrays are not allowed");
  EXPECT_EQ(refusal_of("[1]"),
            "FilterPolicy: Match value must be String, number, true, false, or null");
  EXPECT_EQ(refusal_of("\"x\",1,true,false,null"), "accepted");
}

TEST(FilterPolicy, HasOneOperatorAnObject_C10_C11) {
  const char* const text = "FilterPolicy: Only one key allowed in match expression";
  EXPECT_EQ(refusal_of(R"({"prefix":"a","suffix":"b"})"), text);
  EXPECT_EQ(refusal_of("{}"), text);
  EXPECT_EQ(refusal_of(R"({"X":"a"})"), "FilterPolicy: Unrecognized match type X");
  EXPECT_EQ(refusal_of(R"({"Prefix":"a"})"), "FilterPolicy: Unrecognized match type Prefix");
}

TEST(FilterPolicy, OfNoKeysAcceptsEverything_C15) {
  EXPECT_TRUE(Policy::parse("{}", Scope::kBody)->accepts_everything());
  EXPECT_TRUE(Policy::parse(" { } ", Scope::kAttributes)->accepts_everything());
  EXPECT_FALSE(Policy::parse("{\"a\":[1]}", Scope::kAttributes)->accepts_everything());
}

TEST(FilterPolicy, RefusesOperandsOfTheWrongType_O04_O05_O06_O13) {
  for (const char* name : {"prefix", "suffix", "equals-ignore-case", "wildcard"}) {
    for (const char* operand : {"1", "null", "[\"a\"]", "{\"prefix\":\"a\"}", "{}"}) {
      EXPECT_EQ(refusal_of("{\"" + std::string(name) + "\":" + operand + '}'),
                "FilterPolicy: " + std::string(name) + " match pattern must be a string");
    }
  }
  for (const char* operand : {"1", "\"true\"", "null", "[true]", "{}"}) {
    EXPECT_EQ(refusal_of("{\"exists\":" + std::string(operand) + '}'),
              "FilterPolicy: exists match pattern must be either true or false.");
  }
}

TEST(FilterPolicy, TakesAnythingButOfValuesListsAndPatterns_O07_O08_O09_O10) {
  for (const char* operand :
       {"\"a\"", "1", "[\"a\",1,null]", "true", R"({"prefix":"a"})", R"({"suffix":"a"})",
        R"({"wildcard":"a*"})", R"({"wildcard":["a*","*b"]})"}) {
    EXPECT_EQ(refusal_of("{\"anything-but\":" + std::string(operand) + '}'), "accepted") << operand;
  }
  EXPECT_EQ(refusal_of(R"({"anything-but":{"exists":true}})"),
            "FilterPolicy: Unsupported anything-but pattern: exists");
  EXPECT_EQ(refusal_of(R"({"anything-but":{"prefix":1}})"),
            "FilterPolicy: prefix match pattern must be a string");
  EXPECT_EQ(refusal_of(R"({"anything-but":[[1]]})"),
            "FilterPolicy: Match value must be String, number, true, false, or null");
  EXPECT_EQ(refusal_of(R"({"anything-but":[]})"), "FilterPolicy: Empty arrays are not allowed");
  EXPECT_EQ(refusal_of(R"({"anything-but":{"wildcard":[]}})"),
            "FilterPolicy: Empty arrays are not allowed");
  EXPECT_EQ(refusal_of(R"({"anything-but":{"wildcard":["a",1]}})"),
            "FilterPolicy: wildcard match pattern must be a string");
  EXPECT_EQ(refusal_of(R"({"anything-but":{"prefix":"a","suffix":"b"}})"),
            "FilterPolicy: Only one key allowed in match expression");
  EXPECT_EQ(refusal_of(R"({"anything-but":{}})"),
            "FilterPolicy: Only one key allowed in match expression");
}

TEST(FilterPolicy, RefusesNumericThatIsNoComparison_N01_to_N11) {
  const std::pair<const char*, const char*> kCases[] = {
      {"", "Invalid member in numeric match: ]"},
      {"1,\"<=\"", "Invalid member in numeric match: 1"},
      {"\"operator\"", "Unrecognized numeric range operator: operator"},
      {"\"=\",\"000\"", "Value of equals must be numeric"},
      {"\"=\"", "Value of equals must be numeric"},
      {"\">=\"", "Value of >= must be numeric"},
      {"\">\",\"20\",\"<\",1", "Value of > must be numeric"},
      {"\"<\",100,\">\",10", "Too many elements in numeric expression"},
      {"\"=\",1,\"=\",1", "Too many elements in numeric expression"},
      {"\">=\",1,\">\",2", "Bad numeric range operator: >"},
      {"\">\",20,\"test\"", "Bad numeric range operator: test"},
      {"\">\",20,30", "Bad value in numeric range: 30"},
      {"\">\",20,\"<=\"", "Value of <= must be numeric"},
      {"\">\",20,\"<\",\"30\"", "Value of < must be numeric"},
      {"\">\",3,\"<\",1", "Bottom must be less than top"},
      {"\">\",1,\"<\",1.0", "Bottom must be less than top"},
      {"\">\",20,\"<\",30,\"<\",50", "Too many terms in numeric range expression"},
  };
  for (const auto& [terms, text] : kCases) {
    EXPECT_EQ(refusal_of_numeric(terms), "FilterPolicy: " + std::string(text)) << terms;
  }
  for (const char* terms :
       {"\"=\",1", "\"<\",-1e9", "\">=\",0,\"<=\",1e99", "\">\",1,\"<\",1.00001"}) {
    EXPECT_EQ(refusal_of_numeric(terms), "accepted") << terms;
  }
  EXPECT_EQ(code_of("{\"a\":[{\"numeric\":1}]}"), PolicyErrc::kBadNumeric);
}

TEST(FilterPolicy, RefusesCidrThatIsNoNet_I01_to_I04) {
  const auto refusal_of_cidr = [](const char* operand) {
    return refusal_of("{\"cidr\":" + std::string(operand) + '}');
  };
  EXPECT_EQ(refusal_of_cidr("1"), "FilterPolicy: prefix match pattern must be a string");
  for (const char* net : {"\"\"", "\"10.0.0.0\"", "\"10.0.0.0/8/8\""}) {
    EXPECT_EQ(refusal_of_cidr(net), "FilterPolicy: Malformed CIDR, one '/' required");
  }
  for (const char* net :
       {"\"10.0.0.0/\"", "\"10.0.0.0/x\"", "\"10.0.0.0/8x\"", "\"x/99999999999\""}) {
    EXPECT_EQ(refusal_of_cidr(net), "FilterPolicy: Malformed CIDR, mask bits must be an integer");
  }
  EXPECT_EQ(refusal_of_cidr("\"10.0.0.256/8\""),
            "FilterPolicy: Nonstandard IP address: 10.0.0.256");
  EXPECT_EQ(refusal_of_cidr("\"xx/8\""), "FilterPolicy: Nonstandard IP address: xx");
  for (const char* net : {"\"10.0.0.0/33\"", "\"::/129\"", "\"10.0.0.0/-1\""}) {
    EXPECT_EQ(code_of("{\"a\":[{\"cidr\":" + std::string(net) + "}]}"), PolicyErrc::kBadCidr);
  }
  for (const char* net : {"\"10.0.0.0/0\"", "\"10.0.0.0/32\"", "\"::/128\"", "\"2001:db8::/32\""}) {
    EXPECT_EQ(refusal_of_cidr(net), "accepted");
  }
}

TEST(FilterPolicy, HasAtMostThreeStarsInAWildcard_O15) {
  EXPECT_EQ(refusal_of(R"({"wildcard":"*a*b*"})"), "accepted");
  EXPECT_EQ(code_of(R"({"a":[{"wildcard":"*a*b*c*"}]})"), PolicyErrc::kBadWildcard);
  EXPECT_EQ(code_of(R"({"a":[{"wildcard":"****"}]})"), PolicyErrc::kBadWildcard);
  EXPECT_EQ(refusal_of(R"({"wildcard":"\\*\\*\\*\\*\\\\"})"), "accepted");
  EXPECT_EQ(refusal_of(R"({"wildcard":"a\\b"})"),
            "FilterPolicy: Invalid escape character at pos 1");
  EXPECT_EQ(refusal_of(R"({"wildcard":"a\\"})"), "FilterPolicy: Invalid escape character at pos 1");
}

TEST(FilterPolicy, HasAtMost150Combinations_K01_K02_K05) {
  const char* const text = "FilterPolicy: Filter policy is too complex";
  EXPECT_EQ(refusal('{' + field("a", 150) + '}', Scope::kAttributes), "accepted");
  EXPECT_EQ(refusal('{' + field("a", 151) + '}', Scope::kAttributes), text);
  EXPECT_EQ(refusal('{' + field("a", 15) + ',' + field("b", 10) + '}', Scope::kAttributes),
            "accepted");
  EXPECT_EQ(refusal('{' + field("a", 15) + ',' + field("b", 11) + '}', Scope::kAttributes), text);
  // Each key by its depth: 3 · 25 · 2 = 150.
  const auto nested = [](int conditions) {
    return "{\"a\":{\"b\":{" + field("c", conditions) + "}},\"d\":[\"1\",\"2\"]}";
  };
  EXPECT_EQ(refusal(nested(25)), "accepted");
  EXPECT_EQ(refusal(nested(26)), text);
  const std::string huge = '{' + field("a", 10'000) + ',' + field("b", 10'000) + ',' +
                           field("c", 10'000) + ',' + field("d", 10) + ',' + field("e", 10) + '}';
  EXPECT_EQ(refusal(huge), text);
}

TEST(FilterPolicy, AddsUpTheCombinationsOfOr_K03_K04) {
  const auto with_or = [](int metric_names) {
    return '{' + field("source", 4) + ",\"$or\":[{" + field("metricName", metric_names) + "},{" +
           field("metricType", 4) + ",\"$or\":[{" + field("metricId", 4) + "},{" +
           field("spaceId", 4) + "}]}]}";
  };
  EXPECT_EQ(refusal(with_or(5)), "accepted");  // 20 + 64 + 64
  EXPECT_EQ(code_of(with_or(6)), PolicyErrc::kTooComplex);
  const std::string at_depth = "{\"a\":{" + field("b", 5) + ",\"$or\":[{" + field("c", 4) + "},{" +
                               field("d", 3) + "}]}}";  // 10 · 8 + 10 · 6
  EXPECT_EQ(refusal(at_depth), "accepted");
}

TEST(FilterPolicy, CountsOperatorsOnce_K07) {
  std::string json = "{\"a\":[{\"anything-but\":[" + values(1000) + "]}";
  for (int i = 1; i < 150; ++i)
    json += ",{\"numeric\":[\">\"," + std::to_string(i) + ",\"<\",1e9]}";
  EXPECT_EQ(refusal(json + "]}"), "accepted");
  EXPECT_EQ(code_of(json + ",1]}"), PolicyErrc::kTooComplex);
}

TEST(FilterPolicy, HasAtMost100PointsOfWildcards_K06) {
  const auto fields = [](int first, int second, const std::string& pattern) {
    std::string json = "{";
    for (const auto& [name, count] : {std::pair("a", first), std::pair("b", second)}) {
      json += (json.size() == 1 ? "\"" : ",\"") + std::string(name) + "\":[";
      for (int i = 0; i < count; ++i) {
        json += (i == 0 ? "{\"wildcard\":\"" : ",{\"wildcard\":\"") + std::to_string(i) + pattern +
                "\"}";
      }
      json += ']';
    }
    return json + '}';
  };
  EXPECT_EQ(refusal(fields(8, 6, "*x")), "accepted");  // 64 + 36
  EXPECT_EQ(code_of(fields(10, 1, "*x")), PolicyErrc::kTooComplex);
  EXPECT_EQ(refusal(fields(5, 2, "*x*")), "accepted");  // 75 + 12
  EXPECT_EQ(code_of(fields(6, 1, "*x*")), PolicyErrc::kTooComplex);
}

TEST(FilterPolicy, TakesOrAsAKeyUnlessItHoldsObjectsOfFields_O17) {
  EXPECT_EQ(Policy::parse(R"({"$or":[{"a":[1]},{"b":[1]}]})", Scope::kBody)->branches().size(), 2u);
  for (const char* json :
       {R"({"$or":["x"]})", R"({"$or":[{"prefix":"a"},{"prefix":"b"}]})", R"({"$or":{"a":[1]}})"}) {
    const auto policy = Policy::parse(json, Scope::kBody);
    ASSERT_TRUE(policy) << json;
    EXPECT_EQ(policy->branches().size(), 1u) << json;
    EXPECT_TRUE(policy->clauses()[0].path.starts_with("$or")) << json;
  }
  EXPECT_EQ(refusal(R"({"$or":[{"a":[1]},{"prefix":"b"}]})"),
            "FilterPolicy: Unrecognized match type a");
  EXPECT_EQ(refusal(R"({"$or":[{"a":[1]}]})"), "FilterPolicy: Unrecognized match type a");
}

TEST(FilterPolicy, IsCanonical) {
  const auto conditions = [](const char* array) {
    return Policy::parse("{\"a\":" + std::string(array) + '}', Scope::kBody)
        ->clauses()[0]
        .conditions;
  };
  EXPECT_EQ(conditions(R"(["a",1,"b"])"), conditions(R"(["b","\u0061",1.0,10e-1,"a"])"));
  EXPECT_EQ(conditions(R"([{"numeric":["=",0]}])"), conditions("[-0.0]"));
  EXPECT_EQ(conditions(R"([{"wildcard":"a*"}])"), conditions(R"([{"prefix":"a"}])"));
  EXPECT_EQ(conditions(R"([{"wildcard":"**a"}])"), conditions(R"([{"suffix":"a"}])"));
  EXPECT_EQ(conditions(R"([{"wildcard":"a\\*"}])"), conditions(R"(["a*"])"));
  EXPECT_EQ(conditions(R"([{"cidr":"10.1.2.3/8"}])"), conditions(R"([{"cidr":"10.0.0.0/8"}])"));
  EXPECT_EQ(conditions(R"([{"anything-but":[2,"a",1]}])"),
            conditions(R"([{"anything-but":["a",1,2.0,1]}])"));
  EXPECT_EQ(conditions(R"([{"equals-ignore-case":"É"}])"),
            conditions(R"([{"equals-ignore-case":"é"}])"));
  EXPECT_NE(conditions("[true]"), conditions("[\"true\"]"));
}

}  // namespace
}  // namespace ringpost::test
