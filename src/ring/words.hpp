// The three words of a slot that are the truth, and how they are packed.
//
//   claim    producers' lines   who takes the slot for which lap
//   publish  in the slot        the lap whose content is complete
//   lease    consumers' lines   what consumers do with the message
//
// A position p counts for ever; its slot is p mod N, its lap 1 + p div N. Lap 0 means "never", so a
// zeroed claim or publish word is right from the start; lease words start as idle(1).
#pragma once

#include <cstdint>

#include "base/word128.hpp"

namespace ringpost::ring {

inline constexpr unsigned kLapBits = 44;
inline constexpr unsigned kOwnerBits = 14;
inline constexpr std::uint64_t kLapMask = (std::uint64_t{1} << kLapBits) - 1;
inline constexpr std::uint64_t kOwnerMask = (std::uint64_t{1} << kOwnerBits) - 1;
inline constexpr std::uint32_t kReceiveCountMax = (1u << 20) - 1;

/// Deadlines in shared words count units of 10 µs since the monotonic clock's zero.
inline constexpr std::uint64_t kDeadlineUnitNs = 10'000;
inline constexpr std::uint64_t kDeadlineNever = kLapMask;

constexpr std::uint64_t deadline_from_ns(std::uint64_t ns) noexcept {
  const std::uint64_t units = ns / kDeadlineUnitNs + 1;  // rounded up: never early
  return units < kDeadlineNever ? units : kDeadlineNever;
}

/// claim: lap, owner. Written by the producer that takes the slot; the owner goes on standing there
/// after the publish, and a crash leaves a claim that the sweeper voids if it is unpublished.
struct Claim {
  std::uint64_t word = 0;

  static constexpr std::uint64_t kSealedWord = ~std::uint64_t{0};  // lap infinity: no more claims

  static constexpr Claim of(std::uint64_t lap, std::uint16_t owner) noexcept {
    return {(lap & kLapMask) | std::uint64_t{owner} << kLapBits};
  }
  [[nodiscard]] constexpr std::uint64_t lap() const noexcept { return word & kLapMask; }
  [[nodiscard]] constexpr std::uint16_t owner() const noexcept {
    return static_cast<std::uint16_t>(word >> kLapBits & kOwnerMask);
  }
  [[nodiscard]] constexpr bool sealed() const noexcept { return word == kSealedWord; }
};

// States of a lease word, and the moves between them. All but kIdle are "held".
//
// clang-format off
// from → to                     by                                if the mover dies just after
// idle → leased                 consumer                          returned by sweeper or when over
// returned, await → leased      consumer, through the hint        likewise
// idle → await                  consumer                          found by the hint, set before
// idle, await → delayed         the claim's producer              void while it is unpublished
// delayed → returned            anybody, when due, if published   found by the hint, set before
// delayed → await               anybody, when due, if it is not   likewise
// leased, returned → leased     whoever extends, hands over       as the new owner's, or when over
// leased → returned             anybody (release, over, death)    found by the hint, set before
// leased, returned → idle       settler; the lap rises by one     its block is the sweeper's
// leased, returned → limbo      settler, if it may be read now    ended by producers or a repair
// limbo → idle                  anybody, when no hazard names it  its block is the sweeper's
// published, any → idle, limbo  purge, deletion                   likewise
// unpublished → idle            sweeper (void), or its claimer    nothing: it was never a message
// leased → moved                the lease's owner (ring/move.hpp) finished by the sweeper
// moved → idle, limbo           the mover, its sweeper            its block is the other message's
// held → held, later lap        producer of that lap (skip)       nothing else has changed
//
// FIFO rings differ (group/receiver.hpp):
// idle → returned, delayed      consumer, once it is in its group found in its group, by its hint
// leased, delayed → the same    consumer that drops its hint      nothing: the same lease or delay
// idle → await                  consumer, after kSkipped          its producer's or the sweeper's
// await, idle → idle            producer of a skipped claim       void
// leased → acked                settler, purge                    finished by sweeper or when over
// acked → idle, limbo           anybody, once out of its group    its block is the sweeper's
// leased → moved, moved → leased the mover (group/move.hpp)       decided by its note
// moved → returned              anybody, if the note says aborted found in its group, by its hint
// moved → moved by nobody       the mover, its sweeper            finished by sweeper or when over
// moved by nobody → idle, limbo anybody, once out of its group    its block is the other message's
//
// Fair rings (fair/receiver.hpp) are as standard ones, but for
// idle → listed                 consumer, once it is in its list  found in its list, by its hint
// idle, listed → leased         consumer, while it is the first   returned, and taken off its list
// idle → await, await → idle    as in FIFO rings
// listed → acked                purge                             finished by sweeper or anybody
// clang-format on
enum class LeaseState : std::uint8_t {
  kIdle = 0,      ///< everything before lap L is finished; waits for lap L
  kLeased = 1,    ///< a consumer has it until the deadline
  kReturned = 2,  ///< visible again
  kAwait = 3,     ///< the head went past while it was being filled
  kDelayed = 4,   ///< not visible before the deadline
  kLimbo = 5,     ///< gone, but somebody may still be reading it in place
  kAcked = 6,     ///< FIFO: gone, but not yet out of its group; fair: out of its list
  kMoved = 7,  ///< gone to another ring; while there is an owner, its note knows where (FIFO: if)
};

/// FIFO, in a publish word beside the lap: consumers have gone past its claim.
inline constexpr std::uint64_t kSkipped = std::uint64_t{1} << 63;
/// FIFO, likewise: a message is about to come from another ring; its mover's note says whether it
/// does.
inline constexpr std::uint64_t kReserved = std::uint64_t{1} << 62;

/// lease: drops · mark · state · owner · lap ‖ deadline · receive count.
struct LeaseWord {
  base::Pair64 bits;

