// The bytes of a stream's control file in shared memory: what every process must know of it. The
// records are in the journals of its shards.
//
//   0        ControlHeader
//   4 KiB    settings and tags (meta.hpp), twice: ControlHeader::changes says which holds
//   164 KiB  the map: a ShardEntry for each shard there ever was, by number; entries are complete
//            up to ControlHeader::shards
//
// Written by whoever holds the kernel's lock on byte kChangerByte of the file. Of a stream with a
// log every change is in stream.meta on disk first; what a dead changer has left half done is done
// once more from there by the next one.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/cache_line.hpp"
#include "stream/meta.hpp"

namespace ringpost::stream {

inline constexpr std::uint64_t kControlMagic = 0x4d5254535f505352;  // "RSP_STRM"
inline constexpr std::uint32_t kControlFormat = 1;
inline constexpr std::uint64_t kChangerByte = 0;

enum class ControlState : std::uint32_t { kOpen = 0, kDeleted = 1 };

enum Counter : std::uint32_t {
  kRecords,  ///< puts that were accepted
  kBytes,
  kFull,
  kThrottled,
  kRecordsRead,
  kBytesRead,
  kLapped,
  kCounters
};

/// Belongs to one participant, by plain additions: shm/stripe_owner.hpp.
struct alignas(base::kHotLineBytes) UserCounts {
  std::atomic<std::uint64_t> owner;  ///< shm::Participant::creator_word()
  std::atomic<std::uint64_t> counters[kCounters];
};
inline constexpr std::uint32_t kStripes = 16;

struct ControlHeader {
  // Fixed at creation.
  std::uint64_t magic;
  std::uint32_t format;
  std::uint32_t storage;  ///< StreamStorage
  std::uint64_t stream_id;
  std::uint64_t created_wall_ns;
  std::uint64_t ring_bytes;
  char name[136];

  alignas(base::kHotLineBytes) std::atomic<std::uint32_t> state;  ///< ControlState
  std::atomic<std::int32_t> changer;  ///< pid of the last one: for people only
  /// Count of changes (63) · which of the two places has the settings (1). Only rises. Whoever uses
  /// the stream looks whether it is what he has seen.
  std::atomic<std::uint64_t> changes;
  std::atomic<std::uint64_t> shards;  ///< complete entries of the map; only rises
  /// Meta::generation that this file has; the disk may be ahead of it by one change.
  std::atomic<std::uint64_t> generation;

  UserCounts stripes[kStripes];
};
inline constexpr std::size_t kChangeableOffset = base::kPageBytes;
static_assert(sizeof(ControlHeader) <= kChangeableOffset);
inline constexpr std::size_t kMapOffset = kChangeableOffset + 2 * kMetaBytesMax;
static_assert(kMapOffset % base::kPageBytes == 0);

/// When the next one may pass: virtual time of a bucket that empties evenly. limits.hpp
struct BucketWord {
  std::atomic<std::uint64_t> busy_until_ns;
};

/// One shard. Everything but the atomics is written once, before ControlHeader::shards passes it.
struct alignas(2 * base::kHotLineBytes) ShardEntry {
  std::uint32_t number;
  std::uint32_t reserved;
  std::uint32_t parent_plus_one;  ///< 0: none
  std::uint32_t adjacent_plus_one;
  std::uint64_t first_high;
  std::uint64_t first_low;
  std::uint64_t last_high;
  std::uint64_t last_low;
  std::uint64_t created_s;
  std::uint64_t created_ns;
  std::uint64_t log_end;  ///< where its log ended when its journal was made
  /// Id of its journal; 0: it has none any more, everything is in the log, or was before a reboot.
  std::atomic<std::uint64_t> journal;
  /// Their numbers plus one, the second one in the upper half; 0: none. Set before the journal is
  /// closed, so whoever finds it closed knows where to go on.
  std::atomic<std::uint64_t> children;
  std::atomic<std::uint64_t> end_plus_one;  ///< 0: open; else the position of the end, plus one
  std::atomic<std::uint64_t> closed_ns;     ///< set before `end_plus_one`
  std::atomic<std::uint64_t> expired;       ///< 1: closed, and its records are gone for ever

  // Optional limits; moved by whoever uses the shard.
  alignas(base::kHotLineBytes) BucketWord records_in;
  BucketWord bytes_in;
  BucketWord bytes_out;
  BucketWord gets;
  BucketWord iterators;
};
static_assert(sizeof(ShardEntry) == 256);

inline constexpr std::uint64_t kEntriesMax = 1u << 20;

}  // namespace ringpost::stream
