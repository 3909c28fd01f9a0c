#include "journal/waits.hpp"

#include <thread>

#include "journal/reader.hpp"
#include "journal/settled.hpp"
#include "journal/walk.hpp"

namespace ringpost::journal {

void Waits::want(std::uint64_t end) noexcept {
  JournalHot& hot = view_.hot();
  raise(hot.wanted, end);  // [wanted] before the look whether the writer sleeps
  hot.work.wake_one();
}

bool Waits::is_durable(std::uint64_t end) const noexcept {
  return view_.hot().durable.load(std::memory_order_acquire) >= end;  // [durable]
}

/// What the dead have left may be in the way. Not each time that somebody wakes me: the kernel is
/// asked about every participant.
void Waits::clear_up(const shm::WaitWord& word, std::uint32_t seen,
                     std::uint64_t slept_ns) noexcept {
  const bool woken = word.sequence.load(std::memory_order_relaxed) != seen;
  if (woken && slept_ns < clear_up_ns_) return;
  clear_up_ns_ = slept_ns + shm::kSleepSliceNs;
  alive_.clear_up();
}

Errc Waits::settled(std::uint64_t end, std::uint64_t deadline_ns) noexcept {
  JournalHot& hot = view_.hot();
  want(end);
  for (;;) {
    if (is_durable(end)) return Errc::kOk;
    if (hot.failed.load(std::memory_order_acquire) != 0) return Errc::kLogFailed;
    Errc code = role_ != nullptr ? role_->take() : Errc::kBusy;
    if (code == Errc::kOk) code = drain(end, deadline_ns);
    if (code != Errc::kBusy && code != Errc::kNoSpace) return code;
    const bool no_space =
        code == Errc::kNoSpace || hot.refused.load(std::memory_order_relaxed) != 0;
    const std::uint64_t now = time_.precise_ns();
    if (now >= deadline_ns) return no_space ? Errc::kNoSpace : Errc::kTimedOut;
    const std::uint32_t seen = arm_for_locked(hot.settled);
    if (is_durable(end) || hot.failed.load(std::memory_order_acquire) != 0) continue;
    const bool free = WriterWord{hot.writer.load(std::memory_order_acquire)}.free();  // [writer]
    if (free && code == Errc::kBusy && role_ != nullptr) continue;
    sleep_among_all(hot.settled, seen, deadline_ns - now);
    clear_up(hot.settled, seen, now);
  }
}

Errc Waits::put(std::uint64_t position, std::uint64_t deadline_ns) noexcept {
#if !defined(RINGPOST_RIG)
  if (in_company_ && role_ != nullptr) std::this_thread::yield();
#endif
  const Errc code = settled(position + 1, deadline_ns);
  const std::uint64_t durable = view_.hot().durable.load(std::memory_order_relaxed);
  const Stop mine = look_at(view_, position);
  in_company_ =
      position != last_durable_ || mine.kind != Stop::Kind::kRecord || mine.next < durable;
  last_durable_ = durable;
  return code;
}

/// With the role. If a claim that is not published is in the way: until it is. The role is kept
/// meanwhile, so that one is woken and not all.
Errc Waits::drain(std::uint64_t end, std::uint64_t deadline_ns) noexcept {
  shm::WaitWord& word = view_.hot().work;
  Errc code = Errc::kOk;
  while (!is_durable(end)) {
    code = role_->drain_once();
    if (code == Errc::kOk) continue;
    if (code != Errc::kEmpty) break;
    code = Errc::kTimedOut;
    const std::uint64_t now = time_.precise_ns();
    if (now >= deadline_ns) break;
    const std::uint32_t seen = word.arm();
    if (role_->has_work()) continue;
    word.sleep(seen, deadline_ns - now);
    clear_up(word, seen, now);
  }
  role_->release();
  return is_durable(end) ? Errc::kOk : code;
}

Errc Waits::room(Producer& producer, std::size_t bytes, std::uint64_t deadline_ns) noexcept {
  if (bytes == 0 || bytes > view_.record_cells_max() * kCellBytes) return Errc::kTooLarge;
  std::uint64_t tail = 0;
  if (const Errc code = producer.frontier(tail); code != Errc::kOk) return code;
  const std::uint64_t cells = cells_for(bytes);
  const std::uint64_t rest = view_.rest_of_lap(tail);
  const std::uint64_t need = cells + (cells > rest ? rest : 0);
  const std::uint64_t drain = view_.hot().drain.load(std::memory_order_acquire);  // [drain]
  if (tail + need <= drain + view_.cells()) return Errc::kOk;
  if (view_.kind() == JournalKind::kLog) {
    const std::uint64_t end = tail + need - view_.cells();
    const Errc code = settled(end, deadline_ns);
    return code == Errc::kOk ? drained(end, deadline_ns) : code;
  }
  // Until whoever holds up the drain has published.
  return sleep_until([&] { return pass_published(view_, tail, need); }, deadline_ns);
}

/// Of what is durable. A writer that died before he raised the drain, too, has left it to whoever
/// takes the role next: nobody else may.
Errc Waits::drained(std::uint64_t end, std::uint64_t deadline_ns) noexcept {
  JournalHot& hot = view_.hot();
  while (hot.drain.load(std::memory_order_acquire) < end) {  // [drain]
    const Errc code = role_ != nullptr ? role_->take() : Errc::kBusy;
    if (code == Errc::kOk) role_->release();
    if (code != Errc::kBusy) return code;
    const std::uint64_t now = time_.precise_ns();
    if (now >= deadline_ns) return Errc::kTimedOut;
    const std::uint32_t seen = arm_for_locked(hot.settled);
    if (hot.drain.load(std::memory_order_acquire) >= end) break;  // [drain]
    if (WriterWord{hot.writer.load(std::memory_order_acquire)}.free() && role_ != nullptr) continue;
    sleep_among_all(hot.settled, seen, deadline_ns - now);
    clear_up(hot.settled, seen, now);
  }
  return Errc::kOk;
}

Errc Waits::published(std::uint64_t position, std::uint64_t deadline_ns) noexcept {
  const auto is_there = [&] {
    Seen seen;
    return look(view_, position, seen) != Errc::kEmpty;
  };
  return sleep_until(is_there, deadline_ns);
}

template <class Done>
Errc Waits::sleep_until(Done&& done, std::uint64_t deadline_ns) noexcept {
  shm::WaitWord& word = view_.hot().published;
  while (!done()) {
    const std::uint64_t now = time_.precise_ns();
    if (now >= deadline_ns) return Errc::kTimedOut;
    const std::uint32_t seen = word.arm();
    if (done()) break;
    sleep_among_all(word, seen, deadline_ns - now);
    clear_up(word, seen, now);
  }
  return Errc::kOk;
}

}  // namespace ringpost::journal
