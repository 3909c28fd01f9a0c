// LogWriter: a thread that writes what goes to disk; and what became of a log that had failed.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ringpost/errc.hpp"
#include "ringpost/export.hpp"
#include "ringpost/types.hpp"

namespace ringpost {

namespace detail {
class LogWriterCore;
}  // namespace detail

struct LogWriterOptions {
  /// What was put with kMemory is on disk so long after it was put, or sooner, as far as the disk
  /// keeps up. When nothing is put it takes a tenth of a second.
  Duration flush_after{std::chrono::seconds(1)};
};

/// One of the things whose logs a LogWriter writes.
struct WrittenLog {
  std::string name{};        ///< "stream ticks", "queue orders"
  Errc failure = Errc::kOk;  ///< why it is not written now
};

/// What became of a log that had failed: of one shard of a stream, or of a durable queue.
struct RecoveredLog {
  std::uint32_t shard = 0;         ///< of a stream
  int log_errno = 0;               ///< why it had failed
  std::uint64_t acknowledged = 0;  ///< positions below: durable before it failed, and all there
  std::uint64_t on_disk = 0;       ///< positions below: found on disk, acknowledged or not
  std::uint64_t records = 0;  ///< behind `on_disk`, of which nobody was told that they are safe:
                              ///< they were in memory still, and now they are on disk
};

/// Writes the logs of a stream, also of shards to come, that of a durable queue, or those of all
/// streams and queues of a bus, also of those to come, in a thread of its own as long as it lives.
/// Without one whoever waits for durability, or for room, writes for all. When it goes, in whatever
/// way, the next one goes on; when it ends in order, everything that was put by then is on disk.
class RINGPOST_API LogWriter {
 public:
  LogWriter() noexcept;
  LogWriter(LogWriter&&) noexcept;
  LogWriter& operator=(LogWriter&&) noexcept;
  ~LogWriter();
  /// Why one of the logs is not written now, or kOk. What passes is tried again: no room, a log
  /// that failed and was recovered.
  [[nodiscard]] Errc failure() const noexcept;
  /// What it writes, in no order.
  [[nodiscard]] std::vector<WrittenLog> logs() const;

 private:
  friend class Bus;
  friend class Queue;
  friend class Stream;
  explicit LogWriter(std::unique_ptr<detail::LogWriterCore> core) noexcept;
  std::unique_ptr<detail::LogWriterCore> core_;
};

}  // namespace ringpost
