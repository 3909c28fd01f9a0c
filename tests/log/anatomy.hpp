// A look at the files of a log with eyes of its own, to know which states the rig has reached.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "support/sim_disk.hpp"

namespace ringpost::log_rig {

/// What is rare, and must have been there in a run that is worth something.
enum class Rare : std::uint8_t {
  kNoFile,              ///< power went before there was a segment
  kEmptySegment,        ///< the last segment has no batch
  kTornHeader,          ///< behind the last batch: a header of this segment that does not verify
  kTornRecords,         ///< behind the last batch: a good header, other records
  kBatchBehindHole,     ///< a good batch of this segment behind one that is not
  kRecycledTail,        ///< behind the last batch: what the file held in an earlier life
  kNoFooter,            ///< a segment that is not the last one, unsealed
  kFooter,              ///< one that is sealed
  kShortSpare,          ///< a spare that has lost its length
  kDiscardedTail,       ///< recovery has seen positions that it does not give
  kUnsafeTail,          ///< recovery after a death gives what was never said to be safe
  kCutInRecovery,       ///< power went while a writer recovered
  kCutAfterRecovery,    ///< power went again
  kLateWrite,           ///< of a dead writer, when its successor had gone on
  kKilledInCall,        ///< a writer died within a call
  kHandedOver,          ///< a writer went on where another let go
  kHandOverRefused,     ///< of a state that was not whole
  kDropped,             ///< retention has taken a segment
  kLapped,              ///< a reader was too slow for it
  kRefused,             ///< no room for another segment
  kHealed,              ///< and then there was
  kFailedWrite,         ///< the log has failed: a write
  kFailedSync,          ///< a sync of a file
  kFailedNames,         ///< a create, rename, remove, or a sync of names
  kFailedRead,          ///< recovery could not read
  kGoneOnAfterFailure,  ///< a new writer of a log that has failed
  kCountOf,
};
[[nodiscard]] const char* name(Rare state) noexcept;

struct Tally {
  std::array<std::uint64_t, static_cast<std::size_t>(Rare::kCountOf)> states{};
  sim::CutCounts cuts;
  std::uint64_t programs = 0;
  std::uint64_t records = 0;  ///< given back after power cuts

  void note(Rare state) { ++states[static_cast<std::size_t>(state)]; }
  [[nodiscard]] std::uint64_t of(Rare state) const {
    return states[static_cast<std::size_t>(state)];
  }
  /// Names of the states that were never reached.
  [[nodiscard]] std::string never() const;
  void print() const;
};

/// The files of a disk, for people: names, headers, batches.
[[nodiscard]] std::string describe(const sim::Disk& disk);

/// Notes what the files of a disk show.
void note_anatomy(const sim::Disk& disk, Tally& tally);

}  // namespace ringpost::log_rig
