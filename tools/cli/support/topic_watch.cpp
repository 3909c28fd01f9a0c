#include "topic_watch.hpp"

#include "failure.hpp"
#include "units.hpp"

namespace ringpost::cli {
namespace {

TopicStats difference(const TopicStats& now, const TopicStats& before) {
  return {.published = now.published - before.published,
          .published_bytes = now.published_bytes - before.published_bytes,
          .delivered = now.delivered - before.delivered,
          .filtered_out = now.filtered_out - before.filtered_out,
          .dead_lettered = now.dead_lettered - before.dead_lettered,
          .dropped = now.dropped - before.dropped,
          .refused = now.refused - before.refused,
          .subscriptions = now.subscriptions,
          .duplicates = now.duplicates - before.duplicates};
}

double rate(std::uint64_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

std::string rate_text(std::uint64_t count, double seconds) {
  return seconds > 0 ? format_rate(rate(count, seconds)) : "–";
}

Table table_of_topics() {
  return Table({{"TOPIC"},
                {"PUBLISHED", Align::kRight},
                {"DELIVERED", Align::kRight},
                {"FILTERED", Align::kRight},
                {"DEAD LETTERS", Align::kRight},
                {"DROPPED", Align::kRight},
                {"REFUSED", Align::kRight},
                {"SUBSCRIPTIONS", Align::kRight}});
}

}  // namespace

void TopicWatch::look() {
  auto names = bus_.topic_names();
  if (!names) throw failure_of(names.error(), {"list topics", bus_.name(), {}});
  topics_.clear();
  for (auto& [name, known] : known_) known.seen = false;
  for (const std::string& name : *names) look_at(name, !has_looked_);
  std::erase_if(known_, [](const auto& entry) { return !entry.second.seen; });
  has_looked_ = true;
}

void TopicWatch::look_at(const std::string& name, bool is_first) {
  auto found = known_.find(name);
  auto stats = found == known_.end() ? Result<TopicStats>(Unexpected(Error{.code = Errc::kDeleted}))
                                     : found->second.topic.stats();
  if (!stats) {  // not known, or another one has its name
    auto topic = bus_.open_topic(name);
    if (!topic) return;
    stats = topic->stats();
    if (!stats) return;
    // Of a topic made while we watch, everything is new.
    Known known{std::move(*topic), is_first ? *stats : TopicStats{}, true};
    found = known_.insert_or_assign(name, std::move(known)).first;
  }
  Known& known = found->second;
  known.seen = true;
  topics_.push_back({name, *stats, difference(*stats, known.before)});
  known.before = *stats;
}

Table topic_table() { return table_of_topics(); }

void add_row(Table& table, const std::string& name, const TopicStats& stats) {
  table.add({name, format_count(stats.published), format_count(stats.delivered),
             format_count(stats.filtered_out), format_count(stats.dead_lettered),
             format_count(stats.dropped), format_count(stats.refused),
             format_count(stats.subscriptions)});
}

Table topic_rate_table(const TopicWatch& watch, double seconds) {
  Table table = table_of_topics();
  for (const WatchedTopic& each : watch.topics()) {
    const TopicStats& of = each.recent;
    table.add({each.name, rate_text(of.published, seconds), rate_text(of.delivered, seconds),
               rate_text(of.filtered_out, seconds), rate_text(of.dead_lettered, seconds),
               rate_text(of.dropped, seconds), rate_text(of.refused, seconds),
               format_count(each.stats.subscriptions)});
  }
  return table;
}

JsonArray json_topic_rates(const TopicWatch& watch, double seconds) {
  JsonArray all;
  for (const WatchedTopic& each : watch.topics()) {
    const TopicStats& of = each.recent;
    all.push_back(JsonObject{{"topic", each.name},
                             {"published_per_second", rate(of.published, seconds)},
                             {"delivered_per_second", rate(of.delivered, seconds)},
                             {"filtered_out_per_second", rate(of.filtered_out, seconds)},
                             {"dead_lettered_per_second", rate(of.dead_lettered, seconds)},
                             {"dropped_per_second", rate(of.dropped, seconds)},
                             {"refused_per_second", rate(of.refused, seconds)},
                             {"subscriptions", each.stats.subscriptions}});
  }
  return all;
}

}  // namespace ringpost::cli
