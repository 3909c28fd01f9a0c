// A segment that is written in one go, all safe at the end, and then gets its name.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "disk/disk.hpp"
#include "log/index.hpp"
#include "log/segment.hpp"

namespace ringpost::log {

class SegmentCopy {
 public:
  /// `header` says where it begins and how long it is; the file has `name` meanwhile.
  static Result<std::unique_ptr<SegmentCopy>> begin(disk::Directory& directory, std::string name,
                                                    const SegmentHeader& header);
  /// Verified records, ascending.
  Result<void> add(const RecordView& record);
  /// The positions up to `end` are lost.
  Result<void> add_lost(std::uint64_t end);
  /// Covers all positions below `end`, seals the segment and makes it safe.
  Result<void> finish(std::uint64_t end);

 private:
  SegmentCopy(disk::Directory& directory, std::string name)
      : directory_(directory), name_(std::move(name)) {}
  Result<void> write_batch(std::uint64_t end, std::uint16_t flags);

  disk::Directory& directory_;
  std::string name_;
  Segment segment_;
  IndexBuilder index_;
  Buffer buffer_;
  std::size_t used_ = sizeof(BatchHeader);
  std::uint32_t records_ = 0;
  std::uint64_t offset_ = kDataOffset;
  std::uint64_t end_ = 0;    // positions below are in batches
  std::uint64_t floor_ = 0;  // and in the one being gathered
  std::int64_t arrival_first_ = 0;
  std::int64_t arrival_max_ = 0;
};

}  // namespace ringpost::log
