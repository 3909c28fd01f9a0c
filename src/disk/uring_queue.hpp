// A queue of io_uring: writes are under way while their submitter goes on.
//
// Writes with kData are plain writes and share their syncs: one is under way at a time, beside the
// writes that follow; a write is complete when a sync is that was begun after it was written. Each
// with RWF_DSYNC reaches half of that, and needs a kernel thread of normal priority to run
// (docs/log-measurements.md).
#pragma once

#include <liburing.h>

#include <memory>
#include <vector>

#include "disk/plain_file.hpp"

namespace ringpost::disk {

class UringQueue final : public WriteQueue {
 public:
  /// Nothing where the kernel forbids it (a sandbox, a limit): then a PlainQueue serves.
  static std::unique_ptr<UringQueue> make(unsigned depth);
  ~UringQueue() override;  ///< waits for what is under way
  UringQueue(const UringQueue&) = delete;
  UringQueue& operator=(const UringQueue&) = delete;

  [[nodiscard]] unsigned depth() const noexcept override { return depth_; }
  Errc submit(File& file, std::uint64_t offset, ByteSpan bytes, Sync sync,
              std::uint64_t token) override;
  std::size_t reap(std::span<Completion> into, bool wait) override;
  void use_memory(std::span<std::byte> memory) noexcept override;

 private:
  struct Write {
    PlainFile* file = nullptr;
    std::uint64_t offset = 0;
    ByteSpan bytes;
    Sync sync = Sync::kNone;
    std::uint64_t token = 0;
  };

  explicit UringQueue(unsigned depth);
  bool give(unsigned slot, io_uring_sqe* entry) noexcept;
  [[nodiscard]] bool is_registered(ByteSpan bytes) const noexcept {
    return !registered_.empty() && bytes.data() >= registered_.data() &&
           bytes.data() + bytes.size() <= registered_.data() + registered_.size();
  }
  [[nodiscard]] std::size_t take_done(std::span<Completion> into) noexcept;
  bool handle_one(bool wait) noexcept;
  void written(unsigned slot, int result) noexcept;
  void begin_sync(bool alone) noexcept;
  void synced(int failed) noexcept;
  void complete(unsigned slot, int failed) noexcept;
  /// Writes that are not complete, whether written already or not.
  [[nodiscard]] std::size_t under_way() const noexcept { return depth_ - free_.size(); }

  unsigned depth_;
  io_uring ring_{};
  bool is_open_ = false;
  ByteSpan registered_;         // with the kernel: its pages need not be looked up for each write
  bool is_broken_ = false;      // it did not take a write: no more are given to it
  std::vector<Write> writes_;   // a slot for each that is under way
  std::vector<unsigned> free_;  // slots
  std::vector<unsigned> written_;  // slots that wait for a sync to begin
  std::vector<unsigned> covered_;  // by the sync that is under way
  std::vector<Completion> done_;   // not reaped yet
};

}  // namespace ringpost::disk
