// Ends the program, naming what it was doing, when a call under damage never returns.
#pragma once

#include <string>

namespace ringpost::hostile {

/// One at a time. Far longer than any call takes; a watchdog and no promise of speed.
class Watchdog {
 public:
  explicit Watchdog(const std::string& doing);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();
};

}  // namespace ringpost::hostile
