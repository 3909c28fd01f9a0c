// Which names a receive asks for; which characters are text.
#include <cstdint>

#include "ringpost/sqs.hpp"
#include "sqs/charset.hpp"

namespace ringpost::sqs {
namespace {

constexpr char32_t kNoCharacter = 0xffffffff;

/// The character at the front of `bytes`, which is taken off. kNoCharacter: not UTF-8.
char32_t take_character(ByteSpan& bytes) noexcept {
  const auto first = std::to_integer<std::uint32_t>(bytes.front());
  const std::size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if ((first >= 0x80 && first < 0xc2) || first > 0xf4 || bytes.size() < length) return kNoCharacter;
  char32_t character = length == 1 ? first : first & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const auto byte = std::to_integer<std::uint32_t>(bytes[i]);
    if ((byte & 0xc0) != 0x80) return kNoCharacter;
    character = character << 6 | (byte & 0x3f);
  }
  constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (character < kLeast[length]) return kNoCharacter;  // a longer spelling than need be
  bytes = bytes.subspan(length);
  return character;
}

bool is_allowed(char32_t c) noexcept {
  if (c < 0x20) return c == '\t' || c == '\n' || c == '\r';
  return c <= 0xd7ff || (c >= 0xe000 && c <= 0xfffd) || (c >= 0x10000 && c <= 0x10ffff);
}

bool fits(std::string_view name, std::string_view pattern) noexcept {
  if (pattern == "All") return true;
  if (!pattern.ends_with('*')) return name == pattern;
  pattern.remove_suffix(pattern.ends_with(".*") ? 2 : 1);
  return name.starts_with(pattern);
}

}  // namespace

bool is_asked_for(std::string_view name, AttributeNames names) noexcept {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view pattern) { return fits(name, pattern); });
}

bool is_text(ByteSpan bytes) noexcept {
  while (!bytes.empty()) {
    if (!is_allowed(take_character(bytes))) return false;
  }
  return true;
}

bool is_id(std::string_view id) noexcept { return is_id_text(id); }
bool is_entry_id(std::string_view id) noexcept { return is_entry_id_text(id); }

}  // namespace ringpost::sqs
