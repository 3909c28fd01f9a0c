// The bytes of the bus file: identity, participants, and the table of arena segments.
//
//   <shm dir>/<bus>/bus      this file
//                  /queues/  one header file a queue, under the queue's name
//                  /rings/   ring files, under their unique ids
//                  /topics/  one file a topic, under the topic's name
//                  /streams/ control files of streams, under their names
//                  /journals/ rings of claims, under their unique ids
//                  /arena/   arena segments, under their unique ids
//                  /tags/    tags of queues, under their unique ids
//                  /tmp/     files that are not complete yet: "<participant>-<incarnation>-<id>";
//                            "bus-<id>", whose maker holds the lock on its byte 0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/cache_line.hpp"
#include "shm/hazards.hpp"
#include "shm/move_note.hpp"

namespace ringpost::shm {

inline constexpr std::uint64_t kBusMagic = 0x535542545f505352;  // "RSP_TBUS"
inline constexpr std::uint32_t kBusFormat = 2;
inline constexpr char kBusFilePrefix[] = "bus-";
inline constexpr std::uint32_t kParticipantsMax = (1u << 14) - 1;  // owners have 14 bits

inline constexpr std::uint32_t kSizeClasses = 19;       // 256 B … 64 MiB
inline constexpr std::uint32_t kSegmentsPerClass = 16;  // each twice the one before
inline constexpr std::uint32_t kSmallestBlockBytes = 256;
inline constexpr std::uint32_t kShareClass = kSizeClasses;  // of fan-outs: share.hpp
inline constexpr std::uint32_t kShareBytes = 1024;
inline constexpr std::uint32_t kBlockClasses = kSizeClasses + 1;

constexpr std::size_t block_bytes(std::uint32_t size_class) noexcept {
  return size_class == kShareClass ? kShareBytes : std::size_t{kSmallestBlockBytes} << size_class;
}

/// Fixed once the file has its name, but for the atomics.
struct BusHeader {
  std::uint64_t magic;
  std::uint32_t format;
  std::uint32_t participants_max;
  std::uint64_t bus_id;
  std::uint64_t time_namespace;  ///< inode; deadlines are comparable within one only
  std::uint64_t arena_bytes_max;
  std::uint32_t fenced;  ///< 1: the creator's kernel has no membarrier
  /// Version (31) · 1: deliveries of dead publishers may wait for room in their queues. By
  /// sweepers.
  std::atomic<std::uint32_t> deliveries_wait;
  /// Entries below it may be in use. Raised by whoever attaches, before its entry goes live.
  std::atomic<std::uint32_t> participants_high;
  /// Id of each arena segment, 0 for none. One CAS decides who adds it; never taken back.
  std::atomic<std::uint64_t> segments[kBlockClasses][kSegmentsPerClass];
  std::atomic<std::uint64_t> tasks;  ///< see task_hint.hpp
};
static_assert(sizeof(BusHeader) <= base::kPageBytes);

/// Life of a participant entry: incarnation in the upper bits, state below.
struct EntryWord {
  std::uint64_t word = 0;
  static constexpr std::uint64_t kLive = 1;
  [[nodiscard]] constexpr bool live() const noexcept { return (word & kLive) != 0; }
  [[nodiscard]] constexpr std::uint64_t incarnation() const noexcept { return word >> 1; }
  [[nodiscard]] static constexpr EntryWord of(std::uint64_t incarnation, bool live) noexcept {
    return {incarnation << 1 | (live ? kLive : 0)};
  }
};

/// One participant. Everything but `entry` is written by the participant alone while it lives and
/// by the sweeper that holds its lock afterwards. The kernel's lock on byte kLivenessByte + index
/// of the bus file says whether it lives; `entry` stays live after a death until it is swept.
struct alignas(base::kHotLineBytes) ParticipantRecord {
  std::atomic<std::uint64_t> entry;
  std::int32_t pid;  ///< for people only
  std::uint32_t reserved;
  std::uint64_t attached_wall_ns;
  char command[40];
  HazardRecord hazards;
  MoveNote move;
};

inline constexpr std::uint64_t kSweeperByte = (1ull << 40);
/// Of the bus file: whoever makes, adopts or deletes a stream.
inline constexpr std::uint64_t kStreamsByte = kSweeperByte - 1;
inline constexpr std::uint64_t kLivenessByte = kSweeperByte + 1;
inline constexpr std::size_t kParticipantsOffset = base::kPageBytes;

constexpr std::size_t bus_file_bytes(std::uint32_t participants_max) noexcept {
  return base::round_up(kParticipantsOffset + participants_max * sizeof(ParticipantRecord),
                        base::kPageBytes);
}

}  // namespace ringpost::shm
