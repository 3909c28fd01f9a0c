#include "subscribers.hpp"

#include <cstring>

#include "feed_file.hpp"
#include "mark.hpp"
#include "plan.hpp"

namespace ringpost::market_feed {
namespace {

std::string_view stream_of(const MarketUpdate& update) {
  return {update.stream.data(), strnlen(update.stream.data(), update.stream.size())};
}

bool is_trade(const MarketUpdate& update, std::uint32_t /*levels*/) {
  return stream_of(update).ends_with("@trade");
}

bool is_large(const MarketUpdate& /*update*/, std::uint32_t levels) {
  return levels >= kLargeLevels;
}

TopicSettings topic_settings() {
  TopicSettings settings;
  settings.fifo = true;
  settings.dedup = Dedup::kById;
  return settings;
}

}  // namespace

Subscribers::Subscribers(Bus& bus) : topic_(bus.topic(kTopicName, topic_settings()).value()) {
  // The workers' queue: when it is full the feed waits, and nobody gets anything.
  topic_.subscribe(kOrderedQueueName, {.raw = true, .when_full = WhenFull::kFail}).value();
  subscribe({bus.queue("trades").value(), {.queue = "trades", .what = "trade"}, is_trade},
            {.raw = true,
             .filter = R"({"stream": [{"suffix": "@trade"}]})",
             .filter_scope = FilterScope::kBody,
             .when_full = WhenFull::kFail});
  subscribe({bus.queue("large-depth").value(),
             {.queue = "large-depth",
              .what = "depth update of " + std::to_string(kLargeLevels) + " levels or more"},
             is_large},
            {.raw = true,
             .filter = R"({"levels": [{"numeric": [">=", )" + std::to_string(kLargeLevels) + "]}]}",
             .when_full = WhenFull::kFail});
}

void Subscribers::subscribe(Subscriber subscriber, const SubscriptionSettings& settings) {
  topic_.subscribe(subscriber.found.queue, settings).value();
  subscribers_.push_back(std::move(subscriber));
}

std::vector<Delivered> Subscribers::check(std::span<const std::string_view> lines) {
  UpdateReader reader;
  std::vector<Delivered> all;
  for (Subscriber& each : subscribers_) {
    std::vector<std::uint32_t> times(lines.size(), 0);
    drain(each, lines, times);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const FeedLine line = FeedLine::parse(lines[i]).value();
      const MarketUpdate update = reader.read(line.json).value();
      const bool wanted = each.wants(update, reader.levels());
      each.found.expected += wanted ? 1u : 0u;
      each.found.missing += wanted && times[i] == 0 ? 1u : 0u;
      each.found.foreign += wanted ? 0u : times[i];
      each.found.twice += times[i] > 1 ? 1u : 0u;
    }
    all.push_back(each.found);
  }
  return all;
}

/// Counts in `times` how often each line came.
void Subscribers::drain(Subscriber& from, std::span<const std::string_view> lines,
                        std::vector<std::uint32_t>& times) {
  Leases leases;
  while (from.queue.receive(leases, {.max_messages = kBatch}) == Errc::kOk) {
    for (Lease& lease : leases) {
      const auto mark = read_mark(lease.attributes());
      ++from.found.received;
      if (!mark || mark->line >= lines.size()) {
        ++from.found.foreign;
      } else {
        ++times[mark->line];
        const FeedLine line = FeedLine::parse(lines[mark->line]).value();
        from.found.changed += lease.text() == line.json ? 0u : 1u;
      }
      static_cast<void>(lease.acknowledge());  // one that fails comes again, and counts as twice
    }
  }
}

}  // namespace ringpost::market_feed
