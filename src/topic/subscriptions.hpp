// The subscriptions of a topic, as its log tells them.
#pragma once

#include <unordered_map>
#include <vector>

#include "topic/log.hpp"

namespace ringpost::topic {

/// In the order of their creation. Each has a place of its own as long as it exists; the place of
/// one that has gone is empty, and is given to another.
///
/// Threads     one at a time. Complexity  O(1) a change.
class Subscriptions {
 public:
  using Place = std::uint32_t;
  static constexpr Place kNone = ~Place{0};

  /// The place that the record changed; kNone: nothing did.
  Place apply(const LogEntry& entry) {
    const std::uint64_t id = entry.subscription.id;
    const auto found = places_.find(id);
    if (entry.kind == RecordKind::kRemove) {
      if (found == places_.end()) return kNone;
      const Place place = found->second;
      places_.erase(found);
      all_[place] = {};
      empty_.push_back(place);
      return place;
    }
    if (found != places_.end()) {
      all_[found->second] = entry.subscription;
      return found->second;
    }
    Place place = static_cast<Place>(all_.size());
    if (empty_.empty()) {
      all_.emplace_back();
    } else {
      place = empty_.back();
      empty_.pop_back();
    }
    places_.emplace(id, place);
    all_[place] = entry.subscription;
    return place;
  }
  void clear() noexcept { *this = {}; }

  [[nodiscard]] std::size_t count() const noexcept { return places_.size(); }
  /// Places are below it.
  [[nodiscard]] Place places() const noexcept { return static_cast<Place>(all_.size()); }
  /// Id 0: nothing is there.
  [[nodiscard]] const SubscriptionInfo& at(Place place) const noexcept { return all_[place]; }
  [[nodiscard]] const SubscriptionInfo* find(std::uint64_t id) const noexcept {
    const auto found = places_.find(id);
    return found == places_.end() ? nullptr : &all_[found->second];
  }
  [[nodiscard]] const SubscriptionInfo* of_queue(std::uint64_t queue_id) const noexcept {
    for (const SubscriptionInfo& each : all_) {
      if (each.id != 0 && each.queue_id == queue_id) return &each;
    }
    return nullptr;
  }
  [[nodiscard]] const SubscriptionInfo* of_endpoint(const std::string& endpoint) const noexcept {
    for (const SubscriptionInfo& each : all_) {
      if (each.id != 0 && each.endpoint == endpoint) return &each;
    }
    return nullptr;
  }

 private:
  std::vector<SubscriptionInfo> all_;
  std::vector<Place> empty_;
  std::unordered_map<std::uint64_t, Place> places_;
};

/// Whoever follows a topic's log.
class LogReader {
 public:
  virtual ~LogReader() = default;
  /// The records that follow are those of all subscriptions that there are.
  virtual void begin_anew() = 0;
  virtual void apply(const LogEntry& entry) = 0;
  [[nodiscard]] virtual const Subscriptions& subscriptions() const noexcept = 0;
};

}  // namespace ringpost::topic
