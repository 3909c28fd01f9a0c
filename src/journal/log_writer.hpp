// Dedicated writers: each takes the role of one journal and keeps it. One thread serves many.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "base/time_source.hpp"
#include "journal/drain_role.hpp"

namespace ringpost::journal {

struct LogWriterOptions {
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};
  /// A journal that is never at rest pauses after each so many cells.
  std::uint64_t pause_cells = kNever;
  /// What was written becomes durable after so long though nobody waits for it.
  std::uint64_t flush_after_ns = kNever;
  base::TimeSource time{};
};

/// Gathers the next batch while earlier ones are under way; flushes when it has caught up and
/// somebody wants that, when it has nothing to do, and when it has not for too long.
///
/// Threads  one, of a participant whose word the role has; failure(): any.
class LogWriter {
 public:
  LogWriter(const JournalView& view, std::uint64_t me, const Liveness& alive, LogPort& log,
            const LogWriterOptions& options = {}) noexcept
      : view_(view), role_(view, me, alive, log), options_(options) {}
  ~LogWriter() { release(); }
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  [[nodiscard]] bool has_role() const noexcept { return role_.is_mine(); }
  /// One round, which does not wait for writes that are under way unless there are as many as may
  /// be. kOk: there was something to do; kEmpty: nothing, for now; kBusy: another participant is
  /// the writer. Errors kNoSpace (try again later); kLogFailed, until somebody has recovered the
  /// log; those of DrainRole::take, which it tries again after a while.
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
    std::uint64_t most_ns;  ///< then there is something to do
  };
  [[nodiscard]] Sleep arm() noexcept;
  /// After a sleep: what can be done while there is no work, once.
  void rest() noexcept;
  /// While it rests: a little of what makes later writes faster. Whether it did anything.
  bool prepare() noexcept;

  /// In order, at the end: writes what was published by now.
  void finish() noexcept;
  /// Lets go of the role, with everything that was written durable.
  void release() noexcept { role_.release(); }
  /// The error because of which it writes nothing now.
  [[nodiscard]] Errc failure() const noexcept { return failure_.load(std::memory_order_acquire); }

 private:
  Errc round() noexcept;
  Errc noted(Errc code) noexcept;
  void pause_if_due() noexcept;
  [[nodiscard]] bool has_work() const noexcept;
  [[nodiscard]] bool may_try_again() noexcept;
  [[nodiscard]] bool is_late() noexcept;
  [[nodiscard]] std::uint64_t late_in_ns() const noexcept;

  const JournalView view_;
  DrainRole role_;
  const LogWriterOptions options_;
  std::uint64_t late_end_ = 0;       ///< positions below were written at late_since_ns_ …
  std::uint64_t late_since_ns_ = 0;  ///< … or before
  std::uint64_t failed_ns_ = 0;      ///< when it last failed
  std::uint64_t pause_at_ = 0;       ///< 0: the role was not mine yet
  bool is_refused_ = false;          ///< there was no room for the log when it was last tried
  bool has_rested_ = false;          ///< paused since it last had work …
  bool is_prepared_ = false;         ///< … and for all that may come
  std::atomic<Errc> failure_{Errc::kOk};
};

using LogWriters = std::span<LogWriter* const>;

/// One round over all that have not failed. If none had anything to do, waits for what one has
/// under way. Whether anything was done.
bool step_all(LogWriters writers) noexcept;
/// If nothing was to be done: prepares one of those that rest. Whether there was one.
bool prepare_any(LogWriters writers) noexcept;
/// Until there may be something to do for one of them, `stop` is not 0 any more and its futex
/// woken, or a moment has passed. More than 126 are served too, those behind by looking at them
/// again in pauses, which get longer while nothing happens.
struct Idle {
  std::uint64_t slice_ns = 0;  ///< of the last sleep
};
void sleep_on_all(LogWriters writers, const std::atomic<std::uint32_t>& stop, Idle& idle) noexcept;

}  // namespace ringpost::journal
