#include "stream/settings.hpp"

#include <algorithm>
#include <bit>

#include "sys/error.hpp"

namespace ringpost::stream {
namespace {

constexpr std::uint64_t kMiB = 1u << 20;
constexpr std::uint64_t kRecordBytesMax = 10 * kMiB;
constexpr std::uint64_t kRingBytes = 8 * kMiB;
constexpr std::uint64_t kRingBytesMin = 64u << 10;
constexpr std::uint64_t kGiB = 1u << 30;
constexpr std::uint64_t kRecordsInRing = 4;
constexpr std::uint64_t kRecordsInSegment = 2;
constexpr std::uint64_t kHoursMin = 24;
constexpr std::uint64_t kHoursMax = 8'760;

Unexpected<Error> wrong(std::string_view what, std::string_view why) {
  return sys::error(Errc::kInvalidArgument, what, why);
}

std::uint64_t hours_of(Duration time) noexcept {
  const auto hours = std::chrono::duration_cast<std::chrono::hours>(time).count();
  return hours < 0 ? 0 : static_cast<std::uint64_t>(hours);
}

/// Semantics X03.
Result<void> check_retention(Duration retention) {
  const std::string hours = std::to_string(hours_of(retention));
  if (retention < std::chrono::hours(kHoursMin)) {
    return wrong("retention",
                 "Minimum allowed retention period is 24 hours. Requested retention period (" +
                     hours + " hours) is too short.");
  }
  if (retention > std::chrono::hours(kHoursMax)) {
    return wrong("retention",
                 "Maximum allowed retention period is 8760 hours. Requested retention period (" +
                     hours + " hours) is too long.");
  }
  return {};
}

std::uint64_t ring_bytes_for(std::uint64_t record_bytes_max) noexcept {
  return std::max(kRingBytes, std::bit_ceil(kRecordsInRing * record_bytes_max));
}

template <class T>
void keep_given(std::optional<T>& existing, const std::optional<T>& given) {
  if (given) existing = given;
}

bool is_word(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '-';
}

/// Bytes of the character that begins there; 0: none does.
std::size_t character_bytes(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  const std::size_t bytes = first < 0x80   ? 1
                            : first < 0xc2 ? 0
                            : first < 0xe0 ? 2
                            : first < 0xf0 ? 3
                            : first < 0xf5 ? 4
                                           : 0;
  if (bytes == 0 || bytes > text.size()) return 0;
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  if (bytes == 3 && ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) > 0x9f)))
    return 0;
  if (bytes == 4 && ((first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) > 0x8f)))
    return 0;
  return bytes;
}

constexpr char kDotInFileNames = '%';

}  // namespace

bool is_valid_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > 128 || name == "." || name == "..") return false;
  return std::all_of(name.begin(), name.end(), is_word);
}

std::string file_name_of(std::string_view name) {
  std::string file(name);
  if (file.starts_with('.')) file.front() = kDotInFileNames;
  return file;
}

std::optional<std::string> name_of(std::string_view file_name) {
  std::string name(file_name);
  if (name.starts_with('.')) return std::nullopt;
  if (name.starts_with(kDotInFileNames)) name.front() = '.';
  return is_valid_name(name) ? std::optional(name) : std::nullopt;
}

bool is_valid_key(std::string_view key) noexcept {
  if (key.empty() || key.size() > kKeyBytesMax) return false;
  unsigned char all = 0;
  for (const char c : key) all |= static_cast<unsigned char>(c);
  if (all < 0x80) return key.size() <= kKeyCharactersMax;
  std::size_t characters = 0;
  while (!key.empty()) {
    const std::size_t bytes = character_bytes(key);
    if (bytes == 0 || ++characters > kKeyCharactersMax) return false;
    key.remove_prefix(bytes);
  }
  return true;
}

StreamSettings with_defaults(const StreamSettings& given) {
  StreamSettings all = given;
  all.storage = given.storage.value_or(StreamStorage::kLog);
  all.durability = given.durability.value_or(
      *all.storage == StreamStorage::kLog ? Durability::kDurable : Durability::kMemory);
  all.retention = given.retention.value_or(24h);
  all.log_bytes_max = given.log_bytes_max.value_or(0);
  all.record_bytes_max = given.record_bytes_max.value_or(kMiB);
  all.shard_limits = given.shard_limits.value_or(false);
  all.mode = given.mode.value_or(given.shards ? StreamMode::kProvisioned : StreamMode::kOnDemand);
  all.shards = given.shards.value_or(4);
  all.ring_bytes = given.ring_bytes.value_or(ring_bytes_for(*all.record_bytes_max));
  all.segment_bytes = given.segment_bytes.value_or(64 * kMiB);
  return all;
}

