// The end of the batch that is being gathered: a few KiB that stay in the first-level cache.
//
// Records are copied and summed there; whole lines go on into the batch past the caches, since the
// disk reads them next (base/stream_copy.hpp). Longer records go into the batch at once.
#pragma once

#include <cstddef>

#include "base/stream_copy.hpp"

namespace ringpost::log {

class Strip {
 public:
  static constexpr std::size_t kBytes = 8192;

  /// The next bytes come at `used`. Those in front of it in its line are the caller's to put there.
  void begin(std::byte* batch, std::size_t used) noexcept {
    batch_ = batch;
    begin_ = used / base::kStreamBytes * base::kStreamBytes;
    is_passed_ = false;
  }

  /// Where the bytes [used, used + bytes) of the batch are to be written. They are taken when the
  /// next call begins behind them, and not if it begins in front of them.
  [[nodiscard]] std::byte* at(std::size_t used, std::size_t bytes) noexcept {
    if (used - begin_ + bytes <= kBytes && !is_passed_) [[likely]]
      return data_ + (used - begin_);
    return make_room(used, bytes);
  }

  /// Everything below `used` is in the batch, for others too.
  void finish(std::size_t used) noexcept;

 private:
  std::byte* make_room(std::size_t used, std::size_t bytes) noexcept;
  void drain(std::size_t used) noexcept;

  alignas(base::kStreamBytes) std::byte data_[kBytes];
  std::byte* batch_ = nullptr;
  std::size_t begin_ = 0;   // of data_ in the batch, a line
  bool is_passed_ = false;  // a long record went past it
};

}  // namespace ringpost::log
