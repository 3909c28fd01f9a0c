// What happens when. Everything is fixed by message counts, nothing by elapsed time.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

namespace ringpost::market_feed {

struct Phase {
  const char* title;
  std::uint32_t speed;  ///< times the recorded pace; 0: as fast as it can
  /// Through the FIFO topic: grouped by venue and symbol, each line once by its number as the id.
  bool ordered;
};

inline constexpr std::array<Phase, 3> kPhases{{
    {"as fast as it can", 0, false},
    {"at the recorded pace × 20", 20, false},
    {"through a topic, in order by venue and symbol", 0, true},
}};

/// Lines that a feed sends again which goes on for a killed one, as one that does not know how far
/// the other came: the ids of an ordered phase have to keep them out.
constexpr std::uint32_t sent_again(const Phase& phase) noexcept { return phase.ordered ? 100 : 0; }

/// What is done to the processes in each phase, in this order.
enum class Act : std::uint8_t { kStopWorker, kKillFeed, kKillWorker };
inline constexpr std::uint32_t kActs = 3;

/// The lines between which an act has to happen. A feed that reaches `until` first goes on slowly
/// (slow_pace), so that each act hits processes at work however late the machine runs it.
struct Window {
  std::uint32_t from;
  std::uint32_t until;
};
constexpr Window window_of(Act act, std::uint32_t lines) noexcept {
  constexpr std::array<std::uint32_t, kActs> kFromPercent{10, 35, 65};
  const auto part = [lines](std::uint32_t percent) {
    return static_cast<std::uint32_t>(std::uint64_t{lines} * percent / 100);
  };
  const std::uint32_t from = kFromPercent[static_cast<std::size_t>(act)];
  return {part(from), part(from + 10)};
}

/// The whole feed would take at least 20 s at this pace.
constexpr std::chrono::nanoseconds slow_pace(std::uint32_t lines) noexcept {
  using namespace std::chrono_literals;
  return std::max<std::chrono::nanoseconds>(1ms, std::chrono::nanoseconds(20s) / lines);
}

inline constexpr std::uint32_t kWorkers = 3;
/// Messages that a worker leases at once.
inline constexpr std::uint32_t kBatch = 8;
/// The lease of a stopped worker comes back after this; that of a dead one does not wait for it.
inline constexpr std::chrono::milliseconds kVisibilityTimeout{1000};

inline constexpr const char* kQueueName = "feed";
inline constexpr const char* kOrderedQueueName = "feed-in-order";
inline constexpr const char* kTopicName = "market";
inline constexpr const char* kStreamName = "history";  ///< of what is published to the topic
/// Price levels that a depth update changes, from which on it is a large one.
inline constexpr std::uint32_t kLargeLevels = 100;

}  // namespace ringpost::market_feed
