#include "sys/file_lock.hpp"

#include <fcntl.h>

#include <atomic>
#include <cerrno>
#include <future>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

namespace ringpost::sys {
namespace {

struct flock byte_lock(short type, std::uint64_t byte, std::uint64_t count = 1) noexcept {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(byte);
  lock.l_len = static_cast<off_t>(count);
  return lock;
}

}  // namespace

bool try_lock_byte(const Fd& file, std::uint64_t byte) noexcept {
  return try_lock_bytes(file, byte, 1);
}

bool try_lock_bytes(const Fd& file, std::uint64_t first, std::uint64_t count) noexcept {
  struct flock lock = byte_lock(F_WRLCK, first, count);
  return ::fcntl(file.get(), F_OFD_SETLK, &lock) == 0;
}

bool try_share_byte(const Fd& file, std::uint64_t byte) noexcept {
  struct flock lock = byte_lock(F_RDLCK, byte);
  return ::fcntl(file.get(), F_OFD_SETLK, &lock) == 0;
}

/// There is no such call with a time limit: a thread makes the one without, and is left alone with
/// its file when the time is over.
Fd lock_byte_within(Fd file, std::uint64_t byte, Duration patience) {
  struct Wait {
    Fd file;
    std::atomic<bool> decided{false};  // by the lock or by the end of the time
    std::promise<void> locked;
  };
  const auto wait = std::make_shared<Wait>();
  wait->file = std::move(file);
  auto locked = wait->locked.get_future();
  try {
    std::thread([wait, byte] {
      struct flock lock = byte_lock(F_WRLCK, byte);
      int done = -1;
      do done = ::fcntl(wait->file.get(), F_OFD_SETLKW, &lock);
      while (done != 0 && errno == EINTR);
      if (done != 0) return;
      if (wait->decided.exchange(true)) {
        wait->file = Fd();
      } else {
        wait->locked.set_value();
      }
    }).detach();
  } catch (const std::system_error&) {
    return {};
  }
  if (locked.wait_for(patience) == std::future_status::timeout && !wait->decided.exchange(true)) {
    return {};
  }
  locked.get();
  return std::move(wait->file);
}

void unlock_byte(const Fd& file, std::uint64_t byte) noexcept {
  struct flock lock = byte_lock(F_UNLCK, byte);
  ::fcntl(file.get(), F_OFD_SETLK, &lock);
}

bool is_byte_locked(const Fd& file, std::uint64_t byte) noexcept {
  struct flock lock = byte_lock(F_RDLCK, byte);
  return ::fcntl(file.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

}  // namespace ringpost::sys
