// ringpost topic: making, listing, looking at and removing topics.
#include <fmt/format.h>

#include "../support/json.hpp"
#include "../support/options.hpp"
#include "../support/table.hpp"
#include "../support/tag_text.hpp"
#include "../support/topic_text.hpp"
#include "../support/units.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

struct Creation {
  std::vector<std::string> names;
  TopicSettings settings;
  std::vector<std::string> tags;
};

ExitCode create(Context& context, const Creation& options) {
  refuse_contradictions(options.settings);
  const Tags tags = tags_of(options.tags);
  Bus bus = open_bus(context, IfMissing::kCreate);
  for (const std::string& name : options.names) {
    const bool existed = bus.open_topic(name).has_value();
    const auto topic = bus.topic(name, options.settings, tags);
    require_of_topic(context, topic, fmt::format("create topic {}", name), name);
    if (context.globals.json) {
      JsonObject object{{"bus", bus.name()}, {"topic", name}, {"created", !existed}};
      object["settings"] = json_settings(topic->settings());
      context.out.line(json_line(object));
    } else {
      context.report(existed ? fmt::format("topic {} is there already", name)
                             : fmt::format("created topic {} on bus {}", name, bus.name()));
    }
  }
  return ExitCode::kOk;
}

ExitCode list(Context& context, const std::string& prefix) {
  const Bus bus = open_bus(context);
  const auto names = bus.topic_names(prefix);
  require(names, context.subject("list topics"));
  for (const std::string& name : *names) {
    if (context.globals.json) {
      context.out.line(json_line(JsonObject{{"bus", bus.name()}, {"topic", name}}));
    } else {
      context.out.line(name);
    }
  }
  return ExitCode::kOk;
}

void print_for_people(Context& context, const std::string& name, const TopicSettings& settings,
                      const Tags& tags, const TopicStats& stats,
                      const std::vector<SubscriptionInfo>& subscriptions) {
  const Paint paint = context.paint_for_output();
  context.out.line(paint.bold(fmt::format("topic {} on bus {}", name, context.globals.bus)));
  const auto line = [&context](const char* what, const std::string& value) {
    context.out.line(fmt::format("  {:<20} {}", what, value));
  };
  if (!settings.display_name->empty()) line("display name", *settings.display_name);
  if (!settings.delivery_policy->empty()) line("delivery policy", *settings.delivery_policy);
  line("message size", "up to " + format_size(*settings.message_bytes_max));
  if (*settings.fifo) line("duplicates", dedup_text(settings));
  context.out.write(tag_lines(tags));
  line("published",
       fmt::format("{} ({})", format_count(stats.published), format_size(stats.published_bytes)));
  line("delivered", fmt::format("{}, {} filtered out", format_count(stats.delivered),
                                format_count(stats.filtered_out)));
  line("not delivered", fmt::format("{} to dead-letter queues, {} dropped, {} publishes refused",
                                    format_count(stats.dead_lettered), format_count(stats.dropped),
                                    format_count(stats.refused)));
  Table table({{"SUBSCRIPTION"},
               {"QUEUE OR ENDPOINT"},
               {"BODY"},
               {"WHEN FULL"},
               {"DEAD LETTERS"},
               {"FILTER"}});
  for (const SubscriptionInfo& each : subscriptions) {
    const SubscriptionSettings& of = each.settings;
    table.add({subscription_id_text(each.id),
               each.endpoint.empty() ? each.queue : subscriber_text(each), *of.raw ? "raw" : "JSON",
               name_of(*of.when_full), *of.dead_letter_queue, filter_text(of)});
  }
  if (subscriptions.empty()) {
    context.note(fmt::format("nobody is subscribed: ringpost subscribe {} QUEUE", name));
  } else {
    context.out.write(table.render(paint));
  }
}

