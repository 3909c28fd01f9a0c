// The turn of a FIFO topic: one publish at a time, and nobody waits for one that stands still.
//
//   idle(n)       n is the last number that was given out
//   busy(n, S)    the publish of number n, whose first share is S (ordered_share.hpp)
//
//   1  payload OWNED, shares LIVE, their number n + 1            nobody knows of them
//   2  CAS idle(n) → busy(n + 1, S)                              lost: the number again
//   3  its id is entered into the table of ids for n + 1         a duplicate: undone, answered
//   4  every target: claim, fill, entry, without waiting         one may fail, and is full: undone
//   5  COMMIT: CAS payload OWNED → LIVE                          lost: undone, and all again
//   6  the id is committed; then every entry's slot is published
//   7  CAS busy(n + 1, S) → idle(n + 1)
//
// Who finds it busy looks at the payload of S. OWNED: a moment later he frees it (5 is lost then).
// LIVE: he does 6. Over: nothing is left to do. Then he does 7 for it and begins at 2. So claims
// in each queue are made in the order of the numbers, and every queue has the same order.
//
// ● A payload that the turn has named is not written any more: it may be somebody else's.
// ● The id is committed before a delivery can be seen: else it would be free again when all
//   deliveries are gone, and with them the share that leads to it.
// ● Consumers of FIFO queues skip a claim that is not published. Then whoever does 6 claims another
//   slot, copies the delivery, and moves the entry there by CAS; the loser gives up his claim. Only
//   what an entry names is published, by CAS, and only what none names is given up: else a later
//   message in that slot would be taken for this one.
// ● Shares of one publish are finished from the last to the first, which the turn names: so that
//   none is left out because one before it is gone.
//
// Crash  between 2 and 5 the next publisher frees the payload, or the sweeper of the dead; from 5
// on
//        the next publisher or the sweeper does 6.
//
// The turn and the ids are in a file of their own, `topics/.<id>`, because the topic's own file is
// replaced now and then. Made by whoever first opens the topic; goes before the topic's name does.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/cache_line.hpp"
#include "base/word128.hpp"
#include "dedup/table.hpp"
#include "shm/arena_words.hpp"
#include "shm/participant.hpp"

namespace ringpost::topic {

inline constexpr std::uint64_t kTurnMagic = 0x4e52555454534f50;  // "POSTTURN"
inline constexpr std::uint32_t kTurnFormat = 1;

/// {number · busy ‖ first share: segment (8) · index (24) · low bits of its generation (32)}. A
/// number is taken once, so the low half tells what the high half is.
struct TurnWord {
  base::Pair64 bits;

  static constexpr unsigned kIndexBits = 24;

  [[nodiscard]] static constexpr TurnWord idle(std::uint64_t number) noexcept {
    return {{number << 1, 0}};
  }
  [[nodiscard]] static constexpr TurnWord busy(std::uint64_t number,
                                               const shm::BlockRef& share) noexcept {
    const std::uint64_t place = (share.block >> 32 & 0xff) << kIndexBits |
                                (share.block & ((std::uint64_t{1} << kIndexBits) - 1));
    return {{number << 1 | 1, place << 32 | static_cast<std::uint32_t>(share.generation)}};
  }
  [[nodiscard]] constexpr std::uint64_t number() const noexcept { return bits.low >> 1; }
  [[nodiscard]] constexpr bool is_busy() const noexcept { return (bits.low & 1) != 0; }
  [[nodiscard]] constexpr std::uint64_t share() const noexcept {
    const std::uint64_t place = bits.high >> 32;
    return shm::block_number(shm::kShareClass, static_cast<std::uint32_t>(place >> kIndexBits),
                             static_cast<std::uint32_t>(place & ((1u << kIndexBits) - 1)));
  }
  [[nodiscard]] constexpr bool is_of(std::uint64_t generation) const noexcept {
    return static_cast<std::uint32_t>(bits.high) == static_cast<std::uint32_t>(generation);
  }
  friend constexpr bool operator==(const TurnWord&, const TurnWord&) = default;
};

struct TurnHeader {
  // Fixed once the file has its name.
  std::uint64_t magic;
  std::uint32_t format;
  std::uint32_t dedup_entries;  ///< 0: the topic keeps no ids; else a table of them follows
  std::uint64_t topic_id;
  std::uint64_t dedup_window_ns;

  alignas(base::kHotLineBytes) base::Word128 turn;  ///< TurnWord
};

/// A topic's turn and its ids, as one process has them mapped.
///
/// Threads     any number.
/// Blocking    never.
class Turn {
 public:
  /// Errors kNotFound (the topic is gone, or nobody has used it), kWrongFormat, kCorrupt, ….
  static Result<std::shared_ptr<Turn>> open(shm::BusFiles& bus, std::uint64_t topic_id);
  /// Makes the file, unless it is there.
  static Result<void> make(const shm::Participant& creator, std::uint64_t topic_id,
                           std::uint32_t dedup_entries, std::uint64_t dedup_window_ns);
  static void remove(shm::BusFiles& bus, std::uint64_t topic_id) noexcept;

  [[nodiscard]] std::uint64_t topic_id() const noexcept { return topic_id_; }
  /// When an id that is accepted now may be used again, in units of deadlines.
  [[nodiscard]] std::uint64_t expiry(const base::TimeSource& time) const noexcept;
  /// Null: the topic keeps no ids.
  [[nodiscard]] const dedup::Table* ids() const noexcept { return ids_ ? &*ids_ : nullptr; }

  [[nodiscard]] TurnWord read() const noexcept {
    const base::Word128& word = header().turn;
    constexpr std::uint32_t kReadsMax = 1'000;  // the bound is for hostile memory
    for (std::uint32_t tries = 0;; ++tries) {
      const TurnWord seen{word.load()};  // [turn] acquire: what came before it was given on
      if (word.load_low() == seen.bits.low || tries == kReadsMax) return seen;
    }
  }
  /// [turn] A full barrier.
  bool move(TurnWord from, TurnWord to) const noexcept {
    return header().turn.compare_exchange(from.bits, to.bits);
  }
  [[nodiscard]] TurnHeader& header() const noexcept {
    return *reinterpret_cast<TurnHeader*>(mapping_.data());
  }
  [[nodiscard]] const sys::Mapping& mapping() const noexcept { return mapping_; }

 private:
  Turn() = default;
  sys::Mapping mapping_;
  std::uint64_t topic_id_ = 0, window_ns_ = 0;
  std::optional<dedup::Table> ids_;
};

}  // namespace ringpost::topic
