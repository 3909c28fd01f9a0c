// How long a message that failed stays invisible.
#pragma once

#include <chrono>
#include <cstdint>

#include "ringpost/types.hpp"

namespace ringpost::cli {

/// Doubles with every receive of the message, up to a limit. No chance in it: the same message
/// always comes back after the same time.
struct Backoff {
  Duration first = std::chrono::seconds(1);
  Duration max = std::chrono::minutes(5);

  /// After the message was received `receive_count` times (1: the first time).
  [[nodiscard]] constexpr Duration delay(std::uint32_t receive_count) const noexcept {
    Duration delay = first;
    for (std::uint32_t i = 1; i < receive_count && delay < max; ++i) {
      if (delay > max - delay) return max;
      if (delay == Duration::zero()) break;
      delay += delay;
    }
    return delay < max ? delay : max;
  }
};

}  // namespace ringpost::cli
