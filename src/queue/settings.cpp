#include "queue/settings.hpp"

#include <algorithm>
#include <string>

#include "base/cache_line.hpp"
#include "dedup/layout.hpp"
#include "queue/policies.hpp"
#include "queue/setting_change.hpp"
#include "ring/layout.hpp"
#include "sys/error.hpp"

namespace ringpost::queue {
namespace {

using std::chrono::hours;

template <class T>
Result<void> within(const char* name, const std::optional<T>& given, T least, T most,
                    const char* limits) {
  if (!given || (*given >= least && *given <= most)) return {};
  return sys::error(Errc::kInvalidArgument, name, std::string("must be ") + limits);
}

bool is_power_of_two(std::uint32_t value) noexcept { return (value & (value - 1)) == 0; }

}  // namespace

QueueSettings with_defaults(const QueueSettings& given) {
  QueueSettings all;
  all.visibility_timeout = given.visibility_timeout.value_or(30s);
  all.delay = given.delay.value_or(0s);
  all.retention = given.retention.value_or(hours(4 * 24));
  all.receive_wait = given.receive_wait.value_or(0s);
  all.message_bytes_max = given.message_bytes_max.value_or(256 * 1024);
  all.in_flight_max = given.in_flight_max.value_or(120'000);
  all.redrive = given.redrive.value_or(RedrivePolicy{});
  all.redrive_allow = given.redrive_allow.value_or(RedriveAllow{});
  all.fifo = given.fifo.value_or(false);
  all.fair = given.fair.value_or(false);
  const bool groups = *all.fifo || *all.fair;
  all.slots = given.slots.value_or(groups ? 16'384 : 1'024);
  all.inline_bytes = given.inline_bytes.value_or(groups ? 128 : 104);
  all.bytes_max = given.bytes_max.value_or(64ull << 20);
  all.fixed = given.fixed.value_or(groups);
  all.dedup = given.dedup.value_or(Dedup::kOff);
  all.dedup_window = given.dedup_window.value_or(5min);
  all.dedup_entries = given.dedup_entries.value_or(65'536);
  all.dedup_scope = given.dedup_scope.value_or(DedupScope::kQueue);
  all.durability = given.durability.value_or(Durability::kMemory);
  all.log_segment_bytes = given.log_segment_bytes.value_or(16ull << 20);
  return all;
}

Result<void> check_limits(const QueueSettings& given) {
  constexpr Duration zero = Duration::zero();
  const Result<void> checks[] = {
      within("visibility_timeout", given.visibility_timeout, zero, Duration(hours(12)),
             "0 to 12 h"),
      within("delay", given.delay, zero, Duration(15min), "0 to 15 min"),
      within("retention", given.retention, Duration(60s), Duration(hours(14 * 24)),
             "60 s to 14 days"),
      within("receive_wait", given.receive_wait, zero, Duration(20s), "0 to 20 s"),
      within<std::uint64_t>("message_bytes_max", given.message_bytes_max, 1024, 64ull << 20,
                            "1 KiB to 64 MiB"),
      within("in_flight_max", given.in_flight_max, 1u, 10'000'000u, "1 to 10,000,000"),
      within("slots", given.slots, ring::kSlotsMin, ring::kSlotsMax, "64 to 4,194,304"),
      within("inline_bytes", given.inline_bytes, 40u, 4072u, "40 to 4,072"),
      within("dedup_window", given.dedup_window, Duration(1s), Duration(hours(24)), "1 s to 24 h"),
      within("dedup_entries", given.dedup_entries, 64u, dedup::kCapacityMax, "64 to 16,777,216"),
      within<std::uint64_t>("bytes_max", given.bytes_max, 64 * 1024, 1ull << 40, "64 KiB to 1 TiB"),
      within<std::uint64_t>("log_segment_bytes", given.log_segment_bytes, 64 * 1024, 1ull << 30,
                            "64 KiB to 1 GiB"),
  };
  for (const Result<void>& check : checks) {
    if (!check) return check;
  }
  if (given.slots && !is_power_of_two(*given.slots)) {
    return sys::error(Errc::kInvalidArgument, "slots", "must be a power of two");
  }
  if (given.fifo.value_or(false) && given.inline_bytes.value_or(0) > 4048) {
    return sys::error(Errc::kInvalidArgument, "inline_bytes", "must be 40 to 4,048 (FIFO)");
  }
  if (given.fifo.value_or(false) && !given.fixed.value_or(true)) {
    return sys::error(Errc::kInvalidArgument, "fixed",
                      "a FIFO queue does not grow: give it enough slots");
  }
  if (given.dedup.value_or(Dedup::kOff) != Dedup::kOff && !given.fifo.value_or(true)) {
    return sys::error(Errc::kInvalidArgument, "dedup", "only a FIFO queue deduplicates");
  }
  if (auto checked = check_fair(given.fair.value_or(false), given); !checked) return checked;
  const bool durable = given.durability.value_or(Durability::kMemory) == Durability::kDurable;
  if (durable || given.log_segment_bytes) {
    if (auto checked = check_durable(given); !checked) return checked;
  }
  if (given.redrive) {
    if (auto checked = check_form(*given.redrive); !checked) return checked;
  }
  return given.redrive_allow ? check_form(*given.redrive_allow) : Result<void>();
}

Result<void> check_fair(bool fair, const QueueSettings& given) {
  if (!fair) return {};
  if (given.fifo.value_or(false)) {
    return sys::error(Errc::kInvalidArgument, "fair", "a FIFO queue serves its groups in turn");
  }
  if (given.inline_bytes.value_or(0) > 4048) {
    return sys::error(Errc::kInvalidArgument, "inline_bytes", "must be 40 to 4,048 (fair)");
  }
  if (!given.fixed.value_or(true)) {
    return sys::error(Errc::kInvalidArgument, "fixed",
                      "a fair queue does not grow: give it enough slots");
  }
  if (given.dedup.value_or(Dedup::kOff) != Dedup::kOff) {
    return sys::error(Errc::kInvalidArgument, "dedup", "only a FIFO queue deduplicates");
  }
  if (given.redrive && !given.redrive->dead_letter_queue.empty()) {
    return sys::error(Errc::kInvalidArgument, "redrive",
                      "a fair queue cannot have a dead-letter queue yet");
  }
  return {};
}

Result<void> check_durable(const QueueSettings& given) {
  if (given.fair.value_or(false)) {
    return sys::error(Errc::kUnsupported, "durability", "a fair queue cannot be durable yet");
  }
  if (given.durability == Durability::kMemory) {
    return sys::error(Errc::kInvalidArgument, "log_segment_bytes",
                      "only a durable queue has a log");
  }
  const QueueSettings all = with_defaults(given);
  if (*all.message_bytes_max > kDurableMessageBytesMax) {
    return sys::error(Errc::kInvalidArgument, "message_bytes_max",
                      "must be up to 1 MiB in a durable queue");
  }
  if (*all.log_segment_bytes % 4096 != 0 || *all.log_segment_bytes / 4 < *all.message_bytes_max) {
    return sys::error(Errc::kInvalidArgument, "log_segment_bytes",
                      "must be a multiple of 4 KiB, and four times message_bytes_max at least");
  }
  return {};
}

QueueSettings load_settings(QueueHeader& header) {
  QueueSettings settings = changeable_settings(header);
  settings.dedup_scope = header.dedup_scope == 0 ? DedupScope::kQueue : DedupScope::kGroup;
  if (header.dedup_entries != 0) settings.dedup_entries = header.dedup_entries;
  settings.slots = header.slots;
  const auto kind = static_cast<ring::RingKind>(header.kind);
  settings.fifo = kind == ring::RingKind::kFifo;
  settings.fair = kind == ring::RingKind::kFair;
  settings.inline_bytes = header.stride - head_bytes_of(kind);
  settings.bytes_max = header.bytes_max;
  settings.fixed = header.fixed != 0;
  settings.durability = header.journal != 0 ? Durability::kDurable : Durability::kMemory;
  if (header.journal != 0) settings.log_segment_bytes = header.log_segment_bytes;
  return settings;
}

const char* first_difference(const QueueSettings& given, const QueueSettings& existing) noexcept {
  const auto differs = [](const auto& a, const auto& b) { return a && *a != *b; };
  if (differs(given.visibility_timeout, existing.visibility_timeout)) return "visibility_timeout";
  if (differs(given.delay, existing.delay)) return "delay";
  if (differs(given.retention, existing.retention)) return "retention";
  if (differs(given.receive_wait, existing.receive_wait)) return "receive_wait";
  if (differs(given.message_bytes_max, existing.message_bytes_max)) return "message_bytes_max";
  if (differs(given.in_flight_max, existing.in_flight_max)) return "in_flight_max";
  if (differs(given.redrive, existing.redrive)) return "redrive";
  if (differs(given.redrive_allow, existing.redrive_allow)) return "redrive_allow";
  if (differs(given.slots, existing.slots)) return "slots";
  if (differs(given.fifo, existing.fifo)) return "fifo";
  if (differs(given.fair, existing.fair)) return "fair";
  if (differs(given.dedup, existing.dedup)) return "dedup";
  if (differs(given.dedup_window, existing.dedup_window)) return "dedup_window";
  if (differs(given.dedup_scope, existing.dedup_scope)) return "dedup_scope";
  const bool has_ids = existing.dedup_entries.has_value();
  if (given.dedup_entries && has_ids && *given.dedup_entries != *existing.dedup_entries) {
    return "dedup_entries";
  }
  const ring::RingKind kind = kind_of(existing);
  if (given.inline_bytes &&
      stride_for(*given.inline_bytes, kind) != stride_for(*existing.inline_bytes, kind)) {
    return "inline_bytes";
  }
  if (differs(given.bytes_max, existing.bytes_max)) return "bytes_max";
  if (differs(given.fixed, existing.fixed)) return "fixed";
  if (differs(given.durability, existing.durability)) return "durability";
  const bool has_log = existing.log_segment_bytes.has_value();
  if (given.log_segment_bytes && has_log &&
      *given.log_segment_bytes != *existing.log_segment_bytes) {
    return "log_segment_bytes";
  }
  return nullptr;
}

ring::RingKind kind_of(const QueueSettings& settings) noexcept {
  if (settings.fair.value_or(false)) return ring::RingKind::kFair;
  return settings.fifo.value_or(false) ? ring::RingKind::kFifo : ring::RingKind::kStandard;
}

std::uint32_t head_bytes_of(ring::RingKind kind) noexcept {
  return ring::kSlotHeadBytes + (kind == ring::RingKind::kStandard ? 0 : ring::kFifoHeadBytes);
}

std::uint32_t stride_for(std::uint32_t inline_bytes, ring::RingKind kind) noexcept {
  return static_cast<std::uint32_t>(
      base::round_up(inline_bytes + head_bytes_of(kind), base::kCacheLineBytes));
}

}  // namespace ringpost::queue
