#include "support/filter_oracle.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <map>
#include <set>

namespace ringpost::test {
namespace {

using Type = JsonValue::Type;
using filter::Scope;

// The policy: branches of paths and conditions (semantics, section 6)

struct Field {
  std::string path;
  std::vector<JsonValue> conditions;
};
using Branch = std::vector<Field>;

bool is_reserved(const std::string& name) {
  static const std::set<std::string> kNames = {"prefix",  "suffix",  "equals-ignore-case",
                                               "numeric", "exists",  "anything-but",
                                               "cidr",    "wildcard"};
  return kNames.count(name) != 0;
}

bool is_or(const std::string& key, const JsonValue& value) {
  if (key != "$or" || value.type != Type::kArray || value.items.size() < 2) return false;
  for (const JsonValue& item : value.items) {
    if (item.type != Type::kObject || item.members.empty()) return false;
    for (const auto& [name, member] : item.members) {
      if (is_reserved(name)) return false;
    }
  }
  return true;
}

std::vector<Branch> cross(const std::vector<Branch>& left, const std::vector<Branch>& right) {
  std::vector<Branch> product;
  for (const Branch& a : left) {
    for (const Branch& b : right) {
      product.push_back(a);
      product.back().insert(product.back().end(), b.begin(), b.end());
    }
  }
  return product;
}

std::vector<Branch> compile(const JsonValue& policy, const std::string& prefix) {
  std::vector<Branch> branches = {{}};
  for (const auto& [key, value] : policy.members) {
    if (&value != policy.member(key)) continue;
    std::vector<Branch> those;
    if (is_or(key, value)) {
      for (const JsonValue& item : value.items) {
        const std::vector<Branch> some = compile(item, prefix);
        those.insert(those.end(), some.begin(), some.end());
      }
    } else if (value.type == Type::kObject) {
      those = compile(value, prefix + key + ".");
    } else {
      those = {{Field{prefix + key, value.items}}};
    }
    branches = cross(branches, those);
  }
  return branches;
}

// Values and conditions

bool equal(const JsonValue& a, const JsonValue& b) {
  return a.type == b.type && a.text == b.text && a.billionths == b.billionths;
}

/// Enough of Unicode for what the tests write.
std::string folded(const std::string& text) {
  static const std::map<std::string, std::string> kPairs = {
      {"É", "é"}, {"Σ", "σ"}, {"ς", "σ"}, {"\u212a", "k"}, {"Я", "я"}, {"ẞ", "ß"}, {"Α", "α"}};
  std::string result;
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<std::uint8_t>(text[i]);
    const std::size_t bytes = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    const std::string character = text.substr(i, bytes);
    const auto pair = kPairs.find(character);
    if (pair != kPairs.end()) {
      result += pair->second;
    } else {
      result +=
          bytes == 1 && first >= 'A' && first <= 'Z' ? std::string(1, text[i] + 32) : character;
    }
    i += bytes;
  }
  return result;
}

bool fits(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() == '*') {
    for (std::size_t i = 0; i <= text.size(); ++i) {
      if (fits(pattern.substr(1), text.substr(i))) return true;
    }
    return false;
  }
  if (pattern.front() == '\\') pattern.remove_prefix(1);
  return !text.empty() && text.front() == pattern.front() &&
         fits(pattern.substr(1), text.substr(1));
}

/// The bits of an address, empty if it is none.
std::vector<bool> bits_of(const std::string& text) {
  std::uint8_t bytes[16];
  std::size_t size = 0;
  if (text.find('\0') != std::string::npos) return {};
  if (inet_pton(AF_INET, text.c_str(), bytes) == 1) size = 4;
  if (size == 0 && inet_pton(AF_INET6, text.c_str(), bytes) == 1) size = 16;
  std::vector<bool> bits;
  for (std::size_t i = 0; i < size * 8; ++i) bits.push_back((bytes[i / 8] >> (7 - i % 8) & 1) != 0);
  return bits;
}

bool in_net(const std::string& net, const std::string& text) {
  const std::size_t slash = net.find('/');
  const std::vector<bool> base = bits_of(net.substr(0, slash));
  const std::vector<bool> address = bits_of(text);
  const auto shared = static_cast<std::ptrdiff_t>(std::stoul(net.substr(slash + 1)));
  return !address.empty() && address.size() == base.size() &&
         std::equal(base.begin(), base.begin() + shared, address.begin());
}

bool compares(const std::string& name, std::int64_t value, std::int64_t bound) {
  if (name == "=") return value == bound;
  if (name == "<") return value < bound;
  if (name == "<=") return value <= bound;
  if (name == ">") return value > bound;
  return value >= bound;
}

bool is_listed(const JsonValue& listed, const JsonValue& value);

/// An operator that says something of one value; anything-but: of what is not wanted.
bool holds_for(const std::string& name, const JsonValue& operand, const JsonValue& value) {
  const bool string = value.type == Type::kString;
  if (name == "prefix") return string && value.text.starts_with(operand.text);
  if (name == "suffix") return string && value.text.ends_with(operand.text);
  if (name == "equals-ignore-case") return string && folded(value.text) == folded(operand.text);
  if (name == "cidr") return string && in_net(operand.text, value.text);
  if (name == "wildcard" && operand.type == Type::kArray) {
    return std::any_of(operand.items.begin(), operand.items.end(), [&](const JsonValue& each) {
      return string && fits(each.text, value.text);
    });
  }
  if (name == "wildcard") return string && fits(operand.text, value.text);
  if (name == "numeric") {
    bool all = value.type == Type::kNumber;
    for (std::size_t i = 0; i + 1 < operand.items.size(); i += 2) {
      all =
          all && compares(operand.items[i].text, value.billionths, operand.items[i + 1].billionths);
    }
    return all;
  }
  if (operand.type == Type::kObject) {
    return holds_for(operand.members[0].first, operand.members[0].second, value);
  }
  return is_listed(operand, value);
}

