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
  std::optional<Segment> last;  ///< in which the log ends; nothing: the log is empty
  std::uint64_t end = 0;        ///< positions below are there
  std::uint64_t data_end = 0;   ///< the same as an offset of that segment
  std::uint64_t seen_end = 0;   ///< at least `end`: also what is discarded had no position above
  std::int64_t arrival_max = 0;
  /// A batch of that segment begins at data_end, but is not whole: whoever does not know the end
  /// would read its first records.
  bool is_torn = false;
  /// Segments that hold nothing of the log: behind the end, or never begun.
  std::vector<std::uint64_t> discarded;
  /// Those that may not be safe on disk yet, `last` among them.
  std::vector<std::uint64_t> unsafe;
};

/// Verifies the last segments up to the first batch that is not whole: from the one in which
/// everything before was safe, which is the last or the one before it. Changes nothing.
///
/// Errors  kDamaged: a later batch, a footer, a header or `options.acknowledged_end` proves that
///         more than that was acknowledged; what() names the positions. kWrongFormat, kNewerFormat,
///         kSystem.
Result<Recovered> recover(disk::Directory& directory, const LogOptions& options);

}  // namespace ringpost::log
