#include "disk/uring_queue.hpp"

#include <algorithm>
#include <cerrno>

namespace ringpost::disk {
namespace {

/// Not an outcome of the write: the kernel wants it done otherwise.
bool is_refused(int result) noexcept {
  return result == -EOPNOTSUPP || result == -EINVAL || result == -EAGAIN || result == -EINTR ||
         result == -ECANCELED;
}

}  // namespace

std::unique_ptr<UringQueue> UringQueue::make(unsigned depth) {
  std::unique_ptr<UringQueue> queue(new UringQueue(depth));
  return queue->is_open_ ? std::move(queue) : nullptr;
}

UringQueue::UringQueue(unsigned depth) : depth_(depth), writes_(depth) {
  // Completions are looked at when we ask for them: no other thread of ours is interrupted.
  is_open_ = ::io_uring_queue_init(depth, &ring_, IORING_SETUP_COOP_TASKRUN) == 0 ||
             ::io_uring_queue_init(depth, &ring_, 0) == 0;
  for (unsigned slot = 0; slot < depth; ++slot) free_.push_back(slot);
}

UringQueue::~UringQueue() {
  if (!is_open_) return;
  std::vector<Completion> rest(depth_);
  while (in_kernel() > 0 && reap(rest, true) > 0) {
  }
  ::io_uring_queue_exit(&ring_);
}

Errc UringQueue::submit(File& file, std::uint64_t offset, ByteSpan bytes, Sync sync,
                        std::uint64_t token) {
  if (in_kernel() + done_.size() >= depth_) return Errc::kFull;
  auto& plain = static_cast<PlainFile&>(file);  // of the same directory
  const unsigned slot = free_.back();
  writes_[slot] = {&plain, offset, bytes, sync, token};
  const int flags = sync == Sync::kData ? plain.data_sync_flags() : 0;
  const bool by_ring = !is_broken_ && (sync == Sync::kNone || flags != 0);
  io_uring_sqe* entry = by_ring ? ::io_uring_get_sqe(&ring_) : nullptr;
  if (entry != nullptr) {
    ::io_uring_prep_write(entry, plain.write_fd(), bytes.data(),
                          static_cast<unsigned>(bytes.size()), offset);
    entry->rw_flags = flags;
    ::io_uring_sqe_set_data64(entry, slot);
    if (::io_uring_submit(&ring_) == 1) {
      free_.pop_back();
      return Errc::kOk;
    }
    // The entry stays in the ring, and would go with the next one.
    is_broken_ = true;
  }
  done_.push_back({token, plain.write_all(offset, bytes, sync)});
  return Errc::kOk;
}

std::size_t UringQueue::reap(std::span<Completion> into, bool wait) {
  std::size_t count = std::min(into.size(), done_.size());
  std::copy_n(done_.begin(), count, into.begin());
  done_.erase(done_.begin(), done_.begin() + static_cast<std::ptrdiff_t>(count));
  while (count < into.size() && in_kernel() > 0) {
    io_uring_cqe* entry = nullptr;
    const bool may_wait = wait && count == 0;
    const int failed =
        may_wait ? ::io_uring_wait_cqe(&ring_, &entry) : ::io_uring_peek_cqe(&ring_, &entry);
    if (failed == -EINTR) continue;
    if (failed != 0) break;
    const auto slot = static_cast<unsigned>(::io_uring_cqe_get_data64(entry));
    const int result = entry->res;
    ::io_uring_cqe_seen(&ring_, entry);
    into[count++] = finish(slot, result);
  }
  return count;
}

Completion UringQueue::finish(unsigned slot, int result) noexcept {
  const Write write = writes_[slot];
  free_.push_back(slot);
  if (result < 0 && !is_refused(result)) return {write.token, -result};
  const std::size_t done = result > 0 ? static_cast<std::size_t>(result) : 0;
  if (done >= write.bytes.size()) return {write.token, 0};
  // Short, or refused: the rest by system calls, which know what to do about it.
  return {write.token,
          write.file->write_all(write.offset + done, write.bytes.subspan(done), write.sync)};
}

}  // namespace ringpost::disk
