// Records from a descriptor, as soon as they are there: lines, or what NUL bytes separate.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringpost::cli {

class RecordSource {
 public:
  /// Records longer than `record_bytes_max` end the reading with a Failure that numbers them.
  RecordSource(int descriptor, char separator, std::uint64_t record_bytes_max);

  /// Waits until at least one whole record is there and gives all there are, valid until the next
  /// call. Nothing at the end. The last record needs no separator. Throws Interrupted.
  const std::vector<std::string_view>& next();
  /// Bytes of a regular file that are still to be read, at the start; nothing for a pipe.
  [[nodiscard]] static std::optional<std::uint64_t> bytes_left(int descriptor);

 private:
  void take_records();
  void refuse_if_too_long() const;

  int descriptor_;
  char separator_;
  std::uint64_t record_bytes_max_;
  std::string buffer_;
  std::size_t used_ = 0;      ///< bytes of the buffer that were given out
  std::size_t searched_ = 0;  ///< bytes of the buffer that hold no separator beyond used_
  std::uint64_t given_ = 0;   ///< records
  bool at_end_ = false;
  std::vector<std::string_view> records_;
};

/// Everything up to the end. Throws Failure beyond `bytes_max`, Interrupted.
std::string read_whole(int descriptor, std::uint64_t bytes_max, const std::string& name);
std::string read_file(const std::string& path, std::uint64_t bytes_max);

}  // namespace ringpost::cli
