#include "sys/file_lock.hpp"

#include <fcntl.h>

#include <cerrno>
#include <condition_variable>
#include <memory>
#include <mutex>
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
    std::mutex mutex;
    std::condition_variable changed;
    Fd file;
    bool locked = false;
    bool given_up = false;
  };
  const auto wait = std::make_shared<Wait>();
  wait->file = std::move(file);
  try {
    std::thread([wait, byte, fd = wait->file.get()] {
      struct flock lock = byte_lock(F_WRLCK, byte);
      int done = -1;
      do done = ::fcntl(fd, F_OFD_SETLKW, &lock);
      while (done != 0 && errno == EINTR);
      const std::lock_guard guard(wait->mutex);
      wait->locked = done == 0;
      if (wait->given_up) wait->file = Fd();
      wait->changed.notify_one();
    }).detach();
  } catch (const std::system_error&) {
    return {};
  }
  std::unique_lock guard(wait->mutex);
  wait->changed.wait_for(guard, patience, [&] { return wait->locked; });
  wait->given_up = !wait->locked;
  return wait->locked ? std::move(wait->file) : Fd();
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
