// What is behind a ringpost::LogWriter.
#pragma once

#include "ringpost/errc.hpp"

namespace ringpost::detail {

/// Threads  any.
class LogThread {
 public:
  virtual ~LogThread() = default;
  /// The last error of a log, or kOk.
  [[nodiscard]] virtual Errc failure() const noexcept = 0;
};

}  // namespace ringpost::detail
