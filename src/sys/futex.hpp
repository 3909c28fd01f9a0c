// Sleeping on a word that other processes can wake. (std::atomic::wait is private to a process.)
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

namespace ringpost::sys {

/// Sleeps while `word` is `expected`, until woken or `timeout_ns` of CLOCK_MONOTONIC have passed.
/// Spurious returns are normal: the caller looks again.
void futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                std::uint64_t timeout_ns) noexcept;

/// Wakes up to `count` sleepers of any process; returns how many.
int futex_wake(const std::atomic<std::uint32_t>& word, int count) noexcept;

struct FutexAt {
  const std::atomic<std::uint32_t>* word;
  std::uint32_t expected;
};
inline constexpr std::size_t kFutexWaitMax = 128;

/// Sleeps on up to kFutexWaitMax words at once (Linux 5.16); false: this kernel cannot.
bool futex_wait_any(std::span<const FutexAt> words, std::uint64_t timeout_ns) noexcept;

/// Makes this process a target of other_processes_fence(). False: the kernel cannot.
bool join_fences() noexcept;
/// A full fence in every running thread of every process that joined: lets the sleeper pay for the
/// fence that the sender then need not execute. About 0.2 µs, 4 µs beside a spinning peer.
void fence_other_processes() noexcept;

}  // namespace ringpost::sys
