// A share: the record of up to 40 deliveries of one payload. The payload's block holds the message
// in up to two forms, one behind the other; each delivery is of one of them.
//
//   share      OWNED → LIVE → FREE        a class of the arena of its own
//   payload    OWNED → LIVE → FREE        an ordinary block; its LIVE is the commit of the publish
//
// A delivery's bit stands in the `deliveries` word of the share's descriptor until its message is
// gone; a share's bit in that of the payload until its last delivery's has gone. Clearing a bit may
// be repeated after a crash, which counting down may not. Both words carry a generation, and the
// memory of a share is never used for anything else: what a stopped process comes back with meets
// another generation and does nothing.
//
// An entry is one word of 128 bits, so that one CAS decides who delivers:
//
//   {generation of the share, -}    unset
//   {ring id, lap and slot}         the delivery lies there, filled; published now or by anybody
//   {kInLog, position}              it goes to the log of its durable queue alone; or comes to
//                                   nothing, if its record was not published: then unset again
//
// Crash  see topic/fanout_sweep.hpp.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/word128.hpp"
#include "shm/arena_words.hpp"

namespace ringpost::shm {

inline constexpr std::uint32_t kShareDeliveries = kDeliveryBits;
inline constexpr std::uint32_t kForms = 2;
/// Beside the count of a share whose deliveries are ordered: see topic/ordered_share.hpp.
inline constexpr std::uint32_t kOrderedMark = 1u << 31;

/// No ring has this id.
inline constexpr std::uint64_t kInLog = ~std::uint64_t{0} - 1;

/// In shared memory. Its owner writes it before it is LIVE; from then on only the entries change,
/// each once: by the publisher, after its death by sweepers.
struct Share {
  std::atomic<std::uint64_t> payload;             ///< number of the block
  std::atomic<std::uint64_t> payload_generation;  ///< of that use of it
  std::atomic<std::uint64_t> lengths[kForms];     ///< ring::Lengths of each form, without flags
  std::atomic<std::uint64_t> sent_ns;             ///< monotonic
  std::atomic<std::uint32_t> count;               ///< of deliveries
  std::atomic<std::uint32_t> bit;                 ///< of this share in the payload's word
  std::atomic<std::uint64_t> second;              ///< bits of the deliveries that are of form 1
  std::atomic<std::uint64_t> second_offset;       ///< of form 1 in the block
  std::atomic<std::uint64_t> targets[kShareDeliveries];  ///< queue ids
  base::Word128 entries[kShareDeliveries];
};
static_assert(sizeof(Share) == kShareBytes);

/// An entry that was read, of a share of that generation.
struct ShareEntry {
  base::Pair64 word;
  [[nodiscard]] static ShareEntry unset(std::uint64_t generation) noexcept {
    return {{generation, 0}};
  }
  [[nodiscard]] bool is_set(std::uint64_t generation) const noexcept {
    return word.low != generation;
  }
  [[nodiscard]] bool is_in_log() const noexcept { return word.low == kInLog; }
  /// Where the delivery lies; requires is_set(), and not is_in_log().
  [[nodiscard]] BackReference where() const noexcept { return back_of(word); }
};

}  // namespace ringpost::shm
