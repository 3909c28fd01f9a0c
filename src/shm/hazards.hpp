// Hazard entries: which message contents are being read in place, so that their memory is not
// reused under the reader although the lease ended.
//
// A reader writes {slot, lap} into an entry of its own record *before* its lease CAS. Whoever ends
// a lease by timeout marks the lease word; acknowledging a marked one makes the slot LIMBO, and
// LIMBO ends only when no live participant's entry names it. The ring is not part of the key: an
// equal key of another ring only delays the reuse.
//
// Crash  the sweeper clears a dead participant's entries after its leases.
#pragma once

#include <atomic>
#include <cstdint>

#include "shm/block_store.hpp"

namespace ringpost::shm {

inline constexpr std::uint32_t kHazardsPerParticipant = 120;

constexpr std::uint64_t hazard_key(std::uint32_t slot, std::uint64_t lap) noexcept {
  return lap << kSlotBits | slot;  // never 0, because laps begin at 1
}

/// In shared memory, one a participant. Written by its owner and, after its death, the sweeper.
struct HazardRecord {
  std::atomic<std::uint32_t> limit;  ///< entries below it may be set; only rises in one life
  std::uint32_t reserved;
  std::atomic<std::uint64_t> entries[kHazardsPerParticipant];  ///< 0: free
};

/// All participants' records.
class HazardBoard {
 public:
  HazardBoard() noexcept = default;
  /// `count` is re-read at each question: participants come later than the board.
  HazardBoard(HazardRecord* first, std::size_t stride_bytes,
              const std::atomic<std::uint32_t>* count, std::uint32_t count_max) noexcept
      : first_(first), stride_(stride_bytes), count_(count), count_max_(count_max) {}

  [[nodiscard]] bool names(std::uint64_t key) const noexcept {
    // [high] acquire, pairs with attach(): whoever could be reading by now is below it.
    std::uint32_t count = count_->load(std::memory_order_acquire);
    if (count > count_max_) count = count_max_;  // the word is a peer's: check it
    for (std::uint32_t i = 0; i < count; ++i) {
      if (names(record(i), key)) return true;
    }
    return false;
  }
  /// The same, but for entry `mine` of participant `me`.
  [[nodiscard]] bool names_besides(std::uint64_t key, std::uint32_t me,
                                   std::uint32_t mine) const noexcept {
    std::uint32_t count = count_->load(std::memory_order_acquire);
    if (count > count_max_) count = count_max_;
    for (std::uint32_t i = 0; i < count; ++i) {
      if (i == me ? names(record(i), key, mine) : names(record(i), key)) return true;
    }
    return false;
  }
  [[nodiscard]] HazardRecord& record(std::uint32_t index) const noexcept {
    return *reinterpret_cast<HazardRecord*>(reinterpret_cast<char*>(first_) + index * stride_);
  }

 private:
  static bool names(const HazardRecord& record, std::uint64_t key,
                    std::uint32_t but_for = kHazardsPerParticipant) noexcept {
    std::uint32_t limit = record.limit.load(std::memory_order_acquire);
    if (limit > kHazardsPerParticipant) limit = kHazardsPerParticipant;
    for (std::uint32_t i = 0; i < limit; ++i) {
      // [hazard] acquire; the reader's store precedes its lease CAS, which precedes the mark.
      if (i != but_for && record.entries[i].load(std::memory_order_acquire) == key) return true;
    }
    return false;
  }
  HazardRecord* first_ = nullptr;
  std::size_t stride_ = 0;
  const std::atomic<std::uint32_t>* count_ = nullptr;
  std::uint32_t count_max_ = 0;
};

/// One participant's own entries: which are free is private knowledge.
class HazardOwner {
 public:
  explicit HazardOwner(HazardRecord& record) noexcept : record_(record) {
    for (std::uint32_t i = 0; i < kHazardsPerParticipant; ++i) {
      free_[i] = static_cast<std::uint8_t>(kHazardsPerParticipant - 1 - i);
    }
  }

  [[nodiscard]] std::uint32_t available() const noexcept { return free_count_; }

  /// Before the lease CAS, which is the fence behind this store. Requires available() > 0.
  [[nodiscard]] std::uint32_t set(std::uint64_t key) noexcept {
    const std::uint32_t index = free_[--free_count_];
    if (index >= limit_) record_.limit.store(limit_ = index + 1, std::memory_order_release);
    record_.entries[index].store(key, std::memory_order_release);  // [hazard]
    return index;
  }
  void clear(std::uint32_t index) noexcept {
    // [hazard] release: my reads of the content come before.
    record_.entries[index].store(0, std::memory_order_release);
    free_[free_count_++] = static_cast<std::uint8_t>(index);
  }

 private:
  HazardRecord& record_;
  std::uint32_t limit_ = 0;
  std::uint32_t free_count_ = kHazardsPerParticipant;
  std::uint8_t free_[kHazardsPerParticipant];
};

}  // namespace ringpost::shm
