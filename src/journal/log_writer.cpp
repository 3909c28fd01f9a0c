#include "journal/log_writer.hpp"

#include <array>

#include "sys/futex.hpp"

namespace ringpost::journal {

Errc LogWriter::step() noexcept {
  if (const Errc code = failure(); code != Errc::kOk) return code;
  return noted(round());
}

Errc LogWriter::round() noexcept {
  if (!role_.is_mine()) {
    if (const Errc code = role_.take(); code != Errc::kOk) return code;
  }
  if (role_.has_under_way()) {
    if (const Errc code = role_.settle(false); code != Errc::kOk) return code;
  }
  if (const Errc code = role_.submit_once(); code != Errc::kEmpty) return code;
  if (role_.has_under_way()) return Errc::kEmpty;  // caught up
  return role_.should_flush() ? role_.flush() : Errc::kEmpty;
}

Errc LogWriter::noted(Errc code) noexcept {
  is_refused_ = code == Errc::kNoSpace;
  if (code == Errc::kOk) {
    has_rested_ = false;
    pause_if_due();
  } else if (code != Errc::kEmpty && code != Errc::kBusy && code != Errc::kNoSpace) {
    failure_.store(code, std::memory_order_release);
  }
  return code;
}

void LogWriter::pause_if_due() noexcept {
  const std::uint64_t written = role_.written();
  if (written < pause_at_) return;
  if (pause_at_ != 0) role_.pause();
  pause_at_ = pause_cells_ > ~written ? ~std::uint64_t{0} : written + pause_cells_;
}

LogWriter::Sleep LogWriter::arm() noexcept {
  JournalHot& hot = view_.hot();
  shm::WaitWord& word = role_.is_mine() && !is_refused_ ? hot.work : hot.settled;
  const std::uint32_t seen = word.arm();
  return {&word, seen, has_work()};
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
  role_.pause();
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

void sleep_on_all(LogWriters writers, const std::atomic<std::uint32_t>& stop) noexcept {
  std::array<sys::FutexAt, sys::kFutexWaitMax> words;
  std::size_t count = 0;
  words[count++] = {&stop, 0};
  bool are_all_there = true;
  for (LogWriter* const writer : writers) {
    if (writer->failure() != Errc::kOk) continue;
    const LogWriter::Sleep sleep = writer->arm();
    if (sleep.has_work) return;
    if (count < words.size()) {
      words[count++] = {&sleep.word->sequence, sleep.seen};
    } else {
      are_all_there = false;
    }
  }
  constexpr std::uint64_t kShortNs = 1'000'000;
  const std::uint64_t slice = are_all_there ? shm::kSleepSliceNs : kShortNs;
  if (!sys::futex_wait_any({words.data(), count}, slice)) {
    sys::futex_wait(stop, 0, kShortNs);  // this kernel cannot sleep on several
  }
  for (LogWriter* const writer : writers) {
    if (writer->failure() == Errc::kOk) writer->rest();
  }
}

}  // namespace ringpost::journal
