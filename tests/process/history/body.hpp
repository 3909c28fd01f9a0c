// What the rigs send: a body that says who sent it, which one it is, and a hash over all of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "process/history/record.hpp"
#include "ringpost/types.hpp"

namespace ringpost::history {

inline constexpr std::size_t kBodyBytesMin = 32;

/// Fills `body` (kBodyBytesMin or more): header, then bytes that follow from the key.
void write_body(std::span<std::byte> body, MessageKey key, bool has_attribute) noexcept;

struct BodyContent {
  MessageKey key;
  bool has_attribute = false;
};

/// Nothing if any byte is not what write_body() wrote.
[[nodiscard]] std::optional<BodyContent> read_body(ByteSpan body) noexcept;

}  // namespace ringpost::history
