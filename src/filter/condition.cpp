#include "filter/condition.hpp"

#include <arpa/inet.h>
#include <string.h>

#include <algorithm>

#include "filter/fold.hpp"

namespace ringpost::filter {
namespace {

/// Takes the first place of `piece` and all before it off `text`.
bool skip_behind(std::string_view& text, std::string_view piece) noexcept {
  if (piece.empty()) return true;
  if (text.size() < piece.size()) return false;
  // memmem() needs linear time whatever the texts are; std::string_view::find() does not.
  const void* const place = memmem(text.data(), text.size(), piece.data(), piece.size());
  if (place == nullptr) return false;
  const auto before = static_cast<std::size_t>(static_cast<const char*>(place) - text.data());
  text.remove_prefix(before + piece.size());
  return true;
}

bool fits_wildcard(std::string_view pattern, std::string_view text) noexcept {
  const std::string_view first = take_piece(pattern);
  if (pattern.empty()) return text == first;
  if (!text.starts_with(first)) return false;
  text.remove_prefix(first.size());
  while (true) {
    const std::string_view piece = take_piece(pattern);
    if (pattern.empty()) return text.ends_with(piece);
    if (!skip_behind(text, piece)) return false;
  }
}

bool in_net(std::string_view operand, std::string_view text) noexcept {
  std::optional<Address> address = Address::parse(text);
  if (!address || address->size != operand.size() - 1) return false;
  address->mask(static_cast<std::uint8_t>(operand.front()));
  return address->text() == operand.substr(1);
}

bool is_listed(std::string_view operand, const Value& value) noexcept {
  while (!operand.empty()) {
    const std::string_view listed = take_piece(operand);
    if (listed.front() == static_cast<char>(value.type) && listed.substr(1) == value.text) {
      return true;
    }
  }
  return false;
}

bool fits_any_wildcard(std::string_view patterns, std::string_view text) noexcept {
  while (!patterns.empty()) {
    if (fits_wildcard(take_piece(patterns), text)) return true;
  }
  return false;
}

/// Of anything-but: whether the value is among what must not be there.
bool holds_for(Kind kind, std::string_view operand, const Value& value) noexcept {
  using Type = Value::Type;
  const bool string = value.type == Type::kString;
  switch (kind) {
    case Kind::kString:
      return string && value.text == operand;
    case Kind::kNumber:
      return value.type == Type::kNumber && value.text == operand;
    case Kind::kTrue:
      return value.type == Type::kTrue;
    case Kind::kFalse:
      return value.type == Type::kFalse;
    case Kind::kNull:
      return value.type == Type::kNull;
    case Kind::kIgnoreCase:
      return string && equals_folded(operand, value.text);
    case Kind::kPrefix:
    case Kind::kAnythingButPrefix:
      return string && value.text.starts_with(operand);
    case Kind::kSuffix:
    case Kind::kAnythingButSuffix:
      return string && value.text.ends_with(operand);
    case Kind::kWildcard:
      return string && fits_wildcard(operand, value.text);
    case Kind::kRange: {
      const Range range = Range::of(operand);
      return value.type == Type::kNumber && range.begins_before(value.text) &&
             range.ends_after(value.text);
    }
    case Kind::kCidr:
      return string && in_net(operand, value.text);
    case Kind::kAnythingBut:
      return is_listed(operand, value);
    case Kind::kAnythingButWildcard:
      return string && fits_any_wildcard(operand, value.text);
    case Kind::kExists:
    case Kind::kAbsent:
      return false;
  }
  return false;
}

}  // namespace

bool holds(Kind kind, std::string_view operand, std::span<const Value> values) noexcept {
  if (kind == Kind::kExists) return true;
  const bool any = std::any_of(values.begin(), values.end(),
                               [&](const Value& value) { return holds_for(kind, operand, value); });
  return is_anything_but(kind) ? !any && !values.empty() : any;
}

void add_piece(std::string& operand, std::string_view piece) {
  const auto bytes = static_cast<std::uint32_t>(piece.size());
  operand.append(reinterpret_cast<const char*>(&bytes), sizeof bytes);
  operand.append(piece);
}

std::string_view take_piece(std::string_view& operand) noexcept {
  std::uint32_t bytes = 0;
  std::copy_n(operand.data(), sizeof bytes, reinterpret_cast<char*>(&bytes));
  const std::string_view piece = operand.substr(sizeof bytes, bytes);
  operand.remove_prefix(sizeof bytes + bytes);
  return piece;
}

std::string Range::operand() const {
  std::string bytes(1, static_cast<char>((with_low ? 1 : 0) | (with_high ? 2 : 0)));
  add_piece(bytes, low);
  add_piece(bytes, high);
  return bytes;
}

Range Range::of(std::string_view operand) noexcept {
  Range range;
  range.with_low = (operand.front() & 1) != 0;
  range.with_high = (operand.front() & 2) != 0;
  operand.remove_prefix(1);
  range.low = take_piece(operand);
  range.high = take_piece(operand);
  return range;
}

std::optional<Address> Address::parse(std::string_view text) noexcept {
  char terminated[INET6_ADDRSTRLEN] = {};
  if (text.empty() || text.size() >= sizeof terminated) return std::nullopt;
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  std::copy(text.begin(), text.end(), terminated);
  Address address;
  const bool six = text.find(':') != std::string_view::npos;
  if (inet_pton(six ? AF_INET6 : AF_INET, terminated, address.bytes) != 1) return std::nullopt;
  address.size = six ? 16 : 4;
  return address;
}

void Address::mask(unsigned bits) noexcept {
  for (unsigned i = 0; i < size; ++i) {
    const unsigned kept = bits > 8 * i ? std::min(bits - 8 * i, 8u) : 0;
    bytes[i] = static_cast<std::uint8_t>(bytes[i] & (0xff00u >> kept));
  }
}

}  // namespace ringpost::filter
