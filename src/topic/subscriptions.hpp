// The subscriptions of a topic, as its log tells them.
#pragma once

#include <vector>

#include "topic/log.hpp"
#include "topic/place_index.hpp"

namespace ringpost::topic {

/// In the order of their creation. Each has a place of its own as long as it exists; the place of
/// one that has gone is empty, and is given to another.
///
/// Threads     one at a time. Complexity  O(1) a change.
class Subscriptions {
 public:
  using Place = std::uint32_t;
  static constexpr Place kNone = PlaceIndex::kNone;

  /// The place that the record changed; kNone: nothing did.
  Place apply(const LogEntry& entry) {
    const Place found = place_of(entry.subscription.id);
    if (entry.kind == RecordKind::kRemove) {
      if (found != kNone) remove(found);
      return found;
    }
    if (found != kNone) {
      by_queue_.erase(found, queue_of());
      all_[found] = entry.subscription;
      by_queue_.insert(found, queue_of());
      return found;
    }
    Place place = static_cast<Place>(all_.size());
    if (empty_.empty()) {
      all_.emplace_back();
    } else {
      place = empty_.back();
      empty_.pop_back();
    }
    all_[place] = entry.subscription;
    by_id_.insert(place, id_of());
    by_queue_.insert(place, queue_of());
    ++count_;
    return place;
  }
  void clear() noexcept { *this = {}; }

  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  /// Places are below it.
  [[nodiscard]] Place places() const noexcept { return static_cast<Place>(all_.size()); }
  /// Id 0: nothing is there.
  [[nodiscard]] const SubscriptionInfo& at(Place place) const noexcept { return all_[place]; }
  [[nodiscard]] const SubscriptionInfo* find(std::uint64_t id) const noexcept {
    return at_or_null(place_of(id));
  }
  [[nodiscard]] const SubscriptionInfo* of_queue(std::uint64_t queue_id) const noexcept {
    return at_or_null(by_queue_.find(queue_id, queue_of()));
  }
  [[nodiscard]] const SubscriptionInfo* of_endpoint(const std::string& endpoint) const noexcept {
    for (const SubscriptionInfo& each : all_) {
      if (each.id != 0 && each.endpoint == endpoint) return &each;
    }
    return nullptr;
  }

 private:
  /// Ids are random: that is what PlaceIndex wants.
  struct NumberOf {
    const std::vector<SubscriptionInfo>& all;
    std::uint64_t SubscriptionInfo::*number;
    std::uint64_t operator()(Place place) const noexcept { return all[place].*number; }
  };
  [[nodiscard]] NumberOf id_of() const noexcept { return {all_, &SubscriptionInfo::id}; }
  [[nodiscard]] NumberOf queue_of() const noexcept { return {all_, &SubscriptionInfo::queue_id}; }
  [[nodiscard]] Place place_of(std::uint64_t id) const noexcept { return by_id_.find(id, id_of()); }
  [[nodiscard]] const SubscriptionInfo* at_or_null(Place place) const noexcept {
    return place == kNone ? nullptr : &all_[place];
  }
  void remove(Place place) {
    empty_.push_back(place);
    by_id_.erase(place, id_of());
    by_queue_.erase(place, queue_of());
    all_[place] = {};
    --count_;
  }

  std::vector<SubscriptionInfo> all_;
  std::vector<Place> empty_;
  PlaceIndex by_id_;
  PlaceIndex by_queue_;
  std::size_t count_ = 0;
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
