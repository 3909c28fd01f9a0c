// The words of a FIFO ring's groups, beside the three words of each slot.
//
//   slot     after its head   FifoHead        which group the message belongs to
//   next     8 B a slot       consumers       which message comes after this one in its group
//   bucket   128 B            consumers       seven group records of equal hash, one spill mark
//   insertion                 consumers       hot word: where a new group gets its record
//
// A group is named by 63 bits of a hash of its id. Two groups of equal hash would share their lock
// and their order: that is less parallel, and never wrong.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "base/word128.hpp"
#include "ring/layout.hpp"

namespace ringpost::group {

/// Follows ring::SlotHead. Written before the publish by the claim's producer.
struct FifoHead {
  std::atomic<std::uint64_t> key;      ///< of the group
  std::atomic<std::uint64_t> lengths;  ///< bytes of the group id (8) · of the deduplication id (8)
  std::atomic<std::uint64_t> entry;    ///< in the deduplication table; 0: none
};
static_assert(sizeof(FifoHead) == ring::kFifoHeadBytes);

/// Bytes of the ids that stand behind body and attributes.
struct IdLengths {
  std::uint64_t word = 0;
  static constexpr IdLengths of(std::size_t group, std::size_t dedup) noexcept {
    return {(group & 0xff) | (dedup & 0xff) << 8};
  }
  [[nodiscard]] constexpr std::uint32_t group() const noexcept { return word & 0xff; }
  [[nodiscard]] constexpr std::uint32_t dedup() const noexcept { return word >> 8 & 0xff; }
  [[nodiscard]] constexpr std::uint32_t both() const noexcept { return group() + dedup(); }
};

/// A group record: {key · occupied ‖ position of the first message · of the last one}. Positions
/// are kept by their low 32 bits: the slot follows from them, and the slot knows the rest. One CAS
/// appends, one takes the first one off. An empty record keeps its key until another group needs
/// the place; the position of its last message tells one use from the next.
struct Record {
  base::Pair64 bits;

  static constexpr std::uint64_t kOccupied = 1;

  static constexpr Record of(std::uint64_t key, std::uint32_t first, std::uint32_t last) noexcept {
    return {{key << 1 | kOccupied, first | std::uint64_t{last} << 32}};
  }
  [[nodiscard]] constexpr std::uint64_t key() const noexcept { return bits.low >> 1; }
  [[nodiscard]] constexpr bool occupied() const noexcept { return (bits.low & kOccupied) != 0; }
  [[nodiscard]] constexpr std::uint32_t first() const noexcept {
    return static_cast<std::uint32_t>(bits.high);
  }
  [[nodiscard]] constexpr std::uint32_t last() const noexcept {
    return static_cast<std::uint32_t>(bits.high >> 32);
  }
  [[nodiscard]] constexpr Record emptied() const noexcept {
    return {{bits.low & ~kOccupied, bits.high}};
  }
  friend constexpr bool operator==(const Record&, const Record&) = default;
};

inline constexpr std::uint32_t kRecordsPerBucket = 7;

struct Bucket {
  base::Word128 records[kRecordsPerBucket];
  std::atomic<std::uint64_t> spilled;  ///< 1: groups of this hash may stand in the next bucket too
  std::uint64_t reserved;
};
static_assert(sizeof(Bucket) == ring::kBucketBytes);

/// next: {low bits of the lap of this message · slot of the one after it}. A value of another lap
/// is of an earlier message of the slot and means nothing.
struct Next {
  std::uint64_t word = 0;
  static constexpr Next of(std::uint64_t lap, std::uint32_t slot) noexcept {
    return {lap << shm::kSlotBits | slot};
  }
  [[nodiscard]] constexpr bool of_lap(std::uint64_t lap) const noexcept {
    return word >> shm::kSlotBits == (lap << shm::kSlotBits) >> shm::kSlotBits;
  }
  [[nodiscard]] constexpr std::uint32_t slot() const noexcept {
    return static_cast<std::uint32_t>(word & shm::kSlotMask);
  }
};

/// 63 bits, never 0. `seed`: of the queue, so that nobody picks ids of equal hash beforehand.
[[nodiscard]] std::uint64_t key_of(std::string_view group, std::uint64_t seed) noexcept;

}  // namespace ringpost::group
