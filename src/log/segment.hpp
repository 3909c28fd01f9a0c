// One segment file, opened and checked, and the checks of what is in it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "disk/disk.hpp"
#include "log/buffer.hpp"
#include "log/format.hpp"
#include "ringpost/result.hpp"

namespace ringpost::log {

struct Segment {
  std::unique_ptr<disk::File> file;
  SegmentHeader header{};
  std::uint32_t seed = 0;  ///< of its checksums

  [[nodiscard]] std::uint64_t base() const noexcept { return header.base_position; }
  [[nodiscard]] std::uint64_t epoch() const noexcept { return header.epoch; }
  /// No batch reaches beyond it.
  [[nodiscard]] std::uint64_t batches_end() const noexcept {
    return index_offset(header.segment_bytes);
  }
};

/// The first copy of a header in block 0 that verifies, of a segment or of a spare.
[[nodiscard]] std::optional<SegmentHeader> parse_header(ByteSpan block,
                                                        std::uint64_t magic) noexcept;
/// The header of a file, checked against itself and the file's length.
/// Errors  kNotFound: it was never begun; kDamaged, kWrongFormat, kNewerFormat, kSystem.
Result<SegmentHeader> read_header(disk::File& file, const std::string& name,
                                  disk::Read how = disk::Read::kCached);
/// The segment that begins at `base_position`. `log_id` 0: of any log.
/// Errors  as read_header(); kNotFound also without such a file, kWrongFormat also for another
///         log's.
Result<Segment> open_segment(disk::Directory& directory, std::uint64_t base_position,
                             std::uint64_t log_id, disk::Read how = disk::Read::kCached);
/// The whole block that begins a spare file: what it was before cannot be taken for a segment.
void encode_spare(std::span<std::byte> block);
/// The whole block that begins a segment; computes the checksum.
void encode_header(SegmentHeader header, std::span<std::byte> block);

/// The batch header that begins `memory`; nothing if it is none of that incarnation of a segment.
[[nodiscard]] std::optional<BatchHeader> parse_batch(ByteSpan memory, std::uint64_t epoch,
                                                     std::uint32_t seed) noexcept;
[[nodiscard]] inline std::optional<BatchHeader> parse_batch(ByteSpan memory,
                                                            const Segment& segment) noexcept {
  return parse_batch(memory, segment.epoch(), segment.seed);
}
/// The same of any incarnation of any segment.
[[nodiscard]] std::optional<BatchHeader> parse_any_batch(ByteSpan memory) noexcept;
/// The whole last block of a sealed segment; computes the checksum.
void encode_footer(SegmentFooter footer, std::uint32_t seed, std::span<std::byte> block);
/// Computes the checksum and puts the header in front of the batch.
void encode_batch(BatchHeader header, std::uint32_t seed, std::byte* batch) noexcept;

/// The record that begins `memory`, verified; nothing unless its positions lie in [floor, end).
[[nodiscard]] inline std::optional<RecordView> verified_record(ByteSpan memory, std::uint32_t seed,
                                                               std::uint64_t floor,
                                                               std::uint64_t end) noexcept {
  const std::optional<RecordView> record = RecordView::parse(memory);
  if (!record) return std::nullopt;
  const std::uint64_t position = record->header.position;
  if (position < floor || position >= end) return std::nullopt;
  if (cells_of(record->header.bytes) > end - position) return std::nullopt;
  if (record_crc(record->bytes, seed) != record->header.crc) return std::nullopt;
  return record;
}

/// The footer and the index of a sealed segment; nothing if it is not sealed or they do not verify.
struct SealedIndex {
  SegmentFooter footer{};
  std::vector<IndexEntry> entries;
};
[[nodiscard]] Result<std::optional<SealedIndex>> read_index(const Segment& segment);
[[nodiscard]] Result<std::optional<SegmentFooter>> read_footer(const Segment& segment);

/// A batch of a segment, by its header alone.
struct BatchPlace {
  std::uint64_t offset = 0;
  std::uint64_t base = 0;
};
/// The first one behind the block at `offset` that begins at `floor` or later.
Result<std::optional<BatchPlace>> find_batch_behind(const Segment& segment, std::uint64_t offset,
                                                    std::uint64_t floor);

/// Goes from batch to batch of a segment and verifies each wholly.
class BatchWalk {
 public:
  enum class Found : std::uint8_t {
    kBatch,   ///< header() and records() are of it; the walk stands behind it
    kNoRoom,  ///< the segment is full
    kBad,     ///< no whole batch begins here: the walk stays
  };
  explicit BatchWalk(const Segment& segment);

  /// Errors  kSystem: the disk could not read.
  Result<Found> next();
  /// Only the header of the next batch is looked at, and then its records are passed over.
  Result<Found> next_header();

  [[nodiscard]] const BatchHeader& header() const noexcept { return header_; }
  /// With the padding behind the last one. Until the next call.
  [[nodiscard]] ByteSpan records() const noexcept { return records_; }
  /// Where the next batch begins, in the file and in the log.
  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
  [[nodiscard]] std::uint64_t end() const noexcept { return end_; }
  [[nodiscard]] std::int64_t arrival_max() const noexcept { return arrival_max_; }
  /// Goes on with a batch elsewhere.
  void move_to(std::uint64_t offset, std::uint64_t end, std::int64_t arrival_max) noexcept;
  /// After kBad: reads anew, from the disk itself.
  void read_directly() noexcept { window_.forget(disk::Read::kDirect); }
  void trust_cache() noexcept { window_.trust_cache(); }

 private:
  Result<std::optional<BatchHeader>> look();
  [[nodiscard]] bool verify_records() const noexcept;
  Found step() noexcept;

  const Segment& segment_;
  Window window_;
  std::uint64_t offset_;
  std::uint64_t end_;
  std::int64_t arrival_max_;
  BatchHeader header_{};
  ByteSpan records_;
};

}  // namespace ringpost::log
