#include <algorithm>

#include <unistd.h>

#include <fmt/format.h>

#include "../support/json.hpp"
#include "../support/latency_picture.hpp"
#include "../support/options.hpp"
#include "../support/settings_text.hpp"
#include "../support/table.hpp"
#include "../support/task_text.hpp"
#include "../support/topic_text.hpp"
#include "../support/topic_watch.hpp"
#include "../support/units.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

struct Options {
  std::vector<std::string> names;
  bool topics = false;   ///< and not queues
  bool streams = false;  ///< the same
  Duration late{static_cast<Duration::rep>(kLateNs)};

  [[nodiscard]] std::uint64_t late_ns() const { return static_cast<std::uint64_t>(late.count()); }
};

JsonObject json_stats(const Bus& bus, const std::string& name, const QueueStats& stats,
                      const Options& options) {
  JsonObject object{{"bus", bus.name()}, {"queue", name}};
  add_counters(object, stats);
  add_state(object, stats);
  const auto task = latest_task(bus, name);
  object["move_task"] = task ? JsonValue(json_task(*task)) : JsonValue(nullptr);
  object["latency"] = json_latency(stats.latency, options.late_ns());
  return object;
}

/// What happened seldom is told only if it happened.
std::string seldom_text(const QueueStats& stats) {
  std::string out;
  const auto add = [&out](std::uint64_t count, const char* what) {
    if (count != 0)
      out += fmt::format("{}{} {}", out.empty() ? "" : ", ", format_count(count), what);
  };
  add(stats.redelivered, "delivered again");
  add(stats.released, "released");
  add(stats.expired, "leases ended by timeout or death");
  add(stats.dropped_by_retention, "dropped by retention");
  add(stats.purged, "purged");
  add(stats.refused_full, "sends refused: full");
  add(stats.duplicates, "sends dropped: duplicate");
  add(stats.dead_lettered, "moved to the dead-letter queue");
  add(stats.dead_letters_refused, "times not moved there: full or missing");
  add(stats.moved_in, "moved in from other queues");
  return out;
}

void print_one(Context& context, const Bus& bus, const std::string& name, const QueueStats& stats,
               const Options& options) {
  const Paint paint = context.paint_for_output();
  const auto line = [&context](const char* title, const std::string& text) {
    context.out.line(fmt::format("  {:<9} {}", title, text));
  };
  context.out.line(paint.bold(fmt::format("queue {} on bus {}", name, bus.name())));
  std::string now = fmt::format("{} visible, {} in flight, {} delayed", format_count(stats.visible),
                                format_count(stats.in_flight), format_count(stats.delayed));
  if (stats.beyond_memory != 0) {
    now += fmt::format(", {} on disk alone", format_count(stats.beyond_memory));
  }
  if (stats.oldest_age > Duration::zero()) now += ", oldest " + format_age(stats.oldest_age);
  line("now", now);
  line("so far", fmt::format("{} sent ({}), {} received, {} acknowledged", format_count(stats.sent),
                             format_size(stats.sent_bytes), format_count(stats.received),
                             format_count(stats.acknowledged)));
  if (const std::string seldom = seldom_text(stats); !seldom.empty()) line("also", seldom);
  if (const auto task = latest_task(bus, name)) line("redrive", task_text(*task));
  line("memory",
       fmt::format("{}, {} in {}", format_size(stats.memory_bytes),
                   format_counted(stats.slots, "slot"), format_counted(stats.rings, "ring")));
  if (stats.latency.count() == 0) return;
  line("latency", fmt::format("send → first receive, {} messages measured",
                              format_count(stats.latency.count())));
  const std::size_t columns = std::min<std::size_t>(screen_size(STDOUT_FILENO).columns, 100);
  context.out.write(wrapped(percentiles_line(stats.latency, options.late_ns()), 12, columns));
  context.out.write(draw_text(stats.latency, columns));
}

