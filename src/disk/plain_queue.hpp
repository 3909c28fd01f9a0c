// A queue for where io_uring is forbidden: each write is done before submit() returns.
#pragma once

#include <vector>

#include "disk/disk.hpp"

namespace ringpost::disk {

class PlainQueue final : public WriteQueue {
 public:
  explicit PlainQueue(unsigned depth) : depth_(depth) { done_.reserve(depth); }
  [[nodiscard]] unsigned depth() const noexcept override { return depth_; }
  Errc submit(File& file, std::uint64_t offset, ByteSpan bytes, Sync sync,
              std::uint64_t token) override;
  std::size_t reap(std::span<Completion> into, bool wait) override;

 private:
  unsigned depth_;
  std::vector<Completion> done_;
};

}  // namespace ringpost::disk
