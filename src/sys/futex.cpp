#include "sys/futex.hpp"

#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

namespace ringpost::sys {
namespace {

constexpr std::uint64_t kNsPerSecond = 1'000'000'000;

timespec to_timespec(std::uint64_t ns) noexcept {
  return {static_cast<time_t>(ns / kNsPerSecond), static_cast<long>(ns % kNsPerSecond)};
}

}  // namespace

void futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                std::uint64_t timeout_ns) noexcept {
  const timespec timeout = to_timespec(timeout_ns);
  syscall(SYS_futex, &word, FUTEX_WAIT, expected, &timeout, nullptr, 0);
}

int futex_wake(const std::atomic<std::uint32_t>& word, int count) noexcept {
  return static_cast<int>(syscall(SYS_futex, &word, FUTEX_WAKE, count, nullptr, nullptr, 0));
}

bool futex_wait_any(std::span<const FutexAt> words, std::uint64_t timeout_ns) noexcept {
  constexpr long kSysFutexWaitv = 449;
  struct Waiter {
    std::uint64_t value;
    std::uint64_t address;
    std::uint32_t flags;
    std::uint32_t reserved;
  } waiters[kFutexWaitMax] = {};
  const std::size_t count = words.size() < kFutexWaitMax ? words.size() : kFutexWaitMax;
  for (std::size_t i = 0; i < count; ++i) {
    waiters[i] = {words[i].expected, reinterpret_cast<std::uint64_t>(words[i].word),
                  2 /* FUTEX_32, shared between processes */, 0};
  }
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const std::uint64_t end = static_cast<std::uint64_t>(now.tv_sec) * kNsPerSecond +
                            static_cast<std::uint64_t>(now.tv_nsec) + timeout_ns;
  const timespec deadline = to_timespec(end);
  const long rc = syscall(kSysFutexWaitv, waiters, count, 0, &deadline, CLOCK_MONOTONIC);
  return rc >= 0 || errno != ENOSYS;
}

bool join_fences() noexcept {
  return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) == 0;
}

void fence_other_processes() noexcept {
  syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
}

}  // namespace ringpost::sys
