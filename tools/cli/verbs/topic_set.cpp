// Changing a topic while it is in use: its settings, its tags.
#include <fmt/format.h>

#include "../support/changing.hpp"
#include "../support/options.hpp"
#include "../support/topic_text.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

struct Options {
  std::string name;
  TopicSettings changes;
};
constexpr Changeable<Topic> kTopic{"topic", open_topic, add_topic_name};

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
  return report_settings(context, bus, topic, kTopic.noun, json_settings(topic.settings()));
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
  add_tag_verb(topic, context, kTopic, "  ringpost topic tag prices team=desk cost-centre=4711");
}

void add_topic_untag(CLI::App& topic, Context& context) {
  add_untag_verb(topic, context, kTopic, "  ringpost topic untag prices cost-centre");
}

}  // namespace ringpost::cli
