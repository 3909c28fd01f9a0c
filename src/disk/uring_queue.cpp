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
  is_open_ = ::io_uring_queue_init(depth + 1, &ring_, IORING_SETUP_COOP_TASKRUN) == 0 ||
             ::io_uring_queue_init(depth + 1, &ring_, 0) == 0;
  for (unsigned slot = 0; slot < depth; ++slot) free_.push_back(slot);
  done_.reserve(depth + 1);
}

UringQueue::~UringQueue() {
  if (!is_open_) return;
  while (under_way() > 0 && handle_one(true)) {
  }
  ::io_uring_queue_exit(&ring_);
}

Errc UringQueue::submit(File& file, std::uint64_t offset, ByteSpan bytes, std::uint64_t token) {
  if (free_.empty()) return Errc::kFull;
  auto& plain = static_cast<PlainFile&>(file);  // of the same directory
  io_uring_sqe* const entry = is_broken_ ? nullptr : ::io_uring_get_sqe(&ring_);
  if (entry != nullptr) {
    const unsigned slot = free_.back();
    writes_[slot] = {&plain, offset, bytes, token};
    const auto length = static_cast<unsigned>(bytes.size());
    if (is_registered(bytes)) {
      ::io_uring_prep_write_fixed(entry, plain.write_fd(), bytes.data(), length, offset, 0);
    } else {
      ::io_uring_prep_write(entry, plain.write_fd(), bytes.data(), length, offset);
    }
    if (give(slot, entry)) {
      free_.pop_back();
      return Errc::kOk;
    }
  }
  done_.push_back({token, plain.write_all(offset, bytes, Sync::kNone)});
  return Errc::kOk;
}

Errc UringQueue::sync(File& file, std::uint64_t token) {
  if (is_syncing_) return Errc::kFull;
  auto& plain = static_cast<PlainFile&>(file);
  io_uring_sqe* const entry = is_broken_ ? nullptr : ::io_uring_get_sqe(&ring_);
  if (entry != nullptr) {
    ::io_uring_prep_fsync(entry, plain.write_fd(), IORING_FSYNC_DATASYNC);
    is_syncing_ = give(depth_, entry);
    sync_token_ = token;
    if (is_syncing_) return Errc::kOk;
  }
  done_.push_back({token, plain.sync_now()});
  return Errc::kOk;
}

/// If that is refused (a limit for locked memory), writes go on as before.
void UringQueue::use_memory(std::span<std::byte> memory) noexcept {
  const iovec all{memory.data(), memory.size()};
  if (!registered_.empty() || is_broken_) return;
  if (::io_uring_register_buffers(&ring_, &all, 1) == 0) registered_ = memory;
}

bool UringQueue::give(unsigned slot, io_uring_sqe* entry) noexcept {
  ::io_uring_sqe_set_data64(entry, slot);
  if (::io_uring_submit(&ring_) == 1) return true;
  // The entry stays in the ring, and would go with the next one.
  is_broken_ = true;
  return false;
}

std::size_t UringQueue::reap(std::span<Completion> into, bool wait) {
  while (handle_one(false)) {
  }
  if (wait) {
    while (done_.empty() && under_way() > 0) {
      if (!handle_one(true)) break;
    }
  }
  return take_done(into);
}

std::size_t UringQueue::take_done(std::span<Completion> into) noexcept {
  const std::size_t count = std::min(into.size(), done_.size());
  std::copy_n(done_.begin(), count, into.begin());
  done_.erase(done_.begin(), done_.begin() + static_cast<std::ptrdiff_t>(count));
  return count;
}

/// False if there is nothing to be had.
bool UringQueue::handle_one(bool wait) noexcept {
  if (under_way() == 0) return false;
  io_uring_cqe* entry = nullptr;
  int failed = 0;
  do {
    failed = wait ? ::io_uring_wait_cqe(&ring_, &entry) : ::io_uring_peek_cqe(&ring_, &entry);
  } while (failed == -EINTR);
  if (failed != 0) return false;
  const std::uint64_t what = ::io_uring_cqe_get_data64(entry);
  const int result = entry->res;
  ::io_uring_cqe_seen(&ring_, entry);
  if (what == depth_) {
    is_syncing_ = false;
    done_.push_back({sync_token_, result < 0 ? -result : 0});
  } else {
    written(static_cast<unsigned>(what), result);
  }
  return true;
}

void UringQueue::written(unsigned slot, int result) noexcept {
  const Write& write = writes_[slot];
  int failed = result < 0 && !is_refused(result) ? -result : 0;
  const std::size_t done = result > 0 ? static_cast<std::size_t>(result) : 0;
  if (failed == 0 && done < write.bytes.size()) {
    // Short, or refused: the rest by system calls, which know what to do about it.
    const ByteSpan rest = write.bytes.subspan(done);
    failed = write.file->write_all(write.offset + done, rest, Sync::kNone);
  }
  free_.push_back(slot);
  done_.push_back({write.token, failed});
}

}  // namespace ringpost::disk
