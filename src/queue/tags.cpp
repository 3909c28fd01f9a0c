#include "queue/tags.hpp"

#include <algorithm>
#include <cstring>

#include "ringpost/sqs.hpp"
#include "sys/error.hpp"

namespace ringpost::queue {
namespace {

constexpr std::size_t kTagsMax = 50;
constexpr std::size_t kKeyCharactersMax = 128;
constexpr std::size_t kValueCharactersMax = 256;
constexpr std::size_t kCharacterBytesMax = 4;
constexpr std::size_t kFileBytesMax =
    sizeof(TagsHeader) +
    kTagsMax * (2 * sizeof(std::uint32_t) +
                (kKeyCharactersMax + kValueCharactersMax) * kCharacterBytesMax);
constexpr int kTriesMax = 1'000;

/// Of UTF-8: every byte but those that continue a character.
std::size_t characters_in(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

const char* fault_of(std::string_view key, std::string_view value) noexcept {
  if (key.empty()) return "the key is empty";
  if (!sqs::is_text(as_bytes(key)) || !sqs::is_text(as_bytes(value))) {
    return "key and value must be UTF-8 without control characters";
  }
  if (characters_in(key) > kKeyCharactersMax) return "the key has more than 128 characters";
  if (characters_in(value) > kValueCharactersMax) return "the value has more than 256 characters";
  return nullptr;
}

std::string encode(const Tags& tags, std::uint64_t creator) {
  const TagsHeader header{kTagsMagic, kTagsFormat, static_cast<std::uint32_t>(tags.size()),
                          creator};
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
  for (const auto& [key, value] : tags) {
    const std::uint32_t lengths[] = {static_cast<std::uint32_t>(key.size()),
                                     static_cast<std::uint32_t>(value.size())};
    bytes.append(reinterpret_cast<const char*>(lengths), sizeof lengths);
    bytes.append(key).append(value);
  }
  return bytes;
}

/// Nothing: they are not what encode() makes.
std::optional<Tags> decode(std::string_view bytes) {
  TagsHeader header{};
  if (bytes.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != kTagsMagic || header.format != kTagsFormat) return std::nullopt;
  bytes.remove_prefix(sizeof header);
  Tags tags;
  for (std::uint32_t i = 0; i < header.count; ++i) {
    std::uint32_t lengths[2] = {};
    if (bytes.size() < sizeof lengths) return std::nullopt;
    std::memcpy(lengths, bytes.data(), sizeof lengths);
    bytes.remove_prefix(sizeof lengths);
    if (lengths[0] > bytes.size() || lengths[1] > bytes.size() - lengths[0]) return std::nullopt;
    const std::string_view key = bytes.substr(0, lengths[0]);
    const std::string_view value = bytes.substr(lengths[0], lengths[1]);
    if (fault_of(key, value) != nullptr) return std::nullopt;
    tags.emplace(key, value);
    bytes.remove_prefix(key.size() + value.size());
  }
  if (tags.size() != header.count || tags.size() > kTagsMax) return std::nullopt;
  return tags;
}

std::string file_name(std::uint64_t id) { return std::to_string(id); }

Result<Tags> read_file(const shm::BusFiles& bus, std::uint64_t id) {
  if (id == 0) return Tags{};
  const std::string name = file_name(id);
  const auto file = sys::open_file(bus.tags(), name);
  if (!file) return Unexpected(file.error());
  const auto size = sys::size_of(*file, name);
  if (!size) return Unexpected(size.error());
  std::string bytes(std::min<std::uint64_t>(*size, kFileBytesMax), '\0');
  auto tags = sys::read_front(*file, bytes.data(), bytes.size()) ? decode(bytes) : std::nullopt;
  if (!tags) return sys::error(Errc::kCorrupt, "tags/" + name, "these are not tags");
  return std::move(*tags);
}

/// What `id`, just read from the header, names. Nothing: it was another's turn meanwhile.
std::optional<Result<Tags>> read_named(const QueueMapping& mapping, std::uint64_t id) {
  auto tags = read_file(mapping.bus(), id);
  if (!tags && mapping.header().tags.load() != id) return std::nullopt;
  return tags;
}

bool is_damage(const Error& error) noexcept {
  return error == Errc::kCorrupt || error == Errc::kNotFound || error == Errc::kUnsafeFile;
}

Unexpected<Error> changing(const QueueMapping& mapping) {
  return sys::error(Errc::kBusy, "queue \"" + mapping.name() + "\"",
                    "others keep changing its tags");
}

}  // namespace

Result<void> check_tags(const Tags& tags) {
  if (tags.size() > kTagsMax) {
    return sys::error(Errc::kInvalidArgument, "tags", "there may be 50 at most");
  }
  for (const auto& [key, value] : tags) {
    if (const char* fault = fault_of(key, value)) {
      return sys::error(Errc::kInvalidArgument, "tag \"" + key.substr(0, 60) + "\"", fault);
    }
  }
  return {};
}

Result<std::uint64_t> make_tags_file(const shm::Participant& creator, const Tags& tags) {
  if (tags.empty()) return std::uint64_t{0};
  shm::BusFiles& bus = creator.bus();
  const std::uint64_t id = sys::unique_id();
  const std::string bytes = encode(tags, creator.creator_word());
  const std::string temporary = creator.temporary_name();
  const auto file = sys::create_file(bus.temporary(), temporary);
  if (!file) return Unexpected(file.error());
  Result<void> done = sys::reserve(*file, bytes.size(), "tags");
  if (done) {
    const auto mapping = sys::Mapping::map(*file, bytes.size(), temporary);
    if (mapping) {
      std::memcpy(mapping->data(), bytes.data(), bytes.size());
      done = sys::publish_name(bus.temporary(), temporary, bus.tags(), file_name(id));
    } else {
      done = Unexpected(mapping.error());
    }
  }
  if (!done) {
    sys::remove_name(bus.temporary(), temporary);
    return Unexpected(done.error());
  }
  return id;
}

Result<Tags> read_tags(const QueueMapping& mapping) {
  for (int tries = 0; tries < kTriesMax; ++tries) {
    // [tags] seq_cst, pairs with change_tags(): the file has its name.
    if (auto tags = read_named(mapping, mapping.header().tags.load())) return std::move(*tags);
  }
  return changing(mapping);
}

Result<void> change_tags(const shm::Participant& me, const QueueMapping& mapping,
                         const std::function<void(Tags&)>& change) {
  QueueHeader& header = mapping.header();
  const sys::Fd& directory = mapping.bus().tags();
  for (int tries = 0; tries < kTriesMax; ++tries) {
    std::uint64_t id = header.tags.load();
    auto before = read_named(mapping, id);
    if (!before) continue;
    if (!*before && !is_damage(before->error())) return Unexpected(before->error());
    Tags tags = before->has_value() ? **before : Tags{};
    change(tags);
    if (auto checked = check_tags(tags); !checked) return checked;
    if (before->has_value() && tags == **before) return {};
    const auto made = make_tags_file(me, tags);
    if (!made) return Unexpected(made.error());
    const std::uint64_t old = id;
    // [tags] seq_cst: the file before its name in the header; and that name before the look at the
    // queue's state, whose deleter looks at the name after he has changed that.
    if (!header.tags.compare_exchange_strong(id, *made)) {
      if (*made != 0) sys::remove_name(directory, file_name(*made));
      continue;
    }
    if (old != 0) sys::remove_name(directory, file_name(old));
    if (header.state.load() == 0) return {};
    remove_tags_file(mapping);
    return sys::error(Errc::kDeleted, "queue \"" + mapping.name() + "\"", message(Errc::kDeleted));
  }
  return changing(mapping);
}

void remove_tags_file(const QueueMapping& mapping) noexcept {
  const std::uint64_t id = mapping.header().tags.load();  // [tags]
  if (id != 0) sys::remove_name(mapping.bus().tags(), file_name(id));
}

}  // namespace ringpost::queue
