// The lease of one shard in a consumer group: who has it, and how far the group has come in the
// shard, in one word of 128 bits.
//
//   low   counter 32 · incarnation of the owner 14 · index of the owner 14 · kind of checkpoint 4
//   high  position of the checkpoint
//
// So one CAS decides all: whoever takes a lease takes it together with the checkpoint that he goes
// on from, and a checkpoint of somebody who has lost his lease fails.
//
// Owner and incarnation are of the participants' table. An owner of 14 bits recurs when its index
// was given out 16,384 times; then a lease that the dead one left runs until its time is over, as
// one of a stopped process.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/cache_line.hpp"
#include "base/word128.hpp"

namespace ringpost::stream {

/// What the position of a checkpoint means.
enum class CheckpointKind : std::uint8_t {
  kNone = 0,         ///< the group does not know this shard
  kTrimHorizon = 1,  ///< from the oldest record there is; the position is 0
  kAt = 2,           ///< from that position on
  kAfter = 3,        ///< the record at that position is done
  kTime = 4,         ///< from the first record that arrived then: Unix time in milliseconds
  kEnd = 5,          ///< the shard was closed, and everything in it is done
};

struct Checkpoint {
  CheckpointKind kind = CheckpointKind::kNone;
  std::uint64_t position = 0;
  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

/// One life of a participant; 0 is nobody.
struct LeaseOwner {
  std::uint32_t word = 0;  ///< incarnation 14 · index 14
  static constexpr unsigned kBits = 14;
  static constexpr std::uint32_t kMask = (1u << kBits) - 1;

  [[nodiscard]] static constexpr LeaseOwner of(std::uint32_t index,
                                               std::uint64_t incarnation) noexcept {
    return {(static_cast<std::uint32_t>(incarnation) & kMask) << kBits | (index & kMask)};
  }
  [[nodiscard]] constexpr std::uint32_t index() const noexcept { return word & kMask; }
  [[nodiscard]] constexpr std::uint32_t incarnation() const noexcept { return word >> kBits; }
  [[nodiscard]] constexpr bool is_nobody() const noexcept { return index() == 0; }
  friend constexpr bool operator==(const LeaseOwner&, const LeaseOwner&) = default;
  friend constexpr auto operator<=>(const LeaseOwner&, const LeaseOwner&) = default;
};

struct LeaseWord {
  base::Pair64 raw;

  [[nodiscard]] static constexpr LeaseWord of(std::uint32_t counter, LeaseOwner owner,
                                              Checkpoint checkpoint) noexcept {
    return {{std::uint64_t{counter} << 32 | std::uint64_t{owner.word} << 4 |
                 static_cast<std::uint64_t>(checkpoint.kind),
             checkpoint.position}};
  }
  [[nodiscard]] constexpr std::uint32_t counter() const noexcept {
    return static_cast<std::uint32_t>(raw.low >> 32);
  }
  [[nodiscard]] constexpr LeaseOwner owner() const noexcept {
    return {static_cast<std::uint32_t>(raw.low >> 4) & ((1u << 2 * LeaseOwner::kBits) - 1)};
  }
  /// Of bytes that nobody wrote: kNone.
  [[nodiscard]] constexpr Checkpoint checkpoint() const noexcept {
    const auto kind = static_cast<CheckpointKind>(raw.low & 15);
    return kind <= CheckpointKind::kEnd ? Checkpoint{kind, raw.high} : Checkpoint{};
  }
  [[nodiscard]] constexpr bool is_unknown() const noexcept {
    return checkpoint().kind == CheckpointKind::kNone;
  }
  [[nodiscard]] constexpr bool is_finished() const noexcept {
    return checkpoint().kind == CheckpointKind::kEnd;
  }
  [[nodiscard]] constexpr LeaseWord owned_by(LeaseOwner owner) const noexcept {
    return of(counter() + 1, owner, checkpoint());
  }
  [[nodiscard]] constexpr LeaseWord renewed() const noexcept { return owned_by(owner()); }
  [[nodiscard]] constexpr LeaseWord with(Checkpoint checkpoint) const noexcept {
    return of(counter() + 1, owner(), checkpoint);
  }
  friend constexpr bool operator==(const LeaseWord&, const LeaseWord&) = default;
};

/// One shard of a group in shared memory.
struct alignas(base::kCacheLineBytes) LeaseRow {
  base::Word128 lease;
  /// Who asks the owner to hand the lease over, 0 for nobody: LeaseOwner::word. A request and no
  /// more: the lease's own word decides.
  std::atomic<std::uint64_t> wanted;
  std::atomic<std::uint64_t> switches;            ///< owners since the last checkpoint, for people
  std::atomic<std::uint64_t> checkpoint_wall_ns;  ///< when that was, for people
  std::uint64_t reserved[3];

  /// A whole word: the low half is read before and after the high one.
  [[nodiscard]] LeaseWord read() const noexcept;
  /// [lease-word] A full barrier. False: somebody else was faster.
  bool move(LeaseWord from, LeaseWord to) noexcept {
    return lease.compare_exchange(from.raw, to.raw);
  }
};
static_assert(sizeof(LeaseRow) == base::kCacheLineBytes);

inline LeaseWord LeaseRow::read() const noexcept {
  base::Pair64 seen = lease.load();  // [lease-word]
  // Each change raises the counter in the low half.
  for (std::uint64_t low = lease.load_low(); low != seen.low; low = lease.load_low()) {
    seen = lease.load();
  }
  return {seen};
}

}  // namespace ringpost::stream
