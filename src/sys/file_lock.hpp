// Locks on single bytes of a file that the kernel releases when their holder dies.
//
// Open-file-description locks: they belong to the opened file and not to the process (a classic
// POSIX lock vanishes when any descriptor of the file is closed). A forked child shares them, so
// whoever holds one closes its descriptor in the child.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "ringpost/types.hpp"
#include "sys/file.hpp"

namespace ringpost::sys {

/// True: this descriptor holds the write lock on `byte` now. Never blocks.
[[nodiscard]] bool try_lock_byte(const Fd& file, std::uint64_t byte) noexcept;
/// The same for `count` bytes, all or none.
[[nodiscard]] bool try_lock_bytes(const Fd& file, std::uint64_t first,
                                  std::uint64_t count) noexcept;
/// True: this descriptor holds the read lock, which others may share, on `byte` now.
[[nodiscard]] bool try_share_byte(const Fd& file, std::uint64_t byte) noexcept;
/// The write lock on `byte`, for which this waits up to `patience`, asleep: the kernel gives it to
/// whoever waits as soon as its holder lets go or dies. Returns `file`; a closed one if the time is
/// over, or there are no threads to be had.
[[nodiscard]] Fd lock_byte_within(Fd file, std::uint64_t byte, Duration patience);
void unlock_byte(const Fd& file, std::uint64_t byte) noexcept;
/// Whether another open file description holds the write lock.
[[nodiscard]] bool is_byte_locked(const Fd& file, std::uint64_t byte) noexcept;

}  // namespace ringpost::sys
