#include <unistd.h>

#include <fmt/format.h>

#include "../support/json.hpp"
#include "../support/options.hpp"
#include "../support/settings_text.hpp"
#include "../support/table.hpp"
#include "../support/units.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

struct Options {
  std::string prefix;
  bool long_form = false;
};

void add_row(Table& table, const std::string& name, const QueueStats& stats) {
  table.add({name, format_count(stats.visible), format_count(stats.in_flight),
             format_count(stats.delayed), format_age(stats.oldest_age), format_count(stats.slots),
             format_size(stats.memory_bytes),
             stats.log_bytes == 0 ? std::string() : format_size(stats.log_bytes)});
}

ExitCode run(Context& context, const Options& options) {
  Bus bus = open_bus(context);
  const auto names = bus.queue_names(options.prefix);
  require(names, context.subject("list queues"));
  Table table({{"QUEUE"},
               {"VISIBLE", Align::kRight},
               {"IN FLIGHT", Align::kRight},
               {"DELAYED", Align::kRight},
               {"OLDEST", Align::kRight},
               {"SLOTS", Align::kRight},
               {"MEMORY", Align::kRight},
               {"ON DISK", Align::kRight}});
  for (const std::string& name : *names) {
    JsonObject object{{"bus", bus.name()}, {"queue", name}};
    if (options.long_form) {
      // Somebody may delete a queue while we go through them.
      const auto queue = bus.open_queue(name);
      if (!queue) continue;
      const QueueStats stats = queue->stats();
      add_state(object, stats);
      add_row(table, name, stats);
    }
    if (context.globals.json) {
      context.out.line(json_line(object));
    } else if (!options.long_form) {
      context.out.line(name);
    }
  }
  if (!table.empty() && !context.globals.json) {
    context.out.write(table.render(context.paint_for_output()));
  }
  if (names->empty() && !context.globals.json && is_terminal(STDERR_FILENO)) {
    context.note(fmt::format("bus {} has no such queues", bus.name()));
  }
  return ExitCode::kOk;
}

}  // namespace

void add_queue_list(CLI::App& queue, Context& context) {
  auto& verb = add_verb(queue, "list", "Names of the queues on the bus, one a line",
                        "  ringpost queue list\n"
                        "  ringpost queue list orders- --long\n"
                        "  ringpost --bus tests queue list --json");
  auto options = std::make_shared<Options>();
  verb.add_option("PREFIX", options->prefix, "Only names that begin so")->type_name("");
  verb.add_flag("-l,--long", options->long_form, "With messages, age, memory, disk");
  on_run(verb, context, [&context, options] { return run(context, *options); });
}

}  // namespace ringpost::cli
