// The bytes of a deduplication table: header page, map of the buckets in use, buckets.
//
//   0        TableHeader (geometry, fixed at creation)
//   4 KiB    1 bit a bucket: it has been used         whoever takes an entry in it
//   page     buckets of 2 KiB
//              +0     links: version, a bit a linked entry
//              +16    a byte of each entry's hash, so that an absent id costs no look at entries
//              +128   60 entries of 32 bytes: state, hash
//
// A hash belongs to one bucket, so one word decides which ids are there. 60 entries for 20 ids: if
// a table holds the ids it was made for, a bucket has 20 on average, and more than 60 with a
// probability of 5e-13 (Poisson); in a table of a million that is 3e-8 for any bucket. In turn a
// bucket lies in one half of a page, and a look costs the bucket's first two lines and one entry's.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/cache_line.hpp"
#include "base/word128.hpp"

namespace ringpost::dedup {

inline constexpr std::uint64_t kTableMagic = 0x5544454454534f50;  // "POSTDEDU"
inline constexpr std::uint32_t kTableFormat = 1;

inline constexpr std::uint32_t kEntriesPerBucket = 60;
inline constexpr std::uint32_t kIdsPerBucket = 20;  ///< on average, in a table that is full
inline constexpr std::uint32_t kCapacityMax = 1u << 24;

/// 128 bits of a hash of the id: see key.hpp. Equal keys are the same id.
struct Key {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend bool operator==(const Key&, const Key&) = default;
};

// States of an entry, and the moves between them. "Linked" is the entry's bit in the bucket's
// links. The position is that of one message for ever, so an entry that still says undecided(p) is
// the same as it was, however late one comes.
//
// clang-format off
// from → to                         by                              if the mover dies just after
// free, unlinked → undecided(p)     sender of p                     freed by the sweeper
// undecided(p), unlinked → linked   its owner, hash written         p is dead for the next sender
// undecided(p), unlinked → free     its owner; the sweeper          nothing is left
// undecided(q) → committed(q)       anybody, if q is published      nothing is left
// undecided(q) → undecided(p)       sender of p, if q is dead       as before, for p
// committed(q) → undecided(p)       sender of p, if q is over       as before, for p
// committed(q) → free, linked       anybody, if it is over; clear   unlinked by whoever sees it
// undecided(q) → free, linked       anybody, if q is dead; clear    likewise
// free, linked → unlinked           anybody                         nothing is left
// clang-format on
enum class EntryState : std::uint8_t {
  kFree = 0,       ///< names no message; if it is still linked, it is about to be unlinked
  kUndecided = 1,  ///< linked: the id belongs to the message at this position if that is published
  kCommitted = 2,  ///< the message at this position was accepted; a duplicate until it is over
};

/// state: what · version · until when ‖ owner · position. The version rises with every change, so
/// two equal low halves mean that the high half between them belongs to them.
struct EntryWord {
  base::Pair64 bits;

  static constexpr unsigned kExpiryBits = 44;
  static constexpr unsigned kPositionBits = 50;
  static constexpr std::uint64_t kExpiryMask = (std::uint64_t{1} << kExpiryBits) - 1;
  static constexpr std::uint64_t kPositionMask = (std::uint64_t{1} << kPositionBits) - 1;
  static constexpr std::uint64_t kVersionOne = std::uint64_t{1} << kExpiryBits;
  static constexpr std::uint64_t kVersionMask = ((std::uint64_t{1} << 18) - 1) << kExpiryBits;
  static constexpr unsigned kStateShift = 62;

  [[nodiscard]] constexpr EntryState state() const noexcept {
    return static_cast<EntryState>(bits.low >> kStateShift);
  }
  [[nodiscard]] constexpr std::uint64_t expiry() const noexcept { return bits.low & kExpiryMask; }
  [[nodiscard]] constexpr std::uint64_t position() const noexcept {
    return bits.high & kPositionMask;
  }
  [[nodiscard]] constexpr std::uint16_t owner() const noexcept {
    return static_cast<std::uint16_t>(bits.high >> kPositionBits);
  }
  [[nodiscard]] constexpr bool is(EntryState state) const noexcept {
    return this->state() == state;
  }
  [[nodiscard]] constexpr bool is(EntryState state, std::uint64_t position) const noexcept {
    return this->state() == state && this->position() == (position & kPositionMask);
  }
  /// A message that was accepted, so long ago that its id may be used again.
  [[nodiscard]] constexpr bool over(std::uint64_t now) const noexcept {
    return state() == EntryState::kCommitted && now >= expiry();
  }

