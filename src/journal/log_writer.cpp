#include "journal/log_writer.hpp"

#include <algorithm>
#include <array>

#include "sys/futex.hpp"

namespace ringpost::journal {

Errc LogWriter::step() noexcept {
  if (const Errc code = failure(); code != Errc::kOk && !may_try_again()) return code;
  return noted(round());
}

bool LogWriter::may_try_again() noexcept {
  constexpr std::uint64_t kAfterNs = 1'000'000'000;
  const bool may = failure() == Errc::kLogFailed
                       ? view_.hot().failed.load(std::memory_order_acquire) == 0
                       : options_.time.coarse_ns() - failed_ns_ >= kAfterNs;
  if (may) failure_.store(Errc::kOk, std::memory_order_release);
  return may;
}

Errc LogWriter::round() noexcept {
  if (!role_.is_mine()) {
    if (const Errc code = role_.take(); code != Errc::kOk) return code;
  }
  if (role_.has_under_way()) {
    if (const Errc code = role_.settle(false); code != Errc::kOk) return code;
  }
  const Errc code = role_.submit_once();
  if (code != Errc::kOk && code != Errc::kEmpty) return code;
  if (is_late()) return role_.flush();
  if (code == Errc::kOk) return code;
  if (role_.has_under_way()) return Errc::kEmpty;  // caught up
  return role_.should_flush() ? role_.flush() : Errc::kEmpty;
}

/// What was written so long ago is not durable yet.
bool LogWriter::is_late() noexcept {
  if (options_.flush_after_ns == LogWriterOptions::kNever) return false;
  const std::uint64_t now = options_.time.coarse_ns();
  if (view_.hot().durable.load(std::memory_order_relaxed) >= late_end_) {
    late_end_ = role_.written();
    late_since_ns_ = now;
    return false;
  }
  return now - late_since_ns_ >= options_.flush_after_ns;
}

Errc LogWriter::noted(Errc code) noexcept {
  is_refused_ = code == Errc::kNoSpace;
  if (code == Errc::kOk) {
    has_rested_ = false;
    pause_if_due();
  } else if (code != Errc::kEmpty && code != Errc::kBusy && code != Errc::kNoSpace) {
    failed_ns_ = options_.time.coarse_ns();
    failure_.store(code, std::memory_order_release);
  }
  return code;
}

void LogWriter::pause_if_due() noexcept {
  const std::uint64_t written = role_.written();
  if (written < pause_at_) return;
  if (pause_at_ != 0) role_.pause();
  const std::uint64_t cells = options_.pause_cells;
  pause_at_ = cells > ~written ? ~std::uint64_t{0} : written + cells;
}

LogWriter::Sleep LogWriter::arm() noexcept {
  JournalHot& hot = view_.hot();
  shm::WaitWord& word = role_.is_mine() && !is_refused_ ? hot.work : hot.settled;
  const std::uint32_t seen = word.arm();
  return {&word, seen, has_work(), late_in_ns()};
}

std::uint64_t LogWriter::late_in_ns() const noexcept {
  const bool waits = role_.is_mine() && options_.flush_after_ns != LogWriterOptions::kNever &&
                     view_.hot().durable.load(std::memory_order_relaxed) < late_end_;
  if (!waits) return LogWriterOptions::kNever;
  const std::uint64_t passed = options_.time.coarse_ns() - late_since_ns_;
  return passed >= options_.flush_after_ns ? 0 : options_.flush_after_ns - passed;
}

/// Nothing tells when there is room again: that is not worth another look at once.
bool LogWriter::has_work() const noexcept {
  if (is_refused_) return false;
  if (role_.is_mine()) return role_.has_work();
  return WriterWord{view_.hot().writer.load(std::memory_order_acquire)}.free();  // [writer]
}

void LogWriter::rest() noexcept {
  if (!role_.is_mine() || has_work() || (has_rested_ && !is_refused_)) return;
  has_rested_ = true;
  is_prepared_ = false;
  role_.pause();
}

bool LogWriter::prepare() noexcept {
  if (!has_rested_ || is_prepared_ || is_refused_ || !role_.is_mine()) return false;
  is_prepared_ = !role_.prepare_more();
  return !is_prepared_;
}

void LogWriter::finish() noexcept {
  constexpr int kRoundsMax = 1'000;  // others may go on for ever
  for (int round = 0; round < kRoundsMax && role_.is_mine() && role_.has_work(); ++round) {
    if (const Errc code = step(); code != Errc::kOk && code != Errc::kEmpty) break;
  }
  if (role_.is_mine()) static_cast<void>(role_.mark());
  release();
}

bool step_all(LogWriters writers) noexcept {
  bool any = false;
  LogWriter* waiting = nullptr;
  for (LogWriter* const writer : writers) {
    any |= writer->step() == Errc::kOk;
    if (writer->has_under_way()) waiting = writer;
  }
  if (any || waiting == nullptr) return any;
  return waiting->settle() == Errc::kOk;
}

bool prepare_any(LogWriters writers) noexcept {
  return std::any_of(writers.begin(), writers.end(), [](LogWriter* writer) {
    return writer->failure() == Errc::kOk && writer->prepare();
  });
}

void sleep_on_all(LogWriters writers, const std::atomic<std::uint32_t>& stop, Idle& idle) noexcept {
  std::array<sys::FutexAt, sys::kFutexWaitMax> words;
  std::size_t count = 0;
  words[count++] = {&stop, 0};
  bool are_all_there = true;
  std::uint64_t slice = shm::kSleepSliceNs;
  for (LogWriter* const writer : writers) {
    if (writer->failure() != Errc::kOk) continue;
    const LogWriter::Sleep sleep = writer->arm();
    if (sleep.has_work) {
      idle.slice_ns = 0;
      return;
    }
    slice = std::min(slice, sleep.most_ns);
    if (count < words.size()) {
      words[count++] = {&sleep.word->sequence, sleep.seen};
    } else {
      are_all_there = false;
    }
  }
  constexpr std::uint64_t kShortNs = 1'000'000;
  if (!are_all_there) slice = std::min(slice, std::max(2 * idle.slice_ns, kShortNs));
  idle.slice_ns = slice;
  if (!sys::futex_wait_any({words.data(), count}, slice)) {
    sys::futex_wait(stop, 0, kShortNs);  // this kernel cannot sleep on several
  }
  for (LogWriter* const writer : writers) {
    if (writer->failure() == Errc::kOk) writer->rest();
  }
}

}  // namespace ringpost::journal
