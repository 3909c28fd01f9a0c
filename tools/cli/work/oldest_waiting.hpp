// How long the oldest message waits that nobody has in hand.
#pragma once

#include <span>

#include "ringpost/stats.hpp"

namespace ringpost::cli {

/// Of the oldest messages of a queue, oldest first, the age of the first visible one. When somebody
/// has all of them, that of the last: a visible one behind it is hardly older.
[[nodiscard]] inline Duration oldest_waiting_age(std::span<const PeekedMessage> oldest_first) {
  Duration age{};
  for (const PeekedMessage& message : oldest_first) {
    age = message.age;
    if (message.state == MessageState::kVisible) break;
  }
  return age;
}

}  // namespace ringpost::cli
