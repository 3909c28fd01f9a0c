#include "journal/journal.hpp"

namespace ringpost::journal {

Journal::Journal(std::shared_ptr<JournalFile> file, const shm::Participant& me,
                 const Liveness& alive, std::unique_ptr<LogPort> log)
    : file_(std::move(file)),
      view_(file_->view()),
      time_(me.bus().time()),
      alive_(alive),
      producer_(view_, me.index()),
      log_(std::move(log)) {
  if (log_ != nullptr) role_.emplace(view_, me.creator_word(), alive, *log_);
}

void Journal::want(std::uint64_t end) noexcept {
  JournalHot& hot = view_.hot();
  raise(hot.wanted, end);  // [wanted] before the look whether the writer sleeps
  hot.work.wake_one();
}

Errc Journal::wait_durable(std::uint64_t position, std::uint64_t deadline_ns) noexcept {
  if (durable() > position) return Errc::kOk;
  return wait_settled(position + 1, deadline_ns);
}

Errc Journal::wait_room(std::size_t bytes, std::uint64_t deadline_ns) noexcept {
  if (bytes == 0 || bytes > view_.record_cells_max() * kCellBytes) return Errc::kTooLarge;
  std::uint64_t tail = 0;
  if (const Errc code = producer_.frontier(tail); code != Errc::kOk) return code;
  const std::uint64_t cells = cells_for(bytes);
  const std::uint64_t rest = view_.rest_of_lap(tail);
  const std::uint64_t end = tail + cells + (cells > rest ? rest : 0);
  if (end <= view_.hot().drain.load(std::memory_order_acquire) + view_.cells()) return Errc::kOk;
  const std::uint64_t drain = end - view_.cells();
  if (view_.kind() == JournalKind::kLog) return wait_settled(drain, deadline_ns);
  return wait_passable(tail, end - tail, deadline_ns);
}

/// Without a log: until whoever holds up the drain has published.
Errc Journal::wait_passable(std::uint64_t tail, std::uint64_t need,
                            std::uint64_t deadline_ns) noexcept {
  shm::WaitWord& word = view_.hot().published;
  while (!pass_published(view_, tail, need)) {
    const std::uint64_t now = time_.precise_ns();
    if (now >= deadline_ns) return Errc::kTimedOut;
    const std::uint32_t seen = word.arm();
    if (pass_published(view_, tail, need)) break;
    word.sleep(seen, deadline_ns - now);
    alive_.clear_up();
  }
  return Errc::kOk;
}

Errc Journal::wait_published(std::uint64_t position, std::uint64_t deadline_ns) noexcept {
  shm::WaitWord& word = view_.hot().published;
  const auto is_empty = [&] {
    Seen seen;
    return look(position, seen) == Errc::kEmpty;
  };
  while (is_empty()) {
    const std::uint64_t now = time_.precise_ns();
    if (now >= deadline_ns) return Errc::kTimedOut;
    const std::uint32_t seen = word.arm();
    if (!is_empty()) break;
    word.sleep(seen, deadline_ns - now);
    alive_.clear_up();
  }
  return Errc::kOk;
}

/// Until everything below `end` is durable: by the writer there is, else by me for all.
Errc Journal::wait_settled(std::uint64_t end, std::uint64_t deadline_ns) noexcept {
  JournalHot& hot = view_.hot();
  want(end);
  for (;;) {
    if (durable() >= end) return Errc::kOk;
    if (hot.failed.load(std::memory_order_acquire) != 0) return Errc::kLogFailed;
    Errc code = role_ ? role_->take() : Errc::kBusy;
    if (code == Errc::kOk) code = drain_until(end, deadline_ns);
    if (code != Errc::kBusy && code != Errc::kNoSpace) return code;
    const bool no_space =
        code == Errc::kNoSpace || hot.refused.load(std::memory_order_relaxed) != 0;
    const std::uint64_t now = time_.precise_ns();
    if (now >= deadline_ns) return no_space ? Errc::kNoSpace : Errc::kTimedOut;
    const std::uint32_t seen = hot.settled.arm();
    if (durable() >= end || hot.failed.load(std::memory_order_acquire) != 0) continue;
    const WriterWord writer{hot.writer.load(std::memory_order_acquire)};  // [writer]
    if (writer.free() && code == Errc::kBusy && role_) continue;
    hot.settled.sleep(seen, deadline_ns - now);
    alive_.clear_up();
  }
}

/// With the role. If a claim that is not published is in the way: until it is; the role is kept, so
/// that one is woken and not all.
Errc Journal::drain_until(std::uint64_t end, std::uint64_t deadline_ns) noexcept {
  shm::WaitWord& word = view_.hot().work;
  Errc code = Errc::kOk;
  while (durable() < end) {
    code = role_->drain_once();
    if (code == Errc::kOk) continue;
    if (code != Errc::kEmpty) break;
    const std::uint64_t now = time_.precise_ns();
    code = Errc::kTimedOut;
    if (now >= deadline_ns) break;
    const std::uint32_t seen = word.arm();
    if (role_->has_work()) continue;
    word.sleep(seen, deadline_ns - now);
    alive_.clear_up();
  }
  role_->release();
  return durable() >= end ? Errc::kOk : code;
}

}  // namespace ringpost::journal
