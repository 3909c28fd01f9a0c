// Damage to the files of a bus, byte by byte, as a process that writes outside the protocol does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace ringpost::test {

/// A file of a bus mapped for writing, beside whoever uses it.
class RawFile {
 public:
  explicit RawFile(const std::string& path);
  RawFile(const RawFile&) = delete;
  RawFile& operator=(const RawFile&) = delete;
  ~RawFile();

  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::uint64_t& word(std::size_t offset) const noexcept {
    return *reinterpret_cast<std::uint64_t*>(data_ + offset);
  }
  template <class T>
  [[nodiscard]] T& at(std::size_t offset) const noexcept {
    return *reinterpret_cast<T*>(data_ + offset);
  }

 private:
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// Names in a directory, sorted; empty if there is no such directory.
[[nodiscard]] std::vector<std::string> files_in(const std::string& directory);
/// The only file in a directory, with its path.
[[nodiscard]] std::string only_file_in(const std::string& directory);

}  // namespace ringpost::test
