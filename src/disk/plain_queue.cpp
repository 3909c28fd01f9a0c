#include "disk/plain_queue.hpp"

#include <algorithm>
#include <cerrno>

namespace ringpost::disk {

Errc PlainQueue::submit(File& file, std::uint64_t offset, ByteSpan bytes, Sync sync,
                        std::uint64_t token) {
  if (done_.size() >= depth_) return Errc::kFull;
  const Result<void> written = file.write(offset, bytes, sync);
  const int failed = written ? 0 : written.error().sys_errno;
  done_.push_back({token, !written && failed == 0 ? EIO : failed});
  return Errc::kOk;
}

std::size_t PlainQueue::reap(std::span<Completion> into, bool) {
  const std::size_t count = std::min(into.size(), done_.size());
  std::copy_n(done_.begin(), count, into.begin());
  done_.erase(done_.begin(), done_.begin() + static_cast<std::ptrdiff_t>(count));
  return count;
}

}  // namespace ringpost::disk
