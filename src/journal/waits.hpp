// Waiting for what others do at a journal: durability, room, records.
#pragma once

#include <cstdint>

#include "base/time_source.hpp"
#include "journal/drain_role.hpp"
#include "journal/producer.hpp"
#include "ringpost/errc.hpp"

namespace ringpost::journal {

/// Deadlines: monotonic, of `time`; 0 waits for nobody else.
///
/// Threads   one at a time.
/// Blocking  until the deadline, and as long as a disk operation takes that this participant has
///           begun for all.
/// Crash     a role that a dead waiter had is taken by the next one.
class Waits {
 public:
  /// `role`: null for who does not write the log, and without one. Everything outlives it.
  Waits(const JournalView& view, const base::TimeSource& time, const Liveness& alive,
        DrainRole* role) noexcept
      : view_(view), time_(time), alive_(alive), role_(role) {}

  /// Until everything below `end` is durable: by the writer there is, else by me for all. Errors
  /// kTimedOut, kLogFailed, kNoSpace (at the deadline: the log has had no room), and those of
  /// opening the log.
  Errc settled(std::uint64_t end, std::uint64_t deadline_ns) noexcept;
  /// The same of my own record at `position`. Where others put as well, those whom the last flush
  /// has woken come first with theirs, if they share my core: one flush for all.
  Errc put(std::uint64_t position, std::uint64_t deadline_ns) noexcept;
  /// Until a claim of so many bytes at the tail that `producer` sees may succeed. Errors as above,
  /// kTooLarge, kCorrupt; without a log kTimedOut alone of them.
  Errc room(Producer& producer, std::size_t bytes, std::uint64_t deadline_ns) noexcept;
  /// Until look(position) may say something else than kEmpty. Error kTimedOut.
  Errc published(std::uint64_t position, std::uint64_t deadline_ns) noexcept;
  /// Somebody wants everything below `end` to be durable. No waiting.
  void want(std::uint64_t end) noexcept;

 private:
  [[nodiscard]] bool is_durable(std::uint64_t end) const noexcept;
  Errc drain(std::uint64_t end, std::uint64_t deadline_ns) noexcept;
  [[gnu::cold, gnu::noinline]] Errc drained(std::uint64_t end, std::uint64_t deadline_ns) noexcept;
  void clear_up(const shm::WaitWord& word, std::uint32_t seen, std::uint64_t slept_ns) noexcept;
  template <class Done>
  Errc sleep_until(Done&& done, std::uint64_t deadline_ns) noexcept;

  const JournalView view_;
  const base::TimeSource time_;
  const Liveness& alive_;
  DrainRole* const role_;
  std::uint64_t last_durable_ = 0;  ///< when my last record was
  bool in_company_ = false;         ///< others' records were made durable with it
  std::uint64_t clear_up_ns_ = 0;   ///< when to look for the dead though I am woken all the time
};

}  // namespace ringpost::journal
