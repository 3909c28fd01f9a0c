#include "bus_watch.hpp"

#include "failure.hpp"

namespace ringpost::cli {
namespace {

Activity difference(const QueueStats& now, const QueueStats& before) {
  Activity activity;
  activity.sent = now.sent - before.sent;
  activity.received = now.received - before.received;
  activity.acknowledged = now.acknowledged - before.acknowledged;
  activity.duplicates = now.duplicates - before.duplicates;
  activity.latency = now.latency;
  activity.latency.subtract(before.latency);
  return activity;
}

double seconds_between(BusWatch::Clock::time_point from, BusWatch::Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

void Activity::add(const Activity& other) {
  sent += other.sent;
  received += other.received;
  acknowledged += other.acknowledged;
  duplicates += other.duplicates;
  latency.merge(other.latency);
}

std::vector<std::string> BusWatch::names() const {
  if (!only_.empty()) return only_;
  auto all = bus_.queue_names();
  if (!all) throw failure_of(all.error(), {"list queues", bus_.name(), {}});
  return std::move(*all);
}

void BusWatch::look() {
  const bool is_first = queues_.empty() && last_look_ == Clock::time_point{};
  look_before_ = is_first ? Clock::now() : last_look_;
  recent_ = {};
  queues_.clear();
  for (auto& [name, known] : known_) known.seen = false;
  for (const std::string& name : names()) look_at(name);
  std::erase_if(known_, [](const auto& entry) { return !entry.second.seen; });
  last_look_ = Clock::now();
  if (is_first) {
    look_before_ = first_look_ = last_look_;
    recent_ = {};
    total_ = {};
  }
}

void BusWatch::look_at(const std::string& name) {
  auto found = known_.find(name);
  // A queue where nothing happens may be one that was deleted, with a new one of its name.
  if (found == known_.end() || found->second.idle) {
    auto queue = bus_.open_queue(name);
    if (!queue) return;
    if (found == known_.end()) {
      found = known_.try_emplace(name, Known{std::move(*queue), {}, true, false}).first;
      // Of a queue made while we watch, everything is new.
      if (last_look_ == Clock::time_point{}) found->second.before = found->second.queue.stats();
    } else {
      found->second.queue = std::move(*queue);
    }
  }
  Known& known = found->second;
  WatchedQueue watched{name, known.queue.stats(), {}};
  if (watched.stats.sent < known.before.sent) known.before = {};
  watched.activity = difference(watched.stats, known.before);
  known.seen = true;
  known.idle = watched.activity.sent + watched.activity.received == 0;
  known.before = watched.stats;
  recent_.add(watched.activity);
  total_.add(watched.activity);
  queues_.push_back(std::move(watched));
}

double BusWatch::recent_seconds() const { return seconds_between(look_before_, last_look_); }

double BusWatch::total_seconds() const { return seconds_between(first_look_, last_look_); }

}  // namespace ringpost::cli
