// Reading records where they lie, while producers go round. protocols.md, section 5, step 8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "journal/view.hpp"
#include "ringpost/errc.hpp"

namespace ringpost::journal {

/// A published record in the ring. It may be overwritten at any time: what was read of it counts
/// only if still_there() says so afterwards.
struct Seen {
  std::uint64_t position = 0;  ///< at or behind the one asked for: what lay between is void
  std::uint64_t next = 0;      ///< where the next one begins
  /// Whole cells, the header first. The bytes in it are the producer's word only: read once, check
  /// with parse_record().
  std::span<const std::byte> bytes;
};

/// The first record at or behind `position`, which must be where one begins or began.
///   kOk      `into` is it
///   kEmpty   nothing there yet: `into.position` is what is waited for, claimed or not
///   kLapped  it was overwritten, or may be any moment: the log has it, if there is one
///   kClosed  `into.position` is the end
///   kCorrupt
///
/// Threads   any. Blocking  never.
Errc look(const JournalView& view, std::uint64_t position, Seen& into) noexcept;

/// Whether nothing of the record at that position had been overwritten before this call.
[[nodiscard]] bool still_there(const JournalView& view, std::uint64_t position) noexcept;

/// Checked copy of a record's header; false: no correct producer writes that there. Reads the
/// header's bytes once.
[[nodiscard]] bool parse_record(std::uint64_t position, std::span<const std::byte> bytes,
                                log::RecordHeader& header) noexcept;

}  // namespace ringpost::journal
