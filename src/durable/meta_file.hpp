// What a bus keeps on disk of a queue or stream beside its log: a small file that is replaced as a
// whole, and the form of what is in it. Little endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "disk/disk.hpp"
#include "ringpost/result.hpp"
#include "ringpost/types.hpp"

namespace ringpost::durable {

/// What such a file is.
struct MetaForm {
  const char* name;       ///< of the file
  const char* temporary;  ///< of the next one
  std::uint64_t magic;
  std::uint32_t format;
  std::uint64_t bytes_max;
};

class MetaWriter {
 public:
  MetaWriter();
  template <class T>
  void number(T value) {
    raw(std::as_bytes(std::span(&value, 1)));
  }
  /// Size: of the number in front that says how long it is.
  template <class Size>
  void text(std::string_view value) {
    number(static_cast<Size>(value.size()));
    raw(as_bytes(value));
  }
  /// All of it, with its checksum.
  [[nodiscard]] std::vector<std::byte> finish(const MetaForm& form);

 private:
  void raw(ByteSpan bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  std::vector<std::byte> bytes_;
};

/// Once it has read beyond the end everything is zero, and failed() says so.
class MetaParser {
 public:
  /// Nothing: those bytes are damaged, or not of that form. They outlive it.
  [[nodiscard]] static std::optional<MetaParser> begin(const MetaForm& form, ByteSpan bytes);
  template <class T>
  [[nodiscard]] T number() noexcept {
    T value{};
    if (const auto bytes = take(sizeof value); !bytes.empty()) {
      std::memcpy(&value, bytes.data(), sizeof value);
    }
    return value;
  }
  template <class Size>
  [[nodiscard]] std::string text() {
    return std::string(as_text(take(number<Size>())));
  }
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  [[nodiscard]] bool at_end() const noexcept { return rest_.empty() && !failed_; }

 private:
  explicit MetaParser(ByteSpan bytes) noexcept : rest_(bytes) {}
  ByteSpan take(std::uint64_t count) noexcept;
  ByteSpan rest_;
  bool failed_ = false;
};

/// All that the file has. Errors kNotFound, kDamaged (far too large).
[[nodiscard]] Result<std::vector<std::byte>> read_meta_file(disk::Directory& directory,
                                                            const MetaForm& form);
/// Crash  the file is the one before or the new one; when this returns it is the new one for ever.
[[nodiscard]] Result<void> replace_meta_file(disk::Directory& directory, const MetaForm& form,
                                             ByteSpan bytes);

}  // namespace ringpost::durable
