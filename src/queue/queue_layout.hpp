// The bytes of a queue's header file: identity, settings, who sleeps, the chain of rings, records
// of settings, counters, message move tasks.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "base/cache_line.hpp"
#include "base/word128.hpp"
#include "queue/name_words.hpp"
#include "queue/task_layout.hpp"
#include "ring/layout.hpp"
#include "ringpost/stats.hpp"
#include "shm/setting_word.hpp"
#include "shm/wait_word.hpp"

namespace ringpost::queue {

inline constexpr std::uint64_t kQueueMagic = 0x5545555154534f50;
inline constexpr std::uint32_t kQueueFormat = 1;
inline constexpr std::uint32_t kChainEntries = 64;
inline constexpr std::uint32_t kStripes = 16;

using shm::SettingWord;

/// Each by itself: read at each call. Written by whoever carries out a change: setting_change.hpp.
struct SettingWords {
  SettingWord visibility_ns;
  SettingWord delay_ns;
  SettingWord retention_ns;
  SettingWord receive_wait_ns;
  SettingWord message_bytes_max;
  SettingWord in_flight_max;
  SettingWord receives_max;  ///< of a message, then it is dead; 0: no dead-letter queue
  SettingWord dedup;         ///< ringpost::Dedup
  SettingWord dedup_window_ns;
};
inline constexpr SettingWord SettingWords::*kSettingWords[] = {
    &SettingWords::visibility_ns,     &SettingWords::delay_ns,
    &SettingWords::retention_ns,      &SettingWords::receive_wait_ns,
    &SettingWords::message_bytes_max, &SettingWords::in_flight_max,
    &SettingWords::receives_max,      &SettingWords::dedup,
    &SettingWords::dedup_window_ns};
inline constexpr std::size_t kSettings = std::size(kSettingWords);

/// Which settings are in force: those of `record`. `pending`: not yet in every one of SettingWords.
struct SettingsChange {
  std::uint64_t word = 0;
  static constexpr SettingsChange of(std::uint64_t number, std::uint32_t record,
                                     bool pending) noexcept {
    return {number << 8 | (pending ? 0x80u : 0u) | record};
  }
  [[nodiscard]] constexpr std::uint64_t number() const noexcept { return word >> 8; }
  [[nodiscard]] constexpr bool pending() const noexcept { return (word & 0x80u) != 0; }
  [[nodiscard]] constexpr std::uint32_t record() const noexcept { return word & 0x7fu; }
};

inline constexpr std::size_t kAllowedSourcesMax = 10;
inline constexpr std::size_t kSourceWords = kAllowedSourcesMax * kNameWords;

/// All changeable settings as one change wants them. Its owner alone writes it, before the change
/// is made; then it is never written again until it is in force no more.
struct SettingsRecord {
  std::atomic<std::uint64_t> owner;  ///< participant that prepares a change in it; 0: nobody
  std::atomic<std::uint64_t> values[kSettings];
  std::atomic<std::uint64_t> allow;  ///< RedriveAllow::Permission (8) · number of sources
  std::atomic<std::uint64_t> dead_letter_queue[kNameWords];
  std::atomic<std::uint64_t> sources[kSourceWords];
};
inline constexpr std::uint32_t kSettingsRecords = 4;
static_assert(kSettingsRecords * sizeof(SettingsRecord) <= base::kPageBytes);

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
  std::uint64_t journal;            ///< id of its file; 0: the queue is not durable
  std::uint64_t log_segment_bytes;  ///< of a durable one
  std::uint64_t lasting_id;         ///< of a durable one: the same in each of its lives

  alignas(base::kHotLineBytes) SettingWords settings;
  std::atomic<std::uint64_t> settings_change;  ///< SettingsChange
  std::atomic<std::uint64_t> tags;             ///< id of the file that holds them; 0: none

  /// What every send and receive looks at: a line that is written only when somebody sleeps.
  /// A crash leaves it as it is; see wait_word.hpp.
  alignas(base::kHotLineBytes) std::atomic<std::uint32_t> state;  ///< QueueState; only rises
  shm::WaitWord receivers;
  shm::WaitWord senders;

  /// protocols.md section 1, growth. `write_ring` and `oldest` only rise.
  alignas(base::kHotLineBytes) std::atomic<std::uint64_t> write_ring;
  std::atomic<std::uint64_t> oldest;
  base::Word128 chain[kChainEntries];

  /// Of a durable queue whose backlog did not fit: see queue_overflow.cpp.
  /// {log position that is looked at next, target of what came before it}, CAS.
  alignas(base::kHotLineBytes) base::Word128 refill;
  std::atomic<std::uint64_t> overflow_begin;  ///< log position; 0: there never was any. Set once
  // Messages that went to the log alone, and those of them that are here or gone by now: as long as
  // these differ sends go there. Hints, which a death leaves too low until all was looked at.
  std::atomic<std::uint64_t> overflowed;
  std::atomic<std::uint64_t> refilled;
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
  kDeadLettered,
  kDeadLettersRefused,
  kMovedIn,
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

inline constexpr std::size_t kSettingsOffset = base::kPageBytes;
inline constexpr std::size_t kStripesOffset = 2 * base::kPageBytes;
inline constexpr std::size_t kTasksOffset =
    base::round_up(kStripesOffset + kStripes * sizeof(Stripe), base::kPageBytes);
inline constexpr std::size_t kQueueFileBytes = kTasksOffset + base::kPageBytes;
/// Behind it, if there is one: dedup::Table; of a FIFO queue: group::AttemptTable.

/// They lie in the same file as the header.
inline SettingsRecord* settings_records(QueueHeader& header) noexcept {
  return reinterpret_cast<SettingsRecord*>(reinterpret_cast<std::byte*>(&header) + kSettingsOffset);
}

}  // namespace ringpost::queue
