// A participant's note of the move that it is making: which message goes from where to where.
//
// A move changes the words of two rings, and only one CAS decides it (ring/move.hpp). Whoever dies
// right after that CAS leaves a message that is gone here and not yet there: the note tells the
// sweeper where it has to appear. It is complete before that CAS and goes after the last step.
//
// Crash  the sweeper finishes the move or lets it be undone, and drops the note.
#pragma once

#include <atomic>
#include <cstdint>

namespace ringpost::shm {

/// In shared memory, one a participant. Written by its owner and, after its death, the sweeper.
struct MoveNote {
  std::atomic<std::uint64_t> valid;  ///< 1: the rest is complete
  std::atomic<std::uint64_t> source_ring;
  std::atomic<std::uint64_t> source_slot;
  std::atomic<std::uint64_t> source_lap;
  std::atomic<std::uint64_t> target_ring;
  std::atomic<std::uint64_t> target_position;
  std::atomic<std::uint64_t> block;       ///< that goes along
  std::atomic<std::uint64_t> generation;  ///< 0: none does
};

}  // namespace ringpost::shm
