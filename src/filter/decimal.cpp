#include "filter/decimal.hpp"

#include <algorithm>
#include <cstdint>

namespace ringpost::filter {
namespace {

constexpr std::int64_t kExponentMax = 1'000'000'000;
constexpr std::size_t kDigitsAt = 5;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

bool take_sign(std::string_view& text) noexcept {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  return negative;
}

struct Digits {
  std::size_t count = 0;
  std::int64_t exponent = 0;
  bool any = false;
};

/// Digits and at most one point at the front, which are taken off.
Digits take_digits(std::string_view& text, char* to) noexcept {
  Digits digits;
  bool point = false;
  for (; !text.empty(); text.remove_prefix(1)) {
    const char c = text.front();
    if (c == '.' && !point) {
      point = true;
    } else if (is_digit(c)) {
      digits.any = true;
      if (c != '0' || digits.count != 0) {
        to[digits.count++] = c;
        digits.exponent += point ? 0 : 1;
      } else {
        digits.exponent -= point ? 1 : 0;
      }
    } else {
      break;
    }
  }
  while (digits.count != 0 && to[digits.count - 1] == '0') --digits.count;
  return digits;
}

bool read_exponent(std::string_view text, std::int64_t& exponent) noexcept {
  if (text.empty()) return true;
  if (text.front() != 'e' && text.front() != 'E') return false;
  text.remove_prefix(1);
  const bool negative = take_sign(text);
  if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return false;
  std::int64_t value = 0;
  for (const char c : text) value = std::min(value * 10 + (c - '0'), 2 * kExponentMax);
  exponent += negative ? -value : value;
  return true;
}

}  // namespace

std::size_t encode_decimal(std::string_view text, char* to) noexcept {
  const bool negative = take_sign(text);
  Digits digits = take_digits(text, to + kDigitsAt);
  if (!digits.any || !read_exponent(text, digits.exponent)) return 0;
  if (digits.count == 0) {
    *to = static_cast<char>(0x80);
    return 1;
  }
  *to = static_cast<char>(0x81);
  const std::int64_t exponent = std::clamp(digits.exponent, -kExponentMax, kExponentMax);
  const auto biased = static_cast<std::uint32_t>(exponent + (std::int64_t{1} << 31));
  for (std::size_t i = 0; i < 4; ++i) to[1 + i] = static_cast<char>(biased >> (24 - 8 * i));
  std::size_t bytes = kDigitsAt + digits.count;
  if (negative) {
    *to = 0x7f;
    for (std::size_t i = 1; i < bytes; ++i) to[i] = static_cast<char>(~to[i]);
    to[bytes++] = static_cast<char>(0xff);  // of equal digits the longer number is the smaller one
  }
  return bytes;
}

std::string decimal_of(std::string_view text) {
  std::string bytes(text.size() + kDecimalExtraBytes, '\0');
  bytes.resize(encode_decimal(text, bytes.data()));
  return bytes;
}

}  // namespace ringpost::filter
