// Message attributes: rules of SQS (semantics S07–S11) and the form in which they are stored.
//
// Encoded: for each attribute u16 name bytes, u16 type bytes, u32 value bytes, then the three.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ringpost/errc.hpp"
#include "ringpost/types.hpp"

namespace ringpost::queue {

inline constexpr std::size_t kAttributesMax = 10;

/// kOk or kInvalidArgument.
[[nodiscard]] Errc check_attributes(const AttributeList& attributes) noexcept;
[[nodiscard]] std::size_t encoded_bytes(const AttributeList& attributes) noexcept;
/// What counts towards message_bytes_max: names, types and values.
[[nodiscard]] std::size_t counted_bytes(const AttributeList& attributes) noexcept;
void encode(const AttributeList& attributes, std::byte* to) noexcept;

}  // namespace ringpost::queue
