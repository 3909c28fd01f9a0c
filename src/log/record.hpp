// A record: the same bytes in the ring of a journal and in the segments of its log.
//
//   header (40 bytes) · explicit hash key (16, big endian, if flagged) · partition key · data
//
// Little endian. In the ring a record is padded to cells of 64 bytes, on disk to 8 bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "ringpost/types.hpp"

namespace ringpost::log {

inline constexpr std::size_t kCellBytes = 64;
inline constexpr std::size_t kRecordAlign = 8;  ///< on disk
inline constexpr std::size_t kHashKeyBytes = 16;

enum class RecordKind : std::uint8_t {
  kStream = 1,  ///< one record of a stream
  kEnd = 2,     ///< nothing comes after it: the shard was closed
};
inline constexpr std::uint8_t kHasHashKey = 1;  ///< of RecordHeader::flags

struct RecordHeader {
  /// Of everything behind it, seeded with the segment's epoch. In the ring 0: the log's writer
  /// computes it of its own copy.
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
static_assert(offsetof(RecordHeader, bytes) == 4 && offsetof(RecordHeader, position) == 8);
static_assert(offsetof(RecordHeader, arrival_ns) == 16 && offsetof(RecordHeader, data_bytes) == 24);
static_assert(offsetof(RecordHeader, key_bytes) == 28 && offsetof(RecordHeader, kind) == 30);
static_assert(offsetof(RecordHeader, flags) == 31 && offsetof(RecordHeader, reserved) == 32);

/// Whether the lengths in it fit each other. Kinds and flags that are not known yet pass.
[[nodiscard]] constexpr bool is_well_formed(const RecordHeader& header) noexcept {
  const std::uint64_t hash_key = (header.flags & kHasHashKey) != 0 ? kHashKeyBytes : 0;
  return header.bytes == sizeof(RecordHeader) + hash_key + header.key_bytes +
                             static_cast<std::uint64_t>(header.data_bytes);
}

/// How many positions it takes.
[[nodiscard]] constexpr std::uint64_t cells_of(std::uint64_t record_bytes) noexcept {
  return (record_bytes + kCellBytes - 1) / kCellBytes;
}

/// One record in somebody's memory. The header is a copy that was checked; `bytes` is as long as it
/// says, and refers to where the record lies.
struct RecordView {
  RecordHeader header{};
  ByteSpan bytes;

  /// Nothing unless the record at the beginning of `memory` is well formed and lies within it.
  /// Reads the header once: the bytes may be shared with others.
  [[nodiscard]] static std::optional<RecordView> parse(ByteSpan memory) noexcept {
    std::optional<RecordView> view(std::in_place);
    if (!parse(memory, *view)) view.reset();
    return view;
  }
  /// The same without a copy of the view, which costs as much as half of a checksum: 16 bytes that
  /// are put together from two stores wait for both. So the header is loaded field by field.
  [[nodiscard]] static bool parse(ByteSpan memory, RecordView& view) noexcept {
    if (memory.size() < sizeof(RecordHeader)) return false;
    const RecordHeader header = load(memory.data());
    if (!is_well_formed(header) || header.bytes > memory.size()) return false;
    view.header = header;
    view.bytes = memory.first(header.bytes);
    return true;
  }
  /// 16 bytes, or none.
  [[nodiscard]] ByteSpan hash_key() const noexcept {
    return bytes.subspan(sizeof header, hash_key_bytes());
  }
  [[nodiscard]] std::string_view key() const noexcept {
    return as_text(bytes.subspan(sizeof header + hash_key_bytes(), header.key_bytes));
  }
  [[nodiscard]] ByteSpan data() const noexcept { return bytes.last(header.data_bytes); }

 private:
  [[nodiscard]] static RecordHeader load(const std::byte* from) noexcept {
    RecordHeader header;
    load(header.crc, from, offsetof(RecordHeader, crc));
    load(header.bytes, from, offsetof(RecordHeader, bytes));
    load(header.position, from, offsetof(RecordHeader, position));
    load(header.arrival_ns, from, offsetof(RecordHeader, arrival_ns));
    load(header.data_bytes, from, offsetof(RecordHeader, data_bytes));
    load(header.key_bytes, from, offsetof(RecordHeader, key_bytes));
    load(header.kind, from, offsetof(RecordHeader, kind));
    load(header.flags, from, offsetof(RecordHeader, flags));
    load(header.reserved, from, offsetof(RecordHeader, reserved));
    return header;
  }
  template <class T>
  static void load(T& field, const std::byte* from, std::size_t offset) noexcept {
    std::memcpy(&field, from + offset, sizeof field);
  }
  [[nodiscard]] std::size_t hash_key_bytes() const noexcept {
    return (header.flags & kHasHashKey) != 0 ? kHashKeyBytes : 0;
  }
};

}  // namespace ringpost::log
