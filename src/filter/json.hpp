// JSON as filter policies and message bodies need it: checked as a whole, numbers as they are
// spelt.
//
// simdjson finds the structure and checks UTF-8 and control characters. What it makes of numbers
// (doubles) would not do: they are compared as exact decimals.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace ringpost::filter {

/// Memory for bytes that stay where they are until reset(), which keeps it for the next ones.
class Bytes {
 public:
  /// Room for `count` bytes. May throw std::bad_alloc.
  [[nodiscard]] char* take(std::size_t count);
  void reset() noexcept { chunk_ = used_ = 0; }

 private:
  struct Chunk {
    std::unique_ptr<char[]> bytes;
    std::size_t size = 0;
  };
  std::vector<Chunk> chunks_;
  std::size_t chunk_ = 0;
  std::size_t used_ = 0;
};

enum class JsonType : std::uint8_t { kObject, kArray, kString, kNumber, kTrue, kFalse, kNull };

/// A value, followed by what it holds: elements, or in turn key and value.
struct JsonNode {
  std::string_view text;  ///< of a string its characters, of a number its spelling
  std::uint32_t end = 0;  ///< index of the first node that is not part of this value
  JsonType type = JsonType::kNull;

  [[nodiscard]] bool is_container() const noexcept { return type <= JsonType::kArray; }
};

/// One parsed text. Keeps its memory: from the second text of a size on, parse() allocates nothing.
///
/// Threads     one at a time.
class Json {
 public:
  static constexpr std::size_t kDepthMax = 1000;

  Json();
  ~Json();
  Json(Json&&) noexcept;
  Json& operator=(Json&&) noexcept;

  /// False if `text` is no JSON, is not UTF-8, or nests deeper than kDepthMax; then there are no
  /// nodes. `text` must outlive their use. May throw std::bad_alloc.
  [[nodiscard]] bool parse(std::string_view text);
  /// The first one is the root.
  [[nodiscard]] std::span<const JsonNode> nodes() const noexcept { return nodes_; }

 private:
  class Builder;
  struct Stage1;
  std::unique_ptr<Stage1> stage1_;
  std::vector<JsonNode> nodes_;
  std::vector<std::uint32_t> open_;
  Bytes unescaped_;
};

}  // namespace ringpost::filter