Result<void> check_given(const StreamSettings& given) {
  if (given.retention) {
    if (auto checked = check_retention(*given.retention); !checked) return checked;
  }
  const std::uint64_t record = given.record_bytes_max.value_or(kMiB);
  if (record < 1024 || record > kRecordBytesMax) {
    return wrong("record_bytes_max", "must be 1 KiB to 10 MiB");
  }
  const std::uint32_t shards = given.shards.value_or(1);
  if (shards < 1 || shards > kShardsMax) return wrong("shards", "must be 1 to 4,096");
  const std::uint64_t ring = given.ring_bytes.value_or(kRingBytes);
  if (ring < kRingBytesMin || ring > kGiB || !std::has_single_bit(ring)) {
    return wrong("ring_bytes", "must be a power of two, 64 KiB to 1 GiB");
  }
  const std::uint64_t segment = given.segment_bytes.value_or(kMiB);
  if (segment < kMiB || segment > kGiB || segment % kMiB != 0) {
    return wrong("segment_bytes", "must be whole MiB, 1 MiB to 1 GiB");
  }
  return {};
}

Result<void> check_complete(const StreamSettings& all) {
  if (*all.record_bytes_max * kRecordsInRing > *all.ring_bytes) {
    return wrong("ring_bytes", "must have room for four records of record_bytes_max");
  }
  const bool has_log = *all.storage == StreamStorage::kLog;
  if (has_log && *all.record_bytes_max * kRecordsInSegment > *all.segment_bytes) {
    return wrong("segment_bytes", "must have room for two records of record_bytes_max");
  }
  if (!has_log && *all.durability == Durability::kDurable) {
    return wrong("durability", "a stream without a log is never durable");
  }
  if (has_log && *all.log_bytes_max != 0 && *all.log_bytes_max < 2 * *all.segment_bytes) {
    return wrong("log_bytes_max", "must be 0, or room for two segments");
  }
  return {};
}

const char* first_difference(const StreamSettings& given, const StreamSettings& existing) noexcept {
  const auto differs = [](const auto& wanted, const auto& found) {
    return wanted && wanted != found;
  };
  if (differs(given.durability, existing.durability)) return "durability";
  if (differs(given.retention, existing.retention)) return "retention";
  if (differs(given.log_bytes_max, existing.log_bytes_max)) return "log_bytes_max";
  if (differs(given.record_bytes_max, existing.record_bytes_max)) return "record_bytes_max";
  if (differs(given.shard_limits, existing.shard_limits)) return "shard_limits";
  if (differs(given.mode, existing.mode)) return "mode";
  if (differs(given.storage, existing.storage)) return "storage";
  if (differs(given.ring_bytes, existing.ring_bytes)) return "ring_bytes";
  if (differs(given.segment_bytes, existing.segment_bytes)) return "segment_bytes";
  return nullptr;
}

Result<StreamSettings> changed(const StreamSettings& existing, const StreamSettings& given) {
  if (given.shards) return wrong("shards", "is fixed: split, merge or scale");
  if (given.storage) return wrong("storage", "is fixed at creation");
  if (given.ring_bytes) return wrong("ring_bytes", "is fixed at creation");
  if (given.segment_bytes) return wrong("segment_bytes", "is fixed at creation");
  if (auto checked = check_given(given); !checked) return Unexpected(checked.error());
  StreamSettings all = existing;
  keep_given(all.durability, given.durability);
  keep_given(all.retention, given.retention);
  keep_given(all.log_bytes_max, given.log_bytes_max);
  keep_given(all.record_bytes_max, given.record_bytes_max);
  keep_given(all.shard_limits, given.shard_limits);
  keep_given(all.mode, given.mode);
  if (auto checked = check_complete(all); !checked) return Unexpected(checked.error());
  return all;
}

}  // namespace ringpost::stream
