// A queue of io_uring: writes are under way while their submitter goes on, and a sync beside them.
// Writes with RWF_DSYNC reach half of that, and need a kernel thread of normal priority to run
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
  Errc submit(File& file, std::uint64_t offset, ByteSpan bytes, std::uint64_t token) override;
  Errc sync(File& file, std::uint64_t token) override;
  std::size_t reap(std::span<Completion> into, bool wait) override;
  void use_memory(std::span<std::byte> memory) noexcept override;

 private:
  struct Write {
    PlainFile* file = nullptr;
    std::uint64_t offset = 0;
    ByteSpan bytes;
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
  /// With the kernel.
  [[nodiscard]] std::size_t under_way() const noexcept {
    return depth_ - free_.size() + (is_syncing_ ? 1 : 0);
  }

  unsigned depth_;
  io_uring ring_{};
  bool is_open_ = false;
  ByteSpan registered_;         // with the kernel: its pages need not be looked up for each write
  bool is_broken_ = false;      // it did not take a write: no more are given to it
  std::vector<Write> writes_;   // a slot for each that is under way
  std::vector<unsigned> free_;  // slots
  bool is_syncing_ = false;
  std::uint64_t sync_token_ = 0;
  std::vector<Completion> done_;  // not reaped yet
};

}  // namespace ringpost::disk