ExitCode show(Context& context, const std::string& name) {
  Bus bus = open_bus(context);
  Topic topic = open_topic(context, bus, name);
  const auto stats = topic.stats();
  require_of_topic(context, stats, fmt::format("look at topic {}", name), name);
  const auto subscriptions = topic.subscriptions();
  require_of_topic(context, subscriptions, fmt::format("look at topic {}", name), name);
  const auto tags = topic.tags();
  require_of_topic(context, tags, fmt::format("look at topic {}", name), name);
  if (!context.globals.json) {
    print_for_people(context, name, topic.settings(), *tags, *stats, *subscriptions);
    return ExitCode::kOk;
  }
  JsonObject object{{"bus", bus.name()}, {"topic", name}};
  object["settings"] = json_settings(topic.settings());
  object["tags"] = json_tags(*tags);
  add_counters(object, *stats);
  JsonArray all;
  for (const SubscriptionInfo& each : *subscriptions) all.push_back(json_subscription(each));
  object["subscriptions"] = std::move(all);
  context.out.line(json_line(object));
  return ExitCode::kOk;
}

ExitCode remove(Context& context, const std::vector<std::string>& names) {
  Bus bus = open_bus(context);
  for (const std::string& name : names) {
    require_of_topic(context, bus.delete_topic(name), fmt::format("delete topic {}", name), name);
    if (context.globals.json) {
      context.out.line(
          json_line(JsonObject{{"bus", bus.name()}, {"topic", name}, {"deleted", true}}));
    } else {
      context.report(fmt::format("deleted topic {}", name));
    }
  }
  return ExitCode::kOk;
}

void add_create(CLI::App& topic, Context& context) {
  auto& verb = add_verb(topic, "create", "Make topics, and their bus if there is none",
                        "  ringpost topic create prices\n"
                        "  ringpost topic create files --message-bytes-max 1MiB\n"
                        "  ringpost topic create payments --fifo --dedup id");
  auto options = std::make_shared<Creation>();
  verb.add_option("TOPIC", options->names, "Names: letters, digits, - and _, up to 80")
      ->required()
      ->type_name("");
  add_topic_settings(verb, options->settings);
  verb.add_option("--tag", options->tags,
                  "KEY=VALUE, once for each; a topic that is there already must have them")
      ->type_name("TAG")
      ->allow_extra_args(false);
  add_fifo_settings(verb, options->settings);
  on_run(verb, context, [&context, options] { return create(context, *options); });
}

}  // namespace

void add_topic(CLI::App& app, Context& context) {
  CLI::App& topic = *app.add_subcommand("topic", "Make, list, look at and remove topics");
  topic.group("Topics")->require_subcommand(1);
  add_create(topic, context);
  add_topic_set(topic, context);
  add_topic_tag(topic, context);
  add_topic_untag(topic, context);

  auto& list_verb = add_verb(topic, "list", "Names of the topics on the bus, one a line",
                             "  ringpost topic list\n"
                             "  ringpost topic list market- --json");
  auto prefix = std::make_shared<std::string>();
  list_verb.add_option("PREFIX", *prefix, "Only names that begin so")->type_name("");
  on_run(list_verb, context, [&context, prefix] { return list(context, *prefix); });

  auto& show_verb = add_verb(topic, "show", "Settings, counters and subscriptions of a topic",
                             "  ringpost topic show prices\n"
                             "  ringpost topic show prices --json | jq .subscriptions");
  auto name = std::make_shared<std::string>();
  add_topic_name(show_verb, *name);
  on_run(show_verb, context, [&context, name] { return show(context, *name); });

  auto& delete_verb =
      add_verb(topic, "delete", "Remove topics with their subscriptions; what was delivered stays",
               "  ringpost topic delete prices");
  auto names = std::make_shared<std::vector<std::string>>();
  delete_verb.add_option("TOPIC", *names, "Names of the topics")->required()->type_name("");
  on_run(delete_verb, context, [&context, names] { return remove(context, *names); });
}

}  // namespace ringpost::cli
