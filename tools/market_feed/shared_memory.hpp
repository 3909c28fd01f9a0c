// Memory that several processes of the demo map, and that outlives any of them but the last.
#pragma once

#include <cstddef>
#include <span>

namespace ringpost::market_feed {

/// A file without a name (memfd): children get its descriptor, and no crash leaves it behind.
/// What a process has stored survives its SIGKILL, because the pages belong to the file.
class SharedMemory {
 public:
  /// Zeroed. The descriptor is inherited by children. Throws std::system_error.
  static SharedMemory create(const char* label, std::size_t bytes);
  /// Maps what a parent created. Throws std::system_error.
  static SharedMemory attach(int descriptor);

  SharedMemory(SharedMemory&& other) noexcept;
  SharedMemory& operator=(SharedMemory&&) = delete;
  ~SharedMemory();

  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  [[nodiscard]] std::span<std::byte> bytes() const noexcept { return bytes_; }

 private:
  explicit SharedMemory(int descriptor) noexcept : descriptor_(descriptor) {}
  void map(std::size_t bytes);
  int descriptor_ = -1;
  std::span<std::byte> bytes_;
};

}  // namespace ringpost::market_feed
