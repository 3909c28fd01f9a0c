// Whose logs a thread of dedicated writers writes: a stream, a queue.
#pragma once

#include <string>

#include "journal/log_writer.hpp"

namespace ringpost::journal {

/// Threads  that of the writers, once it has one.
class LogSource {
 public:
  virtual ~LogSource() = default;
  /// For people: "stream ticks".
  [[nodiscard]] virtual const std::string& name() const noexcept = 0;
  /// Before each round: opens what has come, lets go of what has ended; cheap if nothing has
  /// changed. An error ends it: kDeleted, ….
  [[nodiscard]] virtual Errc look() noexcept = 0;
  /// As look() left them.
  [[nodiscard]] virtual LogWriters writers() const noexcept = 0;
};

}  // namespace ringpost::journal
