// Deduplication as the ring sees it: what became of a position, and the commit before it is passed.
#pragma once

#include "base/time_source.hpp"
#include "dedup/table.hpp"
#include "group/groups.hpp"
#include "shm/setting_word.hpp"

namespace ringpost::group {

/// The table of one queue with its ring: the `Slots` of dedup::Table.
///
/// Threads, blocking, crash: as dedup::Table.
class Ids {
 public:
  Ids(ring::Ring& ring, Groups& groups, const dedup::Table& table, const base::TimeSource& time,
      const shm::SettingWord& window_ns) noexcept
      : ring_(ring), groups_(groups), table_(table), time_(time), window_ns_(window_ns) {}

  [[nodiscard]] const dedup::Table& table() const noexcept { return table_; }
  /// The coarse clock lags: an id counts a little longer, and no window is shorter.
  [[nodiscard]] std::uint64_t now() const noexcept {
    return time_.coarse_ns() / ring::kDeadlineUnitNs;
  }
  [[nodiscard]] std::uint64_t expiry() const noexcept {
    const std::uint64_t lag = time_.is_injected() ? 0 : base::TimeSource::kCoarseTickNs;
    return ring::deadline_from_ns(time_.coarse_ns() + lag +
                                  window_ns_.load(std::memory_order_relaxed));  // a setting
  }
  [[nodiscard]] dedup::SlotState judge(std::uint64_t position) const noexcept;
  void skip(std::uint64_t position) const noexcept;

  /// Before a published position is passed: its id is accepted. Without an id, one load.
  void commit(std::uint64_t position) const noexcept {
    const std::uint32_t slot = ring_.view.slot_of(position);
    const std::uint64_t entry = groups_.head(slot).entry.load(std::memory_order_relaxed);
    if (entry != 0) commit(position, entry);
  }
  void commit(std::uint64_t position, std::uint64_t entry) const noexcept {
    table_.commit(entry, position, expiry());
  }

 private:
  ring::Ring& ring_;
  Groups& groups_;
  const dedup::Table table_;
  const base::TimeSource& time_;
  const shm::SettingWord& window_ns_;
};

}  // namespace ringpost::group
