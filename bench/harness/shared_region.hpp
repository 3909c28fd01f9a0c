// Memory that the forked processes of one run share. It has no name, so nothing can be left behind.
#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <system_error>
#include <utility>

namespace ringpost::bench {

inline constexpr std::size_t kCacheLineBytes = 64;
/// Words of different writers lie this far apart: prefetchers fetch lines in pairs.
inline constexpr std::size_t kHotLineBytes = 128;

constexpr std::size_t round_up(std::size_t value, std::size_t multiple) noexcept {
  return (value + multiple - 1) / multiple * multiple;
}

class SharedRegion {
 public:
  /// Zeroed and present: no page fault later.
  explicit SharedRegion(std::size_t bytes) : bytes_(bytes) {
    constexpr int kFlags = MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE;
    memory_ = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, kFlags, -1, 0);
    if (memory_ == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
  }
  SharedRegion(SharedRegion&& other) noexcept
      : memory_(std::exchange(other.memory_, MAP_FAILED)), bytes_(other.bytes_) {}
  SharedRegion& operator=(SharedRegion&&) = delete;
  ~SharedRegion() {
    if (memory_ != MAP_FAILED) munmap(memory_, bytes_);
  }

  [[nodiscard]] std::byte* at(std::size_t offset) const noexcept {
    return static_cast<std::byte*>(memory_) + offset;
  }
  /// Constructs `count` objects at `offset`; they end with the mapping.
  template <class T>
  T* construct(std::size_t offset, std::size_t count = 1) const {
    T* first = reinterpret_cast<T*>(at(offset));
    for (std::size_t i = 0; i < count; ++i) std::construct_at(first + i);
    return first;
  }

 private:
  void* memory_;
  std::size_t bytes_;
};

}  // namespace ringpost::bench
