// Receiving from a FIFO ring: the first message of a group none of whose messages is in flight.
//
// A consumer looks in two places: at the groups that are hinted, and at the ring's next position,
// whose message it places into its group (groups.hpp). A message that begins its group there is
// leased at once: in the common case nothing is hinted and each message is looked at once.
#pragma once

#include <cstdint>

#include "group/ids.hpp"
#include "ring/receiver.hpp"

namespace ringpost::group {

using ring::LeaseTimes;
using ring::Taken;

/// One participant's receiving end of one FIFO ring. The head is a private guess as in
/// ring::Sender.
///
/// Threads     one at a time.
/// Blocking    never; no system call except to wake a sleeper.
/// Complexity  O(1) a message, each of which is placed once; whatever the number of groups is and
///             however many messages wait in one.
/// Crash       a lease of the dead is returned by the sweeper, at once, or by its deadline.
class Receiver {
 public:
  using Outcome = ring::Receiver::Outcome;

  Receiver(ring::Ring& ring, Groups& groups, std::uint16_t me, shm::HazardOwner& hazards) noexcept
      : ring_(ring), groups_(groups), me_(me), hazards_(hazards) {}

  /// Every message is asked for its id before it is passed. Must outlive the receiver.
  void keep_ids(const Ids& ids) noexcept { ids_ = &ids; }

  /// A receive of `count` messages with queue delay `delay_ns` begins: what take() gave before is
  /// not continued.
  void begin(std::uint32_t count, std::uint64_t delay_ns) noexcept {
    open_.is_open = false;
    wanted_ = count;
    delay_ns_ = delay_ns;
    ahead_ = kAheadMax;
  }
  /// What take() gave last stays in its group and is not the receive's any more: nothing behind it.
  void leave_group() noexcept { open_.is_open = false; }
  /// Leases the next message: of the group that the last one came from, as long as it has one.
  Outcome take(const LeaseTimes& times, Taken& taken) noexcept;

  void expire_due(std::uint64_t now, std::uint32_t blocks_max) noexcept;

  /// Places everything that is published now; a receive that goes on must begin() anew.
  void place_all(const LeaseTimes& times, std::uint64_t delay_ns) noexcept;

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
  /// Every position below is passed.
  [[nodiscard]] std::uint64_t head() const noexcept { return head_; }
  [[nodiscard]] std::uint64_t expired() const noexcept { return expired_; }

 private:
  enum class Step : std::uint8_t { kTaken, kEmpty, kAgain };

  /// The group that this receive is taking messages of.
  struct Open {
    std::uint32_t index = 0;
    bool is_open = false;
    std::uint32_t last_slot = 0;  ///< of what it took last
    std::uint64_t last_lap = 0;
    std::uint32_t first_slot = 0;  ///< while this lease stands nobody else takes of the group
    ring::LeaseWord first_word;
  };

  bool take_next_of_group(const LeaseTimes& times, Taken& taken) noexcept;
  bool take_ready(const LeaseTimes& times, Taken& taken) noexcept;
  ring::Hints::Look look(std::uint32_t index, const LeaseTimes& times, Taken& taken) noexcept;
  Step take_at_head(const LeaseTimes& times, Taken& taken) noexcept;
  Step walk(const LeaseTimes& times, std::uint32_t positions, Taken& taken) noexcept;
  Step place_at_head(std::uint32_t slot, std::uint64_t lap, const LeaseTimes& times,
                     Taken& taken) noexcept;
  Step pass_head(std::uint32_t slot, std::uint64_t lap) noexcept;
  [[gnu::cold, gnu::noinline]] bool has_arrived(ring::Claim claim, std::uint32_t slot) noexcept;
  [[gnu::always_inline]] bool lease(std::uint32_t index, std::uint32_t slot, std::uint64_t lap,
                                    ring::LeaseWord from, const LeaseTimes& times,
                                    Taken& taken) noexcept;
  bool lease_behind(std::uint32_t slot, std::uint64_t lap, ring::LeaseWord from,
                    const LeaseTimes& times, Taken& taken) noexcept;
  void give_back(std::uint32_t index, std::uint32_t slot, std::uint64_t lap, ring::LeaseWord from,
                 ring::LeaseWord mine) noexcept;
  [[nodiscard]] bool still_mine() const noexcept;
  [[nodiscard]] std::uint64_t due_of(std::uint32_t slot) const noexcept;
  bool end_if_over(std::uint32_t slot, ring::LeaseWord word, std::uint64_t now) noexcept;
  std::uint64_t end_if_due(std::uint32_t slot, std::uint64_t now) noexcept;
  void advance_head(std::uint64_t head) noexcept;
  void fetch_ahead() noexcept;

  static constexpr std::int64_t kCursorStride = 32;
  static constexpr std::uint32_t kTurnPositions = 8;  ///< placed between two looks at hinted groups
  static constexpr std::uint32_t kAheadMax = 1'024;   ///< placed in search of more for one batch
  static constexpr std::uint32_t kDueBlocksInPassing = 8;
  static constexpr std::uint64_t kTailStride = 16;
  static constexpr std::uint64_t kFetchAhead = 8;
  static constexpr int kLooksMax = 1'000;
  static constexpr std::uint64_t kStepsPerSlot = 64;  ///< of one take(); for hostile memory
#if defined(RINGPOST_RIG)
  static constexpr int kFillingSpins = 2;
#else
  static constexpr int kFillingSpins = 256;
#endif

  ring::Ring& ring_;
  Groups& groups_;
  const std::uint16_t me_;
  shm::HazardOwner& hazards_;
  const Ids* ids_ = nullptr;
  Open open_;
  std::uint32_t wanted_ = 1;
  std::uint32_t ahead_ = 0;
  std::uint64_t delay_ns_ = 0;
  std::uint64_t steps_left_ = 0;
  bool ring_turn_ = false;
  std::uint32_t rotation_ = 0;     ///< where the next look at hinted groups begins
  std::uint64_t head_ = 0;         ///< every position below is passed by consumers
  std::uint64_t head_shared_ = 0;  ///< what the shared head is at least
  std::uint64_t tail_seen_ = 0;    ///< a tail that I have read
  std::uint64_t expired_ = 0;
};

}  // namespace ringpost::group
