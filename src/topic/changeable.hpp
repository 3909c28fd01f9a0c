// What of a topic may be changed while it is in use: a record in its log, always as a whole. What
// the last one says holds from the next publish of every process on.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ringpost/topic.hpp"

namespace ringpost::topic {

struct Changeable {
  std::uint64_t message_bytes_max = 0;
  std::string display_name;
  std::string delivery_policy{};  ///< as TopicDeliveryPolicy::to_json() has it; empty: none
  Tags tags{};
  friend bool operator==(const Changeable&, const Changeable&) = default;
};

/// With what is given in place of what was. Settings that are fixed at creation, or a value out of
/// its limits: kInvalidArgument.
[[nodiscard]] Result<Changeable> changed(const Changeable& before, const TopicSettings& existing,
                                         const TopicSettings& given);
/// kInvalidArgument names the tag.
[[nodiscard]] Result<void> check_tags(const Tags& tags);
/// Whether all of these are among those (T03).
[[nodiscard]] bool has_tags(const Tags& all, const Tags& given);

struct ChangeableRecord {
  Changeable value;
  std::size_t bytes = 0;  ///< that the record takes
};
/// The record that begins `log`; nothing if those bytes are none.
[[nodiscard]] std::optional<ChangeableRecord> read_changeable(std::span<const std::byte> log);
/// Appends the record to `to`.
void write_changeable(const Changeable& value, std::vector<std::byte>& to);

}  // namespace ringpost::topic
