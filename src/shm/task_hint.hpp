// Whether some queue of the bus may have a message move task: so that nobody looks through all
// queues for nothing.
//
// Raised before a task is there, cleared by whoever has looked through all queues and found none,
// at the version that was read before that look.
//
// Crash  raised and no task: the next look clears it.
#pragma once

#include <atomic>
#include <cstdint>

namespace ringpost::shm {

class TaskHint {
 public:
  explicit TaskHint(std::atomic<std::uint64_t>& word) noexcept : word_(word) {}

  /// [task-hint] acq_rel: whoever clears it has read an earlier version, or sees what I prepare.
  void raise() const noexcept {
    std::uint64_t seen = word_.load(std::memory_order_relaxed);
    while (!word_.compare_exchange_weak(seen, next(seen) | kRaised, std::memory_order_acq_rel)) {
    }
  }
  /// [task-hint] acquire: the look through the queues comes behind it.
  [[nodiscard]] std::uint64_t look() const noexcept {
    return word_.load(std::memory_order_acquire);
  }
  [[nodiscard]] static constexpr bool is_raised(std::uint64_t seen) noexcept {
    return (seen & kRaised) != 0;
  }
  void clear(std::uint64_t seen) const noexcept {
    word_.compare_exchange_strong(seen, next(seen), std::memory_order_acq_rel);
  }

 private:
  static constexpr std::uint64_t kRaised = 1;
  static constexpr std::uint64_t next(std::uint64_t word) noexcept { return (word | kRaised) + 1; }
  std::atomic<std::uint64_t>& word_;
};

}  // namespace ringpost::shm
