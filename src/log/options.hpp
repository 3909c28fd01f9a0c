// What a log is opened with.
#pragma once

#include <cstdint>
#include <functional>

#include "base/time_source.hpp"
#include "sys/file.hpp"

namespace ringpost::log {

struct LogOptions {
  /// Stands in every segment; those of another log are refused. 0: any will do, new ones have 0.
  std::uint64_t log_id = 0;
  /// 16 KiB to 1 GiB, a multiple of 4 KiB. Larger: fewer pauses at the end of a segment, coarser
  /// retention, longer recovery.
  std::uint64_t segment_bytes = 64ull << 20;
  /// Files kept ready for the next segments, 0 to 16: space that nobody else can take.
  std::uint32_t spare_segments = 1;
  /// Batches being written at once, 1 to 64; each costs a buffer of batch_bytes_max, for who has
  /// several under way. A virtual disk may report them only all together: then the first of the
  /// next ones are made while it rests.
  std::uint32_t in_flight = 7;
  /// A batch that has so much is full; a longer record has a batch of its own. 4 KiB to 16 MiB.
  std::uint32_t batch_bytes_max = 1u << 20;
  /// Where a log that has no segment yet begins.
  std::uint64_t first_position = 0;
  /// Positions below are known to have been acknowledged as durable (from shared memory that
  /// outlived the writer): a log that ends in front of it is refused with kDamaged.
  std::uint64_t acknowledged_end = 0;

  base::TimeSource time{};
  std::function<std::uint64_t()> new_epoch = sys::unique_id;
};

}  // namespace ringpost::log
