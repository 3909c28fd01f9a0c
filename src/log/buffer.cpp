#include "log/buffer.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>

namespace ringpost::log {

Buffer Buffer::of_zeros(std::size_t bytes) {
  Buffer buffer(bytes);
  std::memset(buffer.data(), 0, buffer.size());
  return buffer;
}

Buffer Buffer::huge(std::size_t bytes) {
  constexpr std::size_t kHugeBytes = 2u << 20;
  Buffer buffer;
  buffer.size_ = (bytes + kHugeBytes - 1) / kHugeBytes * kHugeBytes;
  buffer.data_.reset(static_cast<std::byte*>(std::aligned_alloc(kHugeBytes, buffer.size_)));
  if (buffer.data_ == nullptr) throw std::bad_alloc();
  static_cast<void>(::madvise(buffer.data(), buffer.size_, MADV_HUGEPAGE));
  return buffer;
}

void Buffer::grow(std::size_t bytes, std::size_t keep) {
  if (bytes <= size_) return;
  const std::size_t size = round_up_to_block(bytes);
  std::unique_ptr<std::byte, Free> data(
      static_cast<std::byte*>(std::aligned_alloc(disk::kBlockBytes, size)));
  if (data == nullptr) throw std::bad_alloc();
  if (keep != 0) std::memcpy(data.get(), data_.get(), keep);
  data_ = std::move(data);
  size_ = size;
}

Result<ByteSpan> Window::load(std::uint64_t offset, std::size_t bytes) {
  const std::uint64_t begin = offset / disk::kBlockBytes * disk::kBlockBytes;
  // Whoever jumps does not read what lies between.
  if (begin > begin_ + filled_ || begin < begin_) chunk_now_ = std::min(kFirstBytes, chunk_bytes_);
  const std::size_t need = round_up_to_block(offset - begin + bytes);
  if (uses_views_ && how_ == disk::Read::kCached) {
    const ByteSpan view = file_->view(begin, std::max(need, chunk_now_));
    if (!view.empty()) {
      chunk_now_ = std::min(chunk_now_ * 2, kViewBytes);
      data_ = view.data();
      begin_ = begin;
      filled_ = view.size();
      return there(offset, bytes);
    }
  }
  // What is there of it already, in whole blocks, moves to the front.
  std::size_t keep = 0;
  if (data_ == buffer_.data() && begin >= begin_ && begin - begin_ < filled_) {
    keep = (filled_ - (begin - begin_)) / disk::kBlockBytes * disk::kBlockBytes;
  }
  chunk_now_ = std::min(chunk_now_, chunk_bytes_);
  const std::size_t want = std::max(need, keep + chunk_now_);
  if (keep != 0) std::memmove(buffer_.data(), buffer_.data() + (begin - begin_), keep);
  buffer_.grow(want, keep);
  data_ = buffer_.data();
  begin_ = begin;
  filled_ = keep;
  chunk_now_ = std::min(chunk_now_ * 2, chunk_bytes_);
  auto got = file_->read(begin + keep, {buffer_.data() + keep, want - keep}, how_);
  if (!got) {
    filled_ = 0;
    return Unexpected(got.error());
  }
  filled_ += *got;
  return there(offset, bytes);
}

ByteSpan Window::there(std::uint64_t offset, std::size_t bytes) const noexcept {
  const std::size_t skip = offset - begin_;
  const std::size_t count = filled_ > skip ? std::min(bytes, filled_ - skip) : 0;
  return {data_ + skip, count};
}

}  // namespace ringpost::log
