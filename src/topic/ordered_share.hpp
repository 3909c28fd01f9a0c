// What a share of a FIFO topic's publish has beside what every share has (shm/share.hpp): it stands
// where the second half of its deliveries would.
//
//   targets[20 + i]   the queue that takes delivery i if its own has no room for it
//   entries[20]       {number of the publish, topic}
//   entries[21]       {generation of the share, entry in the table of ids}
//   entries[22]       {block, generation} of the next share of the publish; 0: it is the last
//
// An entry of a delivery is set before the commit, and never unset after it. kRefusedPlace: nobody
// gets it.
#pragma once

#include "shm/arena.hpp"

namespace ringpost::topic {

#if defined(RINGPOST_RIG)
inline constexpr std::uint32_t kOrderedDeliveries = 1;  // several shares of a small publish
#else
inline constexpr std::uint32_t kOrderedDeliveries = shm::kShareDeliveries / 2;
#endif

/// An entry's place of a delivery that was refused. No ring has this id.
inline constexpr base::Pair64 kRefusedPlace{~std::uint64_t{0}, 0};

/// One value that the entry had: the places of one ring have the same low half, and an entry does
/// not come back to a ring.
[[nodiscard]] inline shm::ShareEntry read_entry(const base::Word128& entry) noexcept {
  constexpr std::uint32_t kReadsMax = 1'000;  // the bound is for hostile memory
  for (std::uint32_t tries = 0;; ++tries) {
    const base::Pair64 seen = entry.load();  // [share] acquire
    if (entry.load_low() == seen.low || tries == kReadsMax) return {seen};
  }
}

/// The fields of one share. Written by its publisher before the turn names it, but for the id.
class OrderedPart {
 public:
  explicit OrderedPart(shm::Share& share) noexcept : share_(share) {}

  void set_number(std::uint64_t number, std::uint64_t topic_id) const noexcept {
    share_.entries[kNumber].store_halves({number, topic_id});
  }
  [[nodiscard]] std::uint64_t number() const noexcept { return share_.entries[kNumber].load().low; }
  [[nodiscard]] std::uint64_t topic_id() const noexcept {
    return share_.entries[kNumber].load().high;
  }

  void set_next(const shm::BlockRef& next) const noexcept {
    share_.entries[kNext].store_halves({next.block, next.generation});
  }
  [[nodiscard]] shm::BlockRef next() const noexcept {
    const base::Pair64 next = share_.entries[kNext].load();
    return {next.low, next.high};
  }

  void set_dead_letters(std::uint32_t delivery, std::uint64_t queue_id) const noexcept {
    share_.targets[kSecondHalf + delivery].store(queue_id, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t dead_letters(std::uint32_t delivery) const noexcept {
    return share_.targets[kSecondHalf + delivery].load(std::memory_order_relaxed);
  }

  void begin_id(std::uint64_t generation) const noexcept {
    share_.entries[kId].store_halves({generation, 0});
  }
  /// Before the commit; by CAS, for if it is aborted the share may be another publish's by now.
  void set_id(std::uint64_t generation, std::uint64_t entry) const noexcept {
    share_.entries[kId].compare_exchange({generation, 0}, {generation, entry});
  }
  [[nodiscard]] std::uint64_t id() const noexcept { return share_.entries[kId].load().high; }

 private:
  static constexpr std::uint32_t kSecondHalf = shm::kShareDeliveries / 2;
  static constexpr std::uint32_t kNumber = kSecondHalf;
  static constexpr std::uint32_t kId = kSecondHalf + 1;
  static constexpr std::uint32_t kNext = kSecondHalf + 2;
  shm::Share& share_;
};

}  // namespace ringpost::topic
