// Files as the log sees them: everything that it reads and writes goes through here.
//
// Back ends: io_uring, plain system calls where that is forbidden, and in the tests a simulated
// disk that loses, tears and reorders what was not synced.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ringpost/result.hpp"
#include "ringpost/types.hpp"

namespace ringpost::disk {

/// Writes begin and end at multiples of it, in memory too: what O_DIRECT asks for.
inline constexpr std::size_t kBlockBytes = 4096;

enum class Sync : std::uint8_t {
  kNone,  ///< complete when the kernel has it: survives the death of any process
  kData,  ///< complete when it survives the loss of power
};

enum class Read : std::uint8_t {
  kCached,  ///< through the page cache
  kDirect,  ///< from the disk itself; offset, length and memory in blocks
};

/// What became of one write, or of a sync, of a WriteQueue.
struct Completion {
  std::uint64_t token = 0;  ///< of its submit() or sync()
  int sys_errno = 0;        ///< 0: every byte was written, or is safe
};

/// One open file. Its length is fixed when it is created.
///
/// Threads  any may read; one at a time writes. Blocking  as the disk does.
/// Errors   kSystem with the errno (EIO), kNoSpace.
class File {
 public:
  virtual ~File() = default;
  [[nodiscard]] virtual std::uint64_t bytes() const noexcept = 0;
  /// Returns how many bytes were there: fewer than asked for only at the end of the file.
  virtual Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> into,
                                   Read how = Read::kCached) = 0;
  /// All of it, or an error: then nobody knows how much. With kData one system call at best.
  virtual Result<void> write(std::uint64_t offset, ByteSpan bytes, Sync sync) = 0;
  /// Makes every earlier write of this file safe. After an error the earlier writes may be lost,
  /// though a second sync() would succeed: never try again.
  virtual Result<void> sync() = 0;

  /// The same bytes as read() gives, or the first of them, without a copy, where the page cache has
  /// them; nothing where that cannot be had: then read() says what is wrong. They change when
  /// somebody writes there; nobody reuses a file of which there are views (try_reuse()). Valid
  /// until the file is closed.
  ///
  /// Threads  one at a time, by itself.
  virtual ByteSpan view(std::uint64_t /*offset*/, std::size_t /*bytes*/) noexcept { return {}; }
  /// False if another open file has views. From then on, until end_reuse(), none gets any.
  virtual bool try_reuse() noexcept { return true; }
  virtual void end_reuse() noexcept {}

  /// Takes out of the page cache what the disk has as well: writes beside the cache have to do that
  /// otherwise, each for its own pages, and wait for it.
  virtual void forget_cached() noexcept {}
  /// Blocks below it were written before, as far as the file system says: it writes them again
  /// without noting anything. A hint.
  [[nodiscard]] virtual std::uint64_t written_end() noexcept { return 0; }
};

/// Several writes under way at once, and a sync beside them; they complete in any order.
///
/// Threads  one at a time. Crash  writes under way may still reach the disk, or not.
class WriteQueue {
 public:
  virtual ~WriteQueue() = default;
  [[nodiscard]] virtual unsigned depth() const noexcept = 0;
  /// `bytes` must stay as it is until its completion was reaped. At most depth() are under way.
  virtual Errc submit(File& file, std::uint64_t offset, ByteSpan bytes, std::uint64_t token) = 0;
  /// Makes those writes of the file safe whose completions were reaped before. At most one is under
  /// way, beside depth() writes; the file stays open until its completion was reaped. An error is
  /// as final as one of File::sync().
  virtual Errc sync(File& file, std::uint64_t token) = 0;
  /// What has completed; with `wait` at least one if any is under way. Returns how many.
  virtual std::size_t reap(std::span<Completion> into, bool wait) = 0;
  /// Most of what will be submitted lies there: it may be made ready once instead of for each
  /// write. Outlives the queue.
  virtual void use_memory(std::span<std::byte> /*memory*/) noexcept {}
};

/// A directory of files. Changes of names are safe only after sync().
class Directory {
 public:
  virtual ~Directory() = default;
  /// For messages.
  [[nodiscard]] virtual const std::string& path() const noexcept = 0;
  /// Sorted.
  virtual Result<std::vector<std::string>> names() = 0;
  /// Errors kNotFound, kUnsafeFile, kForeignOwner.
  virtual Result<std::unique_ptr<File>> open(const std::string& name) = 0;
  /// Gives the file its length with every block allocated. Errors kExists, kNoSpace.
  virtual Result<std::unique_ptr<File>> create(const std::string& name, std::uint64_t bytes) = 0;
  /// Takes `to` away from the file that has it.
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  /// A name that is gone already is no error.
  virtual Result<void> remove(const std::string& name) = 0;
  virtual Result<void> sync() = 0;
  virtual Result<std::unique_ptr<WriteQueue>> make_queue(unsigned depth) = 0;
  virtual Result<std::uint64_t> free_bytes() = 0;
};

}  // namespace ringpost::disk
