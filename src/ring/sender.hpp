// Sending: take a slot (claim), write it, make it visible (publish). protocols.md, section 1.
#pragma once

#include <cstdint>

#include "ring/ring.hpp"

namespace ringpost::ring {

/// One participant's sending end of one ring. Its cursors are private guesses: every position below
/// them is passed for ever, so they need no recovery.
///
/// Threads     one at a time.
/// Blocking    never; no system call except to wake a sleeper.
/// Crash       an unpublished claim of the dead is voided by the sweeper; before its publish a
///             message is not visible, after it the message needs nobody.
class Sender {
 public:
  enum class Claimed : std::uint8_t { kYes, kFull, kSealed };

  Sender(Ring& ring, std::uint16_t me) noexcept : ring_(ring), me_(me) {}

  /// Takes the next free slot. Until publish() the slot is mine and nobody waits for it.
  Claimed claim(std::uint64_t& position) noexcept;

  /// Makes the message in the slot of `position` visible (or, if delayed, findable).
  void publish(std::uint64_t position) noexcept;

  /// What publish() does after the word: for who has written it by himself.
  void published(std::uint64_t position) noexcept {
    if (static_cast<std::int64_t>(position + 1 - tail_shared_) >= kCursorStride) {
      raise_cursor(ring_.view.hot().tail, position + 1);
      tail_shared_ = position + 1;
    }
    ring_.receivers.wake_one();
    // Half of what was seen ahead is used up: look on, before it is needed and after it can delay
    // this message.
    if (idle_until_ - position == kLookAhead / 2) look_ahead();
  }

  /// Before publish(): not visible before `due` (deadline units).
  void delay(std::uint64_t position, std::uint64_t due) noexcept;

  /// Instead of publish(): the slot holds no message.
  void give_up(std::uint64_t position) noexcept;

  /// After kFull: have consumers moved the shared head far enough for `positions` more? Only a
  /// hint, for whoever waits: coming back to a full ring slot by slot, a producer works on the very
  /// lines that the consumers have in hand.
  [[nodiscard]] bool may_have_room(std::uint64_t positions) const noexcept {
    const std::uint64_t head = ring_.view.hot().head.load(std::memory_order_relaxed);
    return static_cast<std::int64_t>(tail_ + positions - head) <=
           static_cast<std::int64_t>(ring_.view.slots());
  }

  /// Moves the shared tail to my own: after a batch, or before somebody measures the backlog.
  void flush() noexcept { raise_cursor(ring_.view.hot().tail, tail_); }

 private:
  enum class Step : std::uint8_t { kFree, kAdvance, kOvertaken, kAgain };
  [[nodiscard]] Step inspect(std::uint64_t position) noexcept;
  [[nodiscard]] Step make_passable(std::uint32_t slot, LeaseWord word, std::uint64_t lap) noexcept;
  [[nodiscard]] bool has_room() noexcept;
  void overtaken() noexcept;
  void look_ahead() noexcept;

  static constexpr std::int64_t kCursorStride = 16;
  static constexpr std::uint64_t kLookAhead = 16;
  static constexpr std::uint64_t kWalk = 64;

  Ring& ring_;
  const std::uint16_t me_;
  std::uint64_t tail_ = 0;         ///< every position below is passed by producers
  std::uint64_t tail_shared_ = 0;  ///< what the shared tail is at least: I raised it so far
  std::uint64_t head_ = 0;         ///< every position below is passed by consumers
  std::uint64_t idle_until_ =
      0;  ///< lease words of positions [tail_, this) were seen idle(their lap)
};

}  // namespace ringpost::ring
