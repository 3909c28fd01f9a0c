// What the parent and the workers of one run share beside the bus: counters, a clock, messages to
// each other. Anonymous shared memory that the workers inherit, or plain memory for threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "process/history/record.hpp"
#include "ringpost/clock.hpp"

namespace ringpost::rig {

enum class Phase : std::uint32_t {
  kRun,
  kFinish,  ///< everybody but the survivor detaches
  kDrain,   ///< the survivor empties the queue
};

inline constexpr std::uint32_t kPlacesMax = 16;

/// A receipt on its way from one process to another. Whoever dies between take and give leaves
/// the cell unusable; there are enough.
struct MailboxCell {
  enum State : std::uint32_t { kFree, kFilling, kFull, kTaking };
  std::atomic<std::uint32_t> state{kFree};
  history::MessageKey key;
  Receipt receipt;
};

/// One worker at a time has a place; a replacement takes the place of the one that was killed.
struct alignas(128) Place {
  std::atomic<std::uint64_t> operations{0};
  std::atomic<std::uint32_t> round_done{0};      ///< last round in which it got through
  std::atomic<std::uint64_t> round_attempts{0};  ///< calls that it needed for that
  char failure[2000] = {};                       ///< why it gave up; empty: it did not
};

struct Control {
  alignas(128) std::atomic<std::uint64_t> tickets{0};
  alignas(128) std::atomic<std::uint64_t> clock_ns{1'000'000'000};
  alignas(128) std::atomic<std::uint64_t> operations{0};
  alignas(128) std::atomic<std::uint64_t> wake_at{0};  ///< operation that wakes the parent
  std::atomic<std::uint32_t> parent_word{0};
  std::atomic<std::uint32_t> phase_word{0};
  std::atomic<std::uint32_t> round{0};
  alignas(128) MailboxCell mailbox[64];
  Place places[kPlacesMax];

  [[nodiscard]] Phase phase() const noexcept {
    return static_cast<Phase>(phase_word.load(std::memory_order_relaxed));
  }
  void set_phase(Phase phase) noexcept;
  /// Sleeps until the phase is another one.
  void await_change_of(Phase phase) noexcept;

  /// Counts one operation; wakes the parent when it is the one it waits for.
  void count_operation(Place& place) noexcept;
  void wake_parent() noexcept;
  /// For the parent: sleeps until woken, at most about a millisecond.
  void await_wake(std::uint32_t seen_word) noexcept;

  void post(history::MessageKey key, const Receipt& receipt, std::uint64_t random) noexcept;
  struct Mail {
    history::MessageKey key;
    Receipt receipt;
  };
  std::optional<Mail> take(std::uint64_t random) noexcept;
};

/// Control in memory that children share with their parent.
struct ControlDeleter {
  void operator()(Control* control) const noexcept;
};
using SharedControl = std::unique_ptr<Control, ControlDeleter>;
[[nodiscard]] SharedControl make_shared_control();

/// Time that passes with the operations of the run and not by itself. Relaxed, so that under the
/// thread sanitizer it orders nothing that the library does not order itself.
class OperationClock final : public Clock {
 public:
  explicit OperationClock(const Control& control) noexcept : control_(control) {}
  [[nodiscard]] std::uint64_t monotonic_ns() const noexcept override {
    return control_.clock_ns.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t wall_ns() const noexcept override { return monotonic_ns(); }

 private:
  const Control& control_;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] std::uint64_t monotonic_ns() const noexcept override;
  [[nodiscard]] std::uint64_t wall_ns() const noexcept override;
};

}  // namespace ringpost::rig
