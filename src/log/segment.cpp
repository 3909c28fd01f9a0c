#include "log/segment.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "log/names.hpp"
#include "sys/error.hpp"

namespace ringpost::log {
namespace {

template <class T>
std::uint32_t crc_behind_first(const T& bytes, std::size_t size, std::uint32_t seed) noexcept {
  const auto* data = reinterpret_cast<const std::byte*>(&bytes);
  return base::crc32c({data + sizeof(std::uint32_t), size - sizeof(std::uint32_t)}, seed);
}

}  // namespace

std::optional<SegmentHeader> parse_header(ByteSpan block, std::uint64_t magic) noexcept {
  for (const std::size_t offset : kHeaderOffsets) {
    SegmentHeader header;
    std::memcpy(&header, block.data() + offset, sizeof header);
    if (header.magic != magic) continue;
    if (crc_behind_first(header, sizeof header, 0) == header.crc) return header;
  }
  return std::nullopt;
}

Result<SegmentHeader> read_header(disk::File& file, const std::string& name, disk::Read how) {
  const Buffer buffer(disk::kBlockBytes);
  auto got = file.read(0, {buffer.data(), disk::kBlockBytes}, how);
  if (!got) return Unexpected(got.error());
  if (*got != disk::kBlockBytes) {
    return sys::error(Errc::kDamaged, name, "it is shorter than the header of a segment");
  }
  const ByteSpan block(buffer.data(), disk::kBlockBytes);
  const std::optional<SegmentHeader> header = parse_header(block, kSegmentMagic);
  if (!header && parse_header(block, kSpareMagic)) {
    return sys::error(Errc::kNotFound, name, "the segment was never begun");
  }
  if (!header) return sys::error(Errc::kDamaged, name, "the header of the segment is damaged");
  if (header->version != kFormatVersion || header->cipher != 0 || header->flags != 0) {
    return sys::error(Errc::kNewerFormat, name, "written by a newer version");
  }
  if (!is_segment_size(header->segment_bytes) || file.bytes() != header->segment_bytes) {
    return sys::error(Errc::kDamaged, name, "the file does not have its length");
  }
  return *header;
}

Result<Segment> open_segment(disk::Directory& directory, std::uint64_t base_position,
                             std::uint64_t log_id, disk::Read how) {
  const std::string name = segment_name(base_position);
  const std::string path = directory.path() + "/" + name;
  auto file = directory.open(name);
  if (!file) return Unexpected(file.error());
  auto header = read_header(**file, path, how);
  if (!header && header.error() == Errc::kDamaged) {  // or only the page cache is
    header = read_header(**file, path, disk::Read::kDirect);
  }
  if (!header) return Unexpected(header.error());
  if (log_id != 0 && header->log_id != log_id) {
    return sys::error(Errc::kWrongFormat, path, "belongs to another log");
  }
  if (header->base_position != base_position) {
    return sys::error(Errc::kDamaged, path, "it does not begin where its name says");
  }
  return Segment{std::move(*file), *header, seed_of(header->epoch)};
}

void encode_header(SegmentHeader header, std::span<std::byte> block) {
  header.crc = crc_behind_first(header, sizeof header, 0);
  std::memset(block.data(), 0, disk::kBlockBytes);
  for (const std::size_t offset : kHeaderOffsets) {
    std::memcpy(block.data() + offset, &header, sizeof header);
  }
}

void encode_spare(std::span<std::byte> block) {
  SegmentHeader header{};
  header.version = kFormatVersion;
  header.magic = kSpareMagic;
  encode_header(header, block);
}

void encode_footer(SegmentFooter footer, std::uint32_t seed, std::span<std::byte> block) {
  std::memset(block.data(), 0, disk::kBlockBytes);
  std::memcpy(block.data(), &footer, sizeof footer);
  footer.crc = crc_behind_first(*block.data(), disk::kBlockBytes, seed);
  std::memcpy(block.data(), &footer.crc, sizeof footer.crc);
}

std::optional<BatchHeader> parse_batch(ByteSpan memory, std::uint64_t epoch,
                                       std::uint32_t seed) noexcept {
  BatchHeader header;
  if (memory.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, memory.data(), sizeof header);
  if (header.magic != kBatchMagic || header.epoch != epoch) return std::nullopt;
  if (crc_behind_first(header, sizeof header, seed) != header.crc) return std::nullopt;
  const bool known = header.version == kFormatVersion && (header.flags & ~kBatchLost) == 0;
  const bool counts = (header.records == 0) == (header.record_bytes == 0) &&
                      header.records <= header.record_bytes / sizeof(RecordHeader);
  if (!known || !counts || header.end_position < header.base_position) return std::nullopt;
  return header;
}

std::optional<BatchHeader> parse_any_batch(ByteSpan memory) noexcept {
  BatchHeader header;
  if (memory.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, memory.data(), sizeof header);
  if (header.magic != kBatchMagic) return std::nullopt;
  return parse_batch(memory, header.epoch, seed_of(header.epoch));
}

void encode_batch(BatchHeader header, std::uint32_t seed, std::byte* batch) noexcept {
  header.crc = crc_behind_first(header, sizeof header, seed);
  std::memcpy(batch, &header, sizeof header);
}

Result<std::optional<SegmentFooter>> read_footer(const Segment& segment) {
  using Footer = std::optional<SegmentFooter>;
  const Buffer block(disk::kBlockBytes);
  auto got = segment.file->read(footer_offset(segment.header.segment_bytes),
                                {block.data(), disk::kBlockBytes});
  if (!got) return Unexpected(got.error());
  SegmentFooter footer{};
  std::memcpy(&footer, block.data(), sizeof footer);
  if (*got != disk::kBlockBytes || footer.magic != kFooterMagic ||
      footer.epoch != segment.epoch()) {
    return Footer();
  }
  if (crc_behind_first(*block.data(), disk::kBlockBytes, segment.seed) != footer.crc) {
    return Footer();
  }
  const bool holds = footer.version == kFormatVersion && footer.base_position == segment.base() &&
                     footer.end_position >= footer.base_position &&
                     footer.data_end >= kDataOffset && footer.data_end <= segment.batches_end() &&
                     footer.entries <= index_entries_max(segment.header.segment_bytes);
  return holds ? Footer(footer) : Footer();
}

Result<std::optional<SealedIndex>> read_index(const Segment& segment) {
  auto footer = read_footer(segment);
  if (!footer) return Unexpected(footer.error());
  if (!*footer) return std::optional<SealedIndex>();
  SealedIndex index{**footer, {}};
  index.entries.resize(index.footer.entries);
  const std::span<std::byte> bytes = std::as_writable_bytes(std::span(index.entries));
  auto got = segment.file->read(segment.batches_end(), bytes);
  if (!got) return Unexpected(got.error());
  if (*got != bytes.size() || base::crc32c(bytes, segment.seed) != index.footer.entries_crc) {
    return std::optional<SealedIndex>();
  }
  std::uint64_t behind = kDataOffset;
  for (const IndexEntry& entry : index.entries) {
    if (entry.offset < behind || entry.offset % disk::kBlockBytes != 0 ||
        entry.offset >= segment.batches_end()) {
      return std::optional<SealedIndex>();
    }
    behind = entry.offset + disk::kBlockBytes;
  }
  return std::optional<SealedIndex>(std::move(index));
}

Result<std::optional<BatchPlace>> find_batch_behind(const Segment& segment, std::uint64_t offset,
                                                    std::uint64_t floor) {
  Window window;
  window.attach(segment.file.get());
  for (std::uint64_t at = offset + disk::kBlockBytes;
       at + disk::kBlockBytes <= segment.batches_end(); at += disk::kBlockBytes) {
    auto block = window.at(at, disk::kBlockBytes);
    if (!block) return Unexpected(block.error());
    const auto header = parse_batch(*block, segment);
    if (header && header->base_position >= floor) {
      return std::optional(BatchPlace{at, header->base_position});
    }
  }
  return std::optional<BatchPlace>();
}

BatchWalk::BatchWalk(const Segment& segment)
    : segment_(segment),
      offset_(kDataOffset),
      end_(segment.base()),
      arrival_max_(segment.header.arrival_max) {
  window_.attach(segment.file.get());
}

void BatchWalk::move_to(std::uint64_t offset, std::uint64_t end,
                        std::int64_t arrival_max) noexcept {
  offset_ = offset;
  end_ = end;
  arrival_max_ = arrival_max;
}

Result<std::optional<BatchHeader>> BatchWalk::look() {
  auto block = window_.at(offset_, sizeof(BatchHeader));
  if (!block) return Unexpected(block.error());
  std::optional<BatchHeader> header = parse_batch(*block, segment_);
  const bool follows = header && header->base_position == end_ &&
                       header->arrival_max >= arrival_max_ &&
                       batch_bytes(header->record_bytes) <= segment_.batches_end() - offset_;
  if (!follows) header.reset();
  return header;
}

BatchWalk::Found BatchWalk::step() noexcept {
  offset_ += batch_bytes(header_.record_bytes);
  end_ = header_.end_position;
  arrival_max_ = header_.arrival_max;
  return Found::kBatch;
}

Result<BatchWalk::Found> BatchWalk::next_header() {
  if (offset_ + disk::kBlockBytes > segment_.batches_end()) return Found::kNoRoom;
  auto header = look();
  if (!header) return Unexpected(header.error());
  if (!*header) return Found::kBad;
  header_ = **header;
  records_ = {};
  return step();
}

Result<BatchWalk::Found> BatchWalk::next() {
  if (offset_ + disk::kBlockBytes > segment_.batches_end()) return Found::kNoRoom;
  auto header = look();
  if (!header) return Unexpected(header.error());
  if (!*header) return Found::kBad;
  const std::size_t bytes = batch_bytes((*header)->record_bytes);
  auto batch = window_.at(offset_, bytes);
  if (!batch) return Unexpected(batch.error());
  if (batch->size() != bytes) return Found::kBad;
  header_ = **header;
  records_ = batch->subspan(sizeof(BatchHeader));
  return verify_records() ? step() : Found::kBad;
}

bool BatchWalk::verify_records() const noexcept {
  ByteSpan rest = records_.first(header_.record_bytes);
  std::uint64_t floor = header_.base_position;
  for (std::uint32_t left = header_.records; left > 0; --left) {
    const auto record = verified_record(rest, segment_.seed, floor, header_.end_position);
    if (!record) return false;
    floor = record->header.position + cells_of(record->header.bytes);
    const std::uint64_t bytes = padded(record->header.bytes);
    if (bytes > rest.size()) return false;
    rest = rest.subspan(bytes);
  }
  return rest.empty();
}

}  // namespace ringpost::log
