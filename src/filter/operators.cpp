#include "filter/operators.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "filter/decimal.hpp"
#include "filter/fold.hpp"

namespace ringpost::filter {

Unexpected<PolicyError> refused(PolicyErrc code, std::string_view why) {
  return Unexpected(PolicyError{code, "FilterPolicy: " + std::string(why)});
}

namespace {

using Read = Result<Condition, PolicyError>;
using Nodes = std::span<const JsonNode>;

/// As Java's parser names what it stands at.
std::string spelling(const JsonNode& node) {
  switch (node.type) {
    case JsonType::kObject:
      return "{";
    case JsonType::kArray:
      return "[";
    case JsonType::kString:
    case JsonType::kNumber:
      return std::string(node.text);
    case JsonType::kTrue:
      return "true";
    case JsonType::kFalse:
      return "false";
    case JsonType::kNull:
      return "null";
  }
  return {};
}

Condition plain(const JsonNode& node) {
  switch (node.type) {
    case JsonType::kString:
      return {Kind::kString, std::string(node.text)};
    case JsonType::kNumber:
      return {Kind::kNumber, decimal_of(node.text)};
    case JsonType::kTrue:
      return {Kind::kTrue, {}};
    case JsonType::kFalse:
      return {Kind::kFalse, {}};
    default:
      return {Kind::kNull, {}};
  }
}

Unexpected<PolicyError> not_a_string(std::string_view name) {
  return refused(PolicyErrc::kBadOperand, std::string(name) + " match pattern must be a string");
}

Unexpected<PolicyError> bad_element() {
  return refused(PolicyErrc::kBadElement,
                 "Match value must be String, number, true, false, or null");
}

Unexpected<PolicyError> not_one_key() {
  return refused(PolicyErrc::kNotOneKey, "Only one key allowed in match expression");
}

Unexpected<PolicyError> empty_array() {
  return refused(PolicyErrc::kEmptyArray, "Empty arrays are not allowed");
}

template <Kind kKind>
Read read_string(Nodes nodes, std::size_t at, std::string_view name) {
  if (nodes[at].type != JsonType::kString) return not_a_string(name);
  if (kKind == Kind::kIgnoreCase) return Condition{kKind, fold_case(nodes[at].text)};
  return Condition{kKind, std::string(nodes[at].text)};
}

// numeric

Unexpected<PolicyError> bad_numeric(const std::string& why) {
  return refused(PolicyErrc::kBadNumeric, why);
}

bool is_numeric(Nodes terms, std::size_t index) noexcept {
  return index < terms.size() && terms[index].type == JsonType::kNumber;
}

Read read_range(Nodes terms, Range range, std::string_view low) {
  range.low = low;
  if (terms.size() == 2) return Condition{Kind::kRange, range.operand()};
  if (terms[2].type != JsonType::kString) {
    return bad_numeric("Bad value in numeric range: " + spelling(terms[2]));
  }
  const std::string_view upper = terms[2].text;
  if (upper != "<" && upper != "<=") {
    return bad_numeric("Bad numeric range operator: " + std::string(upper));
  }
  if (!is_numeric(terms, 3)) {
    return bad_numeric("Value of " + std::string(upper) + " must be numeric");
  }
  if (terms.size() > 4) return bad_numeric("Too many terms in numeric range expression");
  const std::string high = decimal_of(terms[3].text);
  if (low >= high) return bad_numeric("Bottom must be less than top");
  range.high = high;
  range.with_high = upper == "<=";
  return Condition{Kind::kRange, range.operand()};
}

/// `terms`: without containers' insides, so that each is one node.
Read read_terms(Nodes terms) {
  if (terms.empty()) return bad_numeric("Invalid member in numeric match: ]");
  if (terms[0].type != JsonType::kString) {
    return bad_numeric("Invalid member in numeric match: " + spelling(terms[0]));
  }
  const std::string name(terms[0].text);
  const bool above = name == ">" || name == ">=";
  const bool below = name == "<" || name == "<=";
  if (name != "=" && !above && !below) {
    return bad_numeric("Unrecognized numeric range operator: " + name);
  }
  if (!is_numeric(terms, 1)) {
    return bad_numeric("Value of " + (name == "=" ? "equals" : name) + " must be numeric");
  }
  const std::string value = decimal_of(terms[1].text);
  Range range;
  if (above) {
    range.with_low = name == ">=";
    return read_range(terms, range, value);
  }
  if (terms.size() > 2) return bad_numeric("Too many elements in numeric expression");
  if (name == "=") return Condition{Kind::kNumber, value};
  range.high = value;
  range.with_high = name == "<=";
  return Condition{Kind::kRange, range.operand()};
}

Read read_numeric(Nodes nodes, std::size_t at) {
  if (nodes[at].type != JsonType::kArray) {
    return bad_numeric("Value of numeric must be an array.");
  }
  std::vector<JsonNode> terms;
  for (std::size_t i = at + 1; i < nodes[at].end; i = nodes[i].end) terms.push_back(nodes[i]);
  return read_terms(terms);
}

Read read_exists(Nodes nodes, std::size_t at) {
  if (nodes[at].type == JsonType::kTrue) return Condition{Kind::kExists, {}};
  if (nodes[at].type == JsonType::kFalse) return Condition{Kind::kAbsent, {}};
  return refused(PolicyErrc::kBadOperand, "exists match pattern must be either true or false.");
}

// cidr

Unexpected<PolicyError> bad_cidr(const std::string& why) {
  return refused(PolicyErrc::kBadCidr, why);
}

Read read_cidr(Nodes nodes, std::size_t at) {
  if (nodes[at].type != JsonType::kString) return not_a_string("prefix");  // SNS says it so
  const std::string_view text = nodes[at].text;
  if (std::count(text.begin(), text.end(), '/') != 1) {
    return bad_cidr("Malformed CIDR, one '/' required");
  }
  const std::string_view digits = text.substr(text.find('/') + 1);
  int bits = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return bad_cidr("Malformed CIDR, mask bits must be an integer");
  }
  if (bits < 0) return bad_cidr("Malformed CIDR, mask bits must not be negative");
  const std::string_view written = text.substr(0, text.find('/'));
  std::optional<Address> address = Address::parse(written);
  if (!address) return bad_cidr("Nonstandard IP address: " + std::string(written));
  if (bits > address->size * 8) {
    return bad_cidr("Malformed CIDR, more mask bits than the address has");
  }
  address->mask(static_cast<unsigned>(bits));
  return Condition{Kind::kCidr, static_cast<char>(bits) + std::string(address->text())};
}

// wildcard

/// The pieces between the stars, as an operand. Stars that follow each other are as good as one.
Result<std::string, PolicyError> read_pattern(std::string_view pattern, WildcardPoints& wildcards) {
  std::string operand;
  std::string piece;
  std::size_t stars = 0;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '*') {
      const bool repeated = i != 0 && stars != 0 && piece.empty() && pattern[i - 1] == '*';
      ++stars;
      if (repeated) continue;
      add_piece(operand, piece);
      piece.clear();
      continue;
    }
    if (pattern[i] == '\\') {
      const std::size_t place = i++;
      if (i == pattern.size() || (pattern[i] != '*' && pattern[i] != '\\')) {
        return refused(PolicyErrc::kBadWildcard,
                       "Invalid escape character at pos " + std::to_string(place));
      }
    }
    piece += pattern[i];
  }
  if (stars > kStarsMax) {
    return refused(PolicyErrc::kBadWildcard, "Wildcard pattern can not have more than 3 wildcards");
  }
  add_piece(operand, piece);
  wildcards.points += stars == 0 ? 0 : stars == 1 ? 1 : 3;
  ++wildcards.patterns;
  return operand;
}

