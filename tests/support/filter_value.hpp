// JSON values as tests of filters have them: numbers exact, spelt in any way that means the same.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ringpost::test {

using Random = std::mt19937_64;

/// Below `bound`.
inline std::size_t pick(Random& random, std::size_t bound) { return random() % bound; }
inline bool one_in(Random& random, std::size_t chances) { return pick(random, chances) == 0; }

struct JsonValue {
  enum class Type { kObject, kArray, kString, kNumber, kTrue, kFalse, kNull };
  Type type = Type::kNull;
  std::string text;
  std::int64_t billionths = 0;  ///< of a number
  std::vector<JsonValue> items;
  std::vector<std::pair<std::string, JsonValue>> members;

  static JsonValue string(std::string text);
  static JsonValue number(std::int64_t billionths);
  static JsonValue array(std::vector<JsonValue> items);
  static JsonValue object(std::vector<std::pair<std::string, JsonValue>> members);
  static JsonValue literal(Type type);
  [[nodiscard]] bool is_container() const noexcept {
    return type == Type::kObject || type == Type::kArray;
  }
  [[nodiscard]] const JsonValue* member(std::string_view name) const noexcept;
};

/// Reads what a test spells out; throws std::runtime_error.
JsonValue read_value(std::string_view json);

/// The shortest spelling.
std::string spell(const JsonValue& value);
/// Any spelling: escapes, exponents, zeros, space.
std::string spell(const JsonValue& value, Random& random);
/// As the value of a Number attribute.
std::string spell_attribute(std::int64_t billionths, Random& random);

}  // namespace ringpost::test
