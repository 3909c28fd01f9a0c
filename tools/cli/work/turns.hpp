// When the attempts of an endpoint may begin that takes only so many a second.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace ringpost::cli {

/// Knows no clock of its own.
class Turns {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// When the next attempt may begin; it is taken with that. Time that nobody used is lost.
  [[nodiscard]] TimePoint take(TimePoint now, std::uint32_t per_second) noexcept {
    const TimePoint turn = std::max(next_, now);
    next_ = turn + std::chrono::nanoseconds(std::chrono::seconds(1)) / per_second;
    return turn;
  }

 private:
  TimePoint next_{};
};

}  // namespace ringpost::cli
