// Numbers as bytes in whose order they are compared: exact, of any length.
//
//   0      80
//   above  81  exponent, 4 bytes, most significant first  digits
//   below  7f  the complement of both                     ff
//
// The value is 0.digits · 10^exponent, digits without zeros at either end; so 1, 1.0 and 10e-1 have
// the same bytes. Exponents beyond ±10⁹ count as ±10⁹.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ringpost::filter {

/// What encode_decimal() may write beyond the length of the text.
inline constexpr std::size_t kDecimalExtraBytes = 6;

/// Sign, digits with a point among them, exponent. Writes at most text.size() + kDecimalExtraBytes
/// bytes and returns how many; 0 if `text` is no number.
[[nodiscard]] std::size_t encode_decimal(std::string_view text, char* to) noexcept;

/// The same in memory of its own; empty if `text` is no number.
[[nodiscard]] std::string decimal_of(std::string_view text);

}  // namespace ringpost::filter