void add_row(Table& table, const std::string& name, const QueueStats& stats,
             const Options& options) {
  const auto latency = [&stats](double percent) {
    return stats.latency.count() == 0 ? "–" : format_latency(stats.latency.percentile(percent));
  };
  table.add({name, format_count(stats.visible), format_count(stats.in_flight),
             format_count(stats.delayed), format_age(stats.oldest_age), format_count(stats.sent),
             format_count(stats.acknowledged), latency(50), latency(99), latency(99.9),
             stats.latency.count() == 0
                 ? "–"
                 : format_share(stats.latency.share_over(options.late_ns()))});
}

ExitCode run_of_topics(Context& context, const Options& options) {
  Bus bus = open_bus(context);
  std::vector<std::string> names = options.names;
  if (names.empty()) {
    auto all = bus.topic_names();
    require(all, context.subject("list topics"));
    names = std::move(*all);
  }
  Table table = topic_table();
  for (const std::string& name : names) {
    const auto stats = open_topic(context, bus, name).stats();
    require_of_topic(context, stats, fmt::format("look at topic {}", name), name);
    if (context.globals.json) {
      JsonObject object{{"bus", bus.name()}, {"topic", name}};
      add_counters(object, *stats);
      object["subscriptions"] = stats->subscriptions;
      context.out.line(json_line(object));
    } else {
      add_row(table, name, *stats);
    }
  }
  if (!table.empty()) context.out.write(table.render(context.paint_for_output()));
  if (names.empty() && !context.globals.json) {
    context.note(fmt::format("bus {} has no topics: ringpost topic create NAME", bus.name()));
  }
  return ExitCode::kOk;
}

ExitCode run(Context& context, const Options& options) {
  if (options.topics) return run_of_topics(context, options);
  if (options.streams) return stat_streams(context, options.names);
  Bus bus = open_bus(context);
  std::vector<std::string> names = options.names;
  if (names.empty()) {
    auto all = bus.queue_names();
    require(all, context.subject("list queues"));
    names = std::move(*all);
  }
  Table table({{"QUEUE"},
               {"VISIBLE", Align::kRight},
               {"IN FLIGHT", Align::kRight},
               {"DELAYED", Align::kRight},
               {"OLDEST", Align::kRight},
               {"SENT", Align::kRight},
               {"ACKNOWLEDGED", Align::kRight},
               {"P50", Align::kRight},
               {"P99", Align::kRight},
               {"P99.9", Align::kRight},
               {"OVER " + format_latency(options.late_ns()), Align::kRight}});
  for (const std::string& name : names) {
    const QueueStats stats = open_queue(context, bus, name).stats();
    if (context.globals.json) {
      context.out.line(json_line(json_stats(bus, name, stats, options)));
    } else if (names.size() == 1) {
      print_one(context, bus, name, stats, options);
    } else {
      add_row(table, name, stats, options);
    }
  }
  if (!table.empty()) context.out.write(table.render(context.paint_for_output()));
  if (names.empty() && !context.globals.json) {
    context.note(fmt::format("bus {} has no queues: ringpost queue create NAME", bus.name()));
  }
  return ExitCode::kOk;
}

}  // namespace

void add_stat(CLI::App& app, Context& context) {
  auto& verb =
      add_verb(app, "stat", "Counters, backlog and latency of queues, topics or streams, now",
               "  ringpost stat\n"
               "  ringpost stat orders\n"
               "  ringpost stat --topics\n"
               "  ringpost stat --streams\n"
               "  ringpost stat orders --json | jq .latency.p99_ns");
  verb.group("Watching and measuring");
  auto options = std::make_shared<Options>();
  verb.add_option("NAME", options->names, "Names of queues, topics or streams (all of the bus)")
      ->type_name("");
  auto* const topics = verb.add_flag("--topics", options->topics, "Topics instead of queues");
  verb.add_flag("--streams", options->streams, "Streams instead of queues, and their logs")
      ->excludes(topics);
  add_duration(verb, "--late", options->late, "A message is late beyond this latency (10ms)");
  on_run(verb, context, [&context, options] { return run(context, *options); });
}

}  // namespace ringpost::cli
