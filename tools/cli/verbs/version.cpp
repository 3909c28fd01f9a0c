#include <fmt/format.h>

#include "../support/json.hpp"
#include "../support/options.hpp"
#include "ringpost/version.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

ExitCode run(Context& context) {
  const std::string command = fmt::format("{}.{}.{}", RINGPOST_VERSION_MAJOR,
                                          RINGPOST_VERSION_MINOR, RINGPOST_VERSION_PATCH);
  if (context.globals.json) {
    context.out.line(
        json_line(JsonObject{{"version", command}, {"library", library_version_text()}}));
  } else {
    context.out.line(fmt::format("ringpost {} (library {})", command, library_version_text()));
  }
  return ExitCode::kOk;
}

}  // namespace

void add_version(CLI::App& app, Context& context) {
  auto& verb = add_verb(app, "version", "Version of the command and of its library",
                        "  ringpost version\n"
                        "  ringpost version --json | jq -r .version");
  verb.group("Watching and measuring");
  on_run(verb, context, [&context] { return run(context); });
}

}  // namespace ringpost::cli
