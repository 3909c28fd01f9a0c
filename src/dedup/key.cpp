#include "dedup/key.hpp"

// The low-level functions: the others allocate a context, and look the algorithm up by its name.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include <cstring>

namespace ringpost::dedup {
namespace {

using Digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

}  // namespace

Key key_of_id(std::uint64_t seed, std::string_view id, std::string_view group) noexcept {
  id = id.substr(0, 255);
  group = group.substr(0, 255);
  // Seed, length of the group, group, id: different pairs are different bytes.
  std::array<unsigned char, sizeof seed + 1 + 255 + 255> text;
  unsigned char* at = text.data();
  const auto append = [&at](const void* bytes, std::size_t count) {
    if (count != 0) std::memcpy(at, bytes, count);
    at += count;
  };
  const auto group_bytes = static_cast<unsigned char>(group.size());
  append(&seed, sizeof seed);
  append(&group_bytes, 1);
  append(group.data(), group.size());
  append(id.data(), id.size());

  SHA256_CTX context;
  Digest digest;
  SHA256_Init(&context);
  SHA256_Update(&context, text.data(), static_cast<std::size_t>(at - text.data()));
  SHA256_Final(digest.data(), &context);
  Key key;
  std::memcpy(&key.low, digest.data(), sizeof key.low);
  std::memcpy(&key.high, digest.data() + sizeof key.low, sizeof key.high);
  return key;
}

ContentId content_id(std::span<const std::byte> body) noexcept {
  SHA256_CTX context;
  Digest digest;
  SHA256_Init(&context);
  SHA256_Update(&context, body.data(), body.size());
  SHA256_Final(digest.data(), &context);
  ContentId id;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    id[2 * i] = "0123456789abcdef"[digest[i] >> 4];
    id[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
  }
  return id;
}

}  // namespace ringpost::dedup
