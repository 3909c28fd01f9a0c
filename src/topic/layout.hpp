// The bytes of a topic's file: header, counters, and the log of its subscriptions.
//
//   0       TopicHeader
//   640     counters, a stripe for each of those who publish
//   3 KiB   log: one record for each subscribe, change and unsubscribe, and each change of the
//           topic itself, in the order in which they happened; complete up to TopicHeader::end.
//           Whoever publishes reads on from where it was: a publish that finds `end` where it left
//           it has nothing to do.
//
// The log is written by whoever holds the kernel's lock on byte kWriterByte of the file. When most
// of it is outdated it is written anew into another file, which takes the name; the old one's
// state says so.
//
// Crash  a writer that dies before `end` is raised leaves bytes that the next one writes over.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/cache_line.hpp"
#include "shm/setting_word.hpp"

namespace ringpost::topic {

inline constexpr std::uint64_t kTopicMagic = 0x4349504f5454534f;
inline constexpr std::uint32_t kTopicFormat = 2;
inline constexpr std::uint64_t kWriterByte = 0;

enum class TopicState : std::uint32_t {
  kOpen = 0,
  kDeleted = 1,
  kReplaced = 2,  ///< another file has the name, or is about to get it
};

enum Counter : std::uint32_t {
  kPublished,
  kPublishedBytes,
  kDelivered,     ///< to queues
  kFilteredOut,   ///< deliveries that a filter policy kept away
  kDeadLettered,  ///< deliveries that went to a subscription's dead-letter queue
  kDropped,       ///< deliveries to a full or deleted queue, without a dead-letter queue
  kRefused,       ///< publishes that failed because a queue was full
  kDuplicates,    ///< FIFO: publishes of an id that was accepted before
  kCounters
};

/// Belongs to one participant, by plain additions: shm/stripe_owner.hpp.
struct alignas(base::kHotLineBytes) PublisherCounts {
  std::atomic<std::uint64_t> owner;  ///< shm::Participant::creator_word()
  std::atomic<std::uint64_t> counters[kCounters];
};
inline constexpr std::uint32_t kStripes = 16;

struct TopicHeader {
  // Fixed at creation.
  std::uint64_t magic;
  std::uint32_t format;
  std::uint32_t fifo;  ///< 1: a FIFO topic, see turn.hpp
  std::uint64_t topic_id;
  std::uint64_t created_wall_ns;
  char name[96];
  char display_name[104];
  std::uint64_t message_bytes_max;
  std::uint32_t dedup;  ///< FIFO: Dedup
  std::uint32_t dedup_scope;
  std::uint64_t dedup_window_ns;
  std::uint32_t dedup_entries;
  std::uint32_t reserved;

  alignas(base::kHotLineBytes) std::atomic<std::uint32_t> state;  ///< TopicState
  std::atomic<std::int32_t> writer;  ///< pid of the last writer: for people only
  std::atomic<std::uint64_t> end;    ///< of the log, from the file's beginning; only rises

  /// The last number that a publish got; also those that were refused then have one.
  alignas(base::kHotLineBytes) std::atomic<std::uint64_t> numbers;
  PublisherCounts stripes[kStripes];
};

inline constexpr std::size_t kLogOffset = 3072;
static_assert(sizeof(TopicHeader) <= kLogOffset);

enum class RecordKind : std::uint32_t { kSet = 1, kRemove = 2, kChangeable = 3 };

/// Head of a log record; queue name, dead-letter queue name, filter policy, endpoint and delivery
/// policy follow. Written once, before `end` passes it.
struct LogRecord {
  std::uint32_t bytes;  ///< of the whole record, a multiple of 8
  std::uint32_t kind;   ///< RecordKind
  std::uint64_t id;     ///< of the subscription
  std::uint64_t queue_id;
  std::uint64_t created_wall_ns;
  std::uint8_t raw;
  std::uint8_t filter_scope;  ///< FilterScope
  std::uint8_t when_full;     ///< WhenFull
  std::uint8_t queue_bytes;
  std::uint8_t dead_letter_bytes;
  std::uint8_t reserved[3];
  std::uint32_t filter_bytes;
  std::uint32_t check;  ///< of everything else in the record: check_of()
  std::uint16_t endpoint_bytes;
  std::uint16_t policy_bytes;  ///< of the delivery policy
  std::uint32_t reserved_too;
};
static_assert(sizeof(LogRecord) == 56);

/// Head of a log record of kChangeable; display name, delivery policy and tags follow, of each tag
/// two lengths of 32 bits, key and value. Written once, before `end` passes it.
struct TopicRecord {
  std::uint32_t bytes;  ///< as of LogRecord
  std::uint32_t kind;   ///< RecordKind
  std::uint64_t message_bytes_max;
  std::uint16_t display_name_bytes;
  std::uint16_t policy_bytes;  ///< of the delivery policy
  std::uint32_t tags;          ///< how many
  std::uint32_t tag_bytes;
  std::uint32_t check;  ///< of everything else in the record
};
static_assert(sizeof(TopicRecord) == 32);

}  // namespace ringpost::topic
