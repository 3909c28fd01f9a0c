// The time stamp counter: what every latency here is read from. Both cores count alike.
#pragma once

#include <cstdint>

#if defined(__x86_64__)
#include <x86intrin.h>
#else
#include <time.h>
#endif

namespace ringpost::bench {

using Ticks = std::uint64_t;

inline Ticks ticks_now() noexcept {
#if defined(__x86_64__)
  return __rdtsc();
#else
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<Ticks>(now.tv_sec) * 1'000'000'000u + static_cast<Ticks>(now.tv_nsec);
#endif
}

/// Calibrated against CLOCK_MONOTONIC at the first call, which takes 30 ms: call it before fork.
double ticks_per_ns();

inline double ticks_to_ns(double ticks) { return ticks / ticks_per_ns(); }
inline Ticks ns_to_ticks(double ns) { return static_cast<Ticks>(ns * ticks_per_ns()); }

inline void cpu_pause() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

inline void cpu_pause(unsigned times) noexcept {
  for (unsigned i = 0; i < times; ++i) cpu_pause();
}

}  // namespace ringpost::bench
