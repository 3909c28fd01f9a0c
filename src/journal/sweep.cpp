#include "journal/sweep.hpp"

namespace ringpost::journal {
namespace {

/// An unpublished claim of the dead: no record, of the same length.
bool void_claim(std::atomic<std::uint64_t>& descriptor, std::uint16_t dead) noexcept {
  Descriptor seen{descriptor.load(std::memory_order_acquire)};  // [cell]
  if (seen.lap() == 0 || seen.state() != CellState::kClaimed || seen.owner() != dead) return false;
  const Descriptor voided = Descriptor::of(seen.lap(), 0, seen.scaled(), CellState::kVoid);
  // The whole word: another sweeper may have done it, and the cell have been claimed anew.
  return descriptor.compare_exchange_strong(seen.word, voided.word, std::memory_order_acq_rel,
                                            std::memory_order_relaxed);
}

}  // namespace

SweptJournal sweep_participant(const JournalView& view, std::uint16_t dead) noexcept {
  JournalHot& hot = view.hot();
  SweptJournal swept;
  for (std::uint64_t cell = 0; cell < view.cells(); ++cell) {
    if (void_claim(view.descriptor(cell), dead)) ++swept.claims_voided;
  }
  WriterWord seen{hot.writer.load(std::memory_order_acquire)};  // [writer]
  if (!seen.free() && seen.index() == dead) {
    // Not clean: the next writer recovers the log.
    swept.role_freed = hot.writer.compare_exchange_strong(
        seen.word, WriterWord{}.word, std::memory_order_acq_rel, std::memory_order_relaxed);
  }
  if (swept.claims_voided != 0) {
    hot.work.wake_all();
    hot.published.wake_all();
  }
  if (swept.claims_voided != 0 || swept.role_freed) hot.settled.wake_all();
  return swept;
}

}  // namespace ringpost::journal
