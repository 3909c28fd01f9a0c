#include "peers/raw_log.hpp"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstring>
#include <random>
#include <system_error>

#include "harness/disk_directory.hpp"
#include "harness/transport.hpp"

namespace ringpost::bench::peers {
namespace {

constexpr std::size_t kHugeBytes = 2u << 20;

[[noreturn]] void fail(int error, const char* what) {
  throw std::system_error(error, std::generic_category(), what);
}

}  // namespace

RawBuffer::RawBuffer(std::size_t bytes)
    : bytes_(bytes), mapped_((bytes + kHugeBytes - 1) / kHugeBytes * kHugeBytes) {
  memory_ = std::aligned_alloc(kHugeBytes, mapped_);
  if (memory_ == nullptr) throw std::bad_alloc();
  // In huge pages a write has few pieces: a tenth faster.
  (void)::madvise(memory_, mapped_, MADV_HUGEPAGE);
  std::mt19937_64 random(1);
  for (std::size_t i = 0; i + 8 <= bytes; i += 8) {
    const std::uint64_t word = random();
    std::memcpy(data() + i, &word, sizeof word);
  }
}

RawFile::RawFile() {
  const DiskDirectory directory;
  const RawBuffer memory(1 << 20);
  descriptor_ = ::open(directory.path().c_str(), O_TMPFILE | O_RDWR | O_DIRECT | O_CLOEXEC, 0600);
  if (descriptor_ < 0) fail(errno, "open");
  if (::posix_fallocate(descriptor_, 0, kBytes) != 0) {
    ::close(descriptor_);
    throw Unsupported("no room for 256 MiB in " + directory.path().string());
  }
  for (std::uint64_t at = 0; at < kBytes; at += memory.size()) {
    const ssize_t written =
        ::pwrite(descriptor_, memory.data(), memory.size(), static_cast<off_t>(at));
    if (written != static_cast<ssize_t>(memory.size())) fail(errno, "pwrite");
  }
  if (::fdatasync(descriptor_) != 0) fail(errno, "fdatasync");
}

RawFile::~RawFile() { ::close(descriptor_); }

void RawFile::write_durably(const std::byte* memory, std::size_t bytes) {
  const iovec from{const_cast<std::byte*>(memory), bytes};
  const auto at = static_cast<off_t>(take(bytes));
  const ssize_t written = ::pwritev2(descriptor_, &from, 1, at, RWF_DSYNC);
  if (written != static_cast<ssize_t>(bytes)) fail(errno, "pwritev2");
}

RawFile& RawFile::shared() {
  static RawFile file;
  return file;
}

RawRing::RawRing(RawFile& file, std::size_t write_bytes, unsigned depth)
    : file_(file), write_bytes_(write_bytes), depth_(depth), memory_(write_bytes * depth) {
  const int made = io_uring_queue_init(2 * depth + 2, &ring_, 0);
  if (made != 0) throw Unsupported("io_uring is not allowed here");
  const iovec memory{memory_.data(), memory_.size()};
  const int descriptor = file_.descriptor();
  int error = io_uring_register_buffers(&ring_, &memory, 1);
  if (error == 0) error = io_uring_register_files(&ring_, &descriptor, 1);
  if (error == 0) return;
  io_uring_queue_exit(&ring_);
  throw Unsupported("io_uring cannot register memory and files");
}

RawRing::~RawRing() { io_uring_queue_exit(&ring_); }

void RawRing::write(unsigned slot, int flags) {
  io_uring_sqe* const entry = io_uring_get_sqe(&ring_);
  io_uring_prep_write_fixed(entry, 0, memory_.data() + slot * write_bytes_,
                            static_cast<unsigned>(write_bytes_), file_.take(write_bytes_), 0);
  entry->flags |= IOSQE_FIXED_FILE;
  entry->rw_flags = flags;
  entry->user_data = slot;
}

void RawRing::sync() {
  io_uring_sqe* const entry = io_uring_get_sqe(&ring_);
  io_uring_prep_fsync(entry, 0, IORING_FSYNC_DATASYNC);
  entry->flags |= IOSQE_FIXED_FILE;
  entry->user_data = kSyncToken;
}

void RawRing::submit() {
  const int submitted = io_uring_submit(&ring_);
  if (submitted < 0) fail(-submitted, "io_uring_submit");
}

unsigned RawRing::reap() {
  io_uring_cqe* completion = nullptr;
  if (const int error = io_uring_wait_cqe(&ring_, &completion); error != 0) {
    fail(-error, "io_uring_wait_cqe");
  }
  const auto token = static_cast<unsigned>(completion->user_data);
  const int result = completion->res;
  io_uring_cqe_seen(&ring_, completion);
  if (result < 0) fail(-result, "io_uring");
  if (token != kSyncToken && static_cast<std::size_t>(result) != write_bytes_) {
    throw std::runtime_error("a short write");
  }
  return token;
}

}  // namespace ringpost::bench::peers
