// Finding records in a ring when nothing but a position, or a time, is known.
#pragma once

#include <cstdint>

#include "journal/view.hpp"

namespace ringpost::stream {

/// The first position at or behind `position` at which something begins that is still in the ring;
/// `frontier`, where nobody has claimed, if nothing does.
///
/// Only the first cell of a record has a descriptor of its lap, so whatever has one is a beginning.
/// Threads  any. Blocking  never; looks at each cell at most once.
[[nodiscard]] std::uint64_t locate(const journal::JournalView& view, std::uint64_t position,
                                   std::uint64_t frontier) noexcept;

}  // namespace ringpost::stream
