// How many handlers may run at once: grows with the backlog and the age of the oldest message,
// shrinks when nobody needed that many for a while.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "ringpost/types.hpp"

namespace ringpost::cli {

struct ScalePolicy {
  std::uint32_t min = 1;
  std::uint32_t max = 1;
  std::uint64_t batch = 1;                 ///< messages that one worker takes at once
  std::uint64_t backlog = 10;              ///< grows when so many batches wait for each worker
  Duration age = std::chrono::seconds(1);  ///< or when the oldest waits for so long
  Duration grow_interval = std::chrono::seconds(1);  ///< from one step up to the next
  Duration shrink_after = std::chrono::seconds(30);  ///< with workers to spare all the time
};

/// What the queue and the pool look like.
struct Load {
  std::uint64_t backlog = 0;  ///< messages that are visible
  Duration oldest_age{};      ///< of the oldest of them
  std::uint32_t busy = 0;     ///< workers at work
};

/// Decides from what it is told; has no clock and no queue of its own.
class Scaler {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit Scaler(const ScalePolicy& policy) : policy_(policy), wanted_(policy.min) {}

  /// The number of workers from now on. One step up at most doubles it, and never beyond what the
  /// backlog can occupy; a step down leaves what was needed at most since there were some to spare.
  std::uint32_t decide(const Load& load, TimePoint now);
  [[nodiscard]] std::uint32_t wanted() const noexcept { return wanted_; }

 private:
  [[nodiscard]] std::uint64_t batches(const Load& load) const;
  [[nodiscard]] std::uint32_t needed(const Load& load) const;
  [[nodiscard]] bool is_pressed(const Load& load) const;
  void grow(std::uint32_t needed, TimePoint now);
  void shrink(std::uint32_t needed, TimePoint now);

  ScalePolicy policy_;
  std::uint32_t wanted_;
  std::optional<TimePoint> grown_at_;
  std::optional<TimePoint> spare_since_;
  std::uint32_t needed_since_ = 0;  ///< the most workers that were needed since spare_since_
};

}  // namespace ringpost::cli
