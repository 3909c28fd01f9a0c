#include "process/history/body.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace ringpost::history {

namespace {

struct Header {
  std::uint32_t magic = 0x5250'4d53;
  std::uint32_t producer = 0;
  std::uint64_t number = 0;
  std::uint32_t bytes = 0;
  std::uint32_t has_attribute = 0;
  std::uint64_t hash = 0;
};
static_assert(sizeof(Header) == kBodyBytesMin);

std::uint64_t mixed(std::uint64_t sum, std::uint64_t word) noexcept {
  return (std::rotl(sum, 29) ^ word) * 0x9fb2'1c65'1e98'df25u;
}

std::uint64_t filler_of(const Header& header) noexcept {
  return mixed(mixed(header.bytes, header.producer), header.number) | 1;
}

std::uint64_t hash_of(Header header, ByteSpan rest) noexcept {
  header.hash = 0;
  std::array<std::uint64_t, sizeof(Header) / 8> words;
  std::memcpy(words.data(), &header, sizeof(Header));
  std::uint64_t sum = 1;
  for (const auto word : words) sum = mixed(sum, word);
  for (std::size_t i = 0; i < rest.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, rest.data() + i, std::min<std::size_t>(8, rest.size() - i));
    sum = mixed(sum, word);
  }
  return sum;
}

}  // namespace

void write_body(std::span<std::byte> body, MessageKey key, bool has_attribute) noexcept {
  Header header;
  header.producer = key.producer;
  header.number = key.number;
  header.bytes = static_cast<std::uint32_t>(body.size());
  header.has_attribute = has_attribute ? 1u : 0u;
  auto filler = filler_of(header);
  const auto rest = body.subspan(sizeof(Header));
  for (std::size_t i = 0; i < rest.size(); i += 8) {
    filler = filler * 0x5851'f42d'4c95'7f2du + 1;
    std::memcpy(rest.data() + i, &filler, std::min<std::size_t>(8, rest.size() - i));
  }
  header.hash = hash_of(header, rest);
  std::memcpy(body.data(), &header, sizeof(Header));
}

std::optional<BodyContent> read_body(ByteSpan body) noexcept {
  if (body.size() < sizeof(Header)) return std::nullopt;
  Header header;
  std::memcpy(&header, body.data(), sizeof(Header));
  if (header.magic != Header{}.magic || header.bytes != body.size() || header.has_attribute > 1) {
    return std::nullopt;
  }
  if (header.hash != hash_of(header, body.subspan(sizeof(Header)))) return std::nullopt;
  return BodyContent{{header.producer, header.number}, header.has_attribute == 1};
}

}  // namespace ringpost::history
