// The bytes of a ring file: header page, then one array for each kind of writer.
//
//   0        RingHeader (identity and geometry, fixed at creation)
//   +1 KiB   hot words: tail, head, returned-summary, due-summary, each on lines of its own
//   4 KiB    claims       8 B a slot      producers
//            leases      16 B a slot      consumers
//            first       8 B a slot       consumers: when the message was first received
//            hints        4 B a slot (FIFO: a group record; fair: both), and summaries above them
//            due          8 B a block of 64 slots
//            slots        stride B a slot producers
//            of a FIFO or fair queue also the words of its groups: group/layout.hpp
//            of a fair one how much its tenants have in flight: fair/tenants.hpp
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/cache_line.hpp"
#include "base/word128.hpp"
#include "shm/block_store.hpp"

namespace ringpost::ring {

inline constexpr std::uint64_t kRingMagic = 0x474e495254534f50;  // "POSTRING"
inline constexpr std::uint32_t kRingFormat = 1;

inline constexpr std::uint32_t kSlotsMin = 64;
inline constexpr std::uint32_t kSlotsMax = 1u << shm::kSlotBits;
inline constexpr std::uint32_t kHintGroupSlots = 16;  // one line of 4-byte cells
inline constexpr std::uint32_t kHintBits = 32;        // groups under a middle word, of those: top
inline constexpr std::uint32_t kDueBlockSlots = 64;

enum class RingKind : std::uint32_t { kStandard = 0, kFifo = 1, kFair = 2 };
inline constexpr std::uint32_t kRingKinds = 3;

/// Fixed once the file has its name. Written by the creator only, checked by whoever attaches.
struct RingHeader {
  std::uint64_t magic;
  std::uint32_t format;
  std::uint32_t slots_log2;
  std::uint32_t stride;
  std::uint32_t kind;     ///< RingKind
  std::uint64_t ring_id;  ///< unique for ever; part of message ids and back references
  std::uint64_t queue_id;
  std::uint64_t file_bytes;
  std::uint64_t creator;  ///< shm::creator_word: whose a file is that nothing names yet
};
static_assert(sizeof(RingHeader) <= 1024);

inline constexpr std::uint32_t kSlotHeadBytes = 24;

/// The words of a FIFO ring's groups: see group/layout.hpp.
inline constexpr std::uint32_t kBucketBytes = 128;
inline constexpr std::uint32_t kHintsPerBucket = 8;  // one more than records
inline constexpr std::uint32_t kFifoHeadBytes = 24;
/// Fair: two tenants that share a cell are noisy together, so there are many.
#if defined(RINGPOST_RIG)
inline constexpr std::uint32_t kTenantsMin = 64;
#else
inline constexpr std::uint32_t kTenantsMin = 1'024;
#endif

/// Where each array begins, derived from kind, slots and stride alone.
struct RingGeometry {
  RingKind kind = RingKind::kStandard;
  std::uint32_t slots = 0;
  std::uint32_t stride = 0;      ///< bytes a slot, a multiple of 64
  std::uint32_t head_bytes = 0;  ///< of a slot, before its payload
  std::uint32_t buckets = 0;     ///< of groups; 0: a standard ring
  /// Hint cells: one a slot; FIFO: one a group record; fair: the slots', then the records'.
  std::uint32_t hints = 0;
  std::uint32_t tenants = 0;  ///< fair: cells of the table of tenants
  std::size_t claims = 0, leases = 0, first = 0, hint_cells = 0, hint_middle = 0, due = 0;
  std::size_t slots_begin = 0;
  std::size_t next = 0, buckets_begin = 0, tenants_begin = 0;
  std::size_t file_bytes = 0;

