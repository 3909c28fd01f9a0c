// Memory that files are read into and written from.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>

#include "log/format.hpp"

namespace ringpost::log {

/// Begins and ends at blocks. Not initialised.
class Buffer {
 public:
  Buffer() noexcept = default;
  explicit Buffer(std::size_t bytes) { grow(bytes, 0); }
  /// In huge pages, if there are any: a write of it has few pieces.
  static Buffer huge(std::size_t bytes);

  static Buffer of_zeros(std::size_t bytes);

  [[nodiscard]] std::byte* data() const noexcept { return data_.get(); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// At least `bytes`; the first `keep` stay as they are.
  void grow(std::size_t bytes, std::size_t keep);

 private:
  struct Free {
    void operator()(std::byte* data) const noexcept { std::free(data); }
  };
  std::unique_ptr<std::byte, Free> data_;
  std::size_t size_ = 0;
};

/// A part of a file in memory, which moves on with what is asked for.
class Window {
 public:
  static constexpr std::size_t kChunkBytes = 256 * 1024;  // with what is in it, half of an L2
  static constexpr std::size_t kViewBytes = 4u << 20;     // of a view, which copies nothing

  explicit Window(std::size_t chunk_bytes = kChunkBytes) noexcept : chunk_bytes_(chunk_bytes) {}

  /// Of another file; nothing is read yet.
  void attach(disk::File* file) noexcept {
    file_ = file;
    forget();
  }
  /// What is asked for next is read anew, from the disk itself with kDirect.
  void forget(disk::Read how = disk::Read::kCached) noexcept {
    how_ = how;
    filled_ = 0;
    begin_ = 0;
    chunk_now_ = std::min(kFirstBytes, chunk_bytes_);
  }

  /// From now on where the file lies, where that can be had, or in memory of its own (default),
  /// where whatever becomes of the file does no harm.
  void use_views(bool uses) noexcept {
    if (uses == uses_views_) return;
    uses_views_ = uses;
    if (data_ != buffer_.data()) filled_ = begin_ = 0;
  }

  /// [offset, offset + bytes) of the file, until the next call; shorter at the file's end.
  Result<ByteSpan> at(std::uint64_t offset, std::size_t bytes) {
    if (const ByteSpan there = look(offset, bytes); !there.empty()) [[likely]]
      return there;
    return load(offset, bytes);
  }
  /// What is in memory of [offset, end).
  [[nodiscard]] ByteSpan rest(std::uint64_t offset, std::uint64_t end) const noexcept {
    const std::uint64_t filled_end = std::min(begin_ + filled_, end);
    if (offset < begin_ || offset >= filled_end) return {};
    return {data_ + (offset - begin_), filled_end - offset};
  }
  /// What was read stays; what is read from now on comes from the page cache again.
  void trust_cache() noexcept { how_ = disk::Read::kCached; }
  /// The same if it is in memory, else empty.
  [[nodiscard]] ByteSpan look(std::uint64_t offset, std::size_t bytes) const noexcept {
    const std::uint64_t skip = offset - begin_;
    if (offset < begin_ || skip > filled_ || filled_ - skip < bytes) return {};
    return {data_ + skip, bytes};
  }

 private:
  static constexpr std::size_t kFirstBytes = 16 * 1024;  // doubles while it is read on

  Result<ByteSpan> load(std::uint64_t offset, std::size_t bytes);
  [[nodiscard]] ByteSpan there(std::uint64_t offset, std::size_t bytes) const noexcept;

  std::size_t chunk_bytes_;
  std::size_t chunk_now_ = std::min(kFirstBytes, chunk_bytes_);
  disk::File* file_ = nullptr;
  disk::Read how_ = disk::Read::kCached;
  bool uses_views_ = false;
  Buffer buffer_;
  const std::byte* data_ = nullptr;  // in the buffer, or a view
  std::uint64_t begin_ = 0;          // in the file; a block's
  std::size_t filled_ = 0;
};

}  // namespace ringpost::log
