// The settings and the state of a queue, for people and as JSON.
#pragma once

#include "json.hpp"
#include "ringpost/options.hpp"
#include "ringpost/stats.hpp"

namespace ringpost::cli {

/// {"visibility_timeout_seconds", "delay_seconds", …}: those settings that have a value.
JsonObject json_settings(const QueueSettings& settings);
/// One "  name   value" line each.
std::string settings_lines(const QueueSettings& settings);

/// Adds "visible", "in_flight", "delayed", "oldest_age_seconds", "slots", "rings", "memory_bytes",
/// of a durable queue "log_bytes", "beyond_memory".
void add_state(JsonObject& object, const QueueStats& stats);
/// Adds "sent", "sent_bytes", "received", "redelivered", "acknowledged", "released", "expired",
/// "dropped_by_retention", "purged", "refused_full", "duplicates", "dead_lettered",
/// "dead_letters_refused", "moved_in".
void add_counters(JsonObject& object, const QueueStats& stats);

}  // namespace ringpost::cli
