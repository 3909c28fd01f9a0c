// Sizes that keep words of different writers apart.
#pragma once

#include <cstddef>

namespace ringpost::base {

inline constexpr std::size_t kCacheLineBytes = 64;
/// Hot words of different writers lie this far apart: prefetchers fetch lines in pairs.
inline constexpr std::size_t kHotLineBytes = 128;
inline constexpr std::size_t kPageBytes = 4096;

constexpr std::size_t round_up(std::size_t value, std::size_t multiple) noexcept {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace ringpost::base
