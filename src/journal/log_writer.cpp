#include "journal/log_writer.hpp"

namespace ringpost::journal {

Errc LogWriter::step() noexcept {
  if (!role_.is_mine()) {
    if (const Errc code = role_.take(); code != Errc::kOk) return code;
  }
  if (role_.has_under_way()) {
    if (const Errc code = role_.settle(false); code != Errc::kOk) return code;
  }
  if (const Errc code = role_.submit_once(); code != Errc::kEmpty) return code;
  // Caught up.
  if (role_.has_under_way()) return role_.settle(true);
  return role_.should_flush() ? role_.flush() : Errc::kEmpty;
}

bool LogWriter::sleep(std::uint64_t timeout_ns) noexcept {
  JournalHot& hot = view_.hot();
  if (!role_.is_mine()) {
    const std::uint32_t seen = hot.settled.arm();
    const bool free = WriterWord{hot.writer.load(std::memory_order_acquire)}.free();  // [writer]
    if (!free && !is_stopping()) hot.settled.sleep(seen, timeout_ns);
    return true;
  }
  const std::uint32_t seen = hot.work.arm();
  if (role_.has_work() || is_stopping()) return true;
  hot.work.sleep(seen, timeout_ns);
  return role_.has_work();
}

Errc LogWriter::run(const std::function<Errc()>& may_go_on) noexcept {
  Errc code = Errc::kOk;
  while (!is_stopping()) {
    if (may_go_on && (code = may_go_on()) != Errc::kOk) return code;
    code = step();
    if (code == Errc::kOk) continue;
    if (code != Errc::kEmpty && code != Errc::kBusy && code != Errc::kNoSpace) return code;
    if (code == Errc::kNoSpace) {
      // Nothing tells when there is room again.
      const std::uint32_t seen = view_.hot().settled.arm();
      if (!is_stopping()) view_.hot().settled.sleep(seen, shm::kSleepSliceNs);
      if (role_.is_mine()) role_.pause();
    } else if (!sleep(shm::kSleepSliceNs)) {
      role_.pause();
    }
  }
  role_.release();
  return Errc::kOk;
}

void LogWriter::stop() noexcept {
  stopping_.store(true, std::memory_order_seq_cst);
  view_.hot().work.wake_all();
  view_.hot().settled.wake_all();
}

}  // namespace ringpost::journal
