#include "stream/aggregate.hpp"

#include <algorithm>
#include <array>

#include "sqs/md5.hpp"

namespace ringpost::stream {
namespace {

constexpr std::string_view kMagic = "\xF3\x89\x9A\xC2";
constexpr std::size_t kFrameBytes = 4 + 16;  // magic, MD5

enum Wire : std::uint64_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };
enum : int { kKeyTable = 1, kHashKeyTable = 2, kRecords = 3 };
enum : int { kKeyIndex = 1, kHashKeyIndex = 2, kData = 3 };

std::size_t varint_bytes(std::uint64_t value) noexcept {
  std::size_t bytes = 1;
  for (; value >= 0x80; value >>= 7) ++bytes;
  return bytes;
}

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>((value & 0x7f) | 0x80));
  out.push_back(static_cast<char>(value));
}

void put_tag(std::string& out, int field, Wire wire) {
  put_varint(out, static_cast<std::uint64_t>(field) << 3 | wire);
}

void put_bytes(std::string& out, int field, std::string_view bytes) {
  put_tag(out, field, kBytes);
  put_varint(out, bytes.size());
  out.append(bytes);
}

/// With its tag, of a field below 16.
std::size_t field_bytes(std::size_t length) noexcept { return 1 + varint_bytes(length) + length; }

std::size_t record_bytes(std::uint64_t key, const std::uint64_t* hash_key, std::size_t data) {
  std::size_t bytes = 1 + varint_bytes(key) + field_bytes(data);
  if (hash_key != nullptr) bytes += 1 + varint_bytes(*hash_key);
  return bytes;
}

/// Takes bytes off the front. Once something is wrong everything is.
class Parser {
 public:
  explicit Parser(std::string_view bytes) noexcept : rest_(bytes) {}
  [[nodiscard]] bool more() const noexcept { return good_ && !rest_.empty(); }
  [[nodiscard]] bool good() const noexcept { return good_; }

  std::uint64_t varint() noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
    good_ = false;
    return 0;
  }
  std::string_view bytes() noexcept { return take(varint()); }
  void skip(std::uint64_t wire) noexcept {
    switch (wire) {
      case kVarint:
        varint();
        break;
      case kFixed64:
        take(8);
        break;
      case kBytes:
        bytes();
        break;
      case kFixed32:
        take(4);
        break;
      default:
        good_ = false;
    }
  }

 private:
  std::string_view take(std::uint64_t count) noexcept {
    if (!good_ || count > rest_.size()) return good_ = false, std::string_view{};
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  std::string_view rest_;
  bool good_ = true;
};

struct Parsed {
  std::optional<std::uint64_t> key{};
  std::optional<std::uint64_t> hash_key{};
  std::optional<std::string_view> data{};
};

std::optional<Parsed> parse_record(std::string_view bytes) {
  Parser parser(bytes);
  Parsed record;
  while (parser.more()) {
    const std::uint64_t tag = parser.varint();
    if (tag == (kKeyIndex << 3 | kVarint)) {
      record.key = parser.varint();
    } else if (tag == (kHashKeyIndex << 3 | kVarint)) {
      record.hash_key = parser.varint();
    } else if (tag == (kData << 3 | kBytes)) {
      record.data = parser.bytes();
    } else {
      parser.skip(tag & 7);
    }
  }
  if (!parser.good() || !record.key || !record.data) return std::nullopt;
  return record;
}

struct Message {
  std::vector<std::string_view> keys;
  std::vector<HashKey> hash_keys;
  std::vector<Parsed> records;
};

std::optional<Message> parse_message(std::string_view bytes) {
  Parser parser(bytes);
  Message message;
  while (parser.more()) {
    const std::uint64_t tag = parser.varint();
    if (tag == (kKeyTable << 3 | kBytes)) {
      message.keys.push_back(parser.bytes());
    } else if (tag == (kHashKeyTable << 3 | kBytes)) {
      const auto key = HashKey::parse(parser.bytes());
      if (!key) return std::nullopt;
      message.hash_keys.push_back(*key);
    } else if (tag == (kRecords << 3 | kBytes)) {
      const auto record = parse_record(parser.bytes());
      if (!record) return std::nullopt;
      message.records.push_back(*record);
    } else {
      parser.skip(tag & 7);
    }
  }
  if (!parser.good()) return std::nullopt;
  return message;
}

}  // namespace

