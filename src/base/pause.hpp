// What a spinning loop does between two looks.
#pragma once

#if defined(RINGPOST_RIG)
extern "C" void ringpost_rig_pause();  // the rigs let another fiber run here
#endif

namespace ringpost::base {

inline void cpu_pause() noexcept {
#if defined(RINGPOST_RIG)
  ringpost_rig_pause();
#elif defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

inline void cpu_pause(int times) noexcept {
  for (int i = 0; i < times; ++i) cpu_pause();
}

}  // namespace ringpost::base
