// Shows what is in a log to people: each segment, batch and record as it lies there.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "disk/disk.hpp"
#include "log/segment.hpp"
#include "ringpost/result.hpp"

namespace ringpost::log {

/// What dump() tells; each may be empty. A false ends it.
struct DumpVisitor {
  std::function<bool(std::string_view file, const SegmentHeader&)> on_segment;
  std::function<bool(std::uint64_t offset, const BatchHeader&)> on_batch;
  /// Verified. Valid for the call.
  std::function<bool(std::uint64_t offset, const RecordView&)> on_record;
  /// What does not verify: a whole segment (offset 0), or what lies behind the last whole batch of
  /// one, be it the end or damage: verify() knows.
  std::function<bool(std::string_view file, std::uint64_t offset)> on_end;
};

/// Segments that have positions in [from, to), all of their batches that overlap.
/// Threads  any. Processes  any, beside the writer. Errors  kSystem.
Result<void> dump(disk::Directory& directory, std::uint64_t from, std::uint64_t to,
                  const DumpVisitor& visitor);

}  // namespace ringpost::log
