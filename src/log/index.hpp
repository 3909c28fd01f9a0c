// The index of a segment, as it is gathered for the day it is sealed.
#pragma once

#include <cstdint>
#include <vector>

#include "log/segment.hpp"

namespace ringpost::log {

class IndexBuilder {
 public:
  /// Of a segment in which batches may be already.
  void begin(const Segment& segment);
  /// A batch was put there. Those that other writers put between are found by finish().
  void note(const BatchHeader& header, std::uint64_t offset);
  /// Everything from index_offset() to the end of the file: entries and footer, in blocks.
  /// `data_end`: behind the last batch. Errors  kSystem, kDamaged: batches of others do not verify.
  Result<ByteSpan> finish(const Segment& segment, std::uint64_t data_end,
                          std::uint64_t durable_end);

 private:
  Result<void> catch_up(const Segment& segment, std::uint64_t data_end);

  std::vector<IndexEntry> entries_;
  std::uint64_t covered_end_ = 0;  // offset: all batches below were noted
  std::uint64_t end_ = 0;          // position
  std::uint64_t records_ = 0;
  std::int64_t arrival_max_ = 0;
  Buffer buffer_;
};

}  // namespace ringpost::log
