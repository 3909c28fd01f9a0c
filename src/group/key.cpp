#define XXH_INLINE_ALL
#include <xxhash.h>

#include "group/layout.hpp"

namespace ringpost::group {

std::uint64_t key_of(std::string_view group, std::uint64_t seed) noexcept {
  const std::uint64_t hash = XXH3_64bits_withSeed(group.data(), group.size(), seed) >> 1;
  return hash != 0 ? hash : 1;
}

}  // namespace ringpost::group
