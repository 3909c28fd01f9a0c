// Peer `raw`: what the disk and one core give to bare loops, with nothing of a log in them.
//
// One file of 256 MiB, written beforehand, overwritten in sequence with O_DIRECT, round and round:
// the fastest ways that docs/log-measurements.md found. It has no name, so nothing is left behind.
#pragma once

#include <liburing.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>

#include "ringpost/types.hpp"

namespace ringpost::bench::peers {

inline constexpr std::size_t kRawBlockBytes = 4096;

/// Memory that O_DIRECT takes, filled with bytes that no disk can shorten.
class RawBuffer {
 public:
  explicit RawBuffer(std::size_t bytes);
  RawBuffer(const RawBuffer&) = delete;
  RawBuffer& operator=(const RawBuffer&) = delete;
  ~RawBuffer() { std::free(memory_); }

  [[nodiscard]] std::byte* data() const noexcept { return static_cast<std::byte*>(memory_); }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_; }

 private:
  std::size_t bytes_;
  std::size_t mapped_;
  void* memory_;
};

class RawFile {
 public:
  static constexpr std::uint64_t kBytes = 256ull << 20;

  RawFile();
  RawFile(const RawFile&) = delete;
  RawFile& operator=(const RawFile&) = delete;
  ~RawFile();

  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  /// Where the next write goes.
  std::uint64_t take(std::size_t bytes) noexcept {
    if (next_ + bytes > kBytes) next_ = 0;
    next_ += bytes;
    return next_ - bytes;
  }
  /// pwritev2(RWF_DSYNC): the fastest way of one write that somebody waits for.
  void write_durably(const std::byte* memory, std::size_t bytes);

  /// One for all rows of the process, made at the first call.
  static RawFile& shared();

 private:
  int descriptor_ = -1;
  std::uint64_t next_ = 0;
};

/// Several writes under way, io_uring with registered memory and file.
class RawRing {
 public:
  RawRing(RawFile& file, std::size_t write_bytes, unsigned depth);
  RawRing(const RawRing&) = delete;
  RawRing& operator=(const RawRing&) = delete;
  ~RawRing();

  static constexpr unsigned kSyncToken = ~0u;
  /// The write of slot `slot` (below depth), under way with the next submit().
  void write(unsigned slot, int flags = 0);
  /// fdatasync of what has completed.
  void sync();
  void submit();
  /// Waits for one completion; returns its slot, or kSyncToken.
  unsigned reap();

  [[nodiscard]] unsigned depth() const noexcept { return depth_; }
  [[nodiscard]] std::size_t write_bytes() const noexcept { return write_bytes_; }

 private:
  RawFile& file_;
  std::size_t write_bytes_;
  unsigned depth_;
  RawBuffer memory_;
  io_uring ring_{};
};

}  // namespace ringpost::bench::peers
