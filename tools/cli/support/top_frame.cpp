#include "top_frame.hpp"

#include <algorithm>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "message_text.hpp"
#include "ringpost/admin.hpp"
#include "settings_text.hpp"
#include "table.hpp"
#include "units.hpp"

namespace ringpost::cli {
namespace {

double rate(std::uint64_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

/// A rate, or a dash before the first interval is over.
std::string rate_text(std::uint64_t count, double seconds) {
  return seconds > 0 ? format_rate(rate(count, seconds)) : "–";
}

const char* name_of(TopOrder order) {
  switch (order) {
    case TopOrder::kName:
      return "name";
    case TopOrder::kRate:
      return "rate";
    case TopOrder::kBacklog:
      return "backlog";
  }
  return "";
}

std::vector<std::string> cells_of(const WatchedQueue& queue, double seconds, std::uint64_t late_ns,
                                  const Paint& paint) {
  const Histogram& latency = queue.activity.latency;
  const bool measured = latency.count() != 0;
  const auto percentile = [&](double percent) {
    const std::uint64_t ns = latency.percentile(percent);
    if (!measured) return paint.dim("–");
    return ns > late_ns ? paint.red(format_latency(ns)) : format_latency(ns);
  };
  const double late = latency.share_over(late_ns);
  return {queue.name,
          rate_text(queue.activity.sent, seconds),
          rate_text(queue.activity.duplicates, seconds),
          rate_text(queue.activity.received, seconds),
          rate_text(queue.activity.acknowledged, seconds),
          format_count(queue.stats.visible),
          format_count(queue.stats.in_flight),
          format_count(queue.stats.delayed),
          format_age(queue.stats.oldest_age),
          percentile(50),
          percentile(99),
          percentile(99.9),
          measured ? (late > 0 ? paint.yellow(format_share(late)) : format_share(late))
                   : paint.dim("–")};
}

void add_rates(JsonObject& object, const Activity& activity, double seconds) {
  object["sent_per_second"] = rate(activity.sent, seconds);
  object["received_per_second"] = rate(activity.received, seconds);
  object["acknowledged_per_second"] = rate(activity.acknowledged, seconds);
  object["duplicates_per_second"] = rate(activity.duplicates, seconds);
}

}  // namespace

void TopFrame::next_order() noexcept {
  order_ = order_ == TopOrder::kName   ? TopOrder::kRate
           : order_ == TopOrder::kRate ? TopOrder::kBacklog
                                       : TopOrder::kName;
}

std::vector<const WatchedQueue*> TopFrame::ordered(const BusWatch& watch) const {
  std::vector<const WatchedQueue*> queues;
  for (const WatchedQueue& queue : watch.queues()) queues.push_back(&queue);
  const auto weight = [this](const WatchedQueue* queue) -> std::uint64_t {
    switch (order_) {
      case TopOrder::kName:
        return 0;
      case TopOrder::kRate:
        return queue->activity.sent + queue->activity.received;
      case TopOrder::kBacklog:
        return queue->stats.visible;
    }
    return 0;
  };
  std::stable_sort(queues.begin(), queues.end(),
                   [&](const auto* a, const auto* b) { return weight(a) > weight(b); });
  return queues;
}

std::string TopFrame::heading(const Bus& bus, const BusWatch& watch, const Paint& paint) const {
  const BusInfo info = inspect(bus);
  const auto alive = std::count_if(info.participants.begin(), info.participants.end(),
                                   [](const ParticipantInfo& one) { return one.alive; });
  const std::time_t now = std::time(nullptr);
  std::uint64_t visible = 0;
  std::uint64_t in_flight = 0;
  for (const WatchedQueue& queue : watch.queues()) {
    visible += queue.stats.visible;
    in_flight += queue.stats.in_flight;
  }
  const double seconds = watch.recent_seconds();
  std::string out =
      fmt::format("{}   {:%H:%M:%S}   {}   {} attached   arena {} of {}\n",
                  paint.bold("ringpost top, bus " + bus.name()), fmt::localtime(now),
                  format_counted(watch.queues().size(), "queue"), alive,
                  format_size(info.arena.bytes_used), format_size(info.arena.bytes_max));
  out += fmt::format("all: {} sent   {} received   {} acknowledged   {} visible   {} in flight\n",
                     rate_text(watch.recent().sent, seconds),
                     rate_text(watch.recent().received, seconds),
                     rate_text(watch.recent().acknowledged, seconds), format_count(visible),
                     format_count(in_flight));
  return out;
}

std::string TopFrame::draw(const Bus& bus, const BusWatch& watch, const Paint& paint,
                           ScreenSize size) const {
  Table table({{"QUEUE"},
               {"SENT", Align::kRight},
               {"DUPLICATE", Align::kRight},
               {"RECEIVED", Align::kRight},
               {"ACKED", Align::kRight},
               {"VISIBLE", Align::kRight},
               {"FLIGHT", Align::kRight},
               {"DELAYED", Align::kRight},
               {"OLDEST", Align::kRight},
               {"P50", Align::kRight},
               {"P99", Align::kRight},
               {"P99.9", Align::kRight},
               {">" + format_latency(late_ns_), Align::kRight}});
  const auto queues = ordered(watch);
  constexpr std::size_t kOtherLines = 5;  // heading, total, blank, titles, foot
  const std::size_t taken =
      kOtherLines + (has_topics() ? topics_->topics().size() + 2 : 0);  // with a blank, titles
  const std::size_t room = size.rows > taken + 1 ? size.rows - taken : 1;
  const std::size_t shown = std::min(room, queues.size());
  for (std::size_t i = 0; i < shown; ++i) {
    table.add(cells_of(*queues[i], watch.recent_seconds(), late_ns_, paint));
  }
  const bool has_duplicates =
      std::any_of(queues.begin(), queues.end(),
                  [](const WatchedQueue* queue) { return queue->stats.duplicates != 0; });
  if (!has_duplicates) table.drop("DUPLICATE");
  // A narrow screen keeps what matters most: rates, backlog and the tail of the latency.
  for (const char* title : {"DELAYED", "OLDEST", "P50", "RECEIVED", "FLIGHT"}) {
    if (table.width() > size.columns) table.drop(title);
  }
  std::string lines = heading(bus, watch, paint) + "\n" + table.render(paint);
  if (has_topics()) {
    lines += "\n" + topic_rate_table(*topics_, watch.recent_seconds()).render(paint);
  }
  std::string foot = fmt::format("by {}   s: order   q: quit", name_of(order_));
  if (shown < queues.size()) foot += fmt::format("   … and {} more queues", queues.size() - shown);
  if (size.rows != kEndlessRows) lines += paint.dim(foot);
  std::string out;
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    out += fitted(lines.substr(0, end), size.columns);
    if (end == std::string::npos) break;
    out += '\n';
    lines.erase(0, end + 1);
  }
  return out;
}

JsonObject TopFrame::json(const Bus& bus, const BusWatch& watch) const {
  const double seconds = watch.recent_seconds();
  JsonObject object{{"time", iso_time(std::chrono::system_clock::now())},
                    {"bus", bus.name()},
                    {"interval_seconds", seconds}};
  add_rates(object, watch.recent(), seconds);
  JsonArray queues;
  for (const WatchedQueue* queue : ordered(watch)) {
    JsonObject one{{"queue", queue->name}};
    add_rates(one, queue->activity, seconds);
    add_state(one, queue->stats);
    one["latency"] = json_latency(queue->activity.latency, late_ns_);
    queues.push_back(std::move(one));
  }
  object["queues"] = std::move(queues);
  if (topics_ != nullptr) object["topics"] = json_topic_rates(*topics_, seconds);
  return object;
}

std::string TopFrame::summary(const BusWatch& watch) const {
  const Activity& total = watch.total();
  const double seconds = watch.total_seconds();
  std::string out = fmt::format("watched {}: {} sent ({}), {} received, {} acknowledged",
                                format_age(Duration(static_cast<Duration::rep>(seconds * 1e9))),
                                format_count(total.sent), rate_text(total.sent, seconds),
                                format_count(total.received), format_count(total.acknowledged));
  if (total.duplicates != 0) out += fmt::format(", {} duplicates", format_count(total.duplicates));
  if (total.latency.count() != 0) {
    out += "\nsend → first receive: " + percentiles_line(total.latency, late_ns_);
  }
  return out;
}

JsonObject TopFrame::json_summary(const BusWatch& watch) const {
  JsonObject object{{"seconds", watch.total_seconds()},
                    {"sent", watch.total().sent},
                    {"received", watch.total().received},
                    {"acknowledged", watch.total().acknowledged},
                    {"duplicates", watch.total().duplicates}};
  object["latency"] = json_latency(watch.total().latency, late_ns_);
  return object;
}

}  // namespace ringpost::cli
