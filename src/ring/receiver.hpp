// Receiving: lease the message under the head, or a returned one behind it. protocols.md,
// section 1.
#pragma once

#include <cstdint>

#include "ring/ring.hpp"

namespace ringpost::ring {

/// A message that this participant has just leased.
struct Taken {
  std::uint32_t slot = 0;
  std::uint32_t hazard = 0;  ///< the hazard entry that keeps the content in place
  std::uint64_t lap = 0;     ///< of the content
  LeaseWord word;            ///< the lease word as my CAS left it
};

/// When a receive happens, in deadline units.
struct LeaseTimes {
  std::uint64_t now = 0;       ///< leases and delays with a deadline up to here are over
  std::uint64_t deadline = 0;  ///< of a lease taken now
};

/// One participant's receiving end of one ring. The head is a private guess as in Sender.
///
/// Threads     one at a time.
/// Blocking    never; no system call except to wake a sleeper.
/// Crash       a lease of the dead is returned by the sweeper, at once, or by its deadline.
class Receiver {
 public:
  enum class Outcome : std::uint8_t { kTaken, kEmpty, kNoHazard };

  Receiver(Ring& ring, std::uint16_t me, shm::HazardOwner& hazards) noexcept
      : ring_(ring), me_(me), hazards_(hazards) {}

  /// Leases the oldest visible message.
  Outcome take(const LeaseTimes& times, Taken& taken) noexcept;

  /// Expires leases and delays that are over. take() does this in passing when the due index says
  /// so; a waiting receiver and the sweeper call it themselves.
  void expire_due(std::uint64_t now, std::uint32_t blocks_max) noexcept;

  /// True if a message may be visible at the head: one load of the polled word.
  [[nodiscard]] bool may_have_message() const noexcept {
    const RingView& view = ring_.view;
    return view.slot(view.slot_of(head_)).publish.load(std::memory_order_relaxed) ==
               view.lap_of(head_) ||
           ring_.hints.any();
  }

  /// Moves the shared head to my own.
  void flush() noexcept { raise_cursor(ring_.view.hot().head, head_); }

  /// Leases, by expiry under another's hands, that take() and expire_due() have ended so far.
  [[nodiscard]] std::uint64_t expired() const noexcept { return expired_; }

 private:
  enum class Step : std::uint8_t { kTaken, kEmpty, kAgain };
  Step take_at_head(const LeaseTimes& times, Taken& taken) noexcept;
  Step pass_head(std::uint32_t slot, std::uint64_t lap) noexcept;
  bool take_returned(const LeaseTimes& times, Taken& taken) noexcept;
  Hints::Look look(std::uint32_t slot, const LeaseTimes& times, Taken& taken) noexcept;
  bool lease(std::uint32_t slot, std::uint64_t lap, LeaseWord from, const LeaseTimes& times,
             Taken& taken) noexcept;
  std::uint64_t end_if_due(std::uint32_t slot, std::uint64_t now) noexcept;
  void advance(std::uint64_t head) noexcept;

  static constexpr std::int64_t kCursorStride = 16;
  static constexpr int kFillingSpins = 64;
  static constexpr std::uint32_t kDueBlocksInPassing = 8;

  Ring& ring_;
  const std::uint16_t me_;
  shm::HazardOwner& hazards_;
  std::uint64_t head_ = 0;  ///< every position below is passed by consumers
  std::uint64_t expired_ = 0;
};

}  // namespace ringpost::ring
