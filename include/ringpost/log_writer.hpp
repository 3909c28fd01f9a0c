// LogWriter: a thread that writes what goes to disk.
#pragma once

#include <memory>

#include "ringpost/errc.hpp"
#include "ringpost/export.hpp"

namespace ringpost {

namespace detail {
class LogThread;
}  // namespace detail

/// Writes the logs of a stream, also of shards to come, or that of a queue, in a thread of its own
/// as long as it lives. Without one whoever waits for durability, or for room, writes for all. When
/// it goes, in whatever way, the next one goes on.
class RINGPOST_API LogWriter {
 public:
  LogWriter() noexcept;
  LogWriter(LogWriter&&) noexcept;
  LogWriter& operator=(LogWriter&&) noexcept;
  ~LogWriter();
  /// The last error of a log, or kOk.
  [[nodiscard]] Errc failure() const noexcept;

 private:
  friend class Stream;
  friend class Queue;
  explicit LogWriter(std::unique_ptr<detail::LogThread> thread) noexcept;
  std::unique_ptr<detail::LogThread> thread_;
};

}  // namespace ringpost
