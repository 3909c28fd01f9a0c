#include "topic/changeable.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "base/cache_line.hpp"
#include "queue/tags.hpp"
#include "sys/error.hpp"
#include "topic/layout.hpp"
#include "topic/settings.hpp"

namespace ringpost::topic {
namespace {

constexpr std::size_t kRecordAlignment = 8;
constexpr std::size_t kTextBytesMax =
    128 * 1024;  // 50 tags of the longest, and the other two texts

/// Of the record with `check` as zero.
std::uint32_t check_of(const TopicRecord& head, std::string_view text) noexcept {
  TopicRecord unchecked = head;
  unchecked.check = 0;
  const std::uint64_t seed = XXH3_64bits(&unchecked, sizeof unchecked);
  return static_cast<std::uint32_t>(XXH3_64bits_withSeed(text.data(), text.size(), seed));
}

std::string encode(const Tags& tags) {
  std::string text;
  for (const auto& [key, value] : tags) {
    const std::uint32_t lengths[] = {static_cast<std::uint32_t>(key.size()),
                                     static_cast<std::uint32_t>(value.size())};
    text.append(reinterpret_cast<const char*>(lengths), sizeof lengths);
    text.append(key).append(value);
  }
  return text;
}

/// Nothing: they are not what encode() makes.
std::optional<Tags> decode(std::string_view text, std::uint32_t count) {
  Tags tags;
  while (!text.empty()) {
    std::uint32_t lengths[2] = {};
    if (text.size() < sizeof lengths) return std::nullopt;
    std::memcpy(lengths, text.data(), sizeof lengths);
    text.remove_prefix(sizeof lengths);
    if (lengths[0] > text.size() || lengths[1] > text.size() - lengths[0]) return std::nullopt;
    tags.emplace(text.substr(0, lengths[0]), text.substr(lengths[0], lengths[1]));
    text.remove_prefix(std::size_t{lengths[0]} + lengths[1]);
  }
  if (tags.size() != count || !check_tags(tags)) return std::nullopt;
  return tags;
}

}  // namespace

Result<Changeable> changed(const Changeable& before, const TopicSettings& existing,
                           const TopicSettings& given) {
  TopicSettings fixed = given;
  fixed.message_bytes_max.reset();
  fixed.display_name.reset();
  fixed.delivery_policy.reset();
  if (const char* const difference = first_difference(fixed, existing)) {
    return sys::error(Errc::kInvalidArgument, difference, "is fixed at creation");
  }
  const auto wanted = normalised(given);
  if (!wanted) return Unexpected(wanted.error());
  Changeable after = before;
  after.message_bytes_max = wanted->message_bytes_max.value_or(before.message_bytes_max);
  after.display_name = wanted->display_name.value_or(before.display_name);
  after.delivery_policy = wanted->delivery_policy.value_or(before.delivery_policy);
  return after;
}

Result<void> check_tags(const Tags& tags) { return queue::check_tags(tags); }

bool has_tags(const Tags& all, const Tags& given) {
  return std::all_of(given.begin(), given.end(), [&all](const auto& tag) {
    const auto found = all.find(tag.first);
    return found != all.end() && found->second == tag.second;
  });
}

std::optional<ChangeableRecord> read_changeable(std::span<const std::byte> log) {
  TopicRecord head{};
  if (log.size() < sizeof head) return std::nullopt;
  std::memcpy(&head, log.data(), sizeof head);  // once: peers may write while I look
  const std::size_t text_bytes =
      std::size_t{head.display_name_bytes} + head.policy_bytes + head.tag_bytes;
  const bool sane = head.kind == static_cast<std::uint32_t>(RecordKind::kChangeable) &&
                    text_bytes <= kTextBytesMax && head.bytes <= log.size() &&
                    head.bytes == base::round_up(sizeof head + text_bytes, kRecordAlignment);
  if (!sane) return std::nullopt;
  std::string text(text_bytes, '\0');
  std::memcpy(text.data(), log.data() + sizeof head, text.size());
  if (check_of(head, text) != head.check) return std::nullopt;
  ChangeableRecord record;
  record.bytes = head.bytes;
  record.value.message_bytes_max = head.message_bytes_max;
  record.value.display_name = text.substr(0, head.display_name_bytes);
  record.value.delivery_policy = text.substr(head.display_name_bytes, head.policy_bytes);
  const std::size_t before_tags = text_bytes - head.tag_bytes;
  auto tags = decode(std::string_view(text).substr(before_tags), head.tags);
  const TopicSettings limited{.message_bytes_max = head.message_bytes_max,
                              .display_name = record.value.display_name};
  if (!tags || !check_limits(limited)) return std::nullopt;
  record.value.tags = std::move(*tags);
  return record;
}

void write_changeable(const Changeable& value, std::vector<std::byte>& to) {
  const std::string tags = encode(value.tags);
  const std::string text = value.display_name + value.delivery_policy + tags;
  TopicRecord head{};
  head.bytes =
      static_cast<std::uint32_t>(base::round_up(sizeof head + text.size(), kRecordAlignment));
  head.kind = static_cast<std::uint32_t>(RecordKind::kChangeable);
  head.message_bytes_max = value.message_bytes_max;
  head.display_name_bytes = static_cast<std::uint16_t>(value.display_name.size());
  head.policy_bytes = static_cast<std::uint16_t>(value.delivery_policy.size());
  head.tags = static_cast<std::uint32_t>(value.tags.size());
  head.tag_bytes = static_cast<std::uint32_t>(tags.size());
  head.check = check_of(head, text);
  const std::size_t begin = to.size();
  to.resize(begin + head.bytes);
  std::memcpy(to.data() + begin, &head, sizeof head);
  std::memcpy(to.data() + begin + sizeof head, text.data(), text.size());
}

}  // namespace ringpost::topic
