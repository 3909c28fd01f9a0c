// The vectors of the semantics, by the library and by the oracle that judges the library elsewhere.
#include <gtest/gtest.h>

#include "filter/matcher.hpp"
#include "support/filter_oracle.hpp"

namespace ringpost::test {
namespace {

using filter::Matcher;
using filter::Message;
using filter::Policy;
using filter::Scope;
using filter::Scratch;
using filter::SubscriptionNumber;

bool matches(const std::string& policy, Scope scope, const AttributeList& attributes,
             std::string_view body) {
  const auto parsed = Policy::parse(policy, scope);
  if (!parsed) ADD_FAILURE() << parsed.error().message << ": " << policy;
  Matcher matcher;
  if (parsed) matcher.add(0, *parsed);
  Message message;
  message.set(attributes, body);
  Scratch scratch;
  std::vector<SubscriptionNumber> found;
  matcher.match(message, scratch, found);
  return !found.empty();
}

/// Scope MessageBody.
bool body_matches(const std::string& policy, const std::string& body) {
  const bool found = matches(policy, Scope::kBody, {}, body);
  OracleMessage message;
  try {
    message.body = read_value(body);
  } catch (const std::exception&) {
  }
  EXPECT_EQ(accepts(read_value(policy), Scope::kBody, message), found) << policy << '\n' << body;
  return found;
}

OracleAttribute of(const Attribute& attribute) {
  using Type = OracleAttribute::Type;
  const std::string value(attribute.value);
  OracleAttribute result{std::string(attribute.name), Type::kString, JsonValue::string(value)};
  if (attribute.type == "Binary") result.type = Type::kBinary;
  if (attribute.type == "Number") result.type = Type::kNumber, result.value = read_value(value);
  if (attribute.type != "String.Array") return result;
  result.type = Type::kBadArray;
  try {
    result.value = read_value(value);
    if (result.value.type == JsonValue::Type::kArray) result.type = Type::kArray;
  } catch (const std::exception&) {
  }
  return result;
}

/// Scope MessageAttributes.
bool attributes_match(const std::string& policy, const AttributeList& attributes) {
  const bool found = matches(policy, Scope::kAttributes, attributes, "{\"store\":\"body\"}");
  OracleMessage message;
  for (const Attribute& each : attributes) message.attributes.push_back(of(each));
  EXPECT_EQ(accepts(read_value(policy), Scope::kAttributes, message), found) << policy;
  return found;
}

/// Of one attribute `a`.
bool attribute_matches(const std::string& condition, std::string_view value,
                       std::string_view type = "String") {
  return attributes_match("{\"a\":[" + condition + "]}", {{"a", value, type}});
}

/// Of one key `a`.
bool leaf_matches(const std::string& condition, const std::string& value) {
  return body_matches("{\"a\":[" + condition + "]}", "{\"a\":" + value + '}');
}

TEST(FilterVector, V01_to_V08) {
  const char* const store = R"({"store":["example_corp"]})";
  EXPECT_TRUE(attributes_match(store, {{"store", "example_corp"}}));
  EXPECT_FALSE(attributes_match(store, {}));
  const char* const value1 = R"({"store":["value1"]})";
  EXPECT_TRUE(attributes_match(value1, {{"store", R"(["value1","value2"])", "String.Array"}}));
  EXPECT_FALSE(attributes_match(value1, {{"store", R"(["value2","value3"])", "String.Array"}}));
  EXPECT_TRUE(attributes_match(R"({"store":[{"exists":true}]})", {{"store", "any"}}));
  EXPECT_TRUE(attributes_match(R"({"store":[{"exists":false}]})", {{"def", "x"}}));
  const char* const range = R"({"attr1":[{"numeric":[">",0,"<=",100]}]})";
  EXPECT_TRUE(attributes_match(range, {{"attr1", "99.12", "Number"}}));
  EXPECT_FALSE(attributes_match(range, {{"attr1", "111", "Number"}}));
  EXPECT_FALSE(attributes_match(R"({"attr1":[null,{"anything-but":"whatever"}]})", {}));
}

TEST(FilterVector, V09_V10) {
  const char* const policy =
      R"({"object":{"key":[{"prefix":"auto-"},"hardcodedvalue"],"nested_key":[{"exists":false}]},)"
      R"("test":[{"exists":false}]})";
  EXPECT_TRUE(body_matches(policy, R"({"object":{"key":"auto-test"}})"));
  EXPECT_TRUE(body_matches(policy, R"({"object":{"key":"hardcodedvalue"}})"));
  for (const char* body :
       {R"({"object":{"key":"test-auto"}})", R"({"object":{"key":"auto-test"},"test":"x"})",
        R"({"object":{"key":"auto-test","nested_key":"x"}})", R"({"object":{"test":"auto-test"}})",
        R"({"test":"auto-test"})", "Regular string message", R"("json string")"}) {
    EXPECT_FALSE(body_matches(policy, body)) << body;
  }
}

TEST(FilterVector, V11_V12) {
  for (const char* body :
       {R"({"object":{"nested":{"test":"string.value"}}})",
        R"({"object.nested.test":"string.value"})", R"({"object.nested":{"test":"string.value"}})",
        R"({"object":{"nested.test":"string.value"}})"}) {
    EXPECT_TRUE(body_matches(R"({"object.nested.test":["string.value"]})", body)) << body;
    EXPECT_TRUE(body_matches(R"({"object":{"nested.test":["string.value"]}})", body)) << body;
  }
  const char* const route = R"({"headers":{"route-to":["queue1"]}})";
  EXPECT_TRUE(body_matches(route, R"({"headers":{"route-to":["queue1","queue2"]}})"));
  EXPECT_FALSE(body_matches(route, R"({"headers":{"route-to":["queue3"]}})"));
}

TEST(FilterVector, V13_V14) {
  const char* const policy = R"({"Records":{"s3":{"object":{"key":[{"prefix":"auto-"}]}},)"
                             R"("eventName":[{"prefix":"ObjectCreated:"}]}})";
  const auto record = [](const std::string& name, const std::string& key) {
    return R"({"eventName":")" + name + R"(","s3":{"object":{"key":")" + key + R"("}}})";
  };
  const std::string good = record("ObjectCreated:Put", "auto-1");
  const std::string removed = record("ObjectRemoved:Delete", "auto-1");
  const std::string home = record("ObjectCreated:Put", "home-1");
  EXPECT_TRUE(body_matches(policy, "{\"Records\":[" + good + "]}"));
  EXPECT_TRUE(body_matches(policy, "{\"Records\":[[" + good + "]]}"));
  EXPECT_FALSE(body_matches(policy, "{\"Records\":[" + removed + "]}"));
  EXPECT_FALSE(body_matches(policy, "{\"Records\":[" + home + "]}"));
  EXPECT_FALSE(body_matches(policy, "{\"Records\":[" + removed + ',' + home + "]}"));
  EXPECT_TRUE(body_matches(policy, "{\"Records\":[" + removed + ",[" + home + "]," + good + "]}"));
}

TEST(FilterVector, V15_V16) {
  const char* const policy =
      R"({"$or":[{"metricName":["CPUUtilization","ReadLatency"]},)"
      R"({"namespace":["AWS/EC2","AWS/ES"]}],)"
      R"("detail":{"scope":["Service"],"$or":[{"source":["aws.cloudwatch"]},)"
      R"({"type":["CloudWatch Alarm State Change"]}]}})";
  EXPECT_TRUE(body_matches(
      policy, R"({"namespace":"AWS/ES","detail":{"scope":"Service","source":"aws.cloudwatch"}})"));
  EXPECT_FALSE(
      body_matches(policy, R"({"metricName":"CPUUtilization","detail":{"scope":"Service"}})"));
  EXPECT_FALSE(body_matches(policy, R"({"metricName":"AWS/EC2","detail":{"scope":"Service",)"
                                    R"("type":"CloudWatch Alarm State Change"}})"));
}

TEST(FilterVector, V17) {
  EXPECT_TRUE(
      body_matches(R"({"detail":{"eventVersion":[""]}})",
                   R"({"resources":[],"detail":{"eventVersion":"","responseElements":null}})"));
}

TEST(FilterVector, V18_V19) {
  const char* const policy = R"({"detail":{"$or":[{"sourceIPAddress":[{"cidr":"10.0.0.0/24"}]},)"
                             R"({"sourceIPAddressV6":[{"cidr":"2001:db8:1234:1a00::/64"}]}]}})";
  const auto four = [&](const std::string& address) {
    return body_matches(policy, R"({"detail":{"sourceIPAddress":")" + address + "\"}}");
  };
  const auto six = [&](const std::string& address) {
    return body_matches(policy, R"({"detail":{"sourceIPAddressV6":")" + address + "\"}}");
  };
  EXPECT_TRUE(four("10.0.0.255"));
  EXPECT_TRUE(six("2001:0db8:1234:1a00:0000:0000:0000:0000"));
  EXPECT_FALSE(four("10.0.0.256"));
  EXPECT_FALSE(six("2001:0db8:123f:1a01:0000:0000:0000:0000"));
  EXPECT_FALSE(four("::ffff:10.0.0.1"));
}

