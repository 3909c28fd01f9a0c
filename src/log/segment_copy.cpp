#include "log/segment_copy.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "sys/error.hpp"

namespace ringpost::log {
namespace {

constexpr std::size_t kBatchBytes = 1u << 20;

}  // namespace

Result<std::unique_ptr<SegmentCopy>> SegmentCopy::begin(disk::Directory& directory,
                                                        std::string name,
                                                        const SegmentHeader& header) {
  if (auto gone = directory.remove(name); !gone) return Unexpected(gone.error());
  auto file = directory.create(name, header.segment_bytes);
  if (!file) return Unexpected(file.error());
  std::unique_ptr<SegmentCopy> copy(new SegmentCopy(directory, std::move(name)));
  copy->segment_ = {std::move(*file), header, seed_of(header.epoch)};
  copy->end_ = copy->floor_ = header.base_position;
  copy->arrival_max_ = header.arrival_max;
  copy->index_.begin(copy->segment_);
  copy->buffer_.grow(kBatchBytes, 0);
  encode_header(header, {copy->buffer_.data(), disk::kBlockBytes});
  auto written =
      copy->segment_.file->write(0, {copy->buffer_.data(), disk::kBlockBytes}, disk::Sync::kNone);
  if (!written) return Unexpected(written.error());
  return copy;
}

Result<void> SegmentCopy::add(const RecordView& record) {
  const std::size_t bytes = padded(record.bytes.size());
  if (records_ != 0 && used_ + bytes > kBatchBytes) {
    if (auto written = write_batch(floor_, 0); !written) return written;
  }
  buffer_.grow(used_ + bytes, used_);
  std::byte* const to = buffer_.data() + used_;
  std::memset(to + bytes - kRecordAlign, 0, kRecordAlign);
  std::memcpy(to, record.bytes.data(), record.bytes.size());
  const std::uint32_t crc = record_crc({to, record.bytes.size()}, segment_.seed);
  std::memcpy(to, &crc, sizeof crc);
  used_ += bytes;
  if (records_++ == 0) arrival_first_ = record.header.arrival_ns;
  arrival_max_ = std::max(arrival_max_, record.header.arrival_ns);
  floor_ = record.header.position + cells_of(record.bytes.size());
  return {};
}

Result<void> SegmentCopy::add_lost(std::uint64_t end) {
  if (records_ != 0) {
    if (auto written = write_batch(floor_, 0); !written) return written;
  }
  return end > end_ ? write_batch(end, kBatchLost) : Result<void>();
}

Result<void> SegmentCopy::finish(std::uint64_t end) {
  if (records_ != 0 || end > end_) {
    if (auto written = write_batch(std::max(end, floor_), 0); !written) return written;
  }
  auto index = index_.finish(segment_, offset_, end_);
  if (!index) return Unexpected(index.error());
  auto written = segment_.file->write(segment_.batches_end(), *index, disk::Sync::kNone);
  if (!written) return written;
  if (auto synced = segment_.file->sync(); !synced) return synced;
  return directory_.sync();
}

Result<void> SegmentCopy::write_batch(std::uint64_t end, std::uint16_t flags) {
  const std::size_t size = round_up_to_block(used_);
  if (size > segment_.batches_end() - offset_) {
    return sys::error(Errc::kNoSpace, name_, "the segment is too small for what it had");
  }
  buffer_.grow(size, used_);
  std::memset(buffer_.data() + used_, 0, size - used_);
  BatchHeader header{};
  header.magic = kBatchMagic;
  header.version = kFormatVersion;
  header.flags = flags;
  header.record_bytes = static_cast<std::uint32_t>(used_ - sizeof header);
  header.epoch = segment_.epoch();
  header.base_position = end_;
  header.end_position = end;
  header.durable_end = segment_.base();
  header.arrival_first = records_ != 0 ? arrival_first_ : arrival_max_;
  header.arrival_max = arrival_max_;
  header.records = records_;
  encode_batch(header, segment_.seed, buffer_.data());
  index_.note(header, offset_);
  auto written = segment_.file->write(offset_, {buffer_.data(), size}, disk::Sync::kNone);
  if (!written) return written;
  offset_ += size;
  end_ = floor_ = end;
  used_ = sizeof(BatchHeader);
  records_ = 0;
  return {};
}

}  // namespace ringpost::log
