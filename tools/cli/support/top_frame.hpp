// One picture of `ringpost top`, as text or JSON.
#pragma once

#include <string>

#include "bus_watch.hpp"
#include "json.hpp"
#include "latency_picture.hpp"
#include "terminal.hpp"
#include "topic_watch.hpp"

namespace ringpost::cli {

enum class TopOrder { kName, kRate, kBacklog };

/// For what is no screen: no line is left out, and none speaks of keys.
inline constexpr std::size_t kEndlessRows = 1'000'000;

class TopFrame {
 public:
  /// `topics`, which must outlive it, are shown below the queues; null: they are not.
  TopFrame(std::uint64_t late_ns, TopOrder order, const TopicWatch* topics)
      : late_ns_(late_ns), order_(order), topics_(topics) {}
  void next_order() noexcept;

  /// Lines that fit the size; the last one has no newline.
  [[nodiscard]] std::string draw(const Bus& bus, const BusWatch& watch, const Paint& paint,
                                 ScreenSize size) const;
  [[nodiscard]] JsonObject json(const Bus& bus, const BusWatch& watch) const;
  /// What went on from the first look to the last.
  [[nodiscard]] std::string summary(const BusWatch& watch) const;
  [[nodiscard]] JsonObject json_summary(const BusWatch& watch) const;

 private:
  [[nodiscard]] std::vector<const WatchedQueue*> ordered(const BusWatch& watch) const;
  [[nodiscard]] std::string heading(const Bus& bus, const BusWatch& watch,
                                    const Paint& paint) const;

  [[nodiscard]] bool has_topics() const noexcept {
    return topics_ != nullptr && !topics_->topics().empty();
  }

  std::uint64_t late_ns_;
  TopOrder order_;
  const TopicWatch* topics_;
};

}  // namespace ringpost::cli
