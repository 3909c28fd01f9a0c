#include "journal/drain_role.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "journal/reader.hpp"
#include "journal/walk.hpp"

namespace ringpost::journal {

/// One living participant at a time. `seen`: what the word was before.
Errc DrainRole::grab(WriterWord& seen) noexcept {
  JournalHot& hot = view_.hot();
  for (;;) {
    seen = WriterWord{hot.writer.load(std::memory_order_acquire)};  // [writer]
    // The word, then the registry, then the CAS of the same word.
    if (!seen.free() && alive_.is_alive(seen.holder())) return Errc::kBusy;
    // [writer] acq_rel: what the last one left in the header, and in the log.
    if (hot.writer.compare_exchange_strong(seen.word, WriterWord::of(me_).word,
                                           std::memory_order_acq_rel, std::memory_order_relaxed)) {
      mine_ = true;
      return Errc::kOk;
    }
  }
}

Errc DrainRole::take() noexcept {
  const std::atomic<std::uint32_t>& failed = view_.hot().failed;
  if (failed.load(std::memory_order_acquire) != 0) return Errc::kLogFailed;
  WriterWord seen;
  if (const Errc code = grab(seen); code != Errc::kOk) return code;
  // Whoever failed said so before he let go: the sync is never tried again.
  if (failed.load(std::memory_order_acquire) == 0) return open_log(seen.clean());
  let_go(WriterWord{});
  return Errc::kLogFailed;
}

Errc DrainRole::recover() noexcept {
  JournalHot& hot = view_.hot();
  WriterWord seen;
  if (const Errc code = grab(seen); code != Errc::kOk) return code;
  const bool has_failed = hot.failed.load(std::memory_order_acquire) != 0;
  const Errc code = open_log(seen.clean() && !has_failed);
  if (code != Errc::kOk || !has_failed) return code;
  // As it is set: by whoever has the role.
  hot.failed.store(0, std::memory_order_release);
  hot.settled.wake_all();
  return Errc::kOk;
}

/// From the dead the log is recovered: what it left in the header was of an earlier time.
Errc DrainRole::open_log(bool clean) noexcept {
  const JournalHot& hot = view_.hot();
  Errc code = Errc::kCorrupt;
  if (clean) {
    std::uint64_t state[kLogStateWords];
    std::memcpy(state, hot.log_state, sizeof state);
    code = log_.resume(ConstLogStateWords(state));
  }
  const std::uint64_t durable = hot.durable.load(std::memory_order_relaxed);
  const std::uint64_t acknowledged = durable > view_.start() ? durable : 0;  // by this ring
  if (code != Errc::kOk || log_.end() < acknowledged) code = log_.open(acknowledged);
  if (code == Errc::kLogFailed) return refused(code);
  if (code == Errc::kOk && !start_at(log_.end())) code = Errc::kCorrupt;
  if (code != Errc::kOk) let_go(WriterWord{});
  return code;
}

/// At the end of the log, which may be beyond the drain: its writer died before he said so.
bool DrainRole::start_at(std::uint64_t log_end) noexcept {
  const std::uint64_t drain = view_.hot().drain.load(std::memory_order_relaxed);
  if (log_end > drain + view_.cells()) return false;  // nobody has claimed that far
  cursor_ = std::max(log_end, drain);
  end_ = kOpen;
  gathered_ = 0;
  if (log_end > drain && look_at(view_, log_end - 1).kind == Stop::Kind::kEnd) end_ = log_end - 1;
  written_ = cursor_;
  made_durable(cursor_);
  return true;
}

Errc DrainRole::gather() noexcept {
  while (end_ == kOpen) {
    const Stop stop = look_at(view_, cursor_);
    switch (stop.kind) {
      case Stop::Kind::kRecord:
        if (const Errc code = add_record(stop.next); code != Errc::kOk) return code;
        break;
      case Stop::Kind::kVoid:
        cursor_ = stop.next;
        break;
      case Stop::Kind::kEnd:
        if (const Errc code = add_end(); code != Errc::kOk) return code;
        break;
      case Stop::Kind::kClaimed:
      case Stop::Kind::kUnclaimed:
        return Errc::kOk;
      case Stop::Kind::kPassed:
      case Stop::Kind::kCorrupt:
        return Errc::kCorrupt;
    }
  }
  return Errc::kOk;
}

/// kFull: it goes into the next batch.
Errc DrainRole::add_record(std::uint64_t next) noexcept {
  log::RecordHeader header;
  const std::span<const std::byte> cells(view_.cell(cursor_), (next - cursor_) * kCellBytes);
  if (!parse_record(cursor_, cells, header)) return Errc::kCorrupt;
  if (!log_.fits(header.bytes)) return Errc::kFull;
  if (const Errc code = log_.add(cursor_, cells.first(header.bytes)); code != Errc::kOk) {
    return code;
  }
  ++gathered_;
  cursor_ = next;
  return Errc::kOk;
}

Errc DrainRole::add_end() noexcept {
  log::RecordHeader header{};
  header.bytes = sizeof header;
  header.position = cursor_;
  header.kind = log::RecordKind::kEnd;
  if (!log_.fits(sizeof header)) return Errc::kFull;
  if (const Errc code = log_.add(cursor_, std::as_bytes(std::span(&header, 1)));
      code != Errc::kOk) {
    return code;
  }
  ++gathered_;
  end_ = cursor_;
  ++cursor_;
  return Errc::kOk;
}

Errc DrainRole::drain_once() noexcept { return submit(true); }

Errc DrainRole::submit_once() noexcept { return submit(false); }

/// One write and sync in one system call beats the queue as long as there is nothing to be gained
/// by having several under way (docs/log-measurements.md).
bool DrainRole::is_little() const noexcept {
  constexpr std::uint64_t kLittleBytes = 64 * 1024;
  return !log_.has_under_way() && (cursor_ - written_) * kCellBytes <= kLittleBytes;
}

Errc DrainRole::submit(bool at_once) noexcept {
  const Errc gathered = gather();
  // What was gathered before the obstacle is written first.
  if (gathered_ == 0) {
    if (gathered != Errc::kOk) return refused(gathered);
    // Without records only if somebody wants that: the cells may be needed.
    if (cursor_ == written_ || !is_wanted()) return Errc::kEmpty;
  }
  const bool wanted = at_once || is_wanted();
  const bool is_all = gathered == Errc::kOk;  // there may be more than goes into a batch
  const bool now = at_once || (wanted && is_all && is_little());
  const disk::Sync sync = wanted ? disk::Sync::kData : disk::Sync::kNone;
  const Errc code = now ? log_.write_now(sync, cursor_) : log_.submit(sync, cursor_);
  if (code != Errc::kOk) return refused(code);
  view_.hot().refused.store(0, std::memory_order_relaxed);
  written_ = cursor_;
  gathered_ = 0;
  if (now) made_durable(written_);
  return Errc::kOk;
}

Errc DrainRole::settle(bool wait) noexcept {
  const LogPort::Progress progress = log_.reap(wait);
  made_durable(std::min(progress.durable, written_));
  return progress.code == Errc::kOk ? Errc::kOk : refused(progress.code);
}

Errc DrainRole::flush() noexcept {
  if (const Errc code = log_.flush(); code != Errc::kOk) return refused(code);
  made_durable(written_);
  return Errc::kOk;
}

Errc DrainRole::make_durable() noexcept {
  while (log_.has_under_way()) {
    if (const Errc code = settle(true); code != Errc::kOk) return code;
  }
  return written_ > view_.hot().durable.load(std::memory_order_relaxed) ? flush() : Errc::kOk;
}

Errc DrainRole::mark() noexcept {
  if (const Errc code = make_durable(); code != Errc::kOk) return code;
  const Errc code = log_.mark();
  return code == Errc::kLogFailed ? refused(code) : code;
}

void DrainRole::pause() noexcept {
  if (make_durable() == Errc::kOk) log_.pause();
}

bool DrainRole::is_wanted() const noexcept {
  const JournalHot& hot = view_.hot();
  return hot.wanted.load(std::memory_order_acquire) >  // [wanted]
         hot.durable.load(std::memory_order_relaxed);
}

bool DrainRole::should_flush() const noexcept {
  const std::uint64_t durable = view_.hot().durable.load(std::memory_order_relaxed);
  return written_ > durable && (is_wanted() || written_ - durable >= view_.cells() / 2);
}

bool DrainRole::has_work() const noexcept {
  if (should_flush() || (cursor_ > written_ && is_wanted())) return true;
  if (end_ != kOpen) return false;
  const Stop::Kind kind = look_at(view_, cursor_).kind;
  return kind != Stop::Kind::kClaimed && kind != Stop::Kind::kUnclaimed;
}

/// After the flush alone. The drain stays at the end: behind it nothing may be claimed.
void DrainRole::made_durable(std::uint64_t end) noexcept {
  JournalHot& hot = view_.hot();
  const std::uint64_t drain = std::min(end, end_);
  const bool is_new = end > hot.durable.load(std::memory_order_relaxed);
  // A writer that died between the two has raised only the first one.
  if (!is_new && drain <= hot.drain.load(std::memory_order_relaxed)) return;
  // [durable] [drain] Locked: in a fenced bus sleepers rely on it.
  if (is_new) hot.durable.exchange(end, std::memory_order_seq_cst);
  hot.drain.exchange(drain, std::memory_order_seq_cst);
  hot.settled.wake_all_armed();
}

/// No room passes; everything else is final, and everybody learns of it.
Errc DrainRole::refused(Errc code) noexcept {
  JournalHot& hot = view_.hot();
  if (code == Errc::kNoSpace) {
    hot.refused.store(1, std::memory_order_relaxed);
    return code;
  }
  const int sys_errno = code == Errc::kLogFailed ? log_.last_errno() : EBADMSG;
  hot.failed.store(sys_errno > 0 ? static_cast<std::uint32_t>(sys_errno) : EIO,
                   std::memory_order_release);
  let_go(WriterWord{});
  return Errc::kLogFailed;
}

void DrainRole::release() noexcept {
  if (!mine_) return;
  if (make_durable() != Errc::kOk) return;
  std::uint64_t state[kLogStateWords] = {};
  if (const Errc code = log_.save(LogStateWords(state)); code != Errc::kOk) {
    refused(code);
    return;
  }
  std::memcpy(view_.hot().log_state, state, sizeof state);
  let_go(WriterWord{WriterWord::kClean});
}

void DrainRole::let_go(WriterWord to) noexcept {
  JournalHot& hot = view_.hot();
  mine_ = false;
  // [writer] release: the state in the header. Locked: sleepers look at it after arming.
  hot.writer.exchange(to.word, std::memory_order_seq_cst);
  hot.settled.wake_all_armed();
}

}  // namespace ringpost::journal
