#include "disk/plain_file.hpp"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

#include "sys/error.hpp"

namespace ringpost::disk {

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
  if (::fdatasync(cached_.get()) != 0) return sys::system_error("cannot sync", name_, errno);
  return {};
}

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
  return unsafe && ::fdatasync(cached_.get()) != 0 ? errno : 0;
}

}  // namespace ringpost::disk
