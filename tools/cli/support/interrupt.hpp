// Ctrl-C, SIGTERM and SIGHUP: noted, then answered by whoever waits.
#pragma once

#include "ringpost/types.hpp"

namespace ringpost::cli {

/// How long a blocked call of the library may go on before it looks for a signal.
inline constexpr Duration kInterruptSlice = std::chrono::milliseconds(100);

/// From now on the first signals are noted, `count` of them; the next one ends the process at once.
void catch_interrupts(int count = 1);
[[nodiscard]] bool interrupted() noexcept;
/// The signal that came first; 0: none.
[[nodiscard]] int interrupting_signal() noexcept;
/// Becomes readable when a signal has come, for poll(); gives one byte for each: its number.
[[nodiscard]] int interrupt_descriptor() noexcept;
/// Throws Interrupted if a signal has come.
void stop_if_interrupted();
/// Sleeps, and throws Interrupted as soon as a signal comes.
void sleep_or_stop(Duration duration);

}  // namespace ringpost::cli
