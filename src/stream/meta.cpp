#include "stream/meta.hpp"

#include "durable/meta_file.hpp"
#include "queue/tags.hpp"
#include "stream/settings.hpp"
#include "sys/error.hpp"

namespace ringpost::stream {
namespace {

constexpr durable::MetaForm kForm{.name = "stream.meta",
                                  .temporary = "stream.meta.new",
                                  .magic = 0x4154454d5f505352,  // "RSP_META"
                                  .format = 1,
                                  .bytes_max = 1u << 30};
constexpr std::uint32_t kNone = ~std::uint32_t{0};
constexpr std::uint32_t kClosed = 1;
constexpr std::uint32_t kExpired = 2;

using Writer = durable::MetaWriter;
using Parser = durable::MetaParser;
using Size = std::uint32_t;  // of texts and lists

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
  to.number(meta.generation);
  to.number(meta.stream_id);
  to.number(meta.created_ns);
  to.text<Size>(meta.name);
  write_settings(to, meta.settings);
  to.number(static_cast<Size>(meta.tags.size()));
  for (const auto& [key, value] : meta.tags) {
    to.text<Size>(key);
    to.text<Size>(value);
  }
  to.number(static_cast<Size>(meta.shards.size()));
  for (const ShardRecord& shard : meta.shards) write_shard(to, shard);
  return to.finish(kForm);
}

std::optional<Meta> decode(ByteSpan bytes) {
  auto parser = Parser::begin(kForm, bytes);
  if (!parser) return std::nullopt;
  Parser& from = *parser;
  Meta meta;
  meta.generation = from.number<std::uint64_t>();
  meta.stream_id = from.number<std::uint64_t>();
  meta.created_ns = from.number<std::uint64_t>();
  meta.name = from.text<Size>();
  meta.settings = read_settings(from);
  for (auto left = from.number<Size>(); left != 0 && !from.failed(); --left) {
    std::string key = from.text<Size>();
    meta.tags.emplace(std::move(key), from.text<Size>());
  }
  for (auto left = from.number<Size>(); left != 0 && !from.failed(); --left) {
    meta.shards.push_back(read_shard(from));
  }
  return from.at_end() && is_sane(meta) ? std::optional(std::move(meta)) : std::nullopt;
}

Result<Meta> read_meta(disk::Directory& directory) {
  auto bytes = durable::read_meta_file(directory, kForm);
  if (!bytes) return Unexpected(bytes.error());
  auto meta = decode(*bytes);
  if (meta) return std::move(*meta);
  return sys::error(Errc::kDamaged, directory.path() + "/" + kForm.name,
                    "what it says of the stream does not verify");
}

Result<void> write_meta(disk::Directory& directory, const Meta& meta) {
  return durable::replace_meta_file(directory, kForm, encode(meta));
}

}  // namespace ringpost::stream
