// ringpost subscribe, unsubscribe: which queues and endpoints get what is published.
#include <fmt/format.h>

#include "../support/topic_text.hpp"
#include "verbs.hpp"

namespace ringpost::cli {
namespace {

struct Subscribing {
  std::string topic;
  std::string queue;
  SubscriptionSettings settings;
  bool change = false;
};

const SubscriptionInfo* of_queue(const std::vector<SubscriptionInfo>& all,
                                 const std::string& queue_or_id) {
  for (const SubscriptionInfo& each : all) {
    if (each.queue == queue_or_id || each.endpoint == queue_or_id ||
        subscription_id_text(each.id) == queue_or_id) {
      return &each;
    }
  }
  return nullptr;
}

/// By the name of its queue, its endpoint or its own id.
SubscriptionInfo find(const Context& context, Topic& topic, const std::string& queue_or_id) {
  const auto all = topic.subscriptions();
  require_of_topic(context, all, fmt::format("look at topic {}", topic.name()), topic.name());
  const SubscriptionInfo* found = of_queue(*all, queue_or_id);
  if (found != nullptr) return *found;
  throw Failure(ExitCode::kNotFound, "NotFound",
                fmt::format("topic {} has no subscription {}", topic.name(), queue_or_id),
                fmt::format("see those there are: ringpost topic show {}", topic.name()));
}

Failure failure_of_subscribing(const Context& context, const Error& error,
                               const Subscribing& options) {
  const Failure plain =
      failure_of(error, context.subject(fmt::format("subscribe {}", options.queue), options.queue));
  std::string hint = plain.hint();
  if (error.code == Errc::kExists) {
    hint =
        fmt::format("change it: ringpost subscribe {} {} --change …", options.topic, options.queue);
  } else if (error.code == Errc::kInvalidArgument && options.settings.filter) {
    hint = "what a filter policy may say: docs/filters.md; \"\": everything";
  } else if (error.code == Errc::kInvalidArgument && options.settings.delivery_policy) {
    hint = "what a delivery policy may say: docs/push.md; \"\": as the topic says";
  }
  return {plain.exit_code(), plain.code(), plain.text(), hint};
}

ExitCode subscribe(Context& context, const Subscribing& options) {
  Bus bus = open_bus(context);
  Topic topic = open_topic(context, bus, options.topic);
  auto made = options.change
                  ? topic.set_subscription(find(context, topic, options.queue).id, options.settings)
                  : topic.subscribe(options.queue, options.settings);
  if (!made) throw failure_of_subscribing(context, made.error(), options);
  if (context.globals.json) {
    JsonObject object{{"bus", bus.name()}, {"topic", topic.name()}};
    object["subscription"] = json_subscription(*made);
    context.out.line(json_line(object));
  } else {
    context.report(fmt::format("{}  {} gets {} of topic {}", subscription_id_text(made->id),
                               subscriber_text(*made), filter_text(made->settings), topic.name()));
    if (!made->endpoint.empty()) context.note("delivered by: ringpost deliver");
  }
  return ExitCode::kOk;
}

ExitCode unsubscribe(Context& context, const std::string& topic_name,
                     const std::vector<std::string>& names) {
  Bus bus = open_bus(context);
  Topic topic = open_topic(context, bus, topic_name);
  for (const std::string& name : names) {
    const SubscriptionInfo gone = find(context, topic, name);
    require_of_topic(context, topic.unsubscribe(gone.id), fmt::format("unsubscribe {}", name),
                     topic_name);
    if (context.globals.json) {
      JsonObject object{{"bus", bus.name()}, {"topic", topic_name}, {"removed", true}};
      object["subscription"] = json_subscription(gone);
      context.out.line(json_line(object));
    } else {
      context.report(
          fmt::format("{} gets nothing more of topic {}", subscriber_text(gone), topic_name));
    }
  }
  return ExitCode::kOk;
}

}  // namespace

void add_subscribe(CLI::App& app, Context& context) {
  auto& verb = add_verb(
      app, "subscribe", "Let a queue, a command or an HTTP endpoint have what is published",
      "  ringpost subscribe prices book\n"
      "  ringpost subscribe prices trades --filter '{\"kind\": [\"trade\"]}' --filter-on body\n"
      "  ringpost subscribe prices risk --when-full fail\n"
      "  ringpost subscribe prices exec:'./handle-price --verbose'   # see ringpost deliver\n"
      "  ringpost subscribe prices https://example.org/hook --json-body\n"
      "  ringpost subscribe prices trades --change --filter ''");
  verb.group("Topics");
  auto options = std::make_shared<Subscribing>();
  add_topic_name(verb, options->topic);
  verb.add_option("QUEUE", options->queue, "Name of the queue, exec:COMMAND, or a URL")
      ->required()
      ->type_name("");
  add_subscription_settings(verb, options->settings);
  verb.add_flag("--change", options->change, "Change a subscription that there is");
  on_run(verb, context, [&context, options] { return subscribe(context, *options); });
}

void add_unsubscribe(CLI::App& app, Context& context) {
  auto& verb = add_verb(app, "unsubscribe", "End subscriptions; what was delivered stays",
                        "  ringpost unsubscribe prices book\n"
                        "  ringpost unsubscribe prices 5f0c2b7a91d3e846");
  verb.group("Topics");
  auto topic = std::make_shared<std::string>();
  auto names = std::make_shared<std::vector<std::string>>();
  add_topic_name(verb, *topic);
  verb.add_option("QUEUE", *names, "Names of queues, endpoints, or ids of subscriptions")
      ->required()
      ->type_name("");
  on_run(verb, context, [&context, topic, names] { return unsubscribe(context, *topic, *names); });
}

}  // namespace ringpost::cli