/// The cheapest condition that says the same.
Condition wildcard_condition(const std::string& operand) {
  std::string_view rest = operand;
  const std::string first(take_piece(rest));
  if (rest.empty()) return {Kind::kString, first};
  const std::string last(take_piece(rest));
  if (rest.empty() && last.empty()) return {Kind::kPrefix, first};
  if (rest.empty() && first.empty()) return {Kind::kSuffix, last};
  return {Kind::kWildcard, operand};
}

Read read_wildcard(Nodes nodes, std::size_t at, WildcardPoints& wildcards) {
  if (nodes[at].type != JsonType::kString) return not_a_string("wildcard");
  auto pattern = read_pattern(nodes[at].text, wildcards);
  if (!pattern) return Unexpected(pattern.error());
  return wildcard_condition(*pattern);
}

// anything-but

Condition listing(Kind kind, std::vector<std::string> pieces) {
  std::sort(pieces.begin(), pieces.end());
  pieces.erase(std::unique(pieces.begin(), pieces.end()), pieces.end());
  Condition condition{kind, {}};
  for (const std::string& piece : pieces) add_piece(condition.operand, piece);
  return condition;
}

/// The indices of the values that are given alone or in a list.
std::vector<std::size_t> one_or_list(Nodes nodes, std::size_t at) {
  if (nodes[at].type != JsonType::kArray) return {at};
  std::vector<std::size_t> places;
  for (std::size_t i = at + 1; i < nodes[at].end; i = nodes[i].end) places.push_back(i);
  return places;
}

