// Changing a topic while it is in use: its settings, its tags.
#include <fmt/format.h>

#include "../support/options.hpp"
#include "../support/tag_text.hpp"
#include "../support/topic_text.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

struct Options {
  std::string name;
  TopicSettings changes;
  std::vector<std::string> words;  ///< tags, or their keys
};

ExitCode set(Context& context, const Options& options) {
  const TopicSettings& changes = options.changes;
  if (!changes.message_bytes_max && !changes.display_name && !changes.delivery_policy) {
    throw usage_failure("no setting is given",
                        "name at least one, such as --message-bytes-max 1MiB; see ringpost topic "
                        "set --help");
  }
  Bus bus = open_bus(context);
  Topic topic = open_topic(context, bus, options.name);
  require_of_topic(context, topic.set(changes), fmt::format("change topic {}", options.name),
                   options.name);
  if (context.globals.json) {
    JsonObject object{{"bus", bus.name()}, {"topic", options.name}};
    object["settings"] = json_settings(topic.settings());
    context.out.line(json_line(object));
  } else {
    context.report(fmt::format("changed topic {}", options.name));
  }
  return ExitCode::kOk;
}

ExitCode report_tags(Context& context, const Bus& bus, const Topic& topic, std::string_view done) {
  if (!context.globals.json) {
    context.report(fmt::format("{} topic {}", done, topic.name()));
    return ExitCode::kOk;
  }
  const auto tags = topic.tags();
  require_of_topic(context, tags, "read the tags of topic " + topic.name(), topic.name());
  JsonObject object{{"bus", bus.name()}, {"topic", topic.name()}};
  object["tags"] = json_tags(*tags);
  context.out.line(json_line(object));
  return ExitCode::kOk;
}

ExitCode tag(Context& context, const Options& options) {
  const Tags tags = tags_of(options.words);
  Bus bus = open_bus(context);
  Topic topic = open_topic(context, bus, options.name);
  require(topic.set_tags(tags), context.subject("tag topic " + options.name, options.name));
  return report_tags(context, bus, topic, "tagged");
}

ExitCode untag(Context& context, const Options& options) {
  Bus bus = open_bus(context);
  Topic topic = open_topic(context, bus, options.name);
  require(topic.remove_tags(options.words),
          context.subject("untag topic " + options.name, options.name));
  return report_tags(context, bus, topic, "untagged");
}

}  // namespace

void add_topic_set(CLI::App& topic, Context& context) {
  auto& verb = add_verb(topic, "set", "Change settings of a topic while it is in use",
                        "  ringpost topic set prices --message-bytes-max 1MiB\n"
                        "  ringpost topic set prices --display-name \"Prices of today\"");
  auto options = std::make_shared<Options>();
  add_topic_name(verb, options->name);
  add_topic_settings(verb, options->changes);
  on_run(verb, context, [&context, options] { return set(context, *options); });
}

void add_topic_tag(CLI::App& topic, Context& context) {
  auto& verb = add_verb(topic, "tag", "Set tags of a topic; those of the same key are replaced",
                        "  ringpost topic tag prices team=desk cost-centre=4711");
  auto options = std::make_shared<Options>();
  add_topic_name(verb, options->name);
  verb.add_option("TAG", options->words, "KEY=VALUE, up to 50 in all")->required()->type_name("");
  on_run(verb, context, [&context, options] { return tag(context, *options); });
}

void add_topic_untag(CLI::App& topic, Context& context) {
  auto& verb = add_verb(topic, "untag", "Remove tags of a topic; no error if one is not there",
                        "  ringpost topic untag prices cost-centre");
  auto options = std::make_shared<Options>();
  add_topic_name(verb, options->name);
  verb.add_option("KEY", options->words, "Keys of tags")->required()->type_name("");
  on_run(verb, context, [&context, options] { return untag(context, *options); });
}

}  // namespace ringpost::cli
