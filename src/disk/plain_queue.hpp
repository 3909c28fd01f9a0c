// A queue for where io_uring is forbidden: what is asked for is done before the call returns.
#pragma once

#include <vector>

#include "disk/disk.hpp"

namespace ringpost::disk {

class PlainQueue final : public WriteQueue {
 public:
  explicit PlainQueue(unsigned depth) : depth_(depth) { done_.reserve(depth + 1); }
  [[nodiscard]] unsigned depth() const noexcept override { return depth_; }
  Errc submit(File& file, std::uint64_t offset, ByteSpan bytes, std::uint64_t token) override;
  Errc sync(File& file, std::uint64_t token) override;
  std::size_t reap(std::span<Completion> into, bool wait) override;

 private:
  void done(std::uint64_t token, const Result<void>& result);

  unsigned depth_;
  std::vector<Completion> done_;
};

}  // namespace ringpost::disk
