// Time as Ringpost sees it, and a clock for tests that stands still until it is moved.
#pragma once

#include <atomic>
#include <cstdint>

#include "ringpost/export.hpp"
#include "ringpost/types.hpp"

namespace ringpost {

/// Where an attached bus reads the time. Threads: all functions may be called from any thread.
class RINGPOST_API Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;
  /// Nanoseconds of CLOCK_MONOTONIC: deadlines.
  [[nodiscard]] virtual std::uint64_t monotonic_ns() const noexcept = 0;
  /// Nanoseconds since the Unix epoch: what people see.
  [[nodiscard]] virtual std::uint64_t wall_ns() const noexcept = 0;
};

/// For tests: visibility timeouts, delays and retention pass when the test says so.
/// Blocking waits still sleep in real time; they look at the clock each time they wake.
class RINGPOST_API ManualClock final : public Clock {
 public:
  explicit ManualClock(std::uint64_t start_ns = 1'000'000'000) noexcept : now_ns_(start_ns) {}
  [[nodiscard]] std::uint64_t monotonic_ns() const noexcept override { return now_ns_.load(); }
  [[nodiscard]] std::uint64_t wall_ns() const noexcept override { return now_ns_.load(); }
  void advance(Duration by) noexcept { now_ns_ += static_cast<std::uint64_t>(by.count()); }

 private:
  std::atomic<std::uint64_t> now_ns_;
};

}  // namespace ringpost