std::size_t Aggregate::Table::bytes_with(std::string_view text) const {
  return encoded.size() + (places.contains(text) ? 0 : field_bytes(text.size()));
}

std::uint64_t Aggregate::Table::place_of(std::string_view text, int field) {
  const auto [place, is_new] = places.try_emplace(std::string(text), places.size());
  if (is_new) put_bytes(encoded, field, text);
  return place->second;
}

std::size_t Aggregate::bytes_with(std::string_view key, const std::optional<HashKey>& hash_key,
                                  std::size_t data_bytes) const {
  // The place of a new key is the number of keys so far; of an old one it is no longer than that.
  const std::uint64_t place = keys_.places.size();
  const std::uint64_t hash_place = hash_keys_.places.size();
  const std::size_t record = record_bytes(place, hash_key ? &hash_place : nullptr, data_bytes);
  return kFrameBytes + keys_.bytes_with(key) +
         (hash_key ? hash_keys_.bytes_with(hash_key->to_string()) : hash_keys_.encoded.size()) +
         records_.size() + field_bytes(record);
}

void Aggregate::add(std::string_view key, const std::optional<HashKey>& hash_key, ByteSpan data) {
  const std::uint64_t place = keys_.place_of(key, kKeyTable);
  std::uint64_t hash_place = 0;
  if (hash_key) hash_place = hash_keys_.place_of(hash_key->to_string(), kHashKeyTable);
  put_tag(records_, kRecords, kBytes);
  put_varint(records_, record_bytes(place, hash_key ? &hash_place : nullptr, data.size()));
  put_tag(records_, kKeyIndex, kVarint);
  put_varint(records_, place);
  if (hash_key) {
    put_tag(records_, kHashKeyIndex, kVarint);
    put_varint(records_, hash_place);
  }
  put_bytes(records_, kData, as_text(data));
  ++count_;
}

std::size_t Aggregate::bytes() const noexcept {
  return kFrameBytes + keys_.encoded.size() + hash_keys_.encoded.size() + records_.size();
}

std::string Aggregate::finish() const {
  std::string all(kMagic);
  all.reserve(bytes());
  all += keys_.encoded;
  all += hash_keys_.encoded;
  all += records_;
  const auto digest = sqs::md5(as_bytes(all).subspan(kMagic.size()));
  all.append(digest.begin(), digest.end());
  return all;
}

void Aggregate::clear() noexcept {
  keys_ = {};
  hash_keys_ = {};
  records_.clear();
  count_ = 0;
}

std::optional<std::vector<SubRecord>> unpack(ByteSpan data) {
  const std::string_view text = as_text(data);
  if (text.size() <= kFrameBytes || !text.starts_with(kMagic)) return std::nullopt;
  const std::string_view body = text.substr(kMagic.size(), text.size() - kFrameBytes);
  const auto digest = sqs::md5(as_bytes(body));
  if (!std::equal(digest.begin(), digest.end(), text.end() - digest.size(),
                  [](unsigned char a, char b) { return a == static_cast<unsigned char>(b); })) {
    return std::nullopt;
  }
  const auto message = parse_message(body);
  if (!message) return std::nullopt;
  std::vector<SubRecord> records;
  records.reserve(message->records.size());
  for (const Parsed& each : message->records) {
    if (*each.key >= message->keys.size()) return std::nullopt;
    if (each.hash_key && *each.hash_key >= message->hash_keys.size()) return std::nullopt;
    SubRecord record{message->keys[*each.key], {}, as_bytes(*each.data)};
    if (each.hash_key) record.explicit_hash_key = message->hash_keys[*each.hash_key];
    records.push_back(record);
  }
  return records;
}

}  // namespace ringpost::stream
