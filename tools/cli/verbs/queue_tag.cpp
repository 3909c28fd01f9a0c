// Tags of a queue: set, and removed.
#include <fmt/format.h>

#include "../support/json.hpp"
#include "../support/options.hpp"
#include "../support/tag_text.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

struct Options {
  std::string name;
  std::vector<std::string> words;
};

ExitCode report(Context& context, const Bus& bus, const Queue& queue, std::string_view done) {
  if (context.globals.json) {
    const auto tags = queue.tags();
    require(tags, context.subject("read the tags of queue " + queue.name(), queue.name()));
    JsonObject object{{"bus", bus.name()}, {"queue", queue.name()}};
    object["tags"] = json_tags(*tags);
    context.out.line(json_line(object));
  } else {
    context.report(fmt::format("{} queue {}", done, queue.name()));
  }
  return ExitCode::kOk;
}

ExitCode tag(Context& context, const Options& options) {
  const Tags tags = tags_of(options.words);
  Bus bus = open_bus(context);
  Queue queue = open_queue(context, bus, options.name);
  require(queue.set_tags(tags), context.subject("tag queue " + options.name, options.name));
  return report(context, bus, queue, "tagged");
}

ExitCode untag(Context& context, const Options& options) {
  Bus bus = open_bus(context);
  Queue queue = open_queue(context, bus, options.name);
  require(queue.remove_tags(options.words),
          context.subject("untag queue " + options.name, options.name));
  return report(context, bus, queue, "untagged");
}

}  // namespace

void add_queue_tag(CLI::App& queue, Context& context) {
  auto& verb = add_verb(queue, "tag", "Set tags of a queue; those of the same key are replaced",
                        "  ringpost queue tag orders team=billing cost-centre=4711");
  auto options = std::make_shared<Options>();
  add_queue_name(verb, options->name);
  verb.add_option("TAG", options->words, "KEY=VALUE, up to 50 in all")->required()->type_name("");
  on_run(verb, context, [&context, options] { return tag(context, *options); });
}

void add_queue_untag(CLI::App& queue, Context& context) {
  auto& verb = add_verb(queue, "untag", "Remove tags of a queue; no error if one is not there",
                        "  ringpost queue untag orders cost-centre");
  auto options = std::make_shared<Options>();
  add_queue_name(verb, options->name);
  verb.add_option("KEY", options->words, "Keys of tags")->required()->type_name("");
  on_run(verb, context, [&context, options] { return untag(context, *options); });
}

}  // namespace ringpost::cli
