// ringpost stat --streams: counters and logs of streams.
#include <cstring>

#include <fmt/format.h>

#include "../support/options.hpp"
#include "../support/stream_text.hpp"
#include "../support/table.hpp"
#include "../support/units.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

/// Positions count cells of so many bytes.
constexpr std::uint64_t kCellBytes = 64;

/// Of all shards of a stream together.
struct Logs {
  std::uint64_t not_durable_bytes = 0;
  std::size_t failed = 0;
  int log_errno = 0;  ///< of the last one that failed
  std::vector<std::int32_t> writers;
};

std::uint64_t not_durable_bytes(const ShardStats& shard) {
  return shard.published > shard.durable ? (shard.published - shard.durable) * kCellBytes : 0;
}

Logs logs_of(const StreamStats& stats) {
  Logs logs;
  for (const ShardStats& shard : stats.shards) {
    logs.not_durable_bytes += not_durable_bytes(shard);
    if (shard.log_errno != 0) {
      ++logs.failed;
      logs.log_errno = shard.log_errno;
    }
    if (shard.writer_pid == 0) continue;
    const bool is_known =
        std::find(logs.writers.begin(), logs.writers.end(), shard.writer_pid) != logs.writers.end();
    if (!is_known) logs.writers.push_back(shard.writer_pid);
  }
  return logs;
}

std::string writer_text(const Logs& logs) {
  if (logs.writers.empty()) return "whoever waits";
  if (logs.writers.size() > 1) return format_counted(logs.writers.size(), "process");
  return "process " + std::to_string(logs.writers.front());
}

void add_row(Table& table, const std::string& name, const StreamSettings& settings,
             const StreamStats& stats) {
  const bool has_log = *settings.storage == StreamStorage::kLog;
  const Logs logs = logs_of(stats);
  std::string state = has_log ? "good" : "none";
  if (logs.failed != 0) {
    state = fmt::format("{} of {} failed: {}", logs.failed, stats.shards.size(),
                        std::strerror(logs.log_errno));
  }
  table.add({name, format_count(stats.open_shards), format_count(stats.records),
             format_size(stats.bytes), format_count(stats.records_read),
             format_size(stats.memory_bytes), has_log ? format_size(stats.log_bytes) : "–",
             has_log ? format_size(logs.not_durable_bytes) : "–", has_log ? writer_text(logs) : "–",
             state});
}

JsonObject json_stats(const Bus& bus, const std::string& name, const StreamStats& stats) {
  JsonObject object{{"bus", bus.name()}, {"stream", name}};
  add_counters(object, stats);
  JsonArray shards;
  for (const ShardStats& each : stats.shards) {
    JsonObject shard{{"shard", ShardInfo::id_of(each.shard)},
                     {"open", each.open},
                     {"published", each.published},
                     {"written", each.written},
                     {"durable", each.durable},
                     {"not_durable_bytes", not_durable_bytes(each)},
                     {"ring_bytes", each.ring_bytes},
                     {"log_bytes", each.log_bytes},
                     {"segments", each.segments},
                     {"log_errno", each.log_errno}};
    shard["writer_pid"] = each.writer_pid != 0 ? JsonValue(each.writer_pid) : JsonValue(nullptr);
    shards.push_back(std::move(shard));
  }
  object["shards"] = std::move(shards);
  return object;
}

}  // namespace

ExitCode stat_streams(Context& context, std::vector<std::string> names) {
  Bus bus = open_bus(context);
  if (names.empty()) {
    auto all = bus.stream_names();
    require(all, context.subject("list streams"));
    names = std::move(*all);
  }
  Table table({{"STREAM"},
               {"SHARDS", Align::kRight},
               {"RECORDS", Align::kRight},
               {"BYTES", Align::kRight},
               {"READ", Align::kRight},
               {"MEMORY", Align::kRight},
               {"ON DISK", Align::kRight},
               {"NOT YET", Align::kRight},
               {"WRITTEN BY"},
               {"LOG"}});
  for (const std::string& name : names) {
    Stream stream = open_stream(context, bus, name);
    const auto stats = stream.stats();
    require_of_stream(context, stats, fmt::format("look at stream {}", name), name);
    if (context.globals.json) {
      context.out.line(json_line(json_stats(bus, name, *stats)));
    } else {
      add_row(table, name, stream.settings(), *stats);
    }
  }
  if (!table.empty()) context.out.write(table.render(context.paint_for_output()));
  if (names.empty() && !context.globals.json) {
    context.note(fmt::format("bus {} has no streams: ringpost stream create NAME", bus.name()));
  }
  return ExitCode::kOk;
}

}  // namespace ringpost::cli
