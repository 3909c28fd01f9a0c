#include "journal/producer.hpp"

#include <algorithm>

#include "journal/walk.hpp"

namespace ringpost::journal {
namespace {

// How far the shared words lag behind or run ahead, so that they are not written for each record.
constexpr std::uint64_t kTailStride = 64;
constexpr std::uint64_t kLowStride = 256;

std::uint64_t stride(const JournalView& view, std::uint64_t most) noexcept {
  return std::min(most, view.cells() / 8);
}

}  // namespace

Errc Producer::claim(std::size_t bytes, Claim& into) noexcept {
  if (bytes == 0 || bytes > view_.record_cells_max() * kCellBytes) return Errc::kTooLarge;
  const std::uint32_t cells = cells_for(bytes);
  if (cells > view_.record_cells_max()) return Errc::kTooLarge;
  for (;;) {
    Descriptor seen;
    if (const Errc code = find_free(seen); code != Errc::kOk) return code;
    const std::uint64_t rest = view_.rest_of_lap(tail_);
    const bool wraps = cells > rest;
    const std::uint64_t need = cells + (wraps ? rest : 0);
    if (!has_room(need)) return Errc::kFull;
    raise_low(need);
    if (wraps) {
      if (take(seen, 0, 0, CellState::kVoid)) tail_ += rest;
      continue;
    }
    if (!take(seen, me_, scale_cells(cells), CellState::kClaimed)) continue;
    // [low] The fence of whoever overwrites: `low`, raised by me or seen, before the first byte.
    std::atomic_thread_fence(std::memory_order_release);
    into = {tail_, {view_.cell(tail_), bytes}};
    tail_ += cells;
    if (tail_ - tail_shared_ > stride(view_, kTailStride)) flush();
    return Errc::kOk;
  }
}

/// Goes to the first position that nobody has claimed, and says what its descriptor was.
Errc Producer::find_free(Descriptor& seen) noexcept {
  JournalHot& hot = view_.hot();
  tail_ = std::max(tail_, hot.tail.load(std::memory_order_relaxed));  // a hint
  for (;;) {
    if (!view_.is_possible(tail_)) return Errc::kCorrupt;
    seen.word = view_.descriptor(tail_).load(std::memory_order_acquire);  // [cell]
    const std::uint64_t lap = view_.lap_of(tail_);
    // Any earlier one: a cell within a record keeps what it had.
    if (seen.lap() < lap) return Errc::kOk;
    if (seen.lap() > lap) {
      // Gone round: then the drain is beyond. The tail alone may lag.
      const std::uint64_t to = std::max(hot.tail.load(std::memory_order_relaxed),
                                        hot.drain.load(std::memory_order_acquire));  // [drain]
      if (to <= tail_) return Errc::kCorrupt;
      tail_ = to;
      continue;
    }
    if (seen.state() == CellState::kEnd) return Errc::kClosed;
    const std::uint64_t next = view_.next(tail_, seen);
    if (next == 0) return Errc::kCorrupt;
    tail_ = next;
  }
}

bool Producer::has_room(std::uint64_t need) noexcept {
  const auto fits = [&] { return tail_ + need <= drain_ + view_.cells(); };
  if (fits()) return true;
  // [drain] acquire: whoever needed the cells below it has read them.
  drain_ = view_.hot().drain.load(std::memory_order_acquire);
  if (fits()) return true;
  if (view_.kind() != JournalKind::kMemory || !pass_published(view_, tail_, need)) return false;
  drain_ = view_.hot().drain.load(std::memory_order_acquire);
  return fits();
}

/// Before the first byte: what is overwritten may not be read any more. A little further than that,
/// so that not every claim does it; never beyond the drain, where only the ring has the records.
void Producer::raise_low(std::uint64_t need) noexcept {
  const std::uint64_t end = tail_ + need;
  if (end <= low_ + view_.cells()) return;
  std::atomic<std::uint64_t>& shared = view_.hot().low;
  low_ = shared.load(std::memory_order_acquire);  // [low]
  if (end <= low_ + view_.cells()) return;
  const std::uint64_t least = end - view_.cells();
  low_ = std::max(least, std::min(least + stride(view_, kLowStride), drain_));
  raise(shared, low_);
}

/// The claim: one CAS of the whole word decides. Lost: nothing is concluded.
bool Producer::take(Descriptor seen, std::uint16_t owner, std::uint32_t scaled,
                    CellState state) noexcept {
  const Descriptor mine = Descriptor::of(view_.lap_of(tail_), owner, scaled, state);
  // [cell] acq_rel
  return view_.descriptor(tail_).compare_exchange_strong(
      seen.word, mine.word, std::memory_order_acq_rel, std::memory_order_relaxed);
}

void Producer::publish(const Claim& claim) noexcept {
  settle(claim, CellState::kPublished);
  fetch_next();
}

/// The cells that a small record would take come while nobody waits for them: they were in use a
/// lap ago, and a publish is seen only after what was stored before it.
void Producer::fetch_next() const noexcept {
  __builtin_prefetch(view_.cell(tail_), 1);
  __builtin_prefetch(view_.cell(tail_ + 1), 1);
}

void Producer::abandon(const Claim& claim) noexcept { settle(claim, CellState::kVoid); }

void Producer::settle(const Claim& claim, CellState state) noexcept {
  const Descriptor done = Descriptor::of(view_.lap_of(claim.position), 0,
                                         scale_cells(cells_for(claim.bytes.size())), state);
  std::atomic<std::uint64_t>& descriptor = view_.descriptor(claim.position);
  if (view_.fenced()) {
    descriptor.exchange(done.word, std::memory_order_seq_cst);
  } else {
    // [cell] release: the record comes with it.
    descriptor.store(done.word, std::memory_order_release);
  }
  wake();
}

void Producer::wake() noexcept {
  JournalHot& hot = view_.hot();
  hot.work.wake_one();
  hot.published.wake_all_armed();
}

Errc Producer::close(std::uint64_t& end) noexcept {
  for (;;) {
    Descriptor seen;
    const Errc code = find_free(seen);
    end = tail_;
    if (code == Errc::kClosed) return Errc::kOk;
    if (code != Errc::kOk) return code;
    if (!has_room(1)) return Errc::kFull;
    if (!take(seen, 0, 1, CellState::kEnd)) continue;
    wake();
    return Errc::kOk;
  }
}

Errc Producer::frontier(std::uint64_t& position) noexcept {
  Descriptor seen;
  const Errc code = find_free(seen);
  position = tail_;
  return code == Errc::kClosed ? Errc::kOk : code;
}

void Producer::flush() noexcept {
  view_.hot().tail.store(tail_, std::memory_order_relaxed);  // a hint, may even go back
  tail_shared_ = tail_;
}

}  // namespace ringpost::journal
