// The order of a phase whose queue is FIFO: what has been applied, group by group.
//
// An update is applied once: by the CAS of the group's word that raises its line. Whoever gets it
// again (after the death of its first worker, or late, after having been stopped) finds the word
// raised and skips it. That is how a consumer makes "at least once" into "once" (docs/fifo.md).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

namespace ringpost::market_feed {

/// "usdm.BTCUSDT", or a channel of it: "usdm.btcusdt@depth@0ms". Padded with zeros.
using OrderName = std::array<char, 32>;

struct alignas(64) OrderedGroup {
  OrderName name;
  std::uint32_t lines;                 ///< of the file
  std::uint32_t last_line;             ///< of these the last, from 0
  std::atomic<std::uint64_t> applied;  ///< updates · line of the last one + 1
  std::atomic<std::uint64_t> skipped;  ///< deliveries of what had been applied
};

struct alignas(64) OrderedChannel {
  OrderName name;
  std::atomic<std::uint64_t> update_id;  ///< highest that was applied
  std::atomic<std::uint64_t> fell;       ///< updates that were applied and did not rise
};

/// One update on its way.
struct OrderStep {
  std::string_view group;
  std::string_view channel;
  std::uint32_t line = 0;
  std::uint64_t update_id = 0;
};

/// Lies in the ledger; zeroed memory is an empty one.
class OrderBook {
 public:
  enum class Outcome { kApplied, kSkipped, kUnknown };

  /// Of each line of the file, in order, before any process starts. Throws std::runtime_error when
  /// there are too many groups or channels.
  void expect(const OrderStep& step);
  /// By any worker, for each delivery.
  Outcome apply(const OrderStep& step) noexcept;

  /// Findings. Every update of a group was applied, once, in the order of the file, if as many
  /// were applied as the file has: the lines that apply() takes rise.
  struct Proof {
    std::uint32_t groups = 0;
    std::uint32_t channels = 0;
    std::uint64_t lines = 0;       ///< of all groups, in the file
    std::uint64_t applied = 0;     ///< of these
    std::uint64_t skipped = 0;     ///< deliveries that found their update applied
    std::uint64_t fell = 0;        ///< updates with an id not above the one before in their channel
    std::uint32_t unfinished = 0;  ///< groups that do not end as the file does

    [[nodiscard]] bool complete() const noexcept {
      return lines != 0 && applied == lines && unfinished == 0;
    }
  };
  [[nodiscard]] Proof prove() const noexcept;

  /// Damages the book in one way, to see that the proof fails: "left-out", "fell". False: no such
  /// way.
  bool forge(std::string_view how) noexcept;

 private:
  static constexpr std::size_t kGroupsMax = 32;
  static constexpr std::size_t kChannelsMax = 128;
  std::array<OrderedGroup, kGroupsMax> groups_;
  std::array<OrderedChannel, kChannelsMax> channels_;
};

}  // namespace ringpost::market_feed
