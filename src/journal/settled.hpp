// Sleeping at a word of a journal at which only all are woken.
#pragma once

#include "shm/wait_word.hpp"

namespace ringpost::journal {

/// WaitWord::arm() for a word whose wakers change the state by a locked operation: that is their
/// fence, and nobody has to interrupt them.
[[nodiscard]] inline std::uint32_t arm_for_locked(shm::WaitWord& word) noexcept {
  const std::uint32_t seen = word.sequence.load(std::memory_order_acquire);
  word.armed.exchange(1, std::memory_order_seq_cst);  // [wake]
  return seen;
}

/// WaitWord::sleep(), but the one who wakes does not arm the word again: nobody else sleeps on.
inline void sleep_among_all(shm::WaitWord& word, std::uint32_t seen,
                            std::uint64_t timeout_ns) noexcept {
  sys::futex_wait(word.sequence, seen,
                  timeout_ns < shm::kSleepSliceNs ? timeout_ns : shm::kSleepSliceNs);
}

}  // namespace ringpost::journal
