// Going over what was claimed, from the drain on.
#pragma once

#include <cstdint>

#include "journal/view.hpp"
#include "ringpost/errc.hpp"

namespace ringpost::journal {

/// What stands at one position, for whoever follows the records one by one.
struct Stop {
  enum class Kind : std::uint8_t {
    kRecord,     ///< published
    kVoid,       ///< nothing up to `next`
    kEnd,        ///< closed
    kClaimed,    ///< its owner has not published
    kUnclaimed,  ///< nobody has claimed it
    kPassed,     ///< producers have gone round: the walker is behind
    kCorrupt,
  };
  Kind kind = Kind::kCorrupt;
  std::uint64_t next = 0;
  std::uint16_t owner = 0;
};
[[nodiscard]] Stop look_at(const JournalView& view, std::uint64_t position) noexcept;

/// Without a log: raises the drain over what is published or void, until there is room for `need`
/// cells at `position`, the tail, and a little more. Whether there is.
bool pass_published(const JournalView& view, std::uint64_t position, std::uint64_t need) noexcept;

/// Who keeps the records from `position` on from becoming durable.
struct Blocker {
  std::uint16_t participant = 0;  ///< 0: nobody
  bool is_writer = false;         ///< it has the writer role; else a claim that is not published
};
/// What a waiter that has timed out can name.
[[nodiscard]] Blocker who_blocks(const JournalView& view, std::uint64_t position) noexcept;

}  // namespace ringpost::journal
