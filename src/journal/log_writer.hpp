// Dedicated writers: each takes the role of one journal and keeps it. One thread serves many.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "journal/drain_role.hpp"

namespace ringpost::journal {

/// Gathers the next batch while earlier ones are under way; flushes when it has caught up and
/// somebody wants that; no timer.
///
/// Threads  one, of a participant whose word the role has; failure(): any.
class LogWriter {
 public:
  /// `pause_cells`: a journal that is never at rest pauses after each so many cells.
  LogWriter(const JournalView& view, std::uint64_t me, const Liveness& alive, LogPort& log,
            std::uint64_t pause_cells = ~std::uint64_t{0}) noexcept
      : view_(view), role_(view, me, alive, log), pause_cells_(pause_cells) {}
  ~LogWriter() { release(); }
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  [[nodiscard]] bool has_role() const noexcept { return role_.is_mine(); }
  /// One round, which does not wait for writes that are under way unless there are as many as may
  /// be. kOk: there was something to do; kEmpty: nothing, for now; kBusy: another participant is
  /// the writer. Errors kNoSpace (try again later); kLogFailed and those of DrainRole::take are
  /// final.
  Errc step() noexcept;
  [[nodiscard]] bool has_under_way() const noexcept {
    return role_.is_mine() && role_.has_under_way();
  }
  /// Waits for one of those.
  Errc settle() noexcept { return noted(role_.settle(true)); }

  /// What to sleep on after kEmpty, kBusy or kNoSpace, unless there is something to do by now.
  struct Sleep {
    shm::WaitWord* word;
    std::uint32_t seen;
    bool has_work;
  };
  [[nodiscard]] Sleep arm() noexcept;
  /// After a sleep: what can be done while there is no work, once.
  void rest() noexcept;

  /// Lets go of the role, with everything durable.
  void release() noexcept { role_.release(); }
  /// The error that ended it.
  [[nodiscard]] Errc failure() const noexcept { return failure_.load(std::memory_order_acquire); }

 private:
  Errc round() noexcept;
  Errc noted(Errc code) noexcept;
  void pause_if_due() noexcept;
  [[nodiscard]] bool has_work() const noexcept;

  const JournalView view_;
  DrainRole role_;
  const std::uint64_t pause_cells_;
  std::uint64_t pause_at_ = 0;  ///< 0: the role was not mine yet
  bool is_refused_ = false;     ///< there was no room for the log when it was last tried
  bool has_rested_ = false;     ///< paused since it last had work
  std::atomic<Errc> failure_{Errc::kOk};
};

using LogWriters = std::span<LogWriter* const>;

/// One round over all that have not failed. If none had anything to do, waits for what one has
/// under way. Whether anything was done.
bool step_all(LogWriters writers) noexcept;
/// Until there may be something to do for one of them, `stop` is not 0 any more and its futex
/// woken, or a moment has passed.
void sleep_on_all(LogWriters writers, const std::atomic<std::uint32_t>& stop) noexcept;

}  // namespace ringpost::journal
