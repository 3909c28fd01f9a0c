// A record: the same bytes in the ring of a journal and in the segments of its log.
//
//   header (40 bytes) · explicit hash key (16, big endian, if flagged) · partition key · data
//
// Little endian. In the ring a record is padded to cells of 64 bytes, on disk to 8 bytes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ringpost::log {

inline constexpr std::size_t kCellBytes = 64;

enum class RecordKind : std::uint8_t {
  kStream = 1,  ///< one record of a stream
  kEnd = 2,     ///< nothing comes after it: the shard was closed
};
inline constexpr std::uint8_t kHasHashKey = 1;  ///< of RecordHeader::flags

struct RecordHeader {
  /// Of everything behind it, seeded with the segment's epoch and the position. In the ring 0: the
  /// log's writer computes it of its own copy.
  std::uint32_t crc;
  std::uint32_t bytes;      ///< header and body, without padding
  std::uint64_t position;   ///< number of its first cell: unique in its log, for ever
  std::int64_t arrival_ns;  ///< Unix time, by the producer's clock
  std::uint32_t data_bytes;
  std::uint16_t key_bytes;
  RecordKind kind;
  std::uint8_t flags;
  std::uint64_t reserved;  ///< 0
};
static_assert(sizeof(RecordHeader) == 40);

}  // namespace ringpost::log