TEST(FilterVector, V20_to_V24) {
  EXPECT_TRUE(attribute_matches(R"({"suffix":"ball"})", "baseball"));
  EXPECT_FALSE(attribute_matches(R"({"suffix":"ball"})", "ballroom"));
  EXPECT_TRUE(attribute_matches(R"({"equals-ignore-case":"tennis"})", "TENNIS"));
  EXPECT_TRUE(attribute_matches(R"({"equals-ignore-case":"tennis"})", "Tennis"));
  const char* const order = R"({"anything-but":{"prefix":"order-"}})";
  EXPECT_FALSE(attribute_matches(order, "order-1"));
  EXPECT_TRUE(attribute_matches(order, "return-1"));
  EXPECT_FALSE(attributes_match("{\"a\":[" + std::string(order) + "]}", {}));
  EXPECT_TRUE(attribute_matches(R"({"wildcard":"*-prod-*"})", "eu-prod-1"));
  EXPECT_FALSE(attribute_matches(R"({"wildcard":"*-prod-*"})", "prod"));
  EXPECT_TRUE(attribute_matches(R"({"numeric":["=",301.5]})", "301.50", "Number"));
  EXPECT_FALSE(attribute_matches(R"({"numeric":["=",301.5]})", "301.5"));
}

TEST(FilterAttributes, AreComparedByTheirType_E01_E03_E04) {
  EXPECT_FALSE(attribute_matches("301.5", "301.5"));
  EXPECT_TRUE(attribute_matches("301.5", "3.015e2", "Number"));
  EXPECT_FALSE(attribute_matches("\"5\"", "5", "Number"));
  EXPECT_FALSE(attribute_matches("\"x\"", "x", "Binary"));
  EXPECT_FALSE(attribute_matches("{\"anything-but\":\"y\"}", "x", "Binary"));
  EXPECT_TRUE(attribute_matches("{\"exists\":true}", "x", "Binary"));
  EXPECT_FALSE(attribute_matches("{\"exists\":false}", "x", "Binary"));
  EXPECT_FALSE(attribute_matches("true", "true"));
  EXPECT_TRUE(attribute_matches("{\"anything-but\":\"a\"}", "5", "Number"));
  EXPECT_FALSE(attribute_matches("{\"anything-but\":[\"a\",5]}", "5.0", "Number"));
}

