// The time on the hot path: the system's clocks, or the one that a test injected.
#pragma once

#include <time.h>

#include <cstdint>

#include "ringpost/clock.hpp"

namespace ringpost::base {

/// Threads: any. Blocking: never; no system call where the vDSO serves the clocks.
class TimeSource {
 public:
  explicit TimeSource(const Clock* injected = nullptr) noexcept : injected_(injected) {}

  /// At most kCoarseTickNs behind the true time, for a few nanoseconds: good for deadlines of
  /// milliseconds and more when that is added.
  static constexpr std::uint64_t kCoarseTickNs = 4'000'000;
  [[nodiscard]] std::uint64_t coarse_ns() const noexcept {
    return injected_ != nullptr ? injected_->monotonic_ns() : read(CLOCK_MONOTONIC_COARSE);
  }
  [[nodiscard]] std::uint64_t precise_ns() const noexcept {
    return injected_ != nullptr ? injected_->monotonic_ns() : read(CLOCK_MONOTONIC);
  }
  [[nodiscard]] std::uint64_t wall_ns() const noexcept {
    return injected_ != nullptr ? injected_->wall_ns() : read(CLOCK_REALTIME);
  }
  /// As coarse_ns(), of the wall's clock.
  [[nodiscard]] std::uint64_t coarse_wall_ns() const noexcept {
    return injected_ != nullptr ? injected_->wall_ns() : read(CLOCK_REALTIME_COARSE);
  }
  [[nodiscard]] bool is_injected() const noexcept { return injected_ != nullptr; }

 private:
  static std::uint64_t read(clockid_t id) noexcept {
    timespec now{};
    clock_gettime(id, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
           static_cast<std::uint64_t>(now.tv_nsec);
  }
  const Clock* injected_;
};

}  // namespace ringpost::base
