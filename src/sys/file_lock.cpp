#include "sys/file_lock.hpp"

#include <fcntl.h>

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

void unlock_byte(const Fd& file, std::uint64_t byte) noexcept {
  struct flock lock = byte_lock(F_UNLCK, byte);
  ::fcntl(file.get(), F_OFD_SETLK, &lock);
}

bool is_byte_locked(const Fd& file, std::uint64_t byte) noexcept {
  struct flock lock = byte_lock(F_RDLCK, byte);
  return ::fcntl(file.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

}  // namespace ringpost::sys
