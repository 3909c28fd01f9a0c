// Shard iterators as text: nothing but their fields and a checksum, in hexadecimal.
#include <array>
#include <cstring>

#include "base/crc32c.hpp"
#include "ringpost/stream.hpp"

namespace ringpost {
namespace {

/// Little endian.
struct IteratorBytes {
  std::uint32_t version;
  std::uint32_t shard;
  std::uint64_t stream_id;
  std::uint64_t position;
  std::uint64_t issued_ns;
  std::uint64_t number;
  std::uint32_t crc;  ///< of everything before it
  std::uint32_t reserved;
};
static_assert(sizeof(IteratorBytes) == 48);
constexpr std::uint32_t kIteratorVersion = 1;

std::uint32_t crc_of(const IteratorBytes& bytes) noexcept {
  return base::crc32c(std::as_bytes(std::span(&bytes, 1)).first(offsetof(IteratorBytes, crc)));
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

std::string ShardIterator::to_string() const {
  IteratorBytes bytes{kIteratorVersion, shard, stream_id, position, issued_ns, number, 0, 0};
  bytes.crc = crc_of(bytes);
  std::array<unsigned char, sizeof bytes> raw;
  std::memcpy(raw.data(), &bytes, sizeof bytes);
  std::string text;
  text.reserve(2 * raw.size());
  for (const unsigned char byte : raw) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

std::optional<ShardIterator> ShardIterator::parse(std::string_view text) noexcept {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  IteratorBytes bytes{};
  std::array<unsigned char, sizeof bytes> raw;
  if (text.size() != 2 * raw.size()) return std::nullopt;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const int high = hex_digit(text[2 * i]);
    const int low = hex_digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    raw[i] = static_cast<unsigned char>(high << 4 | low);
  }
  std::memcpy(&bytes, raw.data(), sizeof bytes);
  if (bytes.version != kIteratorVersion || bytes.reserved != 0 || bytes.crc != crc_of(bytes)) {
    return std::nullopt;
  }
  return ShardIterator{bytes.stream_id, bytes.shard, bytes.position, bytes.issued_ns, bytes.number};
}

}  // namespace ringpost
