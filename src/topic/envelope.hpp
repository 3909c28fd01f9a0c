// The JSON document that a subscription gets whose delivery is not raw (sns.md, E01, E02, E06).
#pragma once

#include <string>
#include <string_view>

#include "ringpost/types.hpp"

namespace ringpost::topic {

struct EnvelopeOf {
  std::string_view topic;
  MessageId id;
  std::string_view subject;  ///< empty: none
  std::string_view body;     ///< UTF-8
  AttributeList attributes;
  std::uint64_t wall_ns = 0;  ///< of the publish
  bool numbered = false;      ///< FIFO: id and sequence number are written later
};

/// Without signature and links: those are a gateway's. May throw std::bad_alloc.
[[nodiscard]] std::string envelope_text(const EnvelopeOf& of);

/// Writes MessageId and SequenceNumber into such a text, which is `numbered`.
void number_envelope(std::uint64_t topic_id, std::uint64_t number, std::byte* text) noexcept;

/// What a topic's name is in Amazon's form, for code that looks at it.
[[nodiscard]] std::string arn_of(std::string_view topic);

[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

}  // namespace ringpost::topic
