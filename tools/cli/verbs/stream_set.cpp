// Changing a stream while it is in use: settings, retention, tags.
#include <fmt/format.h>

#include "../support/changing.hpp"
#include "../support/options.hpp"
#include "../support/stream_text.hpp"
#include "../support/units.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

struct Options {
  std::string name;
  StreamSettings changes;
};
constexpr Changeable<Stream> kStream{"stream", open_stream, add_stream_name};

ExitCode change(Context& context, const Options& options) {
  Bus bus = open_bus(context);
  Stream stream = open_stream(context, bus, options.name);
  require_of_stream(context, stream.set(options.changes),
                    fmt::format("change stream {}", options.name), options.name);
  return report_settings(context, bus, stream, kStream.noun, json_settings(stream.settings()));
}

ExitCode set(Context& context, const Options& options) {
  const StreamSettings& changes = options.changes;
  if (!changes.durability && !changes.retention && !changes.log_bytes_max &&
      !changes.record_bytes_max && !changes.shard_limits && !changes.mode) {
    throw usage_failure("no setting is given",
                        "name at least one, such as --retention 7d; see ringpost stream set "
                        "--help");
  }
  return change(context, options);
}

/// With no time it says how long.
ExitCode retention(Context& context, const Options& options) {
  if (options.changes.retention) return change(context, options);
  Bus bus = open_bus(context);
  const Stream stream = open_stream(context, bus, options.name);
  const Duration kept = *stream.settings().retention;
  if (context.globals.json) {
    context.out.line(json_line(JsonObject{
        {"bus", bus.name()}, {"stream", options.name}, {"retention_seconds", json_seconds(kept)}}));
  } else {
    context.out.line(format_setting(kept));
  }
  return ExitCode::kOk;
}

}  // namespace

void add_stream_set(CLI::App& stream, Context& context) {
  auto& verb = add_verb(stream, "set", "Change settings of a stream while it is in use",
                        "  ringpost stream set trades --record-bytes-max 10MiB\n"
                        "  ringpost stream set trades --durability memory --log-bytes-max 100GiB");
  auto options = std::make_shared<Options>();
  add_stream_name(verb, options->name);
  add_changeable_settings(verb, options->changes);
  on_run(verb, context, [&context, options] { return set(context, *options); });
}

void add_stream_retention(CLI::App& stream, Context& context) {
  auto& verb = add_verb(stream, "retention", "Say, or change, how long records are kept",
                        "  ringpost stream retention trades\n"
                        "  ringpost stream retention trades 7d");
  auto options = std::make_shared<Options>();
  add_stream_name(verb, options->name);
  add_duration(verb, "TIME", options->changes.retention, "24h to 8760h");
  on_run(verb, context, [&context, options] { return retention(context, *options); });
}

void add_stream_tag(CLI::App& stream, Context& context) {
  add_tag_verb(stream, context, kStream, "  ringpost stream tag trades team=desk cost-centre=4711");
}

void add_stream_untag(CLI::App& stream, Context& context) {
  add_untag_verb(stream, context, kStream, "  ringpost stream untag trades cost-centre");
}

}  // namespace ringpost::cli
