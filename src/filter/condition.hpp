// One condition of a policy on one value: what it is, in canonical bytes, and whether it holds.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ringpost::filter {

/// What a condition asks; beside it what its operand holds.
enum class Kind : std::uint8_t {
  kString,               ///< the string
  kNumber,               ///< decimal bytes (decimal.hpp)
  kTrue,                 ///< nothing
  kFalse,                ///< nothing
  kNull,                 ///< nothing
  kIgnoreCase,           ///< the folded string (fold.hpp)
  kPrefix,               ///< the string
  kSuffix,               ///< the string
  kWildcard,             ///< pieces() between the stars
  kRange,                ///< a Range
  kCidr,                 ///< the bits of the mask, then the address, 4 or 16 bytes, masked
  kAnythingBut,          ///< pieces(): of each value its Value::Type and text; sorted
  kAnythingButPrefix,    ///< the string
  kAnythingButSuffix,    ///< the string
  kAnythingButWildcard,  ///< pieces(): of each pattern its pieces; sorted
  kExists,               ///< nothing
  kAbsent,               ///< nothing
};
inline constexpr std::size_t kKinds = 17;

/// Equal conditions have equal kinds and operands.
struct Condition {
  Kind kind = Kind::kAbsent;
  std::string operand;

  friend auto operator<=>(const Condition&, const Condition&) = default;
};

/// One value of a message: of an attribute, of an element of a String.Array, of a leaf of the body.
struct Value {
  enum class Type : std::uint8_t { kString, kNumber, kTrue, kFalse, kNull };
  Type type = Type::kNull;
  std::string_view text;  ///< the string; the decimal bytes of the number
};

/// Whether it is about what is not there, so that it holds only if it holds for every value.
[[nodiscard]] constexpr bool is_anything_but(Kind kind) noexcept {
  return kind >= Kind::kAnythingBut && kind <= Kind::kAnythingButWildcard;
}

/// Whether the condition holds for a field that is there, with these values: for any of them, or
/// (anything-but) for all, at least one. No values: a Binary attribute. Allocates nothing.
[[nodiscard]] bool holds(Kind kind, std::string_view operand,
                         std::span<const Value> values) noexcept;

/// Operands that are sequences of strings: a length of four bytes before each.
void add_piece(std::string& operand, std::string_view piece);
[[nodiscard]] std::string_view take_piece(std::string_view& operand) noexcept;

struct Range {
  std::string_view low;  ///< decimal bytes; empty: no lower end
  std::string_view high;
  bool with_low = false;
  bool with_high = false;

  [[nodiscard]] std::string operand() const;
  [[nodiscard]] static Range of(std::string_view operand) noexcept;
  [[nodiscard]] bool begins_before(std::string_view decimal) const noexcept {
    return low.empty() || low < decimal || (with_low && low == decimal);
  }
  [[nodiscard]] bool ends_after(std::string_view decimal) const noexcept {
    return high.empty() || decimal < high || (with_high && high == decimal);
  }
};

/// An address of either family.
struct Address {
  std::uint8_t bytes[16] = {};
  std::uint8_t size = 0;  ///< 4 or 16

  [[nodiscard]] static std::optional<Address> parse(std::string_view text) noexcept;
  /// Clears all but the first `bits` bits.
  void mask(unsigned bits) noexcept;
  [[nodiscard]] std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(bytes), size};
  }
};

}  // namespace ringpost::filter
