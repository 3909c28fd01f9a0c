#include <unistd.h>

#include <fmt/format.h>

#include "../support/json.hpp"
#include "../support/options.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

ExitCode run(Context& context) {
  const auto names = Bus::list(context.bus_options());
  require(names, context.subject("list the buses in " + context.shm_dir()));
  for (const std::string& name : *names) {
    context.out.line(context.globals.json
                         ? json_line(JsonObject{{"bus", name}, {"directory", context.shm_dir()}})
                         : name);
  }
  if (names->empty() && !context.globals.json && is_terminal(STDERR_FILENO)) {
    context.note(fmt::format("there is no bus in {}", context.shm_dir()));
  }
  return ExitCode::kOk;
}

}  // namespace

void add_bus_list(CLI::App& bus, Context& context) {
  auto& verb = add_verb(bus, "list", "Names of the buses, one a line",
                        "  ringpost bus list\n"
                        "  ringpost bus list --shm-dir /dev/shm/tests");
  on_run(verb, context, [&context] { return run(context); });
}

}  // namespace ringpost::cli
