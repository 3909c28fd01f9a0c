#include "topic/log.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>

#include "base/cache_line.hpp"

namespace ringpost::topic {
namespace {

constexpr std::size_t kRecordAlignment = 8;

/// Of the record with `check` as zero: tells bytes that nobody wrote as a record.
std::uint32_t check_of(const LogRecord& head, const std::string& strings) noexcept {
  LogRecord unchecked = head;
  unchecked.check = 0;
  const std::uint64_t seed = XXH3_64bits(&unchecked, sizeof unchecked);
  return static_cast<std::uint32_t>(XXH3_64bits_withSeed(strings.data(), strings.size(), seed));
}

std::size_t string_bytes(const LogRecord& head) noexcept {
  return std::size_t{head.queue_bytes} + head.dead_letter_bytes + head.filter_bytes;
}

bool is_sane(const LogRecord& head, std::size_t available) noexcept {
  return head.bytes <= available && head.bytes % kRecordAlignment == 0 &&
         head.filter_bytes <= kFilterBytesMax &&
         head.bytes == base::round_up(sizeof head + string_bytes(head), kRecordAlignment) &&
         (head.kind == static_cast<std::uint32_t>(RecordKind::kSet) ||
          head.kind == static_cast<std::uint32_t>(RecordKind::kRemove)) &&
         head.raw <= 1 && head.filter_scope <= 1 && head.when_full <= 2 && head.id != 0;
}

}  // namespace

std::optional<LogEntry> read_record(std::span<const std::byte> log) {
  if (auto changeable = read_changeable(log)) {
    return LogEntry{RecordKind::kChangeable, {}, changeable->bytes, std::move(changeable->value)};
  }
  LogRecord head{};
  if (log.size() < sizeof head) return std::nullopt;
  std::memcpy(&head, log.data(), sizeof head);  // once: peers may write while I look
  if (!is_sane(head, log.size())) return std::nullopt;
  std::string strings(string_bytes(head), '\0');
  std::memcpy(strings.data(), log.data() + sizeof head, strings.size());
  if (check_of(head, strings) != head.check) return std::nullopt;
  LogEntry entry;
  entry.kind = static_cast<RecordKind>(head.kind);
  entry.bytes = head.bytes;
  SubscriptionInfo& of = entry.subscription;
  of.id = head.id;
  of.queue_id = head.queue_id;
  of.created = WallTime(std::chrono::duration_cast<WallTime::duration>(
      std::chrono::nanoseconds(head.created_wall_ns)));
  of.queue = strings.substr(0, head.queue_bytes);
  of.settings.dead_letter_queue = strings.substr(head.queue_bytes, head.dead_letter_bytes);
  of.settings.filter = strings.substr(std::size_t{head.queue_bytes} + head.dead_letter_bytes);
  of.settings.raw = head.raw == 1;
  of.settings.filter_scope = static_cast<FilterScope>(head.filter_scope);
  of.settings.when_full = static_cast<WhenFull>(head.when_full);
  return entry;
}

void write_record(const LogEntry& entry, std::vector<std::byte>& to) {
  if (entry.kind == RecordKind::kChangeable) return write_changeable(*entry.topic, to);
  const SubscriptionInfo& of = entry.subscription;
  LogRecord head{};
  std::string strings;
  head.kind = static_cast<std::uint32_t>(entry.kind);
  head.id = of.id;
  if (entry.kind == RecordKind::kSet) {
    head.queue_id = of.queue_id;
    head.created_wall_ns = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(of.created.time_since_epoch())
            .count());
    head.raw = *of.settings.raw ? 1 : 0;
    head.filter_scope = static_cast<std::uint8_t>(*of.settings.filter_scope);
    head.when_full = static_cast<std::uint8_t>(*of.settings.when_full);
    head.queue_bytes = static_cast<std::uint8_t>(of.queue.size());
    head.dead_letter_bytes = static_cast<std::uint8_t>(of.settings.dead_letter_queue->size());
    head.filter_bytes = static_cast<std::uint32_t>(of.settings.filter->size());
    strings = of.queue + *of.settings.dead_letter_queue + *of.settings.filter;
  }
  head.bytes =
      static_cast<std::uint32_t>(base::round_up(sizeof head + strings.size(), kRecordAlignment));
  head.check = check_of(head, strings);
  const std::size_t begin = to.size();
  to.resize(begin + head.bytes);
  std::memcpy(to.data() + begin, &head, sizeof head);
  std::memcpy(to.data() + begin + sizeof head, strings.data(), strings.size());
}

}  // namespace ringpost::topic