  static constexpr unsigned kStateShift = kLapBits + kOwnerBits;
  static constexpr std::uint64_t kViewedMark = std::uint64_t{1} << 61;
  static constexpr unsigned kDropsShift = 62;
  static constexpr std::uint32_t kDropsMax = 3;

  static constexpr std::uint64_t low_of(LeaseState state, std::uint64_t lap,
                                        std::uint16_t owner = 0, bool viewed = false) noexcept {
    return (lap & kLapMask) | std::uint64_t{owner} << kLapBits |
           static_cast<std::uint64_t>(state) << kStateShift | (viewed ? kViewedMark : 0);
  }
  static constexpr std::uint64_t high_of(std::uint64_t deadline, std::uint32_t count) noexcept {
    return (deadline & kLapMask) | std::uint64_t{count} << kLapBits;
  }

  static constexpr LeaseWord idle(std::uint64_t lap) noexcept {
    return {{low_of(LeaseState::kIdle, lap), 0}};
  }
  static constexpr LeaseWord leased(std::uint64_t lap, std::uint16_t owner, std::uint64_t deadline,
                                    std::uint32_t count, bool viewed = false) noexcept {
    return {{low_of(LeaseState::kLeased, lap, owner, viewed), high_of(deadline, count)}};
  }
  static constexpr LeaseWord returned(std::uint64_t lap, std::uint32_t count,
                                      bool viewed) noexcept {
    return {{low_of(LeaseState::kReturned, lap, 0, viewed), high_of(0, count)}};
  }
  static constexpr LeaseWord await(std::uint64_t lap) noexcept {
    return {{low_of(LeaseState::kAwait, lap), 0}};
  }
  static constexpr LeaseWord delayed(std::uint64_t lap, std::uint64_t due) noexcept {
    return {{low_of(LeaseState::kDelayed, lap), high_of(due, 0)}};
  }
  /// `owner` acknowledges; what he leaves undone is anybody's from `deadline` on.
  static constexpr LeaseWord acked(std::uint64_t lap, std::uint16_t owner, std::uint64_t deadline,
                                   std::uint32_t count, bool viewed) noexcept {
    return {{low_of(LeaseState::kAcked, lap, owner, viewed), high_of(deadline, count)}};
  }
  /// `number`: FIFO, low bits of the move's, where others have the deadline.
  static constexpr LeaseWord moved(std::uint64_t lap, std::uint16_t owner, std::uint32_t count,
                                   bool viewed, std::uint64_t number = 0) noexcept {
    return {{low_of(LeaseState::kMoved, lap, owner, viewed), high_of(number, count)}};
  }
  static constexpr LeaseWord limbo(std::uint64_t lap) noexcept {
    return {{low_of(LeaseState::kLimbo, lap), 0}};
  }