bool is_listed(const JsonValue& listed, const JsonValue& value) {
  if (listed.type != Type::kArray) return equal(listed, value);
  return std::any_of(listed.items.begin(), listed.items.end(),
                     [&](const JsonValue& each) { return equal(each, value); });
}

/// For a field that is there.
bool holds(const JsonValue& condition, const std::vector<JsonValue>& values) {
  if (condition.type != Type::kObject) {
    return std::any_of(values.begin(), values.end(),
                       [&](const JsonValue& value) { return equal(condition, value); });
  }
  const auto& [name, operand] = condition.members[0];
  if (name == "exists") return operand.type == Type::kTrue;
  const bool any =
      std::any_of(values.begin(), values.end(),
                  [&, &n = name, &o = operand](const JsonValue& v) { return holds_for(n, o, v); });
  return name == "anything-but" ? !values.empty() && !any : any;
}

bool is_exists_false(const JsonValue& condition) {
  return condition.type == Type::kObject && condition.members[0].first == "exists" &&
         condition.members[0].second.type == Type::kFalse;
}

// Messages: what lies at each path

using Fields = std::multimap<std::string, std::vector<JsonValue>>;

void add_plain_values(const JsonValue& array, std::vector<JsonValue>& values) {
  for (const JsonValue& item : array.items) {
    if (item.type == Type::kArray) add_plain_values(item, values);
    if (!item.is_container()) values.push_back(item);
  }
}

std::vector<Fields> choices(const JsonValue& value, const std::string& path);

/// One element of an array is chosen; its plain values are taken by the array outside.
std::vector<Fields> element_choices(const JsonValue& array, const std::string& path) {
  std::vector<Fields> all;
  for (const JsonValue& item : array.items) {
    if (!item.is_container()) continue;
    const std::vector<Fields> those =
        item.type == Type::kArray ? element_choices(item, path) : choices(item, path);
    all.insert(all.end(), those.begin(), those.end());
  }
  if (all.empty()) all.emplace_back();
  return all;
}

/// What lies where, for each way to choose one element of every array.
std::vector<Fields> choices(const JsonValue& value, const std::string& path) {
  if (!value.is_container()) return {{{path, {value}}}};
  if (value.type == Type::kArray) {
    std::vector<JsonValue> plain;
    add_plain_values(value, plain);
    std::vector<Fields> all = element_choices(value, path);
    for (Fields& fields : all) {
      if (!plain.empty()) fields.emplace(path, plain);
    }
    return all;
  }
  std::vector<Fields> all = {{}};
  for (const auto& [key, member] : value.members) {
    if (&member != value.member(key)) continue;
    std::vector<Fields> product;
    for (const Fields& those : choices(member, path + key)) {
      for (Fields fields : all) {
        fields.insert(those.begin(), those.end());
        product.push_back(std::move(fields));
      }
    }
    all = std::move(product);
  }
  return all;
}

/// Keys of objects get their point here, so that an empty key is one too.
JsonValue with_points(const JsonValue& value) {
  JsonValue result = value;
  for (auto& item : result.items) item = with_points(item);
  for (auto& [key, member] : result.members) {
    member = with_points(member);
    key += '.';
  }
  return result;
}

bool holds(const Branch& branch, const Fields& fields, const std::set<std::string>& present) {
  return std::all_of(branch.begin(), branch.end(), [&](const Field& field) {
    const std::string path = field.path + '.';
    const auto [begin, end] = fields.equal_range(path);
    return std::any_of(field.conditions.begin(), field.conditions.end(),
                       [&, b = begin, e = end](const JsonValue& condition) {
                         if (is_exists_false(condition)) return present.count(path) == 0;
                         return std::any_of(
                             b, e, [&](const auto& at) { return holds(condition, at.second); });
                       });
  });
}

bool accepts(const std::vector<Branch>& branches, const std::vector<Fields>& all) {
  std::set<std::string> present;
  for (const Fields& fields : all) {
    for (const auto& [path, values] : fields) present.insert(path);
  }
  for (const Branch& branch : branches) {
    for (const Fields& fields : all) {
      if (holds(branch, fields, present)) return true;
    }
  }
  return false;
}

}  // namespace

bool accepts(const JsonValue& policy, Scope scope, const OracleMessage& message) {
  if (policy.members.empty()) return true;
  const std::vector<Branch> branches = compile(policy, "");
  if (scope == Scope::kBody) {
    if (!message.body || message.body->type != Type::kObject) return false;
    return accepts(branches, choices(with_points(*message.body), ""));
  }
  Fields fields;
  for (const OracleAttribute& attribute : message.attributes) {
    const std::string path = attribute.name + '.';
    switch (attribute.type) {
      case OracleAttribute::Type::kBadArray:
        return false;
      case OracleAttribute::Type::kArray:
        if (!attribute.value.items.empty()) fields.emplace(path, attribute.value.items);
        break;
      case OracleAttribute::Type::kBinary:
        fields.emplace(path, std::vector<JsonValue>());
        break;
      default:
        fields.emplace(path, std::vector<JsonValue>{attribute.value});
    }
  }
  return accepts(branches, {fields});
}

}  // namespace ringpost::test
