#include <fmt/format.h>

#include "../support/json.hpp"
#include "../support/options.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

ExitCode run(Context& context, const std::string& queue) {
  const Bus bus = open_bus(context);
  const auto sources = bus.dead_letter_sources(queue);
  require(sources, context.subject(fmt::format("list the sources of queue {}", queue), queue));
  if (context.globals.json) {
    JsonObject object{{"bus", bus.name()}, {"queue", queue}};
    object["sources"] = JsonArray(sources->begin(), sources->end());
    context.out.line(json_line(object));
    return ExitCode::kOk;
  }
  for (const std::string& name : *sources) context.out.line(name);
  if (sources->empty()) {
    context.note(
        fmt::format("it is no queue's dead-letter queue: ringpost queue set NAME "
                    "--dead-letter-queue {}",
                    queue));
  }
  return ExitCode::kOk;
}

}  // namespace

void add_redrive_sources(CLI::App& redrive, Context& context) {
  auto& verb = add_verb(redrive, "sources", "Queues whose dead-letter queue it is, one a line",
                        "  ringpost redrive sources orders-dead\n"
                        "  ringpost redrive sources orders-dead --json | jq .sources");
  auto queue = std::make_shared<std::string>();
  add_queue_name(verb, *queue);
  on_run(verb, context, [&context, queue] { return run(context, *queue); });
}

}  // namespace ringpost::cli
