// Changing a stream while it is in use: settings, retention, tags.
#include <fmt/format.h>

#include "../support/options.hpp"
#include "../support/stream_text.hpp"
#include "../support/tag_text.hpp"
#include "../support/units.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

struct Options {
  std::string name;
  StreamSettings changes;
  std::vector<std::string> words;  ///< tags, or their keys
};

ExitCode change(Context& context, const Options& options) {
  Bus bus = open_bus(context);
  Stream stream = open_stream(context, bus, options.name);
  require_of_stream(context, stream.set(options.changes),
                    fmt::format("change stream {}", options.name), options.name);
  if (context.globals.json) {
    JsonObject object{{"bus", bus.name()}, {"stream", options.name}};
    object["settings"] = json_settings(stream.settings());
    context.out.line(json_line(object));
  } else {
    context.report(fmt::format("changed stream {}", options.name));
  }
  return ExitCode::kOk;
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

ExitCode report_tags(Context& context, const Bus& bus, const Stream& stream,
                     std::string_view done) {
  if (!context.globals.json) {
    context.report(fmt::format("{} stream {}", done, stream.name()));
    return ExitCode::kOk;
  }
  const auto tags = stream.tags();
  require_of_stream(context, tags, "read the tags of stream " + stream.name(), stream.name());
  JsonObject object{{"bus", bus.name()}, {"stream", stream.name()}};
  object["tags"] = json_tags(*tags);
  context.out.line(json_line(object));
  return ExitCode::kOk;
}

ExitCode tag(Context& context, const Options& options) {
  const Tags tags = tags_of(options.words);
  Bus bus = open_bus(context);
  Stream stream = open_stream(context, bus, options.name);
  require(stream.set_tags(tags), context.subject("tag stream " + options.name));
  return report_tags(context, bus, stream, "tagged");
}

ExitCode untag(Context& context, const Options& options) {
  Bus bus = open_bus(context);
  Stream stream = open_stream(context, bus, options.name);
  require(stream.remove_tags(options.words), context.subject("untag stream " + options.name));
  return report_tags(context, bus, stream, "untagged");
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
  auto& verb = add_verb(stream, "tag", "Set tags of a stream; those of the same key are replaced",
                        "  ringpost stream tag trades team=desk cost-centre=4711");
  auto options = std::make_shared<Options>();
  add_stream_name(verb, options->name);
  verb.add_option("TAG", options->words, "KEY=VALUE, up to 50 in all")->required()->type_name("");
  on_run(verb, context, [&context, options] { return tag(context, *options); });
}

void add_stream_untag(CLI::App& stream, Context& context) {
  auto& verb = add_verb(stream, "untag", "Remove tags of a stream; no error if one is not there",
                        "  ringpost stream untag trades cost-centre");
  auto options = std::make_shared<Options>();
  add_stream_name(verb, options->name);
  verb.add_option("KEY", options->words, "Keys of tags")->required()->type_name("");
  on_run(verb, context, [&context, options] { return untag(context, *options); });
}

}  // namespace ringpost::cli
