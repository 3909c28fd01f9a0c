// Where a log ends, from its last segments.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "log/names.hpp"
#include "log/options.hpp"
#include "log/segment.hpp"

namespace ringpost::log {

struct Recovered {
  std::optional<Segment> last;   ///< in which the log ends; nothing: the log is empty
  std::uint64_t end = 0;         ///< positions below are there
  std::uint64_t data_end = 0;    ///< the same as an offset of that segment
  std::uint64_t seen_end = 0;    ///< at least `end`: also what is discarded had no position above
  std::uint64_t proven_end = 0;  ///< positions below were acknowledged; at most `end`
  std::int64_t arrival_max = 0;
  /// A batch of that segment begins at data_end, but is not whole: whoever does not know the end
  /// would read its first records.
  bool is_torn = false;
  /// Segments that hold nothing of the log: behind the end, or never begun.
  std::vector<std::uint64_t> discarded;
  /// The last one, if neither its header verifies nor anything in it proves that it was begun.
  std::optional<std::uint64_t> lost;
  /// Those that may not be safe on disk yet, `last` among them.
  std::vector<std::uint64_t> unsafe;
};

/// Verifies the last segments up to the first batch that is not whole: from the one in which
/// everything before was safe, which is the last or the one before it. Changes nothing.
///
/// With kDirect, for whoever goes on with the log, it counts only what the disk itself has: a sync
/// that failed, of whatever process, leaves pages behind that look written, and a second sync that
/// succeeds. What was read so must be synced then, since a dead writer's last writes may be on
/// their way.
///
/// Errors  kDamaged: a later batch, a footer, a header or `options.acknowledged_end` proves that
///         more than that was acknowledged; what() names the positions. kWrongFormat, kNewerFormat,
///         kSystem.
Result<Recovered> recover(disk::Directory& directory, const LogOptions& options,
                          disk::Read how = disk::Read::kCached);

/// The same for a log that is damaged too: `proven_end` says how much was acknowledged.
Result<Recovered> examine(disk::Directory& directory, const LogOptions& options, disk::Read how);

}  // namespace ringpost::log
