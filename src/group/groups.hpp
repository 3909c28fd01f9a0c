// The groups of a FIFO ring: records, lists, and the steps that several processes take on them.
//
//   place    a published message into its group     dispatch.cpp
//   advance  finished messages off its front        groups.cpp
//
// Consumers put messages into their groups in the order of their positions: position p + 1 is
// looked at only when the lease word of p says that p is in its group, skipped or finished. So all
// who place at a time place the same message, and whoever comes late finds a word changed. The
// order inside a group is the order of positions; a position is the sequence number.
#pragma once

#include <cstdint>

#include "group/layout.hpp"
#include "ring/ring.hpp"

namespace ringpost::group {

[[nodiscard]] inline base::Word128& record_word(const ring::RingView& view,
                                                std::uint32_t index) noexcept {
  const std::uint32_t bucket = index / ring::kHintsPerBucket & (view.geometry().buckets - 1);
  return reinterpret_cast<Bucket*>(view.buckets())[bucket]
      .records[index % ring::kHintsPerBucket % kRecordsPerBucket];
}

/// The group record of this index as it was at one moment; memory that lies may say anything.
[[nodiscard]] inline Record read_record(const base::Word128& word) noexcept {
  constexpr std::uint32_t kReadsMax = 1'000;  // the bound is for hostile memory
  // [group] Two loads: one value only if the key is the same before and after the positions.
  for (std::uint32_t tries = 0;; ++tries) {
    const Record record{word.load()};
    if (word.load_low() == record.bits.low || tries == kReadsMax) return record;
  }
}

[[nodiscard]] inline FifoHead& head(const ring::RingView& view, std::uint32_t slot) noexcept {
  return *reinterpret_cast<FifoHead*>(view.payload(slot) - sizeof(FifoHead));
}

[[nodiscard]] inline IdLengths ids_at(const ring::RingView& view, std::uint32_t slot) noexcept {
  return {head(view, slot).lengths.load(std::memory_order_relaxed)};  // relaxed: as key_at()
}

/// One ring's groups, seen by one participant. All memory is shared; nothing is remembered here.
///
/// Threads     any number.
/// Blocking    never. Loops end after a bounded number of steps in memory that lies.
/// Crash       each word is moved by one CAS after which anybody can go on: see each function.
class Groups {
 public:
  explicit Groups(ring::Ring& ring) noexcept
      : ring_(ring),
        buckets_(reinterpret_cast<Bucket*>(ring.view.buckets())),
        bucket_mask_(ring.view.geometry().buckets - 1) {}

  enum class Place : std::uint8_t {
    kFirst,    ///< in its group, and the first one
    kBehind,   ///< in its group, behind others
    kPassed,   ///< others have gone past the position
    kDamaged,  ///< no record, or no end of changes: memory that lies
  };
  struct Placed {
    Place place = Place::kPassed;
    std::uint32_t index = 0;     ///< of the group's record
    std::uint32_t previous = 0;  ///< kBehind: position of the one before, if I appended
    bool appended = false;       ///< by me
  };
  /// Puts the published message of `position`, before which all are passed, into its group.
  /// Crash  before the CAS on the record nothing has happened, but an entry of `next` or
  ///        `insertion` that the next one uses; after it the message is in its group, and found at
  ///        its position until its lease word is moved.
  Placed place(std::uint64_t position) noexcept {
    const ring::RingView& view = ring_.view;
    const std::uint32_t slot = view.slot_of(position);
    Record record;
    const std::uint32_t index = find(key_at(slot), record);
    // In the common case the group has a record and nothing in it. The lease word after the search:
    // as long as nobody has gone past, the record is older than the placing.
    const auto mine = static_cast<std::uint32_t>(position);
    if (index != count() && !record.occupied() &&
        view.lease_word(slot).is(ring::LeaseState::kIdle, view.lap_of(position)) &&
        move(index, record, Record::of(record.key(), mine, mine))) {
      return {Place::kFirst, index, 0, true};
    }
    return place_slowly(position);
  }

  /// Takes finished messages off the front of a group and frees their slots. Sets the hint before
  /// the first one left becomes the first if that one is visible. Returns whether it did.
  /// Crash  before the CAS on the record: as if not begun, the finished one is anybody's at its
  ///        deadline. After it: its slot is freed by whoever finds it then.
  bool advance(std::uint32_t index) noexcept;

  /// A message that is acknowledged, by somebody who could not go on, or has moved: takes it out of
  /// its group if it is the first, frees its slot if it is out. Returns false while others are
  /// before it.
  bool finish(std::uint32_t slot) noexcept;
  /// The same for (slot, lap), whose lease word I have just made `acked`: in the common case it is
  /// the only one of its group.
  bool finish(std::uint32_t slot, std::uint64_t lap, ring::LeaseWord acked) noexcept;

