#include "queue/attributes.hpp"

#include <algorithm>
#include <cstring>

#include "sqs/charset.hpp"

namespace ringpost::queue {
namespace {

struct Prefix {
  std::uint16_t name_bytes;
  std::uint16_t type_bytes;
  std::uint32_t value_bytes;
};
static_assert(sizeof(Prefix) == 8);

/// `prefix` in lower case.
bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) noexcept {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return text.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), text.begin(),
                                                    [&](char a, char b) { return a == lower(b); });
}

bool is_name(std::string_view name) noexcept {
  if (name.empty() || name.size() >= 256 || name.front() == '.' || name.back() == '.') return false;
  if (name.find("..") != std::string_view::npos) return false;
  if (starts_with_ignoring_case(name, "aws.") || starts_with_ignoring_case(name, "amazon.")) {
    return false;
  }
  return std::all_of(name.begin(), name.end(), [](char c) {
    return sqs::is_alphanumeric(c) || c == '_' || c == '-' || c == '.';
  });
}

bool is_type(std::string_view type) noexcept {
  if (type.empty() || type.size() >= 256 || type.back() == '.') return false;
  const std::string_view base = type.substr(0, type.find('.'));
  return base == "String" || base == "Number" || base == "Binary";
}

/// A decimal number as it is read: digits with one point among them, and an exponent.
struct Decimal {
  int digits = 0;
  int integer_digits = 0;
  int first_nonzero = -1;  ///< index among the digits
  bool power_of_ten = true;
  int exponent = 0;
};

bool read_digits(std::string_view& text, Decimal& number) noexcept {
  bool point = false;
  while (!text.empty() && number.digits <= 38) {
    const char c = text.front();
    if (c == '.' && !point) {
      point = true;
    } else if (c >= '0' && c <= '9') {
      if (c != '0' && number.first_nonzero < 0) {
        number.first_nonzero = number.digits;
        number.power_of_ten = c == '1';
      } else if (c != '0') {
        number.power_of_ten = false;
      }
      ++number.digits;
      number.integer_digits += point ? 0 : 1;
    } else {
      break;
    }
    text.remove_prefix(1);
  }
  return number.digits > 0 && number.digits <= 38;
}

void skip_sign(std::string_view& text) noexcept {
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) text.remove_prefix(1);
}

bool read_exponent(std::string_view& text, Decimal& number) noexcept {
  if (text.empty()) return true;
  if (text.front() != 'e' && text.front() != 'E') return false;
  text.remove_prefix(1);
  const bool negative = text.starts_with('-');
  skip_sign(text);
  if (text.empty() || text.size() > 3) return false;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    number.exponent = number.exponent * 10 + (c - '0');
  }
  if (negative) number.exponent = -number.exponent;
  return true;
}

/// Up to 38 digits, an optional sign, point and exponent; 0 or a magnitude of 1e-128 to 1e126.
bool is_number(std::string_view text) noexcept {
  Decimal number;
  skip_sign(text);
  if (!read_digits(text, number) || !read_exponent(text, number)) return false;
  if (number.first_nonzero < 0) return true;
  const int magnitude = number.integer_digits - 1 - number.first_nonzero + number.exponent;
  return magnitude >= -128 && (magnitude < 126 || (magnitude == 126 && number.power_of_ten));
}

bool is_attribute(const Attribute& attribute) noexcept {
  if (!is_name(attribute.name) || !is_type(attribute.type) || attribute.value.empty()) return false;
  return !attribute.type.starts_with("Number") || is_number(attribute.value);
}

}  // namespace

Errc check_attributes(const AttributeList& attributes) noexcept {
  if (attributes.size() > kAttributesMax) return Errc::kInvalidArgument;
  for (auto each = attributes.begin(); each != attributes.end(); ++each) {
    if (!is_attribute(*each)) return Errc::kInvalidArgument;
    const bool repeated = std::any_of(
        attributes.begin(), each, [&](const Attribute& other) { return other.name == each->name; });
    if (repeated) return Errc::kInvalidArgument;
  }
  return Errc::kOk;
}

std::size_t counted_bytes(const AttributeList& attributes) noexcept {
  std::size_t bytes = 0;
  for (const Attribute& each : attributes) {
    bytes += each.name.size() + each.type.size() + each.value.size();
  }
  return bytes;
}

std::size_t encoded_bytes(const AttributeList& attributes) noexcept {
  return counted_bytes(attributes) + attributes.size() * sizeof(Prefix);
}

void encode(const AttributeList& attributes, std::byte* to) noexcept {
  const auto put = [&to](const void* from, std::size_t bytes) {
    std::memcpy(to, from, bytes);
    to += bytes;
  };
  for (const Attribute& each : attributes) {
    const Prefix prefix{static_cast<std::uint16_t>(each.name.size()),
                        static_cast<std::uint16_t>(each.type.size()),
                        static_cast<std::uint32_t>(each.value.size())};
    put(&prefix, sizeof prefix);
    put(each.name.data(), each.name.size());
    put(each.type.data(), each.type.size());
    put(each.value.data(), each.value.size());
  }
}

}  // namespace ringpost::queue

namespace ringpost {

void AttributeView::Iterator::step() noexcept {
  queue::Prefix prefix{};
  at_end_ = rest_.size() < sizeof prefix;
  if (at_end_) return;
  std::memcpy(&prefix, rest_.data(), sizeof prefix);
  const std::size_t bytes = std::size_t{prefix.name_bytes} + prefix.type_bytes + prefix.value_bytes;
  rest_ = rest_.subspan(sizeof prefix);
  at_end_ = rest_.size() < bytes;  // bytes of a peer: nothing is read beyond what is there
  if (at_end_) return;
  const std::string_view text = as_text(rest_);
  current_.name = text.substr(0, prefix.name_bytes);
  current_.type = text.substr(prefix.name_bytes, prefix.type_bytes);
  current_.value =
      text.substr(std::size_t{prefix.name_bytes} + prefix.type_bytes, prefix.value_bytes);
  rest_ = rest_.subspan(bytes);
}

std::optional<Attribute> AttributeView::find(std::string_view name) const noexcept {
  for (const Attribute& each : *this) {
    if (each.name == name) return each;
  }
  return std::nullopt;
}

}  // namespace ringpost