TEST(FilterAttributes, OfLabelledTypesAreThatType) {
  EXPECT_TRUE(matches(R"({"a":["x"]})", Scope::kAttributes, {{"a", "x", "String.id"}}, ""));
  EXPECT_TRUE(matches(R"({"a":[5]})", Scope::kAttributes, {{"a", "+05.0", "Number.int"}}, ""));
  EXPECT_FALSE(matches(R"({"a":["x"]})", Scope::kAttributes, {{"a", "x", "Binary.png"}}, ""));
}

TEST(FilterAttributes, NamesAreCaseSensitive_E02) {
  EXPECT_FALSE(attributes_match(R"({"a":["x"]})", {{"A", "x"}}));
}

TEST(FilterAttributes, MatchByAnyElementOfAStringArray_E05_E11) {
  const auto array_matches = [](const std::string& condition, const char* array) {
    return attribute_matches(condition, array, "String.Array");
  };
  EXPECT_TRUE(array_matches("null", "[1,null]"));
  EXPECT_TRUE(array_matches("true", "[1,true]"));
  EXPECT_TRUE(array_matches("1", "[\"1\",1.0]"));
  EXPECT_FALSE(array_matches("\"1\"", "[1]"));
  EXPECT_FALSE(array_matches("{\"exists\":true}", "[]"));
  EXPECT_TRUE(array_matches("{\"exists\":false}", "[]"));
  EXPECT_TRUE(array_matches("{\"anything-but\":\"a\"}", "[\"b\",1]"));
  EXPECT_FALSE(array_matches("{\"anything-but\":\"a\"}", "[\"b\",\"a\"]"));
  EXPECT_FALSE(array_matches("{\"anything-but\":\"a\"}", "[]"));
}

