#include <fmt/format.h>

#include "../support/json.hpp"
#include "../support/options.hpp"
#include "../support/units.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

ExitCode run(Context& context, const std::string& name) {
  Bus bus = open_bus(context);
  Queue queue = open_queue(context, bus, name);
  const auto purged = queue.purge();
  require(purged, context.subject(fmt::format("purge queue {}", name), name));
  if (context.globals.json) {
    context.out.line(
        json_line(JsonObject{{"bus", bus.name()}, {"queue", name}, {"purged", *purged}}));
  } else {
    context.report(
        fmt::format("purged {} from queue {}", format_counted(*purged, "message"), name));
  }
  return ExitCode::kOk;
}

}  // namespace

void add_queue_purge(CLI::App& queue, Context& context) {
  auto& verb =
      add_verb(queue, "purge", "Remove every message of a queue: visible, delayed and in flight",
               "  ringpost queue purge orders\n"
               "  ringpost queue purge orders --json");
  auto name = std::make_shared<std::string>();
  add_queue_name(verb, *name);
  on_run(verb, context, [&context, name] { return run(context, *name); });
}

}  // namespace ringpost::cli
