// The logs of streams and durable queues on disk, for people and their tools: checking them, saving
// what can be saved, looking into them. No bus is needed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/options.hpp"
#include "ringpost/result.hpp"
#include "ringpost/types.hpp"

namespace ringpost {

/// Called about once a MiB; false stops the work.
using OnLogProgress = std::function<bool(std::uint64_t done_bytes, std::uint64_t total_bytes)>;

/// Positions [from, to) of a log.
struct LogRange {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
};

/// One thing that is wrong with a log.
struct LogFinding {
  std::string what;
  std::string file;
  std::uint64_t offset = 0;
  LogRange lost{};  ///< empty: nothing is lost
};

struct LogReport {
  std::uint64_t segments = 0;
  std::uint64_t batches = 0;
  std::uint64_t records = 0;
  LogRange positions{};
  std::vector<LogFinding> findings{};
  std::vector<LogRange> lost_before{};  ///< as an earlier salvage recorded: no finding
  bool was_stopped = false;
};

struct LogSalvage {
  std::uint64_t segments_rewritten = 0;
  std::uint64_t records = 0;  ///< in those
  std::vector<LogRange> lost{};
};

/// A record of a log. Refers to the reader's memory.
struct LogRecord {
  std::uint64_t position = 0;
  WallTime arrival{};
  std::string_view key{};
  ByteSpan data{};
  bool is_end = false;  ///< of a shard that was closed: it has neither key nor data
  /// In the log of a queue: what it says, as text. Then `data` is the body of the message, if there
  /// is one.
  std::string about{};
};

/// The directories of a stream's logs, by shard: <state>/<bus>/streams/<name>/shard-<number>.
/// Errors kNotFound, kPermission.
RINGPOST_API Result<std::vector<std::string>> stream_log_directories(
    std::string_view bus, std::string_view stream, const BusOptions& options = {});

/// The directory of a durable queue's log: <state>/<bus>/queues/<name>/log. Error kNotFound.
RINGPOST_API Result<std::string> queue_log_directory(std::string_view bus, std::string_view queue,
                                                     const BusOptions& options = {});

/// Reads all of a log and says what is wrong with it. Beside a writer too, up to `end`: positions
/// that are known to be written (ShardStats::written, QueueStats::log_written); default: as far as
/// the log goes. Errors kNotFound (no log there), kSystem, kWrongFormat, kNewerFormat.
RINGPOST_API Result<LogReport> verify_log(const std::string& directory,
                                          const OnLogProgress& on_progress = {},
                                          std::uint64_t end = UINT64_MAX);

/// Makes a damaged log usable again: writes each damaged segment anew without what cannot be read,
/// and records that this is lost; the old file stays, as "damaged-…". A log without damage stays as
/// it is. Whoever dies at it leaves one that can be salvaged again. Errors as verify_log(); kBusy:
/// a process is attached to the bus; kNoSpace.
RINGPOST_API Result<LogSalvage> salvage_log(const std::string& directory,
                                            const OnLogProgress& on_progress = {});

/// Gives each record from that position on to `show`, until it returns false. What cannot be read
/// or was lost before is given to `lost` and skipped. Errors as verify_log().
RINGPOST_API Result<void> dump_log(const std::string& directory, std::uint64_t from,
                                   const std::function<bool(const LogRecord&)>& show,
                                   const std::function<void(const LogRange&)>& lost = {});

}  // namespace ringpost
