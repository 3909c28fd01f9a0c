#include <fmt/format.h>

#include "../support/json.hpp"
#include "../support/options.hpp"
#include "../support/settings_text.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

struct Options {
  std::string name;
  QueueSettings changes;
};

ExitCode run(Context& context, const Options& options) {
  if (json_settings(options.changes).empty()) {
    throw usage_failure("no setting is given",
                        "name at least one, such as --visibility-timeout 1m; see ringpost queue "
                        "set --help");
  }
  Bus bus = open_bus(context);
  Queue queue = open_queue(context, bus, options.name);
  if (!queue.settings().fifo.value_or(false) &&
      (options.changes.dedup || options.changes.dedup_window)) {
    throw usage_failure(
        fmt::format("queue {} is a standard queue, which does not deduplicate", options.name),
        "make a FIFO queue: ringpost queue create NAME --fifo --dedup id");
  }
  require(queue.set(options.changes),
          context.subject(fmt::format("change queue {}", options.name), options.name));
  if (context.globals.json) {
    JsonObject object{{"bus", bus.name()}, {"queue", options.name}};
    object["settings"] = json_settings(queue.settings());
    context.out.line(json_line(object));
  } else {
    context.report(fmt::format("changed queue {}", options.name));
  }
  return ExitCode::kOk;
}

}  // namespace

void add_queue_set(CLI::App& queue, Context& context) {
  auto& verb = add_verb(queue, "set", "Change settings of a queue while it is in use",
                        "  ringpost queue set orders --visibility-timeout 2m\n"
                        "  ringpost queue set orders --retention 7d --message-bytes-max 1MiB\n"
                        "  ringpost queue set payments --dedup content --dedup-window 1m");
  auto options = std::make_shared<Options>();
  add_queue_name(verb, options->name);
  add_changeable_settings(verb, options->changes);
  on_run(verb, context, [&context, options] { return run(context, *options); });
}

}  // namespace ringpost::cli
