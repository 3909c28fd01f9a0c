// MD5 as SQS wants it.

// The low-level functions: the others allocate a context, and look the algorithm up by its name.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/md5.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "ringpost/sqs.hpp"
#include "sqs/md5.hpp"

namespace ringpost::sqs {
namespace {

constexpr std::uint8_t kText = 1;
constexpr std::uint8_t kBinary = 2;

class Md5 {
 public:
  Md5() noexcept { MD5_Init(&state_); }
  void add(ByteSpan bytes) noexcept { MD5_Update(&state_, bytes.data(), bytes.size()); }
  void add(std::uint8_t byte) noexcept { MD5_Update(&state_, &byte, 1); }
  /// The length, most significant byte first, then the bytes.
  void add_counted(std::string_view text) noexcept {
    for (const unsigned shift : {24u, 16u, 8u, 0u}) {
      add(static_cast<std::uint8_t>(text.size() >> shift));
    }
    add(as_bytes(text));
  }
  [[nodiscard]] Md5Digest digest() noexcept {
    Md5Digest digest;
    static_assert(sizeof digest == MD5_DIGEST_LENGTH);
    MD5_Final(digest.data(), &state_);
    return digest;
  }
  [[nodiscard]] std::string text() {
    std::string text;
    for (const unsigned char byte : digest()) {
      text += "0123456789abcdef"[byte >> 4];
      text += "0123456789abcdef"[byte & 15];
    }
    return text;
  }

 private:
  MD5_CTX state_;
};

/// Semantics M02.
std::optional<std::string> md5_of(std::vector<Attribute> attributes) {
  if (attributes.empty()) return std::nullopt;
  std::sort(attributes.begin(), attributes.end(),
            [](const Attribute& a, const Attribute& b) { return a.name < b.name; });
  Md5 md5;
  for (const Attribute& each : attributes) {
    md5.add_counted(each.name);
    md5.add_counted(each.type);
    md5.add(each.type.starts_with("Binary") ? kBinary : kText);
    md5.add_counted(each.value);
  }
  return md5.text();
}

}  // namespace

Md5Digest md5(ByteSpan bytes) noexcept {
  Md5 md5;
  md5.add(bytes);
  return md5.digest();
}

std::string md5_of_body(ByteSpan body) {
  Md5 md5;
  md5.add(body);
  return md5.text();
}

std::optional<std::string> md5_of_attributes(const AttributeList& attributes) {
  return md5_of({attributes.begin(), attributes.end()});
}

std::optional<std::string> md5_of_attributes(const AttributeView& attributes,
                                             AttributeNames names) {
  std::vector<Attribute> wanted;
  for (const Attribute& each : attributes) {
    if (is_asked_for(each.name, names)) wanted.push_back(each);
  }
  return md5_of(std::move(wanted));
}

}  // namespace ringpost::sqs
