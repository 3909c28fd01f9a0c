#include "journal/walk.hpp"

#include <algorithm>

namespace ringpost::journal {

Stop look_at(const JournalView& view, std::uint64_t position) noexcept {
  if (!view.is_possible(position)) return {};
  // [cell] acquire: a record that is published is complete.
  const Descriptor seen{view.descriptor(position).load(std::memory_order_acquire)};
  const std::uint64_t lap = view.lap_of(position);
  if (seen.lap() < lap) return {Stop::Kind::kUnclaimed, position, 0};
  if (seen.lap() > lap) return {Stop::Kind::kPassed, position, 0};
  const std::uint64_t next = view.next(position, seen);
  if (next == 0) return {};
  switch (seen.state()) {
    case CellState::kClaimed:
      return {Stop::Kind::kClaimed, next, seen.owner()};
    case CellState::kPublished:
      return {Stop::Kind::kRecord, next, 0};
    case CellState::kVoid:
      return {Stop::Kind::kVoid, next, 0};
    case CellState::kEnd:
      return {Stop::Kind::kEnd, next, 0};
  }
  return {};
}

bool pass_published(const JournalView& view, std::uint64_t position, std::uint64_t need) noexcept {
  std::atomic<std::uint64_t>& drain = view.hot().drain;
  const std::uint64_t least = position + need - view.cells();  // the ring is full: above 0
  const std::uint64_t aim = std::min(least + view.cells() / 8, position);
  const std::uint64_t from = drain.load(std::memory_order_acquire);  // [drain]
  std::uint64_t to = from;
  while (to < aim) {
    // What was published or void in its lap has been so ever since: others may be ahead of me.
    const Stop stop = look_at(view, to);
    if (stop.kind != Stop::Kind::kRecord && stop.kind != Stop::Kind::kVoid) break;
    to = stop.next;
  }
  if (to != from) raise(drain, to);
  return drain.load(std::memory_order_acquire) >= least;
}

Blocker who_blocks(const JournalView& view, std::uint64_t position) noexcept {
  const JournalHot& hot = view.hot();
  std::uint64_t at = hot.durable.load(std::memory_order_acquire);  // [durable]
  for (std::uint64_t steps = 0; at <= position && steps < view.cells(); ++steps) {
    const Stop stop = look_at(view, at);
    if (stop.kind == Stop::Kind::kClaimed) return {stop.owner, false};
    if (stop.kind != Stop::Kind::kRecord && stop.kind != Stop::Kind::kVoid) break;
    at = stop.next;
  }
  const WriterWord writer{hot.writer.load(std::memory_order_acquire)};
  return {writer.index(), true};
}

}  // namespace ringpost::journal