  [[nodiscard]] constexpr EntryWord undecided(std::uint64_t position,
                                              std::uint16_t owner) const noexcept {
    return {{low(EntryState::kUndecided, 0),
             (position & kPositionMask) | std::uint64_t{owner} << kPositionBits}};
  }
  [[nodiscard]] constexpr EntryWord committed(std::uint64_t expiry) const noexcept {
    const std::uint64_t until = expiry < kExpiryMask ? expiry : kExpiryMask;
    return {{low(EntryState::kCommitted, until), bits.high}};
  }
  /// Keeps what it named: the word of this use of the entry never comes again.
  [[nodiscard]] constexpr EntryWord freed() const noexcept {
    return {{low(EntryState::kFree, expiry()), bits.high}};
  }
  friend constexpr bool operator==(const EntryWord&, const EntryWord&) = default;

 private:
  [[nodiscard]] constexpr std::uint64_t low(EntryState state, std::uint64_t expiry) const noexcept {
    return static_cast<std::uint64_t>(state) << kStateShift |
           ((bits.low + kVersionOne) & kVersionMask) | expiry;
  }
};

/// links: version ‖ a bit for each linked entry.
struct Links {
  base::Pair64 bits;
  static constexpr std::uint64_t kAll = (std::uint64_t{1} << kEntriesPerBucket) - 1;

  [[nodiscard]] constexpr std::uint64_t entries() const noexcept { return bits.high & kAll; }
  [[nodiscard]] constexpr std::uint64_t version() const noexcept { return bits.low; }
  [[nodiscard]] constexpr bool has(std::uint32_t index) const noexcept {
    return (bits.high >> index & 1u) != 0;
  }
  [[nodiscard]] constexpr Links with(std::uint32_t index) const noexcept {
    return {{bits.low + 1, bits.high | std::uint64_t{1} << index}};
  }
  [[nodiscard]] constexpr Links without(std::uint32_t index) const noexcept {
    return {{bits.low + 1, bits.high & ~(std::uint64_t{1} << index)}};
  }
};

/// The hash is written by the owner of an unlinked entry and stays as long as it is linked.
struct IdEntry {
  base::Word128 state;                  ///< EntryWord
  std::atomic<std::uint64_t> key_low;   ///< of the id
  std::atomic<std::uint64_t> key_high;  ///< of the id
};
static_assert(sizeof(IdEntry) == 32);

struct alignas(base::kHotLineBytes) IdBucket {
  base::Word128 links;                   ///< Links
  std::atomic<std::uint64_t> prints[8];  ///< a byte an entry, written like its hash
  std::uint64_t reserved[6];
  IdEntry entries[kEntriesPerBucket];
};
static_assert(sizeof(IdBucket) == 2048 && base::kPageBytes % sizeof(IdBucket) == 0);
static_assert(offsetof(IdBucket, entries) == base::kHotLineBytes);

/// Fixed once the file has its name. Written by the creator only, checked by whoever attaches.
struct TableHeader {
  std::uint64_t magic;
  std::uint32_t format;
  std::uint32_t capacity;  ///< ids; everything else follows from it
  std::uint64_t reserved;
};

/// Where each part begins, derived from the capacity alone.
struct TableGeometry {
  std::uint32_t capacity = 0;
  std::uint32_t buckets = 0;
  std::size_t used_map = 0, buckets_begin = 0;
  std::size_t bytes = 0;

  /// `capacity`: 1 … kCapacityMax.
  static constexpr TableGeometry of(std::uint32_t capacity) noexcept {
    TableGeometry g;
    g.capacity = capacity;
    g.buckets = (capacity + kIdsPerBucket - 1) / kIdsPerBucket;
    g.used_map = base::kPageBytes;
    g.buckets_begin = base::round_up(g.used_map + (g.buckets + 63) / 64 * 8, base::kPageBytes);
    g.bytes = base::round_up(g.buckets_begin + g.buckets * sizeof(IdBucket), base::kPageBytes);
    return g;
  }
};

}  // namespace ringpost::dedup
