// Messages by group, in the order of their sequence numbers, and from when each is unlocked.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "process/history/evidence.hpp"

namespace ringpost::history {

/// A message whose place in its group is known: its send told it, or a delivery did.
struct GroupMember {
  const Message* message = nullptr;
  std::uint64_t sequence = 0;
  std::uint64_t gone_earliest = kNever;  ///< ticket from which it may have been gone
  std::uint64_t gone_latest = kNever;    ///< ticket from which it certainly was gone
};

class Groups {
 public:
  explicit Groups(const Evidence& evidence);

  [[nodiscard]] bool empty() const noexcept { return groups_.empty(); }
  [[nodiscard]] const std::vector<std::vector<GroupMember>>& groups() const noexcept {
    return groups_;
  }
  /// Ticket from which every message before this one in its group was certainly gone; kNever if
  /// that is not known, 0 without a group.
  [[nodiscard]] std::uint64_t unlocked_from(const Message& message) const noexcept;

 private:
  void unlock(const Evidence& evidence, std::span<const Message* const> placeless,
              std::span<GroupMember> group);

  std::vector<std::vector<GroupMember>> groups_;  // by sequence number
  std::unordered_map<const Message*, std::uint64_t> unlocked_from_;
};

}  // namespace ringpost::history
