#include "stream/meta.hpp"

#include <algorithm>
#include <cstring>

#include "base/crc32c.hpp"
#include "queue/tags.hpp"
#include "stream/settings.hpp"
#include "sys/error.hpp"

namespace ringpost::stream {
namespace {

constexpr char kFileName[] = "stream.meta";
constexpr char kTemporaryName[] = "stream.meta.new";
constexpr std::uint64_t kMetaMagic = 0x4154454d5f505352;  // "RSP_META"
constexpr std::uint32_t kMetaFormat = 1;
constexpr std::uint64_t kBytesMax = 1u << 30;
constexpr std::uint32_t kNone = ~std::uint32_t{0};
constexpr std::uint32_t kClosed = 1;
constexpr std::uint32_t kExpired = 2;

/// Little endian, as all that follows.
struct MetaHead {
  std::uint64_t magic;
  std::uint32_t format;
  std::uint32_t crc;    ///< of everything behind this field
  std::uint64_t bytes;  ///< of everything, this head included
};
static_assert(sizeof(MetaHead) == 24);
constexpr std::size_t kCrcBegin = offsetof(MetaHead, bytes);

class Writer {
 public:
  template <class T>
  void number(T value) {
    const auto bytes = std::as_bytes(std::span(&value, 1));
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  void text(std::string_view value) {
    number(static_cast<std::uint32_t>(value.size()));
    const auto bytes = as_bytes(value);
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  [[nodiscard]] std::vector<std::byte>& bytes() noexcept { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

/// Once it has read beyond the end everything is zero, and failed() says so.
class Parser {
 public:
  explicit Parser(ByteSpan bytes) noexcept : rest_(bytes) {}
  template <class T>
  [[nodiscard]] T number() noexcept {
    T value{};
    if (const auto bytes = take(sizeof value); !bytes.empty()) {
      std::memcpy(&value, bytes.data(), sizeof value);
    }
    return value;
  }
  [[nodiscard]] std::string text() { return std::string(as_text(take(number<std::uint32_t>()))); }
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  [[nodiscard]] bool at_end() const noexcept { return rest_.empty() && !failed_; }

 private:
  ByteSpan take(std::size_t count) noexcept {
    if (count > rest_.size()) {
      failed_ = true;
      rest_ = {};
      return {};
    }
    const ByteSpan taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  ByteSpan rest_;
  bool failed_ = false;
};

void write_settings(Writer& to, const StreamSettings& settings) {
  to.number(static_cast<std::uint8_t>(*settings.durability));
  to.number(static_cast<std::uint8_t>(*settings.storage));
  to.number(static_cast<std::uint8_t>(*settings.mode));
  to.number(static_cast<std::uint8_t>(*settings.shard_limits));
  to.number(*settings.shards);
  to.number(static_cast<std::uint64_t>(settings.retention->count()));
  to.number(*settings.log_bytes_max);
  to.number(*settings.record_bytes_max);
  to.number(*settings.ring_bytes);
  to.number(*settings.segment_bytes);
}

StreamSettings read_settings(Parser& from) {
  StreamSettings settings;
  settings.durability = static_cast<Durability>(from.number<std::uint8_t>() & 1);
  settings.storage = static_cast<StreamStorage>(from.number<std::uint8_t>() & 1);
  settings.mode = static_cast<StreamMode>(from.number<std::uint8_t>() & 1);
  settings.shard_limits = from.number<std::uint8_t>() != 0;
  settings.shards = from.number<std::uint32_t>();
  settings.retention = Duration(from.number<std::int64_t>());
  settings.log_bytes_max = from.number<std::uint64_t>();
  settings.record_bytes_max = from.number<std::uint64_t>();
  settings.ring_bytes = from.number<std::uint64_t>();
  settings.segment_bytes = from.number<std::uint64_t>();
  return settings;
}

void write_shard(Writer& to, const ShardRecord& shard) {
  to.number(shard.number);
  to.number(shard.parent.value_or(kNone));
  to.number(shard.adjacent_parent.value_or(kNone));
  for (std::size_t i = 0; i < 2; ++i) {
    to.number(i < shard.children.size() ? shard.children[i] : kNone);
  }
  to.number((shard.end ? kClosed : 0u) | (shard.expired ? kExpired : 0u));
  for (const HashKey& key : {shard.range.first, shard.range.last}) {
    to.number(key.high);
    to.number(key.low);
  }
  to.number(shard.created_s);
  to.number(shard.created_ns);
  to.number(shard.end.value_or(0));
  to.number(shard.closed_ns);
}

ShardRecord read_shard(Parser& from) {
  const auto optional = [&from]() -> std::optional<std::uint32_t> {
    const auto number = from.number<std::uint32_t>();
    return number == kNone ? std::nullopt : std::optional(number);
  };
  ShardRecord shard;
  shard.number = from.number<std::uint32_t>();
  shard.parent = optional();
  shard.adjacent_parent = optional();
  for (int i = 0; i < 2; ++i) {
    if (const auto child = optional()) shard.children.push_back(*child);
  }
  const auto flags = from.number<std::uint32_t>();
  shard.expired = (flags & kExpired) != 0;
  for (HashKey* key : {&shard.range.first, &shard.range.last}) {
    key->high = from.number<std::uint64_t>();
    key->low = from.number<std::uint64_t>();
  }
  shard.created_s = from.number<std::uint64_t>();
  shard.created_ns = from.number<std::uint64_t>();
  const auto end = from.number<std::uint64_t>();
  if ((flags & kClosed) != 0) shard.end = end;
  shard.closed_ns = from.number<std::uint64_t>();
  return shard;
}

bool is_sane(const Meta& meta) {
  if (!is_valid_name(meta.name) || !queue::check_tags(meta.tags)) return false;
  if (!check_given(meta.settings) || !check_complete(meta.settings)) return false;
  for (std::size_t i = 0; i < meta.shards.size(); ++i) {
    if (meta.shards[i].number != i || meta.shards[i].range.last < meta.shards[i].range.first) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool operator==(const Meta& a, const Meta& b) { return encode(a) == encode(b); }

std::vector<std::byte> encode(const Meta& meta) {
  Writer to;
  to.number(MetaHead{kMetaMagic, kMetaFormat, 0, 0});
  to.number(meta.generation);
  to.number(meta.stream_id);
  to.number(meta.created_ns);
  to.text(meta.name);
  write_settings(to, meta.settings);
  to.number(static_cast<std::uint32_t>(meta.tags.size()));
  for (const auto& [key, value] : meta.tags) {
    to.text(key);
    to.text(value);
  }
  to.number(static_cast<std::uint32_t>(meta.shards.size()));
  for (const ShardRecord& shard : meta.shards) write_shard(to, shard);
  std::vector<std::byte>& bytes = to.bytes();
  MetaHead head{kMetaMagic, kMetaFormat, 0, bytes.size()};
  std::memcpy(bytes.data(), &head, sizeof head);
  head.crc = base::crc32c(ByteSpan(bytes).subspan(kCrcBegin));
  std::memcpy(bytes.data(), &head, sizeof head);
  return std::move(bytes);
}

std::optional<Meta> decode(ByteSpan bytes) {
  MetaHead head{};
  if (bytes.size() < sizeof head) return std::nullopt;
  std::memcpy(&head, bytes.data(), sizeof head);
  if (head.magic != kMetaMagic || head.format != kMetaFormat) return std::nullopt;
  if (head.bytes < sizeof head || head.bytes > bytes.size()) return std::nullopt;
  bytes = bytes.first(head.bytes);
  if (base::crc32c(bytes.subspan(kCrcBegin)) != head.crc) return std::nullopt;
  Parser from(bytes.subspan(sizeof head));
  Meta meta;
  meta.generation = from.number<std::uint64_t>();
  meta.stream_id = from.number<std::uint64_t>();
  meta.created_ns = from.number<std::uint64_t>();
  meta.name = from.text();
  meta.settings = read_settings(from);
  for (auto left = from.number<std::uint32_t>(); left != 0 && !from.failed(); --left) {
    std::string key = from.text();
    meta.tags.emplace(std::move(key), from.text());
  }
  for (auto left = from.number<std::uint32_t>(); left != 0 && !from.failed(); --left) {
    meta.shards.push_back(read_shard(from));
  }
  return from.at_end() && is_sane(meta) ? std::optional(std::move(meta)) : std::nullopt;
}

Result<Meta> read_meta(disk::Directory& directory) {
  const std::string path = directory.path() + "/" + kFileName;
  auto file = directory.open(kFileName);
  if (!file) return Unexpected(file.error());
  if ((*file)->bytes() > kBytesMax) return sys::error(Errc::kDamaged, path, "it is far too large");
  std::vector<std::byte> bytes((*file)->bytes());
  auto read = (*file)->read(0, bytes);
  if (!read) return Unexpected(read.error());
  auto meta = decode(ByteSpan(bytes).first(*read));
  if (!meta) return sys::error(Errc::kDamaged, path, "what it says of the stream does not verify");
  return std::move(*meta);
}

Result<void> write_meta(disk::Directory& directory, const Meta& meta) {
  const std::vector<std::byte> bytes = encode(meta);
  const std::size_t whole =
      (bytes.size() + disk::kBlockBytes - 1) / disk::kBlockBytes * disk::kBlockBytes;
  const std::unique_ptr<std::byte, decltype(&std::free)> block(
      static_cast<std::byte*>(std::aligned_alloc(disk::kBlockBytes, whole)), &std::free);
  if (block == nullptr) return sys::error(Errc::kSystem, kFileName, "no memory");
  std::memset(block.get(), 0, whole);
  std::copy(bytes.begin(), bytes.end(), block.get());
  if (auto removed = directory.remove(kTemporaryName); !removed) return removed;
  auto file = directory.create(kTemporaryName, whole);
  if (!file) return Unexpected(file.error());
  if (auto written = (*file)->write(0, {block.get(), whole}, disk::Sync::kData); !written) {
    return written;
  }
  if (auto synced = (*file)->sync(); !synced) return synced;
  if (auto renamed = directory.rename(kTemporaryName, kFileName); !renamed) return renamed;
  return directory.sync();
}

}  // namespace ringpost::stream
