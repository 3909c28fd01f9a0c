// Records of a topic's log: from and to bytes.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ringpost/topic.hpp"
#include "topic/changeable.hpp"
#include "topic/layout.hpp"

namespace ringpost::topic {

inline constexpr std::size_t kFilterBytesMax = 256 * 1024;  // sns.md: of a policy

/// What one record says.
struct LogEntry {
  RecordKind kind = RecordKind::kSet;
  SubscriptionInfo subscription;      ///< kRemove: its id alone
  std::size_t bytes = 0;              ///< that the record takes
  std::optional<Changeable> topic{};  ///< kChangeable: of the topic itself
};

/// The record that begins `log`; nothing if those bytes are none: the log is damaged.
[[nodiscard]] std::optional<LogEntry> read_record(std::span<const std::byte> log);

/// Appends the record to `to`.
void write_record(const LogEntry& entry, std::vector<std::byte>& to);

}  // namespace ringpost::topic
