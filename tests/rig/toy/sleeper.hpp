// A toy: publish by a plain store, look for sleepers without a fence; the sleeper pays for it by a
// membarrier. Breaks only where stores are delayed. And a lock, which a stopped holder keeps.
#pragma once

#include <atomic>
#include <cstdint>

#include "rig/toy/bugs.hpp"

extern "C" void ringpost_rig_pause();
extern "C" void ringpost_rig_membarrier();

namespace ringpost::rig::toy {

struct SleeperMemory {
  std::atomic<std::uint64_t> published;
  std::atomic<std::uint64_t> asleep;
  std::atomic<std::uint64_t> woken;
};

template <Bug kBug = Bug::kNone>
struct Sleeper {
  /// True: it went to sleep, so somebody has to wake it.
  static bool wait(SleeperMemory& m) {
    m.asleep.store(1, std::memory_order_relaxed);
    if constexpr (kBug != Bug::kNoMembarrier) ringpost_rig_membarrier();
    return m.published.load(std::memory_order_acquire) == 0;
  }
  static void publish(SleeperMemory& m) {
    m.published.store(1, std::memory_order_release);
    if (m.asleep.load(std::memory_order_relaxed) != 0) m.woken.store(1);
  }
};

struct LockMemory {
  std::atomic<std::uint32_t> locked;
  std::uint64_t count;
};

inline void locked_increment(LockMemory& m) {
  while (m.locked.exchange(1, std::memory_order_acquire) != 0) ringpost_rig_pause();
  m.count += 1;
  m.locked.store(0, std::memory_order_release);
}

}  // namespace ringpost::rig::toy
