// One phase: the feed sends, the workers process, and some of them are stopped and killed at it.
#pragma once

#include "report.hpp"
#include "ringpost/queue.hpp"
#include "stage.hpp"

namespace ringpost::market_feed {

/// Plays phase number `phase`; fills `report` as it goes, so that a run that is broken off has
/// told what it saw. Throws BrokenOff, Interrupted.
void play(std::size_t phase, Stage& stage, const Queue& queue, History& history,
          PhaseReport& report);

}  // namespace ringpost::market_feed
