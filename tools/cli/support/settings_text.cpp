#include "settings_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "units.hpp"

namespace ringpost::cli {
namespace {

const char* name_of(Dedup dedup) {
  switch (dedup) {
    case Dedup::kOff:
      return "off";
    case Dedup::kById:
      return "id";
    case Dedup::kByContent:
      return "content";
  }
  return "";
}

const char* name_of(DedupScope scope) { return scope == DedupScope::kGroup ? "group" : "queue"; }

/// The rate of new ids that the table sustains; nothing without a table.
std::optional<double> dedup_ids_per_second(const QueueSettings& settings) {
  if (settings.dedup.value_or(Dedup::kOff) == Dedup::kOff || !settings.dedup_entries ||
      !settings.dedup_window || *settings.dedup_window <= Duration::zero()) {
    return std::nullopt;
  }
  return *settings.dedup_entries / std::chrono::duration<double>(*settings.dedup_window).count();
}

void add_dedup(JsonObject& object, const QueueSettings& settings) {
  if (settings.dedup) object["dedup"] = name_of(*settings.dedup);
  if (settings.dedup_window) object["dedup_window_seconds"] = json_seconds(*settings.dedup_window);
  if (settings.dedup_entries) object["dedup_entries"] = *settings.dedup_entries;
  if (settings.dedup_scope) object["dedup_scope"] = name_of(*settings.dedup_scope);
  if (const auto rate = dedup_ids_per_second(settings)) object["dedup_ids_per_second"] = *rate;
}

bool is_durable(const QueueSettings& settings) {
  return settings.durability.value_or(Durability::kMemory) == Durability::kDurable;
}

std::string fixed_text(const QueueSettings& settings) {
  if (settings.fifo.value_or(false)) return "yes, a FIFO queue never grows";
  if (settings.fair.value_or(false)) return "yes, a fair queue never grows";
  return *settings.fixed ? "yes, never grows" : "no, grows as needed";
}

/// "by id, unique in the queue": what is refused as a duplicate.
std::string dedup_text(const QueueSettings& settings) {
  const Dedup dedup = settings.dedup.value_or(Dedup::kOff);
  if (dedup == Dedup::kOff) return "off";
  return fmt::format("by {}, unique in the {}", name_of(dedup),
                     name_of(settings.dedup_scope.value_or(DedupScope::kQueue)));
}

JsonValue json_redrive_allow(const RedriveAllow& allow) {
  if (allow.permission == RedriveAllow::Permission::kAllowAll) return "all";
  if (allow.permission == RedriveAllow::Permission::kDenyAll) return "none";
  return JsonArray(allow.sources.begin(), allow.sources.end());
}

std::string redrive_allow_text(const RedriveAllow& allow) {
  if (allow.permission == RedriveAllow::Permission::kAllowAll) return "all";
  if (allow.permission == RedriveAllow::Permission::kDenyAll) return "none";
  return fmt::format("{}", fmt::join(allow.sources, ", "));
}

}  // namespace

JsonObject json_settings(const QueueSettings& settings) {
  JsonObject object;
  const auto seconds = [&object](const char* name, const std::optional<Duration>& value) {
    if (value) object[name] = json_seconds(*value);
  };
  seconds("visibility_timeout_seconds", settings.visibility_timeout);
  seconds("delay_seconds", settings.delay);
  seconds("retention_seconds", settings.retention);
  seconds("receive_wait_seconds", settings.receive_wait);
  if (settings.message_bytes_max) object["message_bytes_max"] = *settings.message_bytes_max;
  if (settings.in_flight_max) object["in_flight_max"] = *settings.in_flight_max;
  if (settings.redrive) {
    const bool none = settings.redrive->dead_letter_queue.empty();
    object["dead_letter_queue"] =
        none ? JsonValue(nullptr) : JsonValue(settings.redrive->dead_letter_queue);
    object["max_receives"] =
        none ? JsonValue(nullptr) : JsonValue(settings.redrive->max_receive_count);
  }
  if (settings.redrive_allow) object["redrive_allow"] = json_redrive_allow(*settings.redrive_allow);
  if (settings.slots) object["slots"] = *settings.slots;
  if (settings.inline_bytes) object["inline_bytes"] = *settings.inline_bytes;
  if (settings.bytes_max) object["bytes_max"] = *settings.bytes_max;
  if (settings.fixed) object["fixed"] = *settings.fixed;
  if (settings.fifo) object["fifo"] = *settings.fifo;
  if (settings.fair) object["fair"] = *settings.fair;
  if (settings.durability) object["durable"] = *settings.durability == Durability::kDurable;
  if (is_durable(settings) && settings.log_segment_bytes) {
    object["log_segment_bytes"] = *settings.log_segment_bytes;
  }
  // Those of a standard queue, which has them and does not use them, would only mislead.
  if (settings.fifo.value_or(true)) add_dedup(object, settings);
  return object;
}

std::string settings_lines(const QueueSettings& settings) {
  std::string out;
  const auto line = [&out](const char* name, const std::string& value) {
    out += fmt::format("  {:<20} {}\n", name, value);
  };
  const auto duration = [&line](const char* name, const std::optional<Duration>& value) {
    if (value) line(name, format_setting(*value));
  };
  duration("visibility timeout", settings.visibility_timeout);
  duration("delay", settings.delay);
  duration("retention", settings.retention);
  duration("receive wait", settings.receive_wait);
  if (settings.message_bytes_max)
    line("message bytes max", format_size(*settings.message_bytes_max));
  if (settings.in_flight_max) line("in flight max", format_count(*settings.in_flight_max));
  if (settings.redrive && !settings.redrive->dead_letter_queue.empty()) {
    line("dead-letter queue",
         fmt::format("{}, after {}", settings.redrive->dead_letter_queue,
                     format_counted(settings.redrive->max_receive_count, "receive")));
  }
  if (settings.redrive_allow &&
      settings.redrive_allow->permission != RedriveAllow::Permission::kAllowAll) {
    line("redrive allowed to", redrive_allow_text(*settings.redrive_allow));
  }
  if (settings.slots) line("slots", format_count(*settings.slots) + " in the first ring");
  if (settings.inline_bytes) line("inline bytes", format_size(*settings.inline_bytes));
  if (settings.bytes_max) line("bytes max", format_size(*settings.bytes_max));
  if (settings.fixed) line("fixed", fixed_text(settings));
  if (is_durable(settings)) {
    line("durable", fmt::format("yes, log in files of {}",
                                format_size(settings.log_segment_bytes.value_or(0))));
  }
  if (settings.fair.value_or(false)) line("fair", "yes, quiet tenants first");
  if (!settings.fifo.value_or(false)) return out;
  line("fifo", "yes, groups in order");
  line("deduplication", dedup_text(settings));
  if (const auto rate = dedup_ids_per_second(settings)) {
    line("window", fmt::format("{}, {}: sustains {} ids/s", format_setting(*settings.dedup_window),
                               format_counted(*settings.dedup_entries, "id"),
                               format_count(static_cast<std::uint64_t>(*rate))));
  }
  return out;
}

void add_state(JsonObject& object, const QueueStats& stats) {
  object["visible"] = stats.visible;
  object["in_flight"] = stats.in_flight;
  object["delayed"] = stats.delayed;
  object["oldest_age_seconds"] = json_seconds(stats.oldest_age);
  object["slots"] = stats.slots;
  object["rings"] = stats.rings;
  object["memory_bytes"] = stats.memory_bytes;
  if (stats.log_bytes != 0) {
    object["log_bytes"] = stats.log_bytes;
    object["beyond_memory"] = stats.beyond_memory;
  }
}

void add_counters(JsonObject& object, const QueueStats& stats) {
  object["sent"] = stats.sent;
  object["sent_bytes"] = stats.sent_bytes;
  object["received"] = stats.received;
  object["redelivered"] = stats.redelivered;
  object["acknowledged"] = stats.acknowledged;
  object["released"] = stats.released;
  object["expired"] = stats.expired;
  object["dropped_by_retention"] = stats.dropped_by_retention;
  object["purged"] = stats.purged;
  object["refused_full"] = stats.refused_full;
  object["duplicates"] = stats.duplicates;
  object["dead_lettered"] = stats.dead_lettered;
  object["dead_letters_refused"] = stats.dead_letters_refused;
  object["moved_in"] = stats.moved_in;
}

}  // namespace ringpost::cli
