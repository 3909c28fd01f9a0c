// Copies past the caches: for memory that a device, or another core for it, reads next.
#pragma once

#include <cstddef>

namespace ringpost::base {

inline constexpr std::size_t kStreamBytes = 64;  ///< it copies whole cache lines

/// A usual store takes the line over from whoever read it last. That costs 15 times as much when it
/// is another core far away (a virtual disk's thread); this does not ask for the old bytes.
///
/// Requires  `to` and `bytes` are multiples of kStreamBytes.
/// Threads   others see the bytes only after stream_fence().
void stream_copy(std::byte* to, const std::byte* from, std::size_t bytes) noexcept;
void stream_fence() noexcept;

}  // namespace ringpost::base
