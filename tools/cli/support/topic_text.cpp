#include "topic_text.hpp"

#include <fmt/format.h>
#include <boost/json/parse.hpp>

#include "message_text.hpp"

#include "units.hpp"

namespace ringpost::cli {
namespace {

std::string hint_about(Errc code, const std::string& topic) {
  switch (code) {
    case Errc::kNotFound:
    case Errc::kDeleted:
      return fmt::format(
          "create it: ringpost topic create {}   (those there are: ringpost topic "
          "list)",
          topic);
    case Errc::kExists:
      return fmt::format("look at it: ringpost topic show {}", topic);
    case Errc::kFull:
      return fmt::format(
          "a subscriber that must not miss anything is full: see ringpost topic show {}, and wait "
          "for room with --wait 30s",
          topic);
    case Errc::kInvalidArgument:
      return "a message is not empty, has at most ten attributes, and is UTF-8 where a "
             "subscription wants JSON";
    case Errc::kTooLarge:
      return "send less: the limits of topic and queues are chosen at topic create and queue set";
    default:
      return {};
  }
}

}  // namespace

CLI::Option* add_topic_name(CLI::App& app, std::string& target) {
  return app.add_option("TOPIC", target, "Name of the topic")->required()->type_name("");
}

void add_topic_settings(CLI::App& app, TopicSettings& settings) {
  add_size(app, "--message-bytes-max", settings.message_bytes_max,
           "Largest message, 1KiB to 64MiB (256KiB)");
  app.add_option("--display-name", settings.display_name, "For people, up to 100 bytes")
      ->type_name("TEXT");
  app.add_option("--delivery-policy", settings.delivery_policy,
                 "When endpoints are tried again unless they say otherwise, as JSON; \"\": none")
      ->type_name("JSON");
}

Failure failure_of_topic(const Context& context, const Error& error, const std::string& doing,
                         const std::string& topic) {
  const Failure plain = failure_of(error, context.subject(doing));
  const bool is_about_policy = std::string_view(error.what).starts_with("delivery policy");
  std::string hint;
  if (is_about_policy) {
    hint = "what the delivery policy of a topic may say: docs/push.md";
  } else if (error.code != Errc::kInvalidArgument) {  // a setting: its text says what it may be
    hint = hint_about(error.code, topic);
  }
  return {plain.exit_code(), plain.code(), plain.text(), hint.empty() ? plain.hint() : hint};
}

Failure failure_of_topic(const Context& context, Errc code, const std::string& doing,
                         const std::string& topic) {
  const Failure plain = failure_of(code, context.subject(doing));
  const std::string hint = hint_about(code, topic);
  return {plain.exit_code(), plain.code(), plain.text(), hint.empty() ? plain.hint() : hint};
}

Topic open_topic(const Context& context, Bus& bus, const std::string& name) {
  auto topic = bus.open_topic(name);
  require_of_topic(context, topic, fmt::format("open topic {}", name), name);
  return std::move(*topic);
}

std::string subscription_id_text(std::uint64_t id) { return fmt::format("{:016x}", id); }

const char* name_of(WhenFull when_full) {
  switch (when_full) {
    case WhenFull::kWait:
      return "wait";
    case WhenFull::kDeadLetter:
      return "dead-letter";
    case WhenFull::kFail:
      return "fail";
  }
  return "";
}

std::string filter_text(const SubscriptionSettings& settings) {
  if (settings.filter->empty()) return "everything";
  return (settings.filter_scope == FilterScope::kBody ? "body: " : "attributes: ") +
         *settings.filter;
}

void add_subscription_settings(CLI::App& app, SubscriptionSettings& settings) {
  const auto keep = [&app](const char* names, std::optional<std::string>& target, const char* help,
                           const char* type) {
    app.add_option_function<std::string>(
           names, [&target](const std::string& text) { target = text; }, help)
        ->type_name(type);
  };
  app.add_flag_callback(
      "--json-body", [&settings] { settings.raw = false; },
      "The queue gets a JSON document as SNS sends it, not the plain body");
  keep("--filter", settings.filter, "Filter policy as JSON; \"\": everything", "JSON");
  add_choice<std::optional<FilterScope>>(
      app, "--filter-on", settings.filter_scope,
      {{"attributes", FilterScope::kAttributes}, {"body", FilterScope::kBody}},
      "What the filter looks at: attributes (default), body");
  add_choice<std::optional<WhenFull>>(
      app, "--when-full", settings.when_full,
      {{"wait", WhenFull::kWait},
       {"dead-letter", WhenFull::kDeadLetter},
       {"fail", WhenFull::kFail}},
      "A publish to this queue when it is full: wait (default), dead-letter, fail");
  keep("--dead-letter-queue", settings.dead_letter_queue,
       "Gets what the queue has no room for, and what an endpoint does not take; \"\": none",
       "QUEUE");
  keep("--delivery-policy", settings.delivery_policy,
       "When an endpoint is tried again, as JSON; \"\": as the topic says", "JSON");
}

void add_fifo_settings(CLI::App& app, TopicSettings& settings) {
  const char* group = "FIFO topics";
  app.add_flag_callback(
         "--fifo", [&settings] { settings.fifo = true; },
         "Every queue gets the messages of a group in one order; FIFO queues and others")
      ->group(group);
  add_choice<std::optional<Dedup>>(
      app, "--dedup", settings.dedup,
      {{"off", Dedup::kOff}, {"id", Dedup::kById}, {"content", Dedup::kByContent}},
      "Take messages of one id once: id, content (ids made of bodies), off (off)")
      ->group(group);
  add_duration(app, "--dedup-window", settings.dedup_window,
               "How long an id is remembered: 1s to 24h (5m)")
      ->group(group);
  add_count(app, "--dedup-entries", settings.dedup_entries,
            "Ids remembered at once, 102 B each: 64 to 16777216 (65536)")
      ->group(group);
  add_choice<std::optional<DedupScope>>(
      app, "--dedup-scope", settings.dedup_scope,
      {{"topic", DedupScope::kQueue}, {"group", DedupScope::kGroup}},
      "An id is one of the whole topic or of its group: topic, group (topic)")
      ->group(group);
}

void refuse_contradictions(const TopicSettings& settings) {
  if (settings.fifo.value_or(false)) return;
  if (settings.dedup.value_or(Dedup::kOff) != Dedup::kOff || settings.dedup_window ||
      settings.dedup_entries || settings.dedup_scope) {
    throw usage_failure("only a FIFO topic deduplicates", "add --fifo, or drop --dedup…");
  }
}

std::string dedup_text(const TopicSettings& settings) {
  if (settings.dedup == Dedup::kOff) return "off";
  return fmt::format("by {}, unique in the {}, for {}",
                     settings.dedup == Dedup::kById ? "id" : "content",
                     settings.dedup_scope == DedupScope::kGroup ? "group" : "topic",
                     format_setting(*settings.dedup_window));
}

std::string subscriber_text(const SubscriptionInfo& subscription) {
  return subscription.endpoint.empty() ? "queue " + subscription.queue
                                       : printable(subscription.endpoint);
}

namespace {

/// As the JSON that it is; null: none.
JsonValue json_policy(const std::string& policy) {
  boost::json::error_code failed;
  JsonValue value = boost::json::parse(policy, failed);
  return failed ? JsonValue() : value;
}

}  // namespace

JsonObject json_settings(const TopicSettings& settings) {
  JsonObject object{{"message_bytes_max", *settings.message_bytes_max},
                    {"display_name", *settings.display_name},
                    {"delivery_policy", json_policy(*settings.delivery_policy)},
                    {"fifo", *settings.fifo}};
  if (!*settings.fifo) return object;
  object["dedup"] = settings.dedup == Dedup::kOff    ? "off"
                    : settings.dedup == Dedup::kById ? "id"
                                                     : "content";
  object["dedup_window_seconds"] = json_seconds(*settings.dedup_window);
  object["dedup_entries"] = *settings.dedup_entries;
  object["dedup_scope"] = settings.dedup_scope == DedupScope::kGroup ? "group" : "topic";
  return object;
}

JsonObject json_subscription(const SubscriptionInfo& subscription) {
  const SubscriptionSettings& of = subscription.settings;
  return {{"id", subscription_id_text(subscription.id)},
          {"queue", subscription.queue},
          {"endpoint", subscription.endpoint},
          {"raw", *of.raw},
          {"filter", *of.filter},
          {"filter_on", of.filter_scope == FilterScope::kBody ? "body" : "attributes"},
          {"when_full", name_of(*of.when_full)},
          {"dead_letter_queue", *of.dead_letter_queue},
          {"delivery_policy", json_policy(*of.delivery_policy)}};
}

void add_counters(JsonObject& object, const TopicStats& stats) {
  object["published"] = stats.published;
  object["published_bytes"] = stats.published_bytes;
  object["delivered"] = stats.delivered;
  object["filtered_out"] = stats.filtered_out;
  object["dead_lettered"] = stats.dead_lettered;
  object["dropped"] = stats.dropped;
  object["refused"] = stats.refused;
  object["duplicates"] = stats.duplicates;
}

}  // namespace ringpost::cli
