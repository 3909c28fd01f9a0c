// What a gateway needs to answer as Amazon SQS does: digests, and which characters are allowed.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ringpost/export.hpp"
#include "ringpost/types.hpp"

// Threads: any. Blocking: never. Nothing here looks at shared memory.
namespace ringpost::sqs {

/// MessageAttributeNames of a receive: exact names; `All`, `.*` or `*` for all; `prefix.*` or
/// `prefix*` for all that begin with `prefix`. Empty: none.
using AttributeNames = std::span<const std::string_view>;

[[nodiscard]] RINGPOST_API bool is_asked_for(std::string_view name, AttributeNames names) noexcept;

/// MD5OfMessageBody, MD5OfBody: 32 lower-case hexadecimal digits.
[[nodiscard]] RINGPOST_API std::string md5_of_body(ByteSpan body);
/// MD5OfMessageAttributes of a send, MD5OfMessageSystemAttributes. Nothing: there are none.
[[nodiscard]] RINGPOST_API std::optional<std::string> md5_of_attributes(
    const AttributeList& attributes);
/// MD5OfMessageAttributes of a receive: of those attributes alone that are asked for. Nothing: none
/// of them is.
[[nodiscard]] RINGPOST_API std::optional<std::string> md5_of_attributes(
    const AttributeView& attributes, AttributeNames names);

/// The rule for a body and for the text of an attribute: UTF-8 of the characters that XML 1.0
/// knows (tab, line feed, carriage return, from space on; no surrogate, not U+FFFE or U+FFFF).
/// The library itself takes any bytes.
[[nodiscard]] RINGPOST_API bool is_text(ByteSpan bytes) noexcept;
/// The rule for a group, a deduplication and a receive attempt id: 1 to 128 letters, digits and
/// marks of ASCII, no space.
[[nodiscard]] RINGPOST_API bool is_id(std::string_view id) noexcept;
/// The rule for the id of a batch entry, a queue name, a permission label (there up to 80 too):
/// 1 to 80 letters and digits of ASCII, hyphens and underscores.
[[nodiscard]] RINGPOST_API bool is_entry_id(std::string_view id) noexcept;

}  // namespace ringpost::sqs
