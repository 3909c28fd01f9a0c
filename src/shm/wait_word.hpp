// Where the sleepers of a queue sleep, and how they are woken without a lost wake-up.
//
// A sleeper reads the sequence, arms the word, fences everybody (membarrier), looks once more for
// what it waits for, and sleeps while the sequence is unchanged. A waker changes the state first
// and then looks whether the word is armed; only then does it make a system call, and it wakes one.
// The woken one arms the word again before anything else, because others may still sleep.
//
// Crash  A dead sleeper leaves the word armed: one needless system call. Somebody who is killed
//        between being woken and arming again leaves other sleepers unwoken until their sleep ends;
//        nobody sleeps longer than kSleepSliceNs without looking.
#pragma once

#include <atomic>
#include <cstdint>

#include "sys/futex.hpp"

#if defined(RINGPOST_RIG)
extern "C" void ringpost_rig_membarrier();
#endif

namespace ringpost::shm {

inline constexpr std::uint64_t kSleepSliceNs = 100'000'000;

struct WaitWord {
  std::atomic<std::uint32_t> armed;     ///< by sleepers (1) and wakers (0)
  std::atomic<std::uint32_t> sequence;  ///< by wakers; the futex

  /// By a waker, after the change that sleepers wait for. In the common case one load.
  void wake_one() noexcept {
    // [wake] Not ordered after the waker's store by itself: arm() fences for both.
    if (armed.load(std::memory_order_relaxed) != 0) [[unlikely]]
      wake_armed(1);
  }
  void wake_all() noexcept { wake_armed(1 << 30); }
  /// As wake_one(), for changes that concern every sleeper.
  void wake_all_armed() noexcept {
    if (armed.load(std::memory_order_relaxed) != 0) [[unlikely]]
      wake_armed(1 << 30);
  }

  /// By a sleeper, before it looks for the last time. Returns what to pass to sleep().
  [[nodiscard]] std::uint32_t arm() noexcept {
    // Before arming: a waker in between takes that for itself, and then it has raised this.
    const std::uint32_t seen = sequence.load(std::memory_order_acquire);
    armed.exchange(1, std::memory_order_seq_cst);
#if defined(RINGPOST_RIG)
    ringpost_rig_membarrier();
#else
    sys::fence_other_processes();  // [wake] pairs with every wake_one() after a plain store
#endif
    return seen;
  }
  void sleep(std::uint32_t seen, std::uint64_t timeout_ns) noexcept {
    sys::futex_wait(sequence, seen, timeout_ns < kSleepSliceNs ? timeout_ns : kSleepSliceNs);
    static_cast<void>(arm());
  }

 private:
  void wake_armed(int count) noexcept {
    if (armed.exchange(0, std::memory_order_acq_rel) == 0 && count == 1) return;
    sequence.fetch_add(1, std::memory_order_release);
    sys::futex_wake(sequence, count);
  }
};
static_assert(sizeof(WaitWord) == 8);

}  // namespace ringpost::shm