TEST(FilterAttributes, NeverMatchBesideAMalformedStringArray_E05) {
  for (const char* bad : {"x", "\"x\"", "{}", "[", "[1", "[[1]]", "[{}]", ""}) {
    const Attribute attributes[] = {{"a", "x"}, {"other", bad, "String.Array"}};
    EXPECT_FALSE(matches(R"({"a":["x"]})", Scope::kAttributes, attributes, "")) << bad;
    EXPECT_FALSE(matches(R"({"b":[{"exists":false}]})", Scope::kAttributes, attributes, "")) << bad;
    EXPECT_TRUE(matches("{}", Scope::kAttributes, attributes, "")) << bad;
  }
}

TEST(FilterBody, IsAJsonObject_E07) {
  for (const char* body : {"", "text", "\"a\"", "[{\"b\":1}]", "1", "{", "{\"b\":1}x", "null"}) {
    EXPECT_FALSE(body_matches(R"({"a":[{"exists":false}]})", body)) << body;
  }
  EXPECT_TRUE(body_matches(R"({"a":[{"exists":false}]})", " {} "));
}

TEST(FilterBody, MatchesSeveralKeysInOneElement_E09_E10) {
  const char* const policy = R"({"r":{"k":["a"],"t":[1]}})";
  EXPECT_TRUE(body_matches(policy, R"({"r":[{"k":"b","t":1},{"k":"a","t":1}]})"));
  EXPECT_FALSE(body_matches(policy, R"({"r":[{"k":"a","t":2},{"k":"b","t":1}]})"));
  EXPECT_TRUE(body_matches(policy, R"({"r":[{"k":["b","a"],"t":[2,1]}]})"));
  const char* const two = R"({"r":{"k":["a"]},"s":{"t":[1]}})";
  EXPECT_TRUE(body_matches(two, R"({"r":[{"k":"b"},{"k":"a"}],"s":[{"t":1},{"t":2}]})"));
  const char* const inner = R"({"r":{"k":["a"],"s":{"t":[1],"u":[2]}}})";
  EXPECT_TRUE(body_matches(inner, R"({"r":[{"k":"b"},{"k":"a","s":[{"t":2},{"t":1,"u":2}]}]})"));
  EXPECT_FALSE(body_matches(inner, R"({"r":[{"k":"a","s":[{"t":1},{"u":2}]}]})"));
  EXPECT_FALSE(body_matches(inner, R"({"r":[{"k":"b","s":{"t":1,"u":2}},{"k":"a"}]})"));
}

TEST(FilterBody, TakesAnythingButOfAllElements_E11) {
  EXPECT_TRUE(leaf_matches(R"({"anything-but":"a"})", R"(["b","c"])"));
  EXPECT_FALSE(leaf_matches(R"({"anything-but":"a"})", R"(["b","a"])"));
  EXPECT_FALSE(leaf_matches(R"({"anything-but":"a"})", R"([["b"],["a"]])"));
  EXPECT_TRUE(leaf_matches(R"({"anything-but":"a"},"a")", R"(["b","a"])"));
  EXPECT_TRUE(leaf_matches(R"({"anything-but":"a"})", "null"));
}

TEST(FilterBody, TakesAnEmptyArrayForNothing_E12) {
  EXPECT_FALSE(leaf_matches(R"({"exists":true})", "[]"));
  EXPECT_TRUE(leaf_matches(R"({"exists":false})", "[]"));
  EXPECT_FALSE(leaf_matches(R"({"anything-but":1})", "[]"));
  EXPECT_TRUE(body_matches(R"({"b":[1]})", R"({"a":[],"b":1})"));
}

TEST(FilterBody, LooksForExistsAtLeavesOnly_E14_E15) {
  EXPECT_FALSE(leaf_matches(R"({"exists":true})", R"({"b":1})"));
  EXPECT_TRUE(leaf_matches(R"({"exists":false})", R"({"b":1})"));
  EXPECT_TRUE(leaf_matches(R"({"exists":true})", "null"));
  EXPECT_TRUE(leaf_matches("null", "null"));
  EXPECT_FALSE(leaf_matches("null", "\"null\""));
  EXPECT_FALSE(leaf_matches("true", "\"true\""));
}

