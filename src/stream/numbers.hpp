// Ranges of hash keys, and how they are cut.
#pragma once

#include <vector>

#include "ringpost/stream.hpp"

namespace ringpost::stream {

/// Both included.
struct Range {
  HashKey first;
  HashKey last;
  [[nodiscard]] bool contains(const HashKey& key) const noexcept {
    return first <= key && key <= last;
  }
  friend bool operator==(const Range&, const Range&) = default;
};

/// `count` of floor(2^128 / count) keys; the last one has what is left over.
[[nodiscard]] std::vector<Range> equal_ranges(std::uint32_t count);
[[nodiscard]] HashKey before(const HashKey& key) noexcept;
[[nodiscard]] HashKey behind(const HashKey& key) noexcept;
/// How many keys lie behind its first one.
[[nodiscard]] HashKey width(const Range& range) noexcept;
/// Where the upper half begins.
[[nodiscard]] HashKey middle(const Range& range) noexcept;

}  // namespace ringpost::stream
