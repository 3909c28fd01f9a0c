// SIGTERM, SIGINT and SIGHUP as events that a loop waits for.
#pragma once

#include "ringpost/types.hpp"

namespace ringpost::daemon {

/// Blocks the signals for this thread and those that it starts. One object a process.
class Signals {
 public:
  Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals();

  /// Sleeps until a signal comes or the time is over. Returns the signal; 0: none came.
  int wait(Duration duration);

 private:
  int descriptor_ = -1;
};

}  // namespace ringpost::daemon
