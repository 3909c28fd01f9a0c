#include "durable/meta.hpp"

#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/cache_line.hpp"
#include "base/crc32c.hpp"
#include "sys/error.hpp"

namespace ringpost::durable {
namespace {

constexpr char kFileName[] = "queue.meta";
constexpr char kTemporaryName[] = "queue.meta.new";
constexpr std::uint64_t kMetaMagic = 0x4d4555515f505352;  // "RSP_QUEM"
constexpr std::uint32_t kMetaFormat = 1;
constexpr std::uint64_t kBytesMax = 1u << 20;

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
  void number(std::uint64_t value) { raw(std::as_bytes(std::span(&value, 1))); }
  void duration(const std::optional<Duration>& value) {
    number(static_cast<std::uint64_t>(value->count()));
  }
  void text(std::string_view value) {
    number(value.size());
    raw(as_bytes(value));
  }
  [[nodiscard]] std::vector<std::byte>& bytes() noexcept { return bytes_; }

 private:
  void raw(ByteSpan bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  std::vector<std::byte> bytes_ = std::vector<std::byte>(sizeof(MetaHead));
};

/// Once it has read beyond the end everything is zero, and failed() says so.
class Parser {
 public:
  explicit Parser(ByteSpan bytes) noexcept : rest_(bytes) {}
  [[nodiscard]] std::uint64_t number() noexcept {
    std::uint64_t value = 0;
    if (const auto bytes = take(sizeof value); !bytes.empty()) {
      std::memcpy(&value, bytes.data(), sizeof value);
    }
    return value;
  }
  [[nodiscard]] std::uint32_t small() noexcept { return static_cast<std::uint32_t>(number()); }
  [[nodiscard]] Duration duration() noexcept {
    return Duration(static_cast<std::int64_t>(number()));
  }
  [[nodiscard]] std::string text() { return std::string(as_text(take(number()))); }
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  [[nodiscard]] bool at_end() const noexcept { return rest_.empty() && !failed_; }

 private:
  ByteSpan take(std::uint64_t count) noexcept {
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

void write_settings(Writer& to, const QueueSettings& settings) {
  to.duration(settings.visibility_timeout);
  to.duration(settings.delay);
  to.duration(settings.retention);
  to.duration(settings.receive_wait);
  to.number(*settings.message_bytes_max);
  to.number(*settings.in_flight_max);
  to.text(settings.redrive->dead_letter_queue);
  to.number(settings.redrive->max_receive_count);
  to.number(static_cast<std::uint64_t>(settings.redrive_allow->permission));
  to.number(settings.redrive_allow->sources.size());
  for (const std::string& source : settings.redrive_allow->sources) to.text(source);
  to.number(*settings.slots);
  to.number(*settings.inline_bytes);
  to.number(*settings.bytes_max);
  to.number(*settings.fixed ? 1 : 0);
  to.number(*settings.log_segment_bytes);
  to.number(settings.fifo.value_or(false) ? 1 : 0);
  to.number(static_cast<std::uint64_t>(settings.dedup.value_or(Dedup::kOff)));
  to.number(static_cast<std::uint64_t>(settings.dedup_window.value_or(Duration(0)).count()));
  to.number(settings.dedup_entries.value_or(0));
  to.number(static_cast<std::uint64_t>(settings.dedup_scope.value_or(DedupScope::kQueue)));
}

QueueSettings read_settings(Parser& from) {
  QueueSettings settings;
  settings.durability = Durability::kDurable;
  settings.visibility_timeout = from.duration();
  settings.delay = from.duration();
  settings.retention = from.duration();
  settings.receive_wait = from.duration();
  settings.message_bytes_max = from.number();
  settings.in_flight_max = from.small();
  settings.redrive.emplace();
  settings.redrive->dead_letter_queue = from.text();
  settings.redrive->max_receive_count = from.small();
  settings.redrive_allow.emplace();
  settings.redrive_allow->permission = static_cast<RedriveAllow::Permission>(from.number() & 3);
  for (auto left = from.number(); left != 0 && !from.failed(); --left) {
    settings.redrive_allow->sources.push_back(from.text());
  }
  settings.slots = from.small();
  settings.inline_bytes = from.small();
  settings.bytes_max = from.number();
  settings.fixed = from.number() != 0;
  settings.log_segment_bytes = from.number();
  settings.fifo = from.number() != 0;
  settings.dedup = static_cast<Dedup>(from.number() & 3);
  settings.dedup_window = from.duration();
  settings.dedup_entries = from.small();
  settings.dedup_scope = static_cast<DedupScope>(from.number() & 1);
  return settings;
}

}  // namespace

std::vector<std::byte> encode(const Meta& meta) {
  Writer to;
  to.number(meta.created_ns);
  to.number(meta.lasting_id);
  to.text(meta.name);
  write_settings(to, meta.settings);
  to.number(meta.tags.size());
  for (const auto& [key, value] : meta.tags) {
    to.text(key);
    to.text(value);
  }
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
  meta.created_ns = from.number();
  meta.lasting_id = from.number();
  meta.name = from.text();
  meta.settings = read_settings(from);
  for (auto left = from.number(); left != 0 && !from.failed(); --left) {
    std::string key = from.text();
    meta.tags.emplace(std::move(key), from.text());
  }
  return from.at_end() ? std::optional(std::move(meta)) : std::nullopt;
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
  if (!meta) return sys::error(Errc::kDamaged, path, "what it says of the queue does not verify");
  return std::move(*meta);
}

Result<void> write_meta(disk::Directory& directory, const Meta& meta) {
  const std::vector<std::byte> bytes = encode(meta);
  const std::size_t whole = base::round_up(bytes.size(), disk::kBlockBytes);
  const std::unique_ptr<std::byte, decltype(&std::free)> block(
      static_cast<std::byte*>(std::aligned_alloc(disk::kBlockBytes, whole)), &std::free);
  if (block == nullptr) return sys::error(Errc::kSystem, kFileName, "no memory");
  std::memset(block.get(), 0, whole);
  std::memcpy(block.get(), bytes.data(), bytes.size());
  if (auto removed = directory.remove(kTemporaryName); !removed) return removed;
  auto file = directory.create(kTemporaryName, whole);
  if (!file) return Unexpected(file.error());
  if (auto done = (*file)->write(0, {block.get(), whole}, disk::Sync::kData); !done) return done;
  if (auto synced = (*file)->sync(); !synced) return synced;
  if (auto renamed = directory.rename(kTemporaryName, kFileName); !renamed) return renamed;
  return directory.sync();
}

}  // namespace ringpost::durable
