// What the queues of a bus do from one look to the next.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "ringpost/bus.hpp"

namespace ringpost::cli {

/// Counters of one queue, or of all of them, between two looks.
struct Activity {
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t duplicates = 0;  ///< FIFO
  Histogram latency;

  void add(const Activity& other);
};

struct WatchedQueue {
  std::string name;
  QueueStats stats;   ///< as of the last look
  Activity activity;  ///< since the look before; all zero at the first
};

class BusWatch {
 public:
  using Clock = std::chrono::steady_clock;

  /// Watches the given queues, or all, also those that come later, when none is given.
  BusWatch(Bus& bus, std::vector<std::string> only) : bus_(bus), only_(std::move(only)) {}

  /// Looks at every queue. Throws Failure when the names cannot be read.
  void look();

  [[nodiscard]] const std::vector<WatchedQueue>& queues() const noexcept { return queues_; }
  /// Of all queues since the look before, and since the first look.
  [[nodiscard]] const Activity& recent() const noexcept { return recent_; }
  [[nodiscard]] const Activity& total() const noexcept { return total_; }
  /// Seconds from the look before to the last; 0 after the first.
  [[nodiscard]] double recent_seconds() const;
  [[nodiscard]] double total_seconds() const;

 private:
  struct Known {
    Queue queue;
    QueueStats before;
    bool seen = false;  ///< by this look
    bool idle = false;  ///< nothing had happened at the last look
  };
  [[nodiscard]] std::vector<std::string> names() const;
  void look_at(const std::string& name);

  Bus& bus_;
  std::vector<std::string> only_;
  std::map<std::string, Known> known_;
  std::vector<WatchedQueue> queues_;
  Activity recent_;
  Activity total_;
  Clock::time_point first_look_{};
  Clock::time_point look_before_{};
  Clock::time_point last_look_{};
};

}  // namespace ringpost::cli
