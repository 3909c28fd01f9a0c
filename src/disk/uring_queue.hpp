// A queue of io_uring: writes are under way while their submitter goes on.
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

 private:
  struct Write {
    PlainFile* file = nullptr;
    std::uint64_t offset = 0;
    ByteSpan bytes;
    Sync sync = Sync::kNone;
    std::uint64_t token = 0;
  };

  explicit UringQueue(unsigned depth);
  Completion finish(unsigned slot, int result) noexcept;
  [[nodiscard]] std::size_t in_kernel() const noexcept { return depth_ - free_.size(); }

  unsigned depth_;
  io_uring ring_{};
  bool is_open_ = false;
  bool is_broken_ = false;        // it did not take a write: no more are given to it
  std::vector<Write> writes_;     // a slot for each that is under way
  std::vector<unsigned> free_;    // slots
  std::vector<Completion> done_;  // of writes that the ring did not take
};

}  // namespace ringpost::disk