  /// Whether the message whose lease word says `moved` has gone to another ring (move.hpp). A move
  /// that is not decided is aborted, and the message is visible again. False: look again.
  bool has_moved(std::uint32_t slot, ring::LeaseWord moved) noexcept;

  /// Indices are below it. A bucket has one index more than records, so that it is shifted out.
  [[nodiscard]] std::uint32_t count() const noexcept {
    return (bucket_mask_ + 1) * ring::kHintsPerBucket;
  }
  /// Whether the index is one that find() gives; the others lead to a record of another index.
  [[nodiscard]] static bool has_record(std::uint32_t index) noexcept {
    return index % ring::kHintsPerBucket < kRecordsPerBucket;
  }
  [[nodiscard]] Record read(std::uint32_t index) const noexcept {
    return read_record(word_of(index));
  }
  /// Index of the record that has `key`, occupied or not; count() if there is none.
  [[nodiscard]] std::uint32_t find(std::uint64_t key, Record& record) const noexcept {
    std::uint32_t at = static_cast<std::uint32_t>(key) & bucket_mask_;
    for (std::uint32_t i = 0; i <= bucket_mask_; ++i, at = (at + 1) & bucket_mask_) {
      const Bucket& here = bucket(at);
      for (std::uint32_t j = 0; j < kRecordsPerBucket; ++j) {
        if (here.records[j].load_low() >> 1 != key) continue;
        const std::uint32_t index = at * ring::kHintsPerBucket + j;
        record = read(index);
        if (record.key() == key) return index;
      }
      if (here.spilled.load(std::memory_order_acquire) == 0) break;  // [group] find_free()
    }
    return count();
  }
  [[nodiscard]] std::uint64_t key_at(std::uint32_t slot) const noexcept {
    // relaxed: [publish] came before. As many bits as a key may have.
    return head(slot).key.load(std::memory_order_relaxed) & ~std::uint64_t{0} >> 1;
  }
  [[nodiscard]] IdLengths ids_at(std::uint32_t slot) const noexcept {
    return group::ids_at(ring_.view, slot);
  }
  [[nodiscard]] FifoHead& head(std::uint32_t slot) const noexcept {
    return group::head(ring_.view, slot);
  }
  /// Sets the hint of the group that the message in `slot` is in.
  void hint(std::uint32_t slot) const noexcept;

  /// Lap of the content of a slot if it is the message of this position; 0: it is another's.
  [[nodiscard]] std::uint64_t lap_at(std::uint32_t slot, std::uint32_t position) const noexcept {
    const std::uint64_t lap = ring_.view.slot(slot).publish.load(std::memory_order_acquire);
    if (lap == 0 || lap > ring::kLapMask) return 0;
    return static_cast<std::uint32_t>(ring_.view.position_of(slot, lap)) == position ? lap : 0;
  }
  [[nodiscard]] std::uint32_t slot_of(std::uint32_t position) const noexcept {
    return ring_.view.slot_of(position);
  }
  /// Position of the message after the one in (slot, lap); false if that is not known.
  bool after(std::uint32_t slot, std::uint64_t lap, std::uint32_t& position) const noexcept;
  [[nodiscard, gnu::always_inline]] bool move(std::uint32_t index, Record from,
                                              Record to) const noexcept {
    // [group] A full barrier: entry of `next`, hint and lease word stand before what needs them.
    return word_of(index).compare_exchange(from.bits, to.bits);
  }
  /// Of an acknowledged message that is out of its group.
  void free_slot(std::uint32_t slot, std::uint64_t lap) noexcept;
  /// Brings the record lines of a key nearer.
  void prefetch(std::uint64_t key) const noexcept {
    const Bucket& first = bucket(static_cast<std::uint32_t>(key) & bucket_mask_);
    __builtin_prefetch(&first, 1);
  }

 private:
  static constexpr std::uint32_t kStepsMax = 1'000;  ///< the bound is for hostile memory

  [[nodiscard]] Bucket& bucket(std::uint32_t index) const noexcept { return buckets_[index]; }
  [[nodiscard]] base::Word128& word_of(std::uint32_t index) const noexcept {
    return bucket(index / ring::kHintsPerBucket & bucket_mask_)
        .records[index % ring::kHintsPerBucket % kRecordsPerBucket];
  }
  Placed place_slowly(std::uint64_t position) noexcept;
  [[nodiscard]] std::uint32_t find_free(std::uint64_t key) const noexcept;
  bool append(std::uint32_t index, Record record, std::uint64_t position) noexcept;
  bool insert(std::uint64_t position, std::uint64_t key, base::Pair64 seen, bool& full) noexcept;
  bool link(std::uint32_t index, Record record, std::uint64_t position) noexcept;
  [[nodiscard]] bool needs_hint(ring::LeaseWord front, std::uint32_t next) const noexcept;

  ring::Ring& ring_;
  Bucket* const buckets_;
  const std::uint32_t bucket_mask_;
};

}  // namespace ringpost::group
