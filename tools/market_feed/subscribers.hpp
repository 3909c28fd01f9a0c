// The topic of the ordered phase and who subscribes to it: what each queue must get of the feed, by
// a filter, and what it got.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "market_update.hpp"
#include "ringpost/bus.hpp"
#include "ringpost/topic.hpp"

namespace ringpost::market_feed {

/// Attributes that the feed gives its messages in the ordered phase.
inline constexpr std::string_view kVenueAttribute = "venue";
inline constexpr std::string_view kLevelsAttribute = "levels";  ///< Number; depth updates only

/// What one subscriber's queue must hold once the phase is over, and what was in it.
struct Delivered {
  std::string queue;
  std::string what;            ///< "trade", "depth update of 100 levels or more"
  std::uint32_t expected = 0;  ///< lines of the file
  std::uint32_t received = 0;  ///< messages
  std::uint32_t missing = 0;
  std::uint32_t foreign = 0;  ///< messages that do not belong there
  std::uint32_t twice = 0;    ///< lines that came more than once
  std::uint32_t changed = 0;  ///< messages whose body is not the line's

  [[nodiscard]] bool exact() const noexcept {
    return expected != 0 && received == expected && missing + foreign + twice + changed == 0;
  }
};

/// Standard queues behind filters of the topic. The FIFO queue of the workers subscribes, too.
class Subscribers {
 public:
  /// Makes the queues and the topic, and subscribes them.
  explicit Subscribers(Bus& bus);

  /// After the phase: takes everything out of the queues and compares it with the lines.
  [[nodiscard]] std::vector<Delivered> check(std::span<const std::string_view> lines);
  [[nodiscard]] TopicStats stats() { return topic_.stats().value(); }

 private:
  struct Subscriber {
    Queue queue;
    Delivered found;
    bool (*wants)(const MarketUpdate& update, std::uint32_t levels);
  };
  void subscribe(Subscriber subscriber, const SubscriptionSettings& settings);
  static void drain(Subscriber& from, std::span<const std::string_view> lines,
                    std::vector<std::uint32_t>& times);

  Topic topic_;
  std::vector<Subscriber> subscribers_;
};

}  // namespace ringpost::market_feed
