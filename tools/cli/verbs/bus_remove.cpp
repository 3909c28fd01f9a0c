#include <fmt/format.h>

#include "../support/json.hpp"
#include "../support/options.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

ExitCode run(Context& context, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const auto removed = Bus::remove(name, context.bus_options());
    if (!removed && removed.error() == Errc::kNotFound) {
      throw failure_of(Errc::kNotFound, context.subject({}),
                       fmt::format("there is no bus \"{}\" in {}", name, context.shm_dir()));
    }
    require(removed, context.subject(fmt::format("remove bus {}", name)));
    if (context.globals.json) {
      context.out.line(json_line(JsonObject{{"bus", name}, {"removed", true}}));
    } else {
      context.report(fmt::format("removed bus {}", name));
    }
  }
  return ExitCode::kOk;
}

}  // namespace

void add_bus_remove(CLI::App& bus, Context& context) {
  auto& verb =
      add_verb(bus, "remove", "Remove buses that nobody is attached to, with all that is in them",
               "  ringpost bus remove tests\n"
               "  ringpost bus remove tests --shm-dir /dev/shm/tests");
  auto names = std::make_shared<std::vector<std::string>>();
  verb.add_option("BUS", *names, "Names of the buses")->required()->type_name("");
  on_run(verb, context, [&context, names] { return run(context, *names); });
}

}  // namespace ringpost::cli
