// Which characters SQS allows where. ASCII alone, whatever the process's locale says.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace ringpost::sqs {

inline constexpr std::size_t kIdBytesMax = 128;
inline constexpr std::size_t kEntryIdBytesMax = 80;

[[nodiscard]] constexpr bool is_alphanumeric(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/// Letters, digits and marks: all of ASCII that leaves ink.
[[nodiscard]] constexpr bool is_printed(char c) noexcept { return c >= '!' && c <= '~'; }

/// A group, deduplication or receive attempt id (semantics S13, S14, F10).
[[nodiscard]] constexpr bool is_id_text(std::string_view id) noexcept {
  return !id.empty() && id.size() <= kIdBytesMax && std::all_of(id.begin(), id.end(), is_printed);
}

/// The id of a batch entry (B02), a queue name (Q01), a label (I02).
[[nodiscard]] constexpr bool is_entry_id_text(std::string_view id) noexcept {
  return !id.empty() && id.size() <= kEntryIdBytesMax &&
         std::all_of(id.begin(), id.end(),
                     [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; });
}

}  // namespace ringpost::sqs
