#include "journal/view.hpp"

namespace ringpost::journal {

std::uint64_t JournalView::next(std::uint64_t position, Descriptor seen) const noexcept {
  const std::uint64_t rest = rest_of_lap(position);
  if (seen.state() == CellState::kEnd) return position + 1;
  std::uint64_t length = unscale_cells(seen.scaled());
  if (length == 0 && seen.state() == CellState::kVoid) length = rest;
  return length == 0 || length > rest ? 0 : position + length;
}

void initialise_journal(std::byte* memory, const JournalGeometry& geometry,
                        const NewJournal& made) noexcept {
  auto& header = *reinterpret_cast<JournalHeader*>(memory);
  header.format = kJournalFormat;
  header.cells_log2 = geometry.cells_log2;
  header.journal_id = made.journal_id;
  header.owner_id = made.owner_id;
  header.creator = made.creator;
  header.start = made.start;
  header.created_wall_ns = made.created_wall_ns;
  header.kind = static_cast<std::uint32_t>(made.kind);
  header.number = made.number;
  auto& hot = *reinterpret_cast<JournalHot*>(memory + kHotOffset);
  // Relaxed: the file's name makes them visible.
  for (std::atomic<std::uint64_t>* word :
       {&hot.tail, &hot.drain, &hot.durable, &hot.low, &hot.wanted}) {
    word->store(made.start, std::memory_order_relaxed);
  }
  header.magic = kJournalMagic;
}

void raise(std::atomic<std::uint64_t>& word, std::uint64_t to) noexcept {
  std::uint64_t seen = word.load(std::memory_order_relaxed);
  while (seen < to && !word.compare_exchange_weak(seen, to, std::memory_order_acq_rel,
                                                  std::memory_order_relaxed)) {
  }
}

}  // namespace ringpost::journal
