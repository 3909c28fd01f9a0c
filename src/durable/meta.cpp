#include "durable/meta.hpp"

#include "durable/meta_file.hpp"
#include "sys/error.hpp"

namespace ringpost::durable {
namespace {

constexpr MetaForm kForm{.name = "queue.meta",
                         .temporary = "queue.meta.new",
                         .magic = 0x4d4555515f505352,  // "RSP_QUEM"
                         .format = 1,
                         .bytes_max = 1u << 20};

/// Every number has eight bytes.
class Writer : public MetaWriter {
 public:
  void number(std::uint64_t value) { MetaWriter::number(value); }
  void duration(const std::optional<Duration>& value) {
    number(static_cast<std::uint64_t>(value->count()));
  }
  void text(std::string_view value) { MetaWriter::text<std::uint64_t>(value); }
};

class Parser : public MetaParser {
 public:
  explicit Parser(const MetaParser& begun) noexcept : MetaParser(begun) {}
  [[nodiscard]] std::uint64_t number() noexcept { return MetaParser::number<std::uint64_t>(); }
  [[nodiscard]] std::uint32_t small() noexcept { return static_cast<std::uint32_t>(number()); }
  [[nodiscard]] Duration duration() noexcept {
    return Duration(static_cast<std::int64_t>(number()));
  }
  [[nodiscard]] std::string text() { return MetaParser::text<std::uint64_t>(); }
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
  return to.finish(kForm);
}

std::optional<Meta> decode(ByteSpan bytes) {
  const auto begun = MetaParser::begin(kForm, bytes);
  if (!begun) return std::nullopt;
  Parser from(*begun);
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
  auto bytes = read_meta_file(directory, kForm);
  if (!bytes) return Unexpected(bytes.error());
  auto meta = decode(*bytes);
  if (meta) return std::move(*meta);
  return sys::error(Errc::kDamaged, directory.path() + "/" + kForm.name,
                    "what it says of the queue does not verify");
}

Result<void> write_meta(disk::Directory& directory, const Meta& meta) {
  return replace_meta_file(directory, kForm, encode(meta));
}

}  // namespace ringpost::durable
