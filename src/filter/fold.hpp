// Equality regardless of case: Unicode's simple case folding, character by character.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ringpost::filter {

/// Writes at most fold_bytes_max(text.size()) bytes and returns how many. Bytes that are no UTF-8
/// stay as they are.
std::size_t fold_case(std::string_view text, char* to) noexcept;
constexpr std::size_t fold_bytes_max(std::size_t bytes) noexcept { return bytes + bytes / 2 + 1; }
[[nodiscard]] std::string fold_case(std::string_view text);

/// `folded` is what fold_case() makes of `text`.
[[nodiscard]] bool equals_folded(std::string_view folded, std::string_view text) noexcept;

}  // namespace ringpost::filter
