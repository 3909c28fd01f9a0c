// Receiving: lease the message under the head, or a returned one behind it. protocols.md,
// section 1.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

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
      : ring_(ring),
        me_(me),
        hazards_(hazards),
        stride_(
            std::clamp<std::int64_t>(ring.view.slots() / 16, kCursorStrideMin, kCursorStrideMax)) {}

  /// Leases the oldest visible message.
  Outcome take(const LeaseTimes& times, Taken& taken) noexcept;

  /// Expires leases and delays that are over. take() does this in passing when the due index says
  /// so; a waiting receiver and the sweeper call it themselves.
  void expire_due(std::uint64_t now, std::uint32_t blocks_max) noexcept;

  /// For whoever waits: false while there is nothing for take() to do at the head. Polls the word
  /// that the sender will write, and the lease word, which nobody else has just now.
  [[nodiscard]] bool may_have_message() const noexcept {
    const RingView& view = ring_.view;
    const std::uint32_t slot = view.slot_of(head_);
    const std::uint64_t lap = view.lap_of(head_);
    return view.slot(slot).publish.load(std::memory_order_relaxed) == lap ||
           LeaseWord{{view.lease(slot).load_low(), 0}}.passed(lap) || ring_.hints.any();
  }

  /// Before waiting at an empty head: have its lease line at hand when the message comes.
  void get_ready() noexcept {
    const RingView& view = ring_.view;
    empty_at_ = head_;
    __builtin_prefetch(&view.lease(view.slot_of(head_)), 1);
  }

  /// Moves the shared head to my own.
  void flush() noexcept {
    raise_cursor(ring_.view.hot().head, head_);
    head_shared_ = head_;
  }

  /// Leases, by expiry under another's hands, that take() and expire_due() have ended so far.
  [[nodiscard]] std::uint64_t expired() const noexcept { return expired_; }

 private:
  enum class Step : std::uint8_t { kTaken, kEmpty, kAgain, kTop };
  Step take_at_head(const LeaseTimes& times, bool in_order, Taken& taken) noexcept;
  Step pass_head(std::uint32_t slot, std::uint64_t lap) noexcept;
  bool take_returned(const LeaseTimes& times, Taken& taken) noexcept;
  bool may_take_awaited(std::uint64_t position) noexcept;
  Hints::Look look(std::uint32_t slot, const LeaseTimes& times, Taken& taken) noexcept;
  std::optional<Hints::Look> look_once(std::uint32_t slot, const LeaseTimes& times,
                                       Taken& taken) noexcept;
  bool lease(std::uint32_t slot, std::uint64_t lap, LeaseWord from, const LeaseTimes& times,
             Taken& taken) noexcept;
  std::uint64_t end_if_due(std::uint32_t slot, std::uint64_t now) noexcept;
  void advance(std::uint64_t head) noexcept;
  void fetch_ahead() noexcept;
  [[nodiscard]] const std::byte* second_line(std::uint32_t slot) const noexcept {
    return ring_.view.payload(slot) + base::kCacheLineBytes - sizeof(SlotHead);
  }

  /// Moving the shared head costs a line transfer when a full sender watches it.
  static constexpr std::int64_t kCursorStrideMin = 16;
  static constexpr std::int64_t kCursorStrideMax = 64;
  static constexpr std::int64_t kFetchHeadBefore = 8;  ///< so that its line has come by then
  static constexpr std::uint64_t kFetchAhead = 8;
  static constexpr std::uint64_t kTailStride = 16;  // so seldom the shared tail is read
#if defined(RINGPOST_RIG)
  static constexpr int kFillingSpins = 2;  // the rigs try every way out of each
#else
  static constexpr int kFillingSpins = 64;
#endif
  static constexpr int kLooksMax = 1000;
  static constexpr std::uint32_t kDueBlocksInPassing = 8;

  /// What a search among the hinted slots is for, and what it has seen of awaited messages.
  struct Awaited {
    static constexpr std::uint64_t kNone = ~std::uint64_t{0};
    std::uint64_t wanted = kNone;  ///< position of the one to take
    std::uint64_t oldest = kNone;  ///< position of the oldest that is there
  };

  Ring& ring_;
  const std::uint16_t me_;
  shm::HazardOwner& hazards_;
  const std::int64_t stride_;  ///< my head may be ahead of the shared one by so much
  Awaited awaited_;
  std::uint64_t head_ = 0;         ///< every position below is passed by consumers
  std::uint64_t head_shared_ = 0;  ///< what the shared head is at least: I raised it so far
  std::uint64_t tail_seen_ = 0;    ///< a tail that I have read: positions below it may be fetched
  std::uint64_t empty_at_ = 0;     ///< where the head was when somebody last waited here
  std::uint64_t expired_ = 0;
};

}  // namespace ringpost::ring
