// The bytes of a queue's header file: identity, settings, who sleeps, the chain of rings, counters.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/cache_line.hpp"
#include "base/word128.hpp"
#include "ring/layout.hpp"
#include "ringpost/stats.hpp"
#include "shm/wait_word.hpp"

namespace ringpost::queue {

inline constexpr std::uint64_t kQueueMagic = 0x5545555154534f50;
inline constexpr std::uint32_t kQueueFormat = 1;
inline constexpr std::uint32_t kChainEntries = 64;
inline constexpr std::uint32_t kStripes = 16;

/// Each setting by itself: read at each call, stored one after the other by QueueCore::set, without
/// a lock. A crash there leaves some of them changed.
struct SettingWords {
  std::atomic<std::uint64_t> visibility_ns;
  std::atomic<std::uint64_t> delay_ns;
  std::atomic<std::uint64_t> retention_ns;
  std::atomic<std::uint64_t> receive_wait_ns;
  std::atomic<std::uint64_t> message_bytes_max;
  std::atomic<std::uint64_t> in_flight_max;
  std::atomic<std::uint64_t> dedup;  ///< ringpost::Dedup
  std::atomic<std::uint64_t> dedup_window_ns;
};

/// One link of the chain: {ring number, ring file id | nothing | retired}, 128 bits, CAS.
struct ChainEntry {
  static constexpr std::uint64_t kNone = 0;
  static constexpr std::uint64_t kRetired = 1;
};

enum class QueueState : std::uint32_t { kOpen = 0, kDeleted = 1 };

struct QueueHeader {
  // Fixed at creation.
  std::uint64_t magic;
  std::uint32_t format;
  std::uint32_t stride;  ///< bytes a slot
  std::uint64_t queue_id;
  std::uint64_t created_wall_ns;
  std::uint64_t bytes_max;
  std::uint32_t slots;          ///< of the first ring
  std::uint32_t fixed;          ///< 1: never grows
  std::uint32_t kind;           ///< ring::RingKind
  std::uint32_t dedup_entries;  ///< 0: without a table of ids
  std::uint32_t dedup_scope;    ///< ringpost::DedupScope
  std::uint32_t reserved;
  char name[96];

  alignas(base::kHotLineBytes) SettingWords settings;

  /// What every send and receive looks at: a line that is written only when somebody sleeps.
  /// A crash leaves it as it is; see wait_word.hpp.
  alignas(base::kHotLineBytes) std::atomic<std::uint32_t> state;  ///< QueueState; only rises
  shm::WaitWord receivers;
  shm::WaitWord senders;

  /// protocols.md section 1, growth. `write_ring` and `oldest` only rise.
  alignas(base::kHotLineBytes) std::atomic<std::uint64_t> write_ring;
  std::atomic<std::uint64_t> oldest;
  base::Word128 chain[kChainEntries];
};
static_assert(sizeof(QueueHeader) <= base::kPageBytes);

enum Counter : std::uint32_t {
  kSent,
  kSentBytes,
  kReceived,
  kRedelivered,
  kAcknowledged,
  kReleased,
  kExpired,
  kDroppedByRetention,
  kPurged,
  kRefusedFull,
  kDuplicates,
  kCounters
};

/// Counters of one participant, so that counting is a plain store. `owner` is its index (CAS from
/// 0), freed at close or by the sweeper; the counts stay and the next owner goes on counting. When
/// all stripes are owned the others share the last one with locked additions.
struct alignas(base::kHotLineBytes) Stripe {
  std::atomic<std::uint64_t> owner;
  std::atomic<std::uint64_t> counters[kCounters];
  std::atomic<std::uint64_t> latency[Histogram::kBuckets];
};

inline constexpr std::size_t kStripesOffset = base::kPageBytes;
inline constexpr std::size_t kQueueFileBytes =
    base::round_up(kStripesOffset + kStripes * sizeof(Stripe), base::kPageBytes);
/// Behind it, if there is one: dedup::Table.

}  // namespace ringpost::queue
