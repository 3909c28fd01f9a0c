// Where a log ends, from its last segment alone.
#pragma once

#include <cstdint>
#include <optional>

#include "log/names.hpp"
#include "log/options.hpp"
#include "log/segment.hpp"

namespace ringpost::log {

struct Recovered {
  LogFiles files;
  std::optional<Segment> last;  ///< nothing: the log is empty
  std::uint64_t end = 0;        ///< positions below are there
  std::uint64_t data_end = 0;   ///< the same as an offset of the last segment
  std::uint64_t seen_end = 0;   ///< at least `end`: also what is discarded had no position above
  std::int64_t arrival_max = 0;
  /// A batch of that segment begins at data_end, but is not whole: whoever does not know the end
  /// would read its first records.
  bool is_torn = false;
};

/// Verifies the last segment up to the first batch that is not whole. Changes nothing.
///
/// Errors  kDamaged: a later batch, the footer or `options.acknowledged_end` proves that more than
///         that was acknowledged; what() names the positions. kWrongFormat, kNewerFormat, kSystem.
Result<Recovered> recover(disk::Directory& directory, const LogOptions& options);

}  // namespace ringpost::log