  static constexpr RingGeometry of(std::uint32_t slots, std::uint32_t stride,
                                   RingKind kind = RingKind::kStandard) noexcept {
    RingGeometry g;
    g.kind = kind;
    g.slots = slots;
    g.stride = stride;
    g.head_bytes = kSlotHeadBytes;
    g.hints = slots;
    if (kind != RingKind::kStandard) {
      g.head_bytes += kFifoHeadBytes;
      g.buckets = slots > 4 ? slots / 4 : 1;
      g.hints = g.buckets * kHintsPerBucket;
    }
    if (kind == RingKind::kFair) {
      g.hints += slots;
      g.tenants = slots > kTenantsMin ? slots : kTenantsMin;
    }
    std::size_t at = base::kPageBytes;
    const auto array = [&at](std::size_t count, std::size_t each) {
      const std::size_t begin = at;
      at = base::round_up(at + count * each, base::kHotLineBytes);
      return begin;
    };
    g.claims = array(slots, 8);
    g.leases = array(slots, 16);
    g.first = array(slots, 8);
    g.hint_cells = array(g.hints, 4);
    g.hint_middle = array((g.hints + 511) / 512, 8);
    g.due = array((slots + kDueBlockSlots - 1) / kDueBlockSlots, 8);
    g.slots_begin = array(slots, stride);
    if (kind != RingKind::kStandard) {
      g.next = array(slots, 8);
      g.buckets_begin = array(g.buckets, kBucketBytes);
      g.tenants_begin = array(g.tenants, 8);
    }
    g.file_bytes = base::round_up(at, base::kPageBytes);
    return g;
  }
};

/// Words that many look at, far apart. All are hints: the slots are the truth.
struct RingHotWords {
  alignas(base::kHotLineBytes) std::atomic<std::uint64_t> tail;  ///< by producers; rises
  alignas(base::kHotLineBytes) std::atomic<std::uint64_t> head;  ///< by consumers; rises
  /// Version and one bit for each part of the ring that may hold a returned message.
  alignas(base::kHotLineBytes) std::atomic<std::uint64_t> hint_top;
  /// Earliest deadline of the ring: see due_index.hpp.
  std::atomic<std::uint64_t> due_top;
  /// FIFO: {position, record}: where the message of that position begins its group. By consumers.
  alignas(base::kHotLineBytes) base::Word128 insertion;
  /// Fair: messages in flight, of all tenants; about.
  alignas(base::kHotLineBytes) std::atomic<std::uint64_t> in_flight;
};
inline constexpr std::size_t kHotWordsOffset = 1024;
static_assert(kHotWordsOffset + sizeof(RingHotWords) <= base::kPageBytes);

/// The first bytes of a slot. `publish` is the word that consumers poll.
struct SlotHead {
  std::atomic<std::uint64_t> publish;  ///< lap whose content is complete; FIFO: or kSkipped
  std::atomic<std::uint64_t> lengths;  ///< body bytes (32) · attribute bytes (24) · flags (8)
  std::atomic<std::uint64_t> sent_ns;  ///< monotonic
  // payload follows: content bytes, or a shm::BlockRef when kInBlock is set; with kShared behind
  // that {number of the share, its generation (48) · the delivery's bit (16), offset of the
  // content in the block}
};
static_assert(sizeof(SlotHead) == kSlotHeadBytes);

/// Of a message that came from another queue: see queue/envelope.hpp.
inline constexpr std::uint32_t kEnvelopeBytes = 24;
inline constexpr std::uint32_t kFifoEnvelopeBytes = 32;

constexpr std::uint32_t envelope_bytes(RingKind kind) noexcept {
  return kind == RingKind::kFifo ? kFifoEnvelopeBytes : kEnvelopeBytes;
}

/// Lengths and flags of a message, one word.
struct Lengths {
  std::uint64_t word = 0;
  static constexpr std::uint64_t kInBlock = 1;    ///< the content lies in an arena block
  static constexpr std::uint64_t kTimed = 2;      ///< sent_ns is precise: a latency sample
  static constexpr std::uint64_t kUndelayed = 4;  ///< FIFO: the queue's delay is not for it
  static constexpr std::uint64_t kRenamed = 8;    ///< FIFO: its envelope is its deduplication id
  static constexpr std::uint64_t kShared = 16;  ///< that block serves several queues: shm/share.hpp
  static constexpr std::uint64_t kMovedIn = 128;  ///< an envelope stands at the end of the slot
  static constexpr std::uint32_t kAttributeBytesMax = (1u << 24) - 1;

  static constexpr Lengths of(std::uint32_t body, std::uint32_t attributes,
                              std::uint64_t flags) noexcept {
    return {body | std::uint64_t{attributes} << 32 | flags << 56};
  }
  [[nodiscard]] constexpr std::uint32_t body() const noexcept {
    return static_cast<std::uint32_t>(word);
  }
  [[nodiscard]] constexpr std::uint32_t attributes() const noexcept {
    return static_cast<std::uint32_t>(word >> 32 & kAttributeBytesMax);
  }
  [[nodiscard]] constexpr std::uint64_t content() const noexcept {
    return std::uint64_t{body()} + attributes();
  }
  [[nodiscard]] constexpr bool in_block() const noexcept { return (word >> 56 & kInBlock) != 0; }
  [[nodiscard]] constexpr bool shared() const noexcept { return (word >> 56 & kShared) != 0; }
  [[nodiscard]] constexpr bool moved_in() const noexcept { return (word >> 56 & kMovedIn) != 0; }
  [[nodiscard]] constexpr bool undelayed() const noexcept { return (word >> 56 & kUndelayed) != 0; }
  [[nodiscard]] constexpr bool has_envelope() const noexcept {
    return (word >> 56 & (kMovedIn | kRenamed)) != 0;
  }
  [[nodiscard]] constexpr bool timed() const noexcept { return (word >> 56 & kTimed) != 0; }
};

}  // namespace ringpost::ring
