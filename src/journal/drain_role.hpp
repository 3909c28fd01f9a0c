// The writer role: one participant at a time drains a journal into its log.
//
// Whoever waits for durability or room and finds no living writer takes the role, drains and
// flushes for all (group commit), lets go and wakes the others, one of whom goes on. A dedicated
// writer takes it and keeps it (log_writer.hpp).
#pragma once

#include <cstdint>

#include "journal/log_port.hpp"
#include "journal/view.hpp"
#include "ringpost/errc.hpp"

namespace ringpost::journal {

/// Threads   one at a time.
/// Blocking  as the disk does; nobody waits for the role while its holder is dead.
/// Crash     the role stays with the dead one until somebody who needs it, or the sweeper, takes it
///           away; then the log is recovered, and what it has is not written again.
/// Stopped   a holder that is stopped keeps the role: durability waits for it, claims go on until
///           the ring is full.
class DrainRole {
 public:
  /// `me`: Participant::creator_word. `log` and `alive` outlive it.
  DrainRole(const JournalView& view, std::uint64_t me, const Liveness& alive, LogPort& log) noexcept
      : view_(view), me_(me), alive_(alive), log_(log) {}
  DrainRole(const DrainRole&) = delete;
  DrainRole& operator=(const DrainRole&) = delete;
  /// Does not let go: release() does, and a role that is kept belongs to a dead one.
  ~DrainRole() = default;

  /// Errors kBusy (a living participant has it), kLogFailed, and what opening the log gives:
  /// kDamaged, kNoSpace, kSystem, …; then it was let go again.
  Errc take() noexcept;
  /// Takes it though the log has failed, once the disk is in order again: recovers the log from
  /// what the disk itself has, and from then on everybody goes on. What was acknowledged is there;
  /// what was not is still in the ring, and is written. Errors as take(); kDamaged: something that
  /// was acknowledged is missing. Then it is as it was.
  Errc recover() noexcept;
  [[nodiscard]] bool is_mine() const noexcept { return mine_; }

  /// Gathers what is published, up to a batch; writes it and makes it durable. kOk: some progress.
  /// Errors kEmpty (nothing there to be written), kNoSpace (the log has no room now), kLogFailed
  /// (also of a journal that is damaged); after that the role is let go.
  Errc drain_once() noexcept;

  /// The same in parts, for who keeps several batches under way: gathers up to a batch and submits
  /// it. kEmpty: nothing to submit.
  Errc submit_once() noexcept;
  /// Tells everybody what has become durable. With `wait` once something under way is done.
  Errc settle(bool wait) noexcept;
  /// Makes what was written durable, and tells.
  Errc flush() noexcept;
  [[nodiscard]] bool has_under_way() const noexcept { return log_.has_under_way(); }
  /// Something was written that is not durable, and somebody waits for it or will need the room.
  [[nodiscard]] bool should_flush() const noexcept;
  /// There is something to be written.
  [[nodiscard]] bool has_work() const noexcept;
  /// Positions below were handed to the log. Requires that it was taken once.
  [[nodiscard]] std::uint64_t written() const noexcept { return written_; }
  /// With nothing to do for a while. What was written becomes durable.
  void pause() noexcept;
  /// What was written becomes durable, and the log itself says so.
  Errc mark() noexcept;
  /// In a longer pause: see LogPort.
  bool prepare_more() noexcept { return log_.prepare_more(); }

  /// Lets go, with everything written and durable: the next writer goes on without a recovery.
  void release() noexcept;

 private:
  static constexpr std::uint64_t kOpen = ~std::uint64_t{0};

  [[nodiscard]] Errc grab(WriterWord& seen) noexcept;
  [[nodiscard]] Errc open_log(bool clean) noexcept;
  [[nodiscard]] Errc make_durable() noexcept;
  [[nodiscard]] bool start_at(std::uint64_t log_end) noexcept;
  [[nodiscard]] Errc gather() noexcept;
  [[nodiscard]] Errc add_record(std::uint64_t next) noexcept;
  [[nodiscard]] Errc add_end() noexcept;
  [[nodiscard]] Errc submit(bool at_once) noexcept;
  [[nodiscard]] bool is_little() const noexcept;
  [[nodiscard]] bool is_wanted() const noexcept;
  void made_durable(std::uint64_t end) noexcept;
  Errc refused(Errc code) noexcept;
  void let_go(WriterWord to) noexcept;

  const JournalView view_;
  const std::uint64_t me_;
  const Liveness& alive_;
  LogPort& log_;
  bool mine_ = false;
  std::uint64_t end_ = kOpen;   ///< position of the end, once it was met
  std::uint64_t cursor_ = 0;    ///< gathered up to here
  std::uint64_t written_ = 0;   ///< submitted up to here
  std::uint64_t gathered_ = 0;  ///< records in the batch
};

}  // namespace ringpost::journal