TEST(FilterBody, TakesTheLastOfEqualKeys_E16) {
  EXPECT_TRUE(body_matches(R"({"a":["y"]})", R"({"a":"x","a":"y"})"));
  EXPECT_FALSE(body_matches(R"({"a":["x"]})", R"({"a":"x","\u0061":"y"})"));
  EXPECT_FALSE(body_matches(R"({"a":{"b":[1]}})", R"({"a":{"b":1},"a":2})"));
  EXPECT_TRUE(body_matches(R"({"a":["x"],"a":["y"]})", R"({"a":"y"})"));
}

TEST(FilterBody, ComparesNumbersExactly_E17) {
  EXPECT_TRUE(leaf_matches("301.5", "3.015e2"));
  EXPECT_TRUE(leaf_matches("1", "1.000"));
  EXPECT_TRUE(leaf_matches("0", "-0"));
  EXPECT_TRUE(leaf_matches("1e3", "1000"));
  EXPECT_FALSE(leaf_matches("\"301.5\"", "301.5"));
  // Beyond what doubles and 64 bits hold; the oracle does not either.
  const auto equal = [](const std::string& a, const std::string& b) {
    return matches("{\"a\":[" + a + "]}", Scope::kBody, {}, "{\"a\":" + b + '}');
  };
  EXPECT_FALSE(equal("0.1", "0.1000000000000000055"));
  EXPECT_FALSE(equal("9007199254740993", "9007199254740992"));
  EXPECT_TRUE(equal("123456789012345678901234567890", "123456789012345678901234567890.0"));
  EXPECT_FALSE(equal("123456789012345678901234567890", "123456789012345678901234567891"));
  EXPECT_TRUE(equal("1e400", "10e399"));
  EXPECT_TRUE(matches(R"({"a":[{"numeric":[">",1e400]}]})", Scope::kBody, {}, R"({"a":1e401})"));
  EXPECT_FALSE(
      matches(R"({"a":[{"numeric":["<",-1.00001]}]})", Scope::kBody, {}, R"({"a":-1.00001})"));
  EXPECT_TRUE(
      matches(R"({"a":[{"numeric":["<",-1.00001]}]})", Scope::kBody, {}, R"({"a":-1.000011})"));
}

TEST(FilterBody, IsNoMatchWhenNestedTooDeep) {
  const auto nested = [](std::size_t depth) {
    std::string body = "{\"b\":1,\"a\":";
    body += std::string(depth - 1, '[') + std::string(depth - 1, ']') + '}';
    return matches(R"({"b":[1]})", Scope::kBody, {}, body);
  };
  EXPECT_TRUE(nested(filter::Json::kDepthMax));
  EXPECT_FALSE(nested(filter::Json::kDepthMax + 1));
  EXPECT_FALSE(nested(100'000));
  std::string objects;
  for (int i = 0; i < 5'000; ++i) objects += "{\"a\":";
  EXPECT_FALSE(matches(R"({"a":[{"exists":false}]})", Scope::kBody, {}, objects));
}

TEST(FilterOperators, ComparePrefixesAndCases) {
  EXPECT_TRUE(leaf_matches(R"({"prefix":""})", "\"\""));
  EXPECT_FALSE(leaf_matches(R"({"prefix":""})", "1"));
  EXPECT_TRUE(leaf_matches(R"({"equals-ignore-case":"ΣΑΣ É"})", "\"σας é\""));
  EXPECT_TRUE(leaf_matches(R"({"equals-ignore-case":"\u212A"})", "\"k\""));
  EXPECT_FALSE(leaf_matches(R"({"equals-ignore-case":"ß"})", "\"ss\""));
  EXPECT_TRUE(leaf_matches(R"({"wildcard":"a\\*b\\\\c"})", R"("a*b\\c")"));
  EXPECT_TRUE(leaf_matches(R"({"wildcard":"*a*a"})", "\"aa\""));
  EXPECT_FALSE(leaf_matches(R"({"wildcard":"a*a"})", "\"a\""));
  EXPECT_TRUE(leaf_matches(R"({"wildcard":"*"})", "\"\""));
  EXPECT_TRUE(leaf_matches(R"({"anything-but":{"wildcard":["ab"]}})", "\"abc\""));
  EXPECT_FALSE(leaf_matches(R"({"anything-but":{"wildcard":["x*","ab"]}})", "\"ab\""));
}

}  // namespace
}  // namespace ringpost::test