  [[nodiscard]] constexpr LeaseState state() const noexcept {
    return static_cast<LeaseState>(bits.low >> kStateShift & 7);
  }
  [[nodiscard]] constexpr bool held() const noexcept { return state() != LeaseState::kIdle; }
  /// A lease of this message expired under an in-place reader, who may still be looking.
  [[nodiscard]] constexpr bool viewed() const noexcept { return (bits.low & kViewedMark) != 0; }
  [[nodiscard]] constexpr std::uint64_t lap() const noexcept { return bits.low & kLapMask; }
  [[nodiscard]] constexpr std::uint16_t owner() const noexcept {
    return static_cast<std::uint16_t>(bits.low >> kLapBits & kOwnerMask);
  }
  [[nodiscard]] constexpr std::uint64_t deadline() const noexcept { return bits.high & kLapMask; }
  [[nodiscard]] constexpr std::uint64_t move_number() const noexcept {
    return bits.high & kLapMask;
  }
  [[nodiscard]] constexpr std::uint32_t count() const noexcept {
    return static_cast<std::uint32_t>(bits.high >> kLapBits);
  }
  [[nodiscard]] constexpr LeaseWord with_lap(std::uint64_t lap) const noexcept {
    return {{(bits.low & ~kLapMask) | (lap & kLapMask), bits.high}};
  }
  [[nodiscard]] constexpr LeaseWord with_owner(std::uint16_t owner) const noexcept {
    return {{(bits.low & ~(kOwnerMask << kLapBits)) | std::uint64_t{owner} << kLapBits, bits.high}};
  }
  /// FIFO, of a lease or delay: how often its group's hint was dropped while it was the first.
  /// Never fewer as long as it lasts, so that a word that was read before a drop does not come
  /// again.
  [[nodiscard]] constexpr std::uint32_t drops() const noexcept {
    return static_cast<std::uint32_t>(bits.low >> kDropsShift);
  }
  [[nodiscard]] constexpr LeaseWord with_drops(std::uint32_t drops) const noexcept {
    return {{(bits.low << 2 >> 2) | std::uint64_t{drops} << kDropsShift, bits.high}};
  }
  /// Fair: visible, never leased yet, and in the list of its tenant: a returned one with a mark.
  static constexpr LeaseWord listed(std::uint64_t lap) noexcept {
    return returned(lap, 0, false).with_drops(1);
  }
  [[nodiscard]] constexpr bool is_listed() const noexcept {
    return state() == LeaseState::kReturned && drops() != 0;
  }
  /// The same lease: senders may have raised its lap, and looks have dropped hints.
  [[nodiscard]] constexpr bool continues(LeaseWord before) const noexcept {
    return with_lap(before.lap()).with_drops(before.drops()) == before;
  }
  [[nodiscard]] constexpr bool is(LeaseState state, std::uint64_t lap) const noexcept {
    return this->state() == state && this->lap() == lap;
  }
  /// The cursors have gone by position (slot, lap) for good.
  [[nodiscard]] constexpr bool passed(std::uint64_t lap) const noexcept {
    return this->lap() > lap || (this->lap() == lap && held());
  }
  friend constexpr bool operator==(const LeaseWord&, const LeaseWord&) = default;
};

}  // namespace ringpost::ring