Value::Type type_of(JsonType type) noexcept {
  switch (type) {
    case JsonType::kString:
      return Value::Type::kString;
    case JsonType::kNumber:
      return Value::Type::kNumber;
    case JsonType::kTrue:
      return Value::Type::kTrue;
    case JsonType::kFalse:
      return Value::Type::kFalse;
    default:
      return Value::Type::kNull;
  }
}

Read read_unwanted_values(Nodes nodes, std::size_t at) {
  const std::vector<std::size_t> places = one_or_list(nodes, at);
  if (places.empty()) return empty_array();
  std::vector<std::string> pieces;
  for (const std::size_t place : places) {
    if (nodes[place].is_container()) return bad_element();
    const auto type = static_cast<char>(type_of(nodes[place].type));
    pieces.push_back(type + plain(nodes[place]).operand);
  }
  return listing(Kind::kAnythingBut, std::move(pieces));
}

Read read_unwanted_patterns(Nodes nodes, std::size_t at, WildcardPoints& wildcards) {
  const std::vector<std::size_t> places = one_or_list(nodes, at);
  if (places.empty()) return empty_array();
  std::vector<std::string> pieces;
  for (const std::size_t place : places) {
    if (nodes[place].type != JsonType::kString) return not_a_string("wildcard");
    auto pattern = read_pattern(nodes[place].text, wildcards);
    if (!pattern) return Unexpected(pattern.error());
    pieces.push_back(std::move(*pattern));
  }
  return listing(Kind::kAnythingButWildcard, std::move(pieces));
}

Read read_anything_but(Nodes nodes, std::size_t at, WildcardPoints& wildcards) {
  if (nodes[at].type != JsonType::kObject) return read_unwanted_values(nodes, at);
  if (nodes[at].end == at + 1) return not_one_key();
  const std::string_view name = nodes[at + 1].text;
  const bool known = name == "prefix" || name == "suffix" || name == "wildcard";
  if (!known) {
    return refused(PolicyErrc::kUnknownOperator,
                   "Unsupported anything-but pattern: " + std::string(name));
  }
  if (nodes[at + 2].end != nodes[at].end) return not_one_key();
  if (name == "prefix") return read_string<Kind::kAnythingButPrefix>(nodes, at + 2, name);
  if (name == "suffix") return read_string<Kind::kAnythingButSuffix>(nodes, at + 2, name);
  return read_unwanted_patterns(nodes, at + 2, wildcards);
}

using Reader = Read (*)(Nodes, std::size_t, WildcardPoints&);

template <Kind kKind, const char* kName>
Read string_operator(Nodes nodes, std::size_t at, WildcardPoints& /*wildcards*/) {
  return read_string<kKind>(nodes, at, kName);
}

template <Read (*kRead)(Nodes, std::size_t)>
Read other_operator(Nodes nodes, std::size_t at, WildcardPoints& /*wildcards*/) {
  return kRead(nodes, at);
}

constexpr char kPrefixName[] = "prefix";
constexpr char kSuffixName[] = "suffix";
constexpr char kIgnoreCaseName[] = "equals-ignore-case";

struct Operator {
  std::string_view name;
  Reader read;
};

constexpr Operator kOperators[] = {
    {kPrefixName, string_operator<Kind::kPrefix, kPrefixName>},
    {kSuffixName, string_operator<Kind::kSuffix, kSuffixName>},
    {kIgnoreCaseName, string_operator<Kind::kIgnoreCase, kIgnoreCaseName>},
    {"anything-but", read_anything_but},
    {"numeric", other_operator<read_numeric>},
    {"exists", other_operator<read_exists>},
    {"cidr", other_operator<read_cidr>},
    {"wildcard", read_wildcard},
};

const Operator* find_operator(std::string_view name) noexcept {
  const auto* const found = std::find_if(std::begin(kOperators), std::end(kOperators),
                                         [&](const Operator& each) { return each.name == name; });
  return found == std::end(kOperators) ? nullptr : found;
}

}  // namespace

bool is_operator(std::string_view name) noexcept { return find_operator(name) != nullptr; }

Result<Condition, PolicyError> read_condition(Nodes nodes, std::size_t at,
                                              WildcardPoints& wildcards) {
  if (nodes[at].type == JsonType::kArray) return bad_element();
  if (nodes[at].type != JsonType::kObject) return plain(nodes[at]);
  if (nodes[at].end == at + 1) return not_one_key();
  const Operator* const found = find_operator(nodes[at + 1].text);
  if (found == nullptr) {
    return refused(PolicyErrc::kUnknownOperator,
                   "Unrecognized match type " + std::string(nodes[at + 1].text));
  }
  if (nodes[at + 2].end != nodes[at].end) return not_one_key();
  return found->read(nodes, at + 2, wildcards);
}

}  // namespace ringpost::filter
