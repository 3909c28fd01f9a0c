// Clearing up in a journal after a participant that died.
#pragma once

#include <cstdint>

#include "journal/view.hpp"

namespace ringpost::journal {

struct SweptJournal {
  std::uint64_t claims_voided = 0;
  bool role_freed = false;
};

/// Voids the unpublished claims of participant `dead` and takes the writer role away from it. The
/// caller holds the dead one's liveness lock, so the index cannot be reused meanwhile
/// (protocols.md, habit 3). Afterwards no word of the journal names it.
///
/// Crash  idempotent: another sweeper does it again.
SweptJournal sweep_participant(const JournalView& view, std::uint16_t dead) noexcept;

}  // namespace ringpost::journal
