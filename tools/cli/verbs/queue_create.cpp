#include <fmt/format.h>

#include "../support/json.hpp"
#include "../support/options.hpp"
#include "../support/settings_text.hpp"
#include "../support/tag_text.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

struct Options {
  std::vector<std::string> names;
  QueueSettings settings;
  std::vector<std::string> tags;
};

/// Makes one queue, or finds that it is there already; says which.
void create(Context& context, Bus& bus, const std::string& name, const QueueSettings& settings,
            const Tags& tags) {
  const bool existed = bus.open_queue(name).has_value();
  const auto queue = bus.queue(name, settings, tags);
  require(queue, context.subject(fmt::format("create queue {}", name), name));
  if (context.globals.json) {
    JsonObject object;
    object["bus"] = bus.name();
    object["queue"] = name;
    object["created"] = !existed;
    object["settings"] = json_settings(queue->settings());
    context.out.line(json_line(object));
  } else if (existed) {
    context.report(fmt::format("queue {} is there already", name));
  } else {
    context.report(fmt::format("created queue {} on bus {}", name, bus.name()));
  }
}

/// The library says it too, but not by the names of options.
void refuse_contradictions(const QueueSettings& settings) {
  if (settings.fifo.value_or(false) && settings.fair.value_or(false)) {
    throw usage_failure("a queue is FIFO or fair", "drop --fifo or --fair");
  }
  if (settings.durability && settings.fair.value_or(false)) {
    throw usage_failure("a fair queue cannot be durable yet", "drop --durable");
  }
  if (settings.log_segment_bytes && !settings.durability) {
    throw usage_failure("only a durable queue has a log", "add --durable");
  }
  if (settings.fifo.value_or(false)) return;
  if (settings.dedup.value_or(Dedup::kOff) != Dedup::kOff || settings.dedup_window ||
      settings.dedup_entries || settings.dedup_scope) {
    throw usage_failure("only a FIFO queue deduplicates", "add --fifo, or drop --dedup…");
  }
}

ExitCode run(Context& context, const Options& options) {
  refuse_contradictions(options.settings);
  const Tags tags = tags_of(options.tags);
  Bus bus = open_bus(context, IfMissing::kCreate);
  for (const std::string& name : options.names) create(context, bus, name, options.settings, tags);
  return ExitCode::kOk;
}

}  // namespace

void add_queue_create(CLI::App& queue, Context& context) {
  auto& verb = add_verb(queue, "create", "Make queues, and their bus if there is none",
                        "  ringpost queue create orders\n"
                        "  ringpost queue create orders --visibility-timeout 5m --retention 1d\n"
                        "  ringpost queue create ticks --slots 65536 --fixed\n"
                        "  ringpost queue create payments --fifo --dedup id --dedup-window 10m\n"
                        "  ringpost queue create jobs --fair\n"
                        "  ringpost queue create invoices --durable\n"
                        "  ringpost queue create orders --fifo --dedup id --durable");
  auto options = std::make_shared<Options>();
  verb.add_option("QUEUE", options->names, "Names: letters, digits, - and _, up to 80")
      ->required()
      ->type_name("");
  add_changeable_settings(verb, options->settings);
  add_creation_settings(verb, options->settings);
  verb.add_option("--tag", options->tags,
                  "KEY=VALUE, once for each; a queue that is there already keeps its tags")
      ->allow_extra_args(false)
      ->type_name("TAG");
  on_run(verb, context, [&context, options] { return run(context, *options); });
}

}  // namespace ringpost::cli
