#include "support/filter_value.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "filter/json.hpp"

namespace ringpost::test {
namespace {

using Type = JsonValue::Type;
using filter::JsonNode;
using filter::JsonType;

constexpr std::size_t kDecimals = 9;

JsonValue value_at(std::span<const JsonNode> nodes, std::size_t at) {
  const JsonNode& node = nodes[at];
  JsonValue value;
  switch (node.type) {
    case JsonType::kObject:
      value.type = Type::kObject;
      for (std::size_t i = at + 1; i < node.end; i = nodes[i + 1].end) {
        value.members.emplace_back(std::string(nodes[i].text), value_at(nodes, i + 1));
      }
      return value;
    case JsonType::kArray:
      value.type = Type::kArray;
      for (std::size_t i = at + 1; i < node.end; i = nodes[i].end) {
        value.items.push_back(value_at(nodes, i));
      }
      return value;
    case JsonType::kString:
      return JsonValue::string(std::string(node.text));
    case JsonType::kNumber:
      return JsonValue::number(std::llround(std::stold(std::string(node.text)) * 1e9L));
    case JsonType::kTrue:
      return JsonValue::literal(Type::kTrue);
    case JsonType::kFalse:
      return JsonValue::literal(Type::kFalse);
    case JsonType::kNull:
      return JsonValue::literal(Type::kNull);
  }
  return value;
}

std::string space(Random* random) {
  if (random == nullptr || !one_in(*random, 8)) return {};
  return std::string(1, " \t\n\r"[pick(*random, 4)]);
}

std::string hex(std::uint32_t unit, Random& random) {
  const char* const digits = one_in(random, 2) ? "0123456789abcdef" : "0123456789ABCDEF";
  std::string text = "\\u";
  for (const unsigned shift : {12u, 8u, 4u, 0u}) text += digits[unit >> shift & 15];
  return text;
}

/// The character at the front of UTF-8, taken off.
std::uint32_t take_character(std::string_view& text) {
  const auto first = static_cast<std::uint8_t>(text.front());
  const std::size_t bytes = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  std::uint32_t c = bytes == 1 ? first : first & (0x7fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) c = c << 6 | (static_cast<std::uint8_t>(text[i]) & 0x3f);
  text.remove_prefix(bytes);
  return c;
}

std::string spell_string(std::string_view text, Random* random) {
  std::string spelt = "\"";
  while (!text.empty()) {
    const std::string_view before = text;
    const std::uint32_t c = take_character(text);
    if (random != nullptr && one_in(*random, 12)) {
      if (c < 0x10000) {
        spelt += hex(c, *random);
      } else {
        spelt += hex(0xd800 + ((c - 0x10000) >> 10), *random);
        spelt += hex(0xdc00 + ((c - 0x10000) & 0x3ff), *random);
      }
    } else if (c == '"' || c == '\\') {
      spelt += {'\\', static_cast<char>(c)};
    } else if (c < 0x20) {
      Random fixed(1);
      spelt += c == '\n' ? "\\n" : hex(c, fixed);
    } else {
      spelt += before.substr(0, before.size() - text.size());
    }
  }
  return spelt + '"';
}

/// "12.5", with all its digits or with those that are needed.
std::string plain_number(std::uint64_t magnitude, bool short_form) {
  std::string digits = std::to_string(magnitude);
  if (digits.size() <= kDecimals) digits.insert(0, kDecimals + 1 - digits.size(), '0');
  digits.insert(digits.size() - kDecimals, 1, '.');
  if (!short_form) return digits;
  digits.erase(digits.find_last_not_of('0') + 1);
  if (digits.back() == '.') digits.pop_back();
  return digits;
}

/// Digits before the point, none behind it, and an exponent; or one digit before it.
std::string number_with_exponent(std::uint64_t magnitude, Random& random) {
  std::string digits = std::to_string(magnitude);
  int exponent = -static_cast<int>(kDecimals);
  if (one_in(random, 2)) {
    exponent += static_cast<int>(digits.size()) - 1;
    digits.insert(1, ".");
    digits += '0';
  }
  std::string spelt = digits + (one_in(random, 2) ? 'e' : 'E');
  if (exponent >= 0 && one_in(random, 2)) spelt += '+';
  return spelt + std::to_string(exponent);
}

std::string spell_number(std::int64_t billionths, Random* random) {
  const auto magnitude = static_cast<std::uint64_t>(billionths < 0 ? -billionths : billionths);
  std::string sign = billionths < 0 ? "-" : "";
  if (random == nullptr) return sign + plain_number(magnitude, true);
  if (billionths == 0 && one_in(*random, 2)) sign = "-";
  switch (pick(*random, 4)) {
    case 0:
      return sign + number_with_exponent(magnitude, *random);
    case 1:
      return sign + plain_number(magnitude, false) + std::string(pick(*random, 40), '0');
    default:
      return sign + plain_number(magnitude, true);
  }
}

std::string spell_with(const JsonValue& value, Random* random) {
  std::string text = space(random);
  switch (value.type) {
    case Type::kObject:
      text += '{';
      for (const auto& [name, member] : value.members) {
        if (text.back() != '{') text += ',';
        text += space(random) + spell_string(name, random) + space(random) + ':';
        text += spell_with(member, random);
      }
      text += '}';
      break;
    case Type::kArray:
      text += '[';
      for (const JsonValue& item : value.items) {
        if (text.back() != '[') text += ',';
        text += spell_with(item, random);
      }
      text += ']';
      break;
    case Type::kString:
      text += spell_string(value.text, random);
      break;
    case Type::kNumber:
      text += spell_number(value.billionths, random);
      break;
    case Type::kTrue:
      text += "true";
      break;
    case Type::kFalse:
      text += "false";
      break;
    case Type::kNull:
      text += "null";
  }
  return text + space(random);
}

}  // namespace

JsonValue JsonValue::string(std::string text) {
  JsonValue value = literal(Type::kString);
  value.text = std::move(text);
  return value;
}

JsonValue JsonValue::number(std::int64_t billionths) {
  JsonValue value = literal(Type::kNumber);
  value.billionths = billionths;
  return value;
}

JsonValue JsonValue::array(std::vector<JsonValue> items) {
  JsonValue value = literal(Type::kArray);
  value.items = std::move(items);
  return value;
}

JsonValue JsonValue::object(std::vector<std::pair<std::string, JsonValue>> members) {
  JsonValue value = literal(Type::kObject);
  value.members = std::move(members);
  return value;
}

JsonValue JsonValue::literal(Type type) {
  JsonValue value;
  value.type = type;
  return value;
}

const JsonValue* JsonValue::member(std::string_view name) const noexcept {
  const auto found = std::find_if(members.rbegin(), members.rend(),
                                  [&](const auto& each) { return each.first == name; });
  return found == members.rend() ? nullptr : &found->second;
}

JsonValue read_value(std::string_view json) {
  filter::Json parsed;
  if (!parsed.parse(json)) throw std::runtime_error("no JSON: " + std::string(json));
  return value_at(parsed.nodes(), 0);
}

std::string spell(const JsonValue& value) { return spell_with(value, nullptr); }
std::string spell(const JsonValue& value, Random& random) { return spell_with(value, &random); }

std::string spell_attribute(std::int64_t billionths, Random& random) {
  std::string spelt = spell_number(billionths, &random);
  if (one_in(random, 4)) spelt.insert(spelt.starts_with('-') ? 1 : 0, "00");
  if (one_in(random, 4) && !spelt.starts_with('-')) spelt.insert(0, "+");
  return spelt;
}

}  // namespace ringpost::test
