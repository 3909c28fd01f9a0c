// Messages as text: escaped for a screen, as JSON, or through a format string.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json.hpp"
#include "ringpost/message.hpp"
#include "ringpost/stats.hpp"

namespace ringpost::cli {

[[nodiscard]] bool is_utf8(std::string_view bytes);
[[nodiscard]] std::string base64(std::string_view bytes);
/// Nothing when the text is not base64.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);
/// Control characters and bytes that are no UTF-8 as \n, \t, \x1b …: safe on a terminal.
[[nodiscard]] std::string printable(std::string_view bytes);
/// "2026-01-31T12:00:00.123Z"
[[nodiscard]] std::string iso_time(WallTime time);
[[nodiscard]] std::string_view state_name(MessageState state);

/// "body" when the bytes are UTF-8, else "body_base64"; then "bytes".
void add_body(JsonObject& object, std::string_view body);
/// "attributes": {"name": {"type": …, "value": … or "value_base64": …}}
void add_attributes(JsonObject& object, const AttributeView& attributes);
JsonObject json_message(const Lease& lease, const std::string& queue);
JsonObject json_message(const PeekedMessage& message, const std::string& queue);

/// A template such as "{id}\t{body}", parsed once.
class MessageFormat {
 public:
  /// Throws Failure (usage) for an unknown field, naming those there are.
  explicit MessageFormat(std::string_view text);
  void append(std::string& out, const Lease& lease, const std::string& queue) const;

 private:
  enum class Field {
    kText,
    kId,
    kBody,
    kBytes,
    kCount,
    kAge,
    kSentAt,
    kFirstReceivedAt,
    kReceipt,
    kQueue,
    kGroup,
    kSequence,
    kDedupId,
    kAttribute
  };
  struct Piece {
    Field field = Field::kText;
    std::string text;  ///< of kText: itself; of kAttribute: the name
  };
  void add_field(std::string_view name);
  std::vector<Piece> pieces_;
};

}  // namespace ringpost::cli
