#include <fmt/format.h>

#include "../support/json.hpp"
#include "../support/options.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

ExitCode run(Context& context, const std::vector<std::string>& names) {
  Bus bus = open_bus(context);
  for (const std::string& name : names) {
    const auto deleted = bus.delete_queue(name);
    if (!deleted && deleted.error() == Errc::kNotFound) {
      throw Failure(ExitCode::kNotFound, "NotFound",
                    fmt::format("there is no queue \"{}\" on bus \"{}\"", name, bus.name()),
                    "see those there are: ringpost queue list");
    }
    require(deleted, context.subject(fmt::format("delete queue {}", name), name));
    if (context.globals.json) {
      context.out.line(
          json_line(JsonObject{{"bus", bus.name()}, {"queue", name}, {"deleted", true}}));
    } else {
      context.report(fmt::format("deleted queue {}", name));
    }
  }
  return ExitCode::kOk;
}

}  // namespace

void add_queue_delete(CLI::App& queue, Context& context) {
  auto& verb = add_verb(queue, "delete", "Remove queues with their messages, for good",
                        "  ringpost queue delete orders\n"
                        "  ringpost queue list scratch- | xargs ringpost queue delete");
  auto names = std::make_shared<std::vector<std::string>>();
  verb.add_option("QUEUE", *names, "Names of the queues")->required()->type_name("");
  on_run(verb, context, [&context, names] { return run(context, *names); });
}

}  // namespace ringpost::cli
