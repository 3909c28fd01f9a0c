#include "disk/plain_queue.hpp"

#include <algorithm>
#include <cerrno>

namespace ringpost::disk {

Errc PlainQueue::submit(File& file, std::uint64_t offset, ByteSpan bytes, std::uint64_t token) {
  done(token, file.write(offset, bytes, Sync::kNone));
  return Errc::kOk;
}

Errc PlainQueue::sync(File& file, std::uint64_t token) {
  done(token, file.sync());
  return Errc::kOk;
}

void PlainQueue::done(std::uint64_t token, const Result<void>& result) {
  const int failed = result ? 0 : result.error().sys_errno;
  done_.push_back({token, !result && failed == 0 ? EIO : failed});
}

std::size_t PlainQueue::reap(std::span<Completion> into, bool) {
  const std::size_t count = std::min(into.size(), done_.size());
  std::copy_n(done_.begin(), count, into.begin());
  done_.erase(done_.begin(), done_.begin() + static_cast<std::ptrdiff_t>(count));
  return count;
}

}  // namespace ringpost::disk
