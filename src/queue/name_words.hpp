// A queue's name in words of shared memory: at most 80 bytes.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace ringpost::queue {

inline constexpr std::size_t kNameWords = 10;

/// relaxed: what makes the record known carries them.
inline void store_name(std::atomic<std::uint64_t>* words, std::string_view name) noexcept {
  char bytes[kNameWords * sizeof(std::uint64_t)] = {};
  name.copy(bytes, sizeof bytes);
  for (std::size_t i = 0; i < kNameWords; ++i) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes + i * sizeof word, sizeof word);
    words[i].store(word, std::memory_order_relaxed);
  }
}

inline std::string load_name(const std::atomic<std::uint64_t>* words) {
  char bytes[kNameWords * sizeof(std::uint64_t)];
  for (std::size_t i = 0; i < kNameWords; ++i) {
    const std::uint64_t word = words[i].load(std::memory_order_relaxed);
    std::memcpy(bytes + i * sizeof word, &word, sizeof word);
  }
  return {bytes, ::strnlen(bytes, sizeof bytes)};
}

}  // namespace ringpost::queue
