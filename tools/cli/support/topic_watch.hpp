// What the topics of a bus do from one look to the next.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "json.hpp"
#include "ringpost/bus.hpp"
#include "table.hpp"

namespace ringpost::cli {

struct WatchedTopic {
  std::string name;
  TopicStats stats;   ///< as of the last look
  TopicStats recent;  ///< since the look before; all zero at the first
};

class TopicWatch {
 public:
  explicit TopicWatch(Bus& bus) noexcept : bus_(bus) {}

  /// Looks at every topic there is. Throws Failure when the names cannot be read.
  void look();
  [[nodiscard]] const std::vector<WatchedTopic>& topics() const noexcept { return topics_; }

 private:
  struct Known {
    Topic topic;
    TopicStats before;
    bool seen = false;  ///< by this look
  };
  void look_at(const std::string& name, bool is_first);

  Bus& bus_;
  std::map<std::string, Known> known_;
  std::vector<WatchedTopic> topics_;
  bool has_looked_ = false;
};

/// Counters of topics, a row each.
Table topic_table();
void add_row(Table& table, const std::string& name, const TopicStats& stats);
/// Rates, a row each. `seconds`: 0 before the first interval is over.
Table topic_rate_table(const TopicWatch& watch, double seconds);
JsonArray json_topic_rates(const TopicWatch& watch, double seconds);

}  // namespace ringpost::cli
