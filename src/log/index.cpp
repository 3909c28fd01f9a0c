#include "log/index.hpp"

#include <algorithm>
#include <cstring>

#include "sys/error.hpp"

namespace ringpost::log {

void IndexBuilder::begin(const Segment& segment) {
  entries_.clear();
  covered_end_ = kDataOffset;
  end_ = segment.base();
  records_ = 0;
  arrival_max_ = segment.header.arrival_max;
}

void IndexBuilder::note(const BatchHeader& header, std::uint64_t offset) {
  if (offset != covered_end_) return;
  if (entries_.empty() || offset - entries_.back().offset >= kIndexStrideBytes) {
    entries_.push_back({header.base_position, arrival_max_, offset});
  }
  covered_end_ = offset + batch_bytes(header.record_bytes);
  end_ = header.end_position;
  records_ += header.records;
  arrival_max_ = header.arrival_max;
}

Result<void> IndexBuilder::catch_up(const Segment& segment, std::uint64_t data_end) {
  BatchWalk walk(segment);
  walk.move_to(covered_end_, end_, arrival_max_);
  while (walk.offset() < data_end) {
    const std::uint64_t offset = walk.offset();
    auto step = walk.next_header();
    if (!step) return Unexpected(step.error());
    if (*step != BatchWalk::Found::kBatch) {
      return sys::error(Errc::kDamaged, "log", "batches of this segment do not verify any more");
    }
    note(walk.header(), offset);
  }
  return {};
}

Result<ByteSpan> IndexBuilder::finish(const Segment& segment, std::uint64_t data_end,
                                      std::uint64_t durable_end) {
  if (auto caught_up = catch_up(segment, data_end); !caught_up) {
    return Unexpected(caught_up.error());
  }
  const std::size_t bytes = segment.header.segment_bytes - segment.batches_end();
  buffer_.grow(bytes, 0);
  std::memset(buffer_.data(), 0, bytes);
  const ByteSpan entries = std::as_bytes(std::span(entries_));
  std::copy(entries.begin(), entries.end(), buffer_.data());
  SegmentFooter footer{};
  footer.version = kFormatVersion;
  footer.magic = kFooterMagic;
  footer.epoch = segment.epoch();
  footer.base_position = segment.base();
  footer.end_position = end_;
  footer.data_end = data_end;
  footer.records = records_;
  footer.arrival_max = arrival_max_;
  footer.entries = static_cast<std::uint32_t>(entries_.size());
  footer.durable_end = durable_end;
  footer.entries_crc = base::crc32c(entries, segment.seed);
  encode_footer(footer, segment.seed,
                {buffer_.data() + bytes - disk::kBlockBytes, disk::kBlockBytes});
  return ByteSpan(buffer_.data(), bytes);
}

}  // namespace ringpost::log
