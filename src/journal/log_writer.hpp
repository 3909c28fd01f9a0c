// A dedicated writer of one journal: takes the role and keeps it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "journal/drain_role.hpp"

namespace ringpost::journal {

/// Gathers the next batch while earlier ones are under way; flushes when it has caught up and
/// somebody wants that; no timer.
///
/// Threads  one, of a participant whose word the role has. Stopping is for any thread.
class LogWriter {
 public:
  LogWriter(const JournalView& view, std::uint64_t me, const Liveness& alive, LogPort& log) noexcept
      : view_(view), role_(view, me, alive, log) {}
  ~LogWriter() { release(); }
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  [[nodiscard]] bool has_role() const noexcept { return role_.is_mine(); }
  /// One round. kOk: there was something to do; kEmpty: nothing; kBusy: another participant is the
  /// writer. Errors kNoSpace (try again later), kLogFailed, and those of DrainRole::take.
  Errc step() noexcept;
  /// After kEmpty or kBusy: until there may be something to do, or so long. False: there is not.
  bool sleep(std::uint64_t timeout_ns) noexcept;

  /// Steps and sleeps until stop(), then lets go; or until an error that does not pass: kLogFailed,
  /// kDamaged, …; or until `may_go_on`, which is asked in each round, says something else than kOk.
  Errc run(const std::function<Errc()>& may_go_on = {}) noexcept;
  void stop() noexcept;
  /// Lets go of the role, with everything durable. The writer's thread, or after it.
  void release() noexcept { role_.release(); }

 private:
  [[nodiscard]] bool is_stopping() const noexcept {
    return stopping_.load(std::memory_order_seq_cst);
  }
  const JournalView view_;
  DrainRole role_;
  std::atomic<bool> stopping_{false};
};

}  // namespace ringpost::journal
