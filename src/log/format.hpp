// The bytes of a segment file (LOG_FORMAT.md). Little endian; every field is checked before use.
//
//   block 0          SegmentHeader, twice
//   blocks 1 …       batches: BatchHeader · records, each padded to 8 bytes · zeros to a block
//   near the end     the index of a sealed segment, at index_offset()
//   last block       SegmentFooter of a sealed segment
//
// Batches cover positions without a hole: each begins where the one before it ended, the first at
// the segment's base, which is where the segment before ended. What was recycled is told apart by
// its epoch, with which every checksum begins.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "base/crc32c.hpp"
#include "disk/disk.hpp"
#include "log/record.hpp"

namespace ringpost::log {

inline constexpr std::uint64_t kSegmentMagic = 0x544e'4d47'4553'5052;  // "RPSEGMNT"
inline constexpr std::uint64_t kSpareMagic = 0x2045'5241'5053'5052;    // "RPSPARE "
inline constexpr std::uint64_t kFooterMagic = 0x5245'544f'4f46'5052;   // "RPFOOTER"
inline constexpr std::uint32_t kBatchMagic = 0x5442'5052;              // "RPBT"
inline constexpr std::uint32_t kFormatVersion = 1;

inline constexpr std::uint64_t kSegmentBytesMin = 16 * 1024;
inline constexpr std::uint64_t kSegmentBytesMax = 1ull << 30;
inline constexpr std::uint64_t kIndexStrideBytes = 64 * 1024;  ///< at least so far apart

/// Twice in block 0, at kHeaderOffsets; the rest of it zeros. One copy that verifies is enough, so
/// one that rots does no harm. Before them there were two of a spare (kSpareMagic, all the rest of
/// them zeros), which were safe: if those are there, or nothing that verifies, the segment was not
/// begun when the power went, unless its batches prove otherwise.
struct SegmentHeader {
  std::uint32_t crc;  ///< of the rest
  std::uint32_t version;
  std::uint64_t magic;
  std::uint64_t segment_bytes;  ///< length of the file
  std::uint64_t log_id;
  std::uint64_t epoch;  ///< of this incarnation of the file; never recurs
  std::uint64_t base_position;
  std::int64_t created_ns;       ///< Unix time, by the writer's clock
  std::int64_t arrival_max;      ///< of all records in front of it
  std::uint64_t durable_end;     ///< positions below were safe when it was written
  std::uint64_t previous_epoch;  ///< of the segment in front of it; 0: there was none
  std::uint32_t cipher;          ///< 0: none; others are reserved for encryption at rest
  std::uint32_t flags;           ///< 0
  std::byte wrapped_key[64];     ///< zeros without a cipher; one key for one epoch
};
static_assert(sizeof(SegmentHeader) == 152);
static_assert(std::is_trivially_copyable_v<SegmentHeader>);
static_assert(offsetof(SegmentHeader, version) == 4 && offsetof(SegmentHeader, magic) == 8);
static_assert(offsetof(SegmentHeader, segment_bytes) == 16);
static_assert(offsetof(SegmentHeader, log_id) == 24 && offsetof(SegmentHeader, epoch) == 32);
static_assert(offsetof(SegmentHeader, base_position) == 40);
static_assert(offsetof(SegmentHeader, created_ns) == 48);
static_assert(offsetof(SegmentHeader, arrival_max) == 56);
static_assert(offsetof(SegmentHeader, durable_end) == 64);
static_assert(offsetof(SegmentHeader, previous_epoch) == 72);
static_assert(offsetof(SegmentHeader, cipher) == 80 && offsetof(SegmentHeader, flags) == 84);
static_assert(offsetof(SegmentHeader, wrapped_key) == 88);

/// The positions [base_position, end_position) hold nothing but what salvage could not read.
inline constexpr std::uint16_t kBatchLost = 1;  // of BatchHeader::flags

/// Begins at a block and is never written again. A batch without records covers positions in which
/// nobody put anything, or only says how much was safe by then.
struct BatchHeader {
  std::uint32_t crc;  ///< of the rest of the header, seeded with the epoch
  std::uint32_t magic;
  std::uint16_t version;
  std::uint16_t flags;
  std::uint32_t record_bytes;  ///< of all records with their padding; then zeros to a block
  std::uint64_t epoch;
  std::uint64_t base_position;
  std::uint64_t end_position;
  std::uint64_t durable_end;   ///< positions below were safe when it was written
  std::int64_t arrival_first;  ///< of its first record; arrival_max without records
  std::int64_t arrival_max;    ///< of all records of the log up to its end: never goes back
  std::uint32_t records;
  std::uint32_t reserved;  ///< 0
  std::byte nonce[16];     ///< zeros without a cipher; never twice with one key
  std::byte unused[40];    ///< zeros
};
static_assert(sizeof(BatchHeader) == 128 && std::is_trivially_copyable_v<BatchHeader>);
static_assert(offsetof(BatchHeader, magic) == 4 && offsetof(BatchHeader, version) == 8);
static_assert(offsetof(BatchHeader, flags) == 10 && offsetof(BatchHeader, record_bytes) == 12);
static_assert(offsetof(BatchHeader, epoch) == 16 && offsetof(BatchHeader, base_position) == 24);
static_assert(offsetof(BatchHeader, end_position) == 32);
static_assert(offsetof(BatchHeader, durable_end) == 40);
static_assert(offsetof(BatchHeader, arrival_first) == 48);
static_assert(offsetof(BatchHeader, arrival_max) == 56 && offsetof(BatchHeader, records) == 64);
static_assert(offsetof(BatchHeader, reserved) == 68 && offsetof(BatchHeader, nonce) == 72);
static_assert(offsetof(BatchHeader, unused) == 88);

/// Of a sealed segment: a batch each kIndexStrideBytes or more, the first one always.
struct IndexEntry {
  std::uint64_t position;    ///< base of the batch
  std::int64_t arrival_max;  ///< of all records in front of the batch
  std::uint64_t offset;      ///< of the batch in the file
};
static_assert(sizeof(IndexEntry) == 24);

/// Last block of a sealed segment, the rest of it zeros.
struct SegmentFooter {
  std::uint32_t crc;  ///< of the rest of the block, seeded with the epoch
  std::uint32_t version;
  std::uint64_t magic;
  std::uint64_t epoch;
  std::uint64_t base_position;
  std::uint64_t end_position;
  std::uint64_t data_end;  ///< offset behind the last batch
  std::uint64_t records;
  std::int64_t arrival_max;   ///< of all records of the log up to its end
  std::uint32_t entries;      ///< of the index
  std::uint32_t entries_crc;  ///< seeded with the epoch
  std::uint64_t durable_end;  ///< positions below were safe when it was written
};
static_assert(sizeof(SegmentFooter) == 80 && std::is_trivially_copyable_v<SegmentFooter>);
static_assert(offsetof(SegmentFooter, magic) == 8 && offsetof(SegmentFooter, epoch) == 16);
static_assert(offsetof(SegmentFooter, base_position) == 24);
static_assert(offsetof(SegmentFooter, end_position) == 32);
static_assert(offsetof(SegmentFooter, data_end) == 40 && offsetof(SegmentFooter, records) == 48);
static_assert(offsetof(SegmentFooter, arrival_max) == 56 && offsetof(SegmentFooter, entries) == 64);
static_assert(offsetof(SegmentFooter, entries_crc) == 68);
static_assert(offsetof(SegmentFooter, durable_end) == 72);

inline constexpr std::size_t kHeaderOffsets[] = {0, 2048};
inline constexpr std::uint64_t kDataOffset = disk::kBlockBytes;  ///< of the first batch

[[nodiscard]] constexpr std::uint64_t round_up_to_block(std::uint64_t bytes) noexcept {
  return (bytes + disk::kBlockBytes - 1) / disk::kBlockBytes * disk::kBlockBytes;
}
/// Salvage makes segments that are longer than what they hold.
[[nodiscard]] constexpr bool is_segment_size(std::uint64_t bytes) noexcept {
  return bytes >= kSegmentBytesMin && bytes <= 2 * kSegmentBytesMax &&
         bytes % disk::kBlockBytes == 0;
}
[[nodiscard]] constexpr std::uint64_t index_entries_max(std::uint64_t segment_bytes) noexcept {
  return segment_bytes / kIndexStrideBytes + 1;
}
/// Batches end here at the latest.
[[nodiscard]] constexpr std::uint64_t index_offset(std::uint64_t segment_bytes) noexcept {
  return segment_bytes - disk::kBlockBytes -
         round_up_to_block(index_entries_max(segment_bytes) * sizeof(IndexEntry));
}
[[nodiscard]] constexpr std::uint64_t footer_offset(std::uint64_t segment_bytes) noexcept {
  return segment_bytes - disk::kBlockBytes;
}
/// What a batch with these records takes in the file.
[[nodiscard]] constexpr std::uint64_t batch_bytes(std::uint64_t record_bytes) noexcept {
  return round_up_to_block(sizeof(BatchHeader) + record_bytes);
}
[[nodiscard]] constexpr std::uint64_t padded(std::uint64_t record_bytes) noexcept {
  return (record_bytes + kRecordAlign - 1) / kRecordAlign * kRecordAlign;
}
/// Longest record that a segment can hold.
[[nodiscard]] constexpr std::uint64_t record_bytes_max(std::uint64_t segment_bytes) noexcept {
  return index_offset(segment_bytes) - kDataOffset - sizeof(BatchHeader);
}
static_assert(index_offset(kSegmentBytesMin) > kDataOffset);

/// What every checksum of a segment but its header's begins with.
[[nodiscard]] inline std::uint32_t seed_of(std::uint64_t epoch) noexcept {
  return base::crc32c(std::as_bytes(std::span(&epoch, 1)));
}
/// Of a record, header included, behind its checksum.
[[nodiscard]] inline std::uint32_t record_crc(ByteSpan record, std::uint32_t seed) noexcept {
  return base::crc32c(record.subspan(sizeof(std::uint32_t)), seed);
}

}  // namespace ringpost::log
