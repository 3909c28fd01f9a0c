// LogWriter: a thread that writes what goes to disk.
#pragma once

#include <chrono>
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
