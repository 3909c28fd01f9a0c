// Reads a whole log and says what is wrong with it: scrubbing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "disk/disk.hpp"
#include "log/reader.hpp"
#include "ringpost/result.hpp"

namespace ringpost::log {

enum class Fault : std::uint8_t {
  kMissing,     ///< a segment that should be there in front of the others
  kHeader,      ///< of a segment: no copy verifies
  kHeaderCopy,  ///< one of the two copies, or the zeros beside them: nothing is lost
  kRecords,     ///< records cannot be read
  kPadding,     ///< bytes between and behind records that should be zeros: nothing is lost
  kIndex,       ///< index or footer of a sealed segment: nothing is lost, seeking is slower
  kUnreadable,  ///< the disk says so
};
[[nodiscard]] const char* name(Fault fault) noexcept;

struct Finding {
  Fault fault = Fault::kRecords;
  std::string file;
  std::uint64_t offset = 0;
  Gap lost;  ///< positions; empty: nothing is lost
};

struct VerifyProgress {
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;
  std::uint64_t records = 0;
};

struct VerifyReport {
  std::uint64_t segments = 0;
  std::uint64_t batches = 0;
  std::uint64_t records = 0;
  std::uint64_t first = 0;  ///< positions of the log: [first, end)
  std::uint64_t end = 0;
  std::vector<Finding> findings;
  std::vector<Gap> salvaged;  ///< lost before, as an earlier salvage recorded: no finding
  bool was_stopped = false;

  [[nodiscard]] bool is_whole() const noexcept { return findings.empty(); }
};

struct VerifyOptions {
  std::uint64_t log_id = 0;  ///< 0: of any log
  /// How far the log is known to be written; UINT64_MAX: as far as recovery would take it. A log
  /// that is being written needs it.
  std::uint64_t bound = UINT64_MAX;
  /// About each MiB; false stops.
  std::function<bool(const VerifyProgress&)> on_progress;
};

/// Threads  any. Processes  any, beside the writer. Blocking  reads everything.
/// Errors   kSystem: the directory cannot be read; kWrongFormat, kNewerFormat.
Result<VerifyReport> verify(disk::Directory& directory, const VerifyOptions& options = {});

}  // namespace ringpost::log
