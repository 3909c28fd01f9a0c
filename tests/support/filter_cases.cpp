#include "support/filter_cases.hpp"

#include <iterator>

namespace ringpost::test {
namespace {

using Type = JsonValue::Type;
using filter::Scope;

constexpr const char* kKeys[] = {"a", "a", "b", "b", "c", "A", "a.b", "b.c", "", "$or", "é"};
constexpr const char* kStrings[] = {"",
                                    "a",
                                    "A",
                                    "ab",
                                    "abc",
                                    "abcabc",
                                    "b",
                                    "bc",
                                    "é",
                                    "É",
                                    "σ",
                                    "ς",
                                    "ΣΑ",
                                    "σα",
                                    "ẞ",
                                    "\u212a",
                                    "k",
                                    "a\"b\\",
                                    "a*b",
                                    "\n",
                                    "aaaaab",
                                    "10.0.0.1",
                                    "10.0.0.255",
                                    "10.0.1.0",
                                    "10.0.0.256",
                                    "::1",
                                    "1",
                                    "true",
                                    "null",
                                    "🙂",
                                    "2001:db8::1",
                                    "2001:0DB8:0::1",
                                    "::ffff:10.0.0.1",
                                    "abXbc",
                                    "ba",
                                    "cab",
                                    "1.0"};
constexpr const char* kPatterns[] = {"*",      "a*",    "*b",      "a*b",  "*ab*", "*abc*",
                                     "a*b*c",  "*a*b*", "**",      "a**b", "ab",   "a\\*b",
                                     "*\\\\*", "*é*",   "abc*abc", "*bc*", "*b*c", "a*bc*abc"};
constexpr const char* kNets[] = {"10.0.0.0/24", "10.0.0.1/32", "0.0.0.0/0",
                                 "10.0.0.0/31", "10.0.0.7/8",  "2001:db8::/32",
                                 "::/0",        "::1/128",     "::ffff:0:0/96"};
constexpr std::int64_t kOne = 1'000'000'000;
constexpr std::int64_t kNumbers[] = {0,
                                     kOne,
                                     -kOne,
                                     2 * kOne,
                                     10 * kOne,
                                     100 * kOne,
                                     3 * kOne / 2,
                                     301 * kOne + kOne / 2,
                                     kOne / 10,
                                     kOne / 10 + 1,
                                     1,
                                     -1,
                                     kOne * 1'000'000'000,
                                     kOne * 999'999'999 + 999'990'000,
                                     -kOne * 999'999'999 - 999'990'000,
                                     kOne / 100'000};

template <class T, std::size_t kCount>
T any_of(const T (&items)[kCount], Random& random) {
  return items[pick(random, kCount)];
}

JsonValue random_string(Random& random) { return JsonValue::string(any_of(kStrings, random)); }
JsonValue random_number(Random& random) { return JsonValue::number(any_of(kNumbers, random)); }

JsonValue random_plain(Random& random) {
  switch (pick(random, 8)) {
    case 0:
      return JsonValue::literal(Type::kTrue);
    case 1:
      return JsonValue::literal(one_in(random, 2) ? Type::kFalse : Type::kNull);
    case 2:
    case 3:
      return random_number(random);
    default:
      return random_string(random);
  }
}

JsonValue one_member(const char* name, JsonValue value) {
  return JsonValue::object({{name, std::move(value)}});
}

template <class Make>
JsonValue some(Random& random, std::size_t at_most, Make make) {
  JsonValue array = JsonValue::array({});
  for (std::size_t i = 1 + pick(random, at_most); i != 0; --i) array.items.push_back(make());
  return array;
}

JsonValue random_numeric(Random& random) {
  const std::int64_t a = any_of(kNumbers, random);
  const std::int64_t b = any_of(kNumbers, random);
  if (a != b && one_in(random, 2)) {
    return one_member("numeric",
                      JsonValue::array({JsonValue::string(one_in(random, 2) ? ">" : ">="),
                                        JsonValue::number(std::min(a, b)),
                                        JsonValue::string(one_in(random, 2) ? "<" : "<="),
                                        JsonValue::number(std::max(a, b))}));
  }
  constexpr const char* kNames[] = {"=", "<", "<=", ">", ">="};
  return one_member("numeric", JsonValue::array({JsonValue::string(any_of(kNames, random)),
                                                 JsonValue::number(a)}));
}

JsonValue random_anything_but(Random& random) {
  const auto pattern = [&] { return JsonValue::string(any_of(kPatterns, random)); };
  switch (pick(random, 6)) {
    case 0:
      return one_member("prefix", random_string(random));
    case 1:
      return one_member("suffix", random_string(random));
    case 2:
      return one_member("wildcard", one_in(random, 2) ? pattern() : some(random, 3, pattern));
    case 3:
      return random_plain(random);
    default:
      return some(random, 4, [&] { return random_plain(random); });
  }
}

JsonValue random_condition(Random& random) {
  switch (pick(random, 14)) {
    case 0:
      return one_member("prefix", random_string(random));
    case 1:
      return one_member("suffix", random_string(random));
    case 2:
      return one_member("equals-ignore-case", random_string(random));
    case 3:
      return one_member("anything-but", random_anything_but(random));
    case 4:
    case 5:
      return random_numeric(random);
    case 6:
      return one_member("exists",
                        JsonValue::literal(one_in(random, 2) ? Type::kTrue : Type::kFalse));
    case 7:
      return one_member("cidr", JsonValue::string(any_of(kNets, random)));
    case 8:
      return one_member("wildcard", JsonValue::string(any_of(kPatterns, random)));
    default:
      return random_plain(random);
  }
}

JsonValue random_fields(Random& random, Scope scope, std::size_t depth) {
  JsonValue fields = JsonValue::object({});
  for (std::size_t i = 1 + pick(random, 3); i != 0; --i) {
    std::string key = any_of(kKeys, random);
    JsonValue value;
    if (depth != 0 && one_in(random, 4)) {
      key = "$or";
      value = some(random, 2, [&] { return random_fields(random, scope, depth - 1); });
      value.items.push_back(random_fields(random, scope, depth - 1));
    } else if (scope == Scope::kBody && depth != 0 && one_in(random, 2)) {
      value = random_fields(random, scope, depth - 1);
    } else {
      value = some(random, 3, [&] { return random_condition(random); });
    }
    fields.members.emplace_back(std::move(key), std::move(value));
  }
  return fields;
}

JsonValue random_element(Random& random, std::size_t depth);

JsonValue random_object(Random& random, std::size_t depth) {
  JsonValue object = JsonValue::object({});
  for (std::size_t i = pick(random, 4); i != 0; --i) {
    object.members.emplace_back(any_of(kKeys, random), random_element(random, depth));
  }
  return object;
}

JsonValue random_element(Random& random, std::size_t depth) {
  if (depth == 0 || one_in(random, 3)) return random_plain(random);
  if (one_in(random, 2)) return random_object(random, depth - 1);
  JsonValue array = JsonValue::array({});
  for (std::size_t i = pick(random, 4); i != 0; --i) {
    array.items.push_back(random_element(random, depth - 1));
  }
  return array;
}

OracleAttribute random_attribute(Random& random) {
  using AttributeType = OracleAttribute::Type;
  OracleAttribute attribute;
  attribute.name = any_of(kKeys, random);
  switch (pick(random, 12)) {
    case 0:
      attribute.type = one_in(random, 4) ? AttributeType::kBadArray : AttributeType::kBinary;
      break;
    case 1:
    case 2:
    case 3:
      attribute.type = AttributeType::kNumber;
      attribute.value = random_number(random);
      break;
    case 4:
    case 5:
    case 6:
      attribute.type = AttributeType::kArray;
      attribute.value = one_in(random, 6) ? JsonValue::array({})
                                          : some(random, 4, [&] { return random_plain(random); });
      break;
    default:
      attribute.value = random_string(random);
  }
  return attribute;
}

bool is_there(const OracleMessage& message, const std::string& name) {
  for (const OracleAttribute& each : message.attributes) {
    if (each.name == name) return true;
  }
  return false;
}

}  // namespace

JsonValue random_policy(Random& random, Scope scope) {
  return random_fields(random, scope, scope == Scope::kBody ? 3 : 2);
}

OracleMessage random_message(Random& random) {
  OracleMessage message;
  for (std::size_t i = pick(random, 5); i != 0; --i) {
    OracleAttribute attribute = random_attribute(random);
    if (!is_there(message, attribute.name)) message.attributes.push_back(std::move(attribute));
  }
  if (one_in(random, 30)) {
    if (one_in(random, 2)) message.body = random_element(random, 1);
  } else {
    message.body = random_object(random, 4);
  }
  return message;
}

SpeltMessage::SpeltMessage(const OracleMessage& message, Random& random) {
  constexpr const char* kBadArrays[] = {"",      "x",    "[",    "{}",  "\"a\"",
                                        "[[1]]", "[{}]", "[1,]", "[01]"};
  for (const OracleAttribute& each : message.attributes) {
    switch (each.type) {
      case OracleAttribute::Type::kString:
        attributes_.push_back(
            {each.name, each.value.text, one_in(random, 4) ? "String.x" : "String"});
        break;
      case OracleAttribute::Type::kNumber:
        attributes_.push_back({each.name, spell_attribute(each.value.billionths, random),
                               one_in(random, 4) ? "Number.int" : "Number"});
        break;
      case OracleAttribute::Type::kArray:
        attributes_.push_back({each.name, spell(each.value, random), "String.Array"});
        break;
      case OracleAttribute::Type::kBadArray:
        attributes_.push_back({each.name, any_of(kBadArrays, random), "String.Array"});
        break;
      case OracleAttribute::Type::kBinary:
        attributes_.push_back({each.name, "abc", "Binary"});
    }
  }
  body_ = message.body ? spell(*message.body, random) : "{\"a\":\"a\"";
}

std::vector<ringpost::Attribute> SpeltMessage::attributes() const {
  std::vector<ringpost::Attribute> attributes;
  for (const Attribute& each : attributes_) {
    attributes.push_back({each.name, each.value, each.type});
  }
  return attributes;
}

std::string SpeltMessage::to_string() const {
  std::string text = "body " + body_;
  for (const Attribute& each : attributes_) {
    text += "\nattribute " + each.name + " " + each.type + " " + each.value;
  }
  return text;
}

}  // namespace ringpost::test
