// Receiving from a fair ring: the messages of quiet tenants first, those of noisy ones after them.
//
// A consumer looks behind the head, at hinted slots and lists, then along the ring. There it leases
// what is of a quiet tenant and has nothing of that tenant waiting before it; everything else it
// places into its tenant's list. Only when nothing is left in the ring, and no quiet tenant has
// anything, does a noisy one get its turn: the one with the fewest messages in flight.
#pragma once

#include <cstdint>

#include "fair/lists.hpp"
#include "ring/receiver.hpp"

namespace ringpost::fair {

using ring::LeaseTimes;
using ring::Taken;

/// One participant's receiving end of one fair ring. The head is a private guess as in
/// ring::Sender.
///
/// Threads     one at a time.
/// Blocking    never; no system call except to wake a sleeper.
/// Complexity  O(1) a message, each of which is placed once at most; there are nine noisy tenants
///             at the most, whose lists are looked at in vain. Of what was returned by noisy ones
///             64 messages.
/// Crash       a lease of the dead is returned by the sweeper, at once, or by its deadline.
class Receiver {
 public:
  using Outcome = ring::Receiver::Outcome;

  Receiver(ring::Ring& ring, Lists& lists, std::uint16_t me, shm::HazardOwner& hazards) noexcept
      : ring_(ring), lists_(lists), me_(me), hazards_(hazards) {}

  /// Leases the next message.
  Outcome take(const LeaseTimes& times, Taken& taken) noexcept;

  void expire_due(std::uint64_t now, std::uint32_t blocks_max) noexcept;

  /// Goes past everything that is published now, and leases nothing.
  void place_all(const LeaseTimes& times) noexcept;

  [[nodiscard]] bool may_have_message() const noexcept {
    const ring::RingView& view = ring_.view;
    const std::uint32_t slot = view.slot_of(head_);
    const std::uint64_t lap = view.lap_of(head_);
    return view.slot(slot).publish.load(std::memory_order_relaxed) == lap ||
           ring::LeaseWord{{view.lease(slot).load_low(), 0}}.passed(lap) || ring_.hints.any();
  }
  void get_ready() const noexcept {
    __builtin_prefetch(&ring_.view.lease(ring_.view.slot_of(head_)), 1);
  }
  void flush() noexcept {
    ring::raise_cursor(ring_.view.hot().head, head_);
    head_shared_ = head_;
  }
  [[nodiscard]] std::uint64_t expired() const noexcept { return expired_; }

 private:
  enum class Step : std::uint8_t { kTaken, kEmpty, kAgain, kTop };
  using Look = ring::Hints::Look;

  /// A hinted message of a noisy tenant.
  struct Noisy {
    bool is_there = false;
    std::uint32_t hint = 0;
    std::uint32_t in_flight = 0;
  };

  bool take_hinted(const LeaseTimes& times, Taken& taken) noexcept;
  bool take_noisy(const LeaseTimes& times, Taken& taken) noexcept;
  Look look_at_list(std::uint32_t index, const LeaseTimes& times, Taken& taken) noexcept;
  Look look_at_slot(std::uint32_t slot, const LeaseTimes& times, Taken& taken) noexcept;
  [[nodiscard]] bool has_turn(std::uint64_t tenant, std::uint32_t hint,
                              const LeaseTimes& times) noexcept;
  Step walk(const LeaseTimes& times, std::uint64_t positions, Taken& taken) noexcept;
  Step take_at_head(const LeaseTimes& times, Taken& taken) noexcept;
  Step pass_nobodys(std::uint32_t slot, std::uint64_t lap, const LeaseTimes& times,
                    Taken& taken) noexcept;
  Step place_at_head(std::uint32_t slot, std::uint64_t lap, std::uint64_t tenant,
                     const LeaseTimes& times, Taken& taken) noexcept;
  [[nodiscard]] bool is_hinted(const group::Groups::Placed& placed) const noexcept;
  Step pass_head(std::uint32_t slot, std::uint64_t lap) noexcept;
  bool lease(std::uint32_t slot, std::uint64_t lap, ring::LeaseWord from, const LeaseTimes& times,
             Taken& taken) noexcept;
  std::uint64_t end_if_due(std::uint32_t slot, std::uint64_t now) noexcept;
  void advance_head(std::uint64_t head) noexcept;

  static constexpr std::int64_t kCursorStride = 32;
  static constexpr std::uint32_t kNoisyLooks = 64;
  static constexpr std::uint32_t kDueBlocksInPassing = 8;
  static constexpr int kLooksMax = 1'000;
  static constexpr std::uint64_t kStepsPerSlot = 64;  ///< of one take(); for hostile memory
#if defined(RINGPOST_RIG)
  static constexpr int kFillingSpins = 2;
#else
  static constexpr int kFillingSpins = 256;
#endif

  ring::Ring& ring_;
  Lists& lists_;
  const std::uint16_t me_;
  shm::HazardOwner& hazards_;
  Noisy noisy_;                   ///< the best that the last search has gone by
  bool takes_noisy_ = false;      ///< this search is for that one
  bool takes_ = true;             ///< leases what it finds at the head
  std::uint32_t looks_left_ = 0;  ///< at returned messages of noisy tenants, in this search
  std::uint64_t steps_left_ = 0;
  std::uint32_t rotation_ = 0;     ///< where the next search begins
  std::uint64_t head_ = 0;         ///< every position below is passed by consumers
  std::uint64_t head_shared_ = 0;  ///< what the shared head is at least
  std::uint64_t expired_ = 0;
};

}  // namespace ringpost::fair
