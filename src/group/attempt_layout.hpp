// The bytes of a FIFO queue's table of receive attempts: links and keys, then entries.
//
//   0        links: version, a bit a linked entry
//   +128     half of each entry's key, so that an absent id costs no look at entries
//   +640     64 entries of 256 bytes: state, the other half, what was received
//
// One word decides which ids are there, as in a bucket of src/dedup/layout.hpp.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/cache_line.hpp"
#include "base/word128.hpp"

namespace ringpost::group {

inline constexpr std::uint32_t kAttempts = 64;         ///< that a queue remembers; bits of a word
inline constexpr std::uint32_t kAttemptMessages = 10;  ///< of one attempt, as SQS gives at most

// States of an entry, and the moves between them. "Linked" is the entry's bit in the links.
//
// clang-format off
// from → to              by                                     if the mover dies just after
// free, unlinked → taking a receive with an id that has no entry freed by the sweeper
// taking, unlinked → linked its owner, key written              freed by the sweeper
// taking → done          its owner, notes written               the leases of the dead are returned
// taking → free          its owner, who received nothing        unlinked by whoever sees it
// taking → dropped       anybody, if the owner stands still     freed by its owner, or his sweeper
// dropped → free         its owner                              unlinked by whoever sees it
// done → taking          a receive with the same id             freed by the sweeper
// done → free            anybody: over, void, or the oldest     unlinked by whoever sees it
// taking, dropped → free the sweeper of its owner               unlinked by whoever sees it
// clang-format on
enum class AttemptState : std::uint8_t {
  kFree = 0,     ///< if it is still linked, it is about to be unlinked
  kTaking = 1,   ///< its owner is receiving, and alone writes to it
  kDone = 2,     ///< its notes say what was received
  kDropped = 3,  ///< as kTaking, but the id is not the owner's any more
};

/// state: what · owner · version ‖ how many notes · a time. The version rises with every change.
/// The time: of kTaking when it began, of kDone until when the id counts; deadline units.
struct AttemptWord {
  base::Pair64 bits;

  static constexpr unsigned kTimeBits = 44;
  static constexpr unsigned kVersionBits = 48;
  static constexpr unsigned kStateShift = 62;
  static constexpr std::uint64_t kTimeMask = (std::uint64_t{1} << kTimeBits) - 1;
  static constexpr std::uint64_t kVersionMask = (std::uint64_t{1} << kVersionBits) - 1;
  static constexpr std::uint64_t kOwnerMask = (std::uint64_t{1} << 14) - 1;

  [[nodiscard]] constexpr AttemptState state() const noexcept {
    return static_cast<AttemptState>(bits.low >> kStateShift);
  }
  [[nodiscard]] constexpr bool is(AttemptState state) const noexcept {
    return this->state() == state;
  }
  [[nodiscard]] constexpr std::uint16_t owner() const noexcept {
    return static_cast<std::uint16_t>(bits.low >> kVersionBits & kOwnerMask);
  }
  [[nodiscard]] constexpr std::uint64_t time() const noexcept { return bits.high & kTimeMask; }
  /// At most kAttemptMessages, whatever the memory says.
  [[nodiscard]] constexpr std::uint32_t count() const noexcept {
    const std::uint64_t count = bits.high >> kTimeBits;
    return static_cast<std::uint32_t>(count < kAttemptMessages ? count : kAttemptMessages);
  }

  [[nodiscard]] constexpr AttemptWord taking(std::uint16_t owner,
                                             std::uint64_t now) const noexcept {
    return {{low(AttemptState::kTaking, owner), now & kTimeMask}};
  }
  [[nodiscard]] constexpr AttemptWord done(std::uint32_t count, std::uint64_t end) const noexcept {
    return {{low(AttemptState::kDone, 0),
             (end < kTimeMask ? end : kTimeMask) | std::uint64_t{count} << kTimeBits}};
  }
  [[nodiscard]] constexpr AttemptWord dropped() const noexcept {
    return {{low(AttemptState::kDropped, owner()), bits.high}};
  }
  [[nodiscard]] constexpr AttemptWord freed() const noexcept {
    return {{low(AttemptState::kFree, 0), 0}};
  }

 private:
  [[nodiscard]] constexpr std::uint64_t low(AttemptState state,
                                            std::uint16_t owner) const noexcept {
    return static_cast<std::uint64_t>(state) << kStateShift |
           (std::uint64_t{owner} & kOwnerMask) << kVersionBits | ((bits.low + 1) & kVersionMask);
  }
};

/// links: version ‖ a bit for each linked entry.
struct AttemptLinks {
  base::Pair64 bits;

  [[nodiscard]] constexpr std::uint64_t entries() const noexcept { return bits.high; }
  [[nodiscard]] constexpr std::uint64_t version() const noexcept { return bits.low; }
  [[nodiscard]] constexpr bool has(std::uint32_t index) const noexcept {
    return (bits.high >> index & 1u) != 0;
  }
  [[nodiscard]] constexpr AttemptLinks with(std::uint32_t index) const noexcept {
    return {{bits.low + 1, bits.high | std::uint64_t{1} << index}};
  }
  [[nodiscard]] constexpr AttemptLinks without(std::uint32_t index) const noexcept {
    return {{bits.low + 1, bits.high & ~(std::uint64_t{1} << index)}};
  }
};

/// One received message.
struct AttemptNote {
  std::atomic<std::uint64_t> position;
  std::atomic<std::uint64_t> lease;  ///< high half of its lease word: deadline · receive count
};

/// Key and notes are written by the owner of an entry that is taking.
struct alignas(base::kHotLineBytes) AttemptEntry {
  base::Word128 state;                  ///< AttemptWord
  std::atomic<std::uint64_t> key_high;  ///< of the id
  std::uint64_t reserved;
  AttemptNote notes[kAttemptMessages];
};
static_assert(sizeof(AttemptEntry) == 256);

/// All zero at the creation.
struct alignas(base::kHotLineBytes) AttemptTable {
  base::Word128 links;                                                         ///< AttemptLinks
  alignas(base::kHotLineBytes) std::atomic<std::uint64_t> key_low[kAttempts];  ///< of the ids
  AttemptEntry entries[kAttempts];
};
static_assert(sizeof(AttemptTable) == 17'024);

}  // namespace ringpost::group
