#include "log/strip.hpp"

#include <cstring>

namespace ringpost::log {

std::byte* Strip::make_room(std::size_t used, std::size_t bytes) noexcept {
  if (is_passed_) {
    begin(batch_, used);
    std::memcpy(data_, batch_ + begin_, used - begin_);
  } else {
    drain(used);
  }
  if (used - begin_ + bytes <= kBytes) return data_ + (used - begin_);
  std::memcpy(batch_ + begin_, data_, used - begin_);
  is_passed_ = true;
  return batch_ + used;
}

/// Whole lines; the one that is not full comes to the front.
void Strip::drain(std::size_t used) noexcept {
  const std::size_t whole = (used - begin_) / base::kStreamBytes * base::kStreamBytes;
  base::stream_copy(batch_ + begin_, data_, whole);
  std::memcpy(data_, data_ + whole, used - begin_ - whole);
  begin_ += whole;
}

void Strip::finish(std::size_t used) noexcept {
  if (!is_passed_) {
    drain(used);
    std::memcpy(batch_ + begin_, data_, used - begin_);
  }
  base::stream_fence();
}

}  // namespace ringpost::log
