#include "disk/plain_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "sys/error.hpp"
#include "sys/file_lock.hpp"

namespace ringpost::disk {
namespace {

// Who has views shares the lock on this byte, who reuses the file holds it alone.
constexpr std::uint64_t kViewsByte = 0;

}  // namespace

PlainFile::~PlainFile() {
  if (mapped_ != nullptr) ::munmap(mapped_, bytes_);
}

bool PlainFile::map() noexcept {
  if (no_views_) return false;
  no_views_ = true;
  if (bytes_ == 0 || !sys::try_share_byte(cached_, kViewsByte)) return false;
  void* const memory = ::mmap(nullptr, bytes_, PROT_READ, MAP_SHARED, cached_.get(), 0);
  if (memory == MAP_FAILED) {
    sys::unlock_byte(cached_, kViewsByte);
    return false;
  }
  mapped_ = static_cast<std::byte*>(memory);
  no_views_ = false;
  return true;
}

ByteSpan PlainFile::view(std::uint64_t offset, std::size_t bytes) noexcept {
  if (offset >= bytes_ || (mapped_ == nullptr && !map())) return {};
  const std::size_t there = std::min<std::uint64_t>(bytes, bytes_ - offset);
  const std::uint64_t begin = offset / kBlockBytes * kBlockBytes;
  // Touched unread, a page that the disk cannot read would be a SIGBUS.
  const int failed = ::madvise(mapped_ + begin, offset - begin + there, MADV_POPULATE_READ);
  if (failed != 0) return {};
  return {mapped_ + offset, there};
}

bool PlainFile::try_reuse() noexcept { return sys::try_lock_byte(cached_, kViewsByte); }

void PlainFile::end_reuse() noexcept { sys::unlock_byte(cached_, kViewsByte); }

void PlainFile::forget_cached() noexcept {
  if (is_direct()) static_cast<void>(::posix_fadvise(cached_.get(), 0, 0, POSIX_FADV_DONTNEED));
}

std::uint64_t PlainFile::written_end() noexcept {
  // Blocks that were only allocated count as a hole.
  const off_t hole = ::lseek(cached_.get(), 0, SEEK_HOLE);
  return hole < 0 ? 0 : static_cast<std::uint64_t>(hole);
}

Result<std::size_t> PlainFile::read(std::uint64_t offset, std::span<std::byte> into, Read how) {
  const bool direct = how == Read::kDirect && is_direct();
  const int fd = direct ? direct_.get() : cached_.get();
  if (how == Read::kDirect && !direct) {
    static_cast<void>(::posix_fadvise(fd, static_cast<off_t>(offset),
                                      static_cast<off_t>(into.size()), POSIX_FADV_DONTNEED));
  }
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t got =
        ::pread(fd, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
    if (got == 0) break;
    if (got > 0) {
      done += static_cast<std::size_t>(got);
      // A part of a block is the end of the file; to go on there is no use, and not aligned.
      if (direct && done % kBlockBytes != 0) break;
    } else if (errno == EINVAL && direct) {
      refused_direct_.store(true, std::memory_order_relaxed);
      return read(offset, into, how);
    } else if (errno != EINTR) {
      return sys::system_error("cannot read", name_, errno);
    }
  }
  return done;
}

Result<void> PlainFile::write(std::uint64_t offset, ByteSpan bytes, Sync sync) {
  const int failed = write_all(offset, bytes, sync);
  if (failed != 0) return sys::system_error("cannot write", name_, failed);
  return {};
}

Result<void> PlainFile::sync() {
  const int failed = sync_now();
  if (failed != 0) return sys::system_error("cannot sync", name_, failed);
  return {};
}

int PlainFile::sync_now() noexcept { return ::fdatasync(write_fd()) == 0 ? 0 : errno; }

int PlainFile::data_sync_flags() const noexcept {
  return no_sync_flag_.load(std::memory_order_relaxed) ? 0 : RWF_DSYNC;
}

int PlainFile::write_all(std::uint64_t offset, ByteSpan bytes, Sync sync) noexcept {
  int flags = sync == Sync::kData ? data_sync_flags() : 0;
  std::size_t done = 0;
  while (done < bytes.size()) {
    const iovec part{const_cast<std::byte*>(bytes.data()) + done, bytes.size() - done};
    // After a short write that ended within a block, O_DIRECT would refuse the rest.
    const bool direct = is_direct() && (offset + done) % kBlockBytes == 0;
    const int fd = direct ? direct_.get() : cached_.get();
    const ssize_t put = ::pwritev2(fd, &part, 1, static_cast<off_t>(offset + done), flags);
    if (put > 0) {
      done += static_cast<std::size_t>(put);
    } else if (put == 0) {
      return EIO;
    } else if (errno == EOPNOTSUPP && flags != 0) {
      no_sync_flag_.store(true, std::memory_order_relaxed);
      flags = 0;
    } else if (errno == EINVAL && direct) {
      refused_direct_.store(true, std::memory_order_relaxed);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  const bool unsafe = sync == Sync::kData && flags == 0;
  return unsafe ? sync_now() : 0;
}

}  // namespace ringpost::disk
