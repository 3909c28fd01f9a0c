// Topics and subscriptions on the command line: names, errors, text and JSON.
#pragma once

#include <string>

#include "json.hpp"
#include "options.hpp"
#include "ringpost/topic.hpp"

namespace ringpost::cli {

/// The positional TOPIC.
CLI::Option* add_topic_name(CLI::App& app, std::string& target);
/// Throws Failure with a hint when it does not open.
Topic open_topic(const Context& context, Bus& bus, const std::string& name);
/// Those that may be changed.
void add_topic_settings(CLI::App& app, TopicSettings& settings);
/// The failure for a code or an error of the library about a topic.
Failure failure_of_topic(const Context& context, const Error& error, const std::string& doing,
                         const std::string& topic);
Failure failure_of_topic(const Context& context, Errc code, const std::string& doing,
                         const std::string& topic);
template <class T, class E>
void require_of_topic(const Context& context, const Result<T, E>& result, const std::string& doing,
                      const std::string& topic) {
  if (!result) throw failure_of_topic(context, result.error(), doing, topic);
}

[[nodiscard]] std::string subscription_id_text(std::uint64_t id);
[[nodiscard]] const char* name_of(WhenFull when_full);
/// "queue book", or the endpoint.
[[nodiscard]] std::string subscriber_text(const SubscriptionInfo& subscription);
[[nodiscard]] std::string filter_text(const SubscriptionSettings& settings);

/// Options of subscribe and of changes.
void add_subscription_settings(CLI::App& app, SubscriptionSettings& settings);

/// Options of topic create about FIFO topics.
void add_fifo_settings(CLI::App& app, TopicSettings& settings);
/// The library says it too, but not by the names of options.
void refuse_contradictions(const TopicSettings& settings);
/// "by id, unique in the topic": what is swallowed as a duplicate.
[[nodiscard]] std::string dedup_text(const TopicSettings& settings);

JsonObject json_settings(const TopicSettings& settings);
JsonObject json_subscription(const SubscriptionInfo& subscription);
/// Adds "published", "published_bytes", "delivered", "filtered_out", "dead_lettered", "dropped",
/// "refused", "duplicates".
void add_counters(JsonObject& object, const TopicStats& stats);

}  // namespace ringpost::cli
