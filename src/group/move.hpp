// Moving a message from one FIFO ring to another: exactly one of them has it, whoever dies or stops
// when.
//
//   0  the message is leased by the mover; a slot of the target is claimed and filled, unpublished
//   1  note of the move, complete and open                     nobody sees it
//   2  CAS target: publish word → reserved                     consumers there ask the note
//   3  CAS source: leased by the mover → moved                 consumers here ask the note
//   4  CAS note: open → committed                              the message has moved
//   5  CAS target: reserved → published                        anybody who comes by; the sweeper
//   6  the payload's block names the target's slot as its own  the sweeper
//   7  CAS source: moved → moved by nobody, then out of its    the sweeper; the last part anybody
//      group, with which its slot is free
//   8  the note goes
//
// In a ring with groups nobody may wait: consumers of the target skip what is not published, and a
// group of the source must go on at the end of a lease. So both may come between 1 and 4, and
// neither can see the other ring. The note is the word that all of them see: whoever meets a move
// that is open aborts it, and then skips the position, or takes the message back into its group.
// From 4 on the position cannot be skipped, because whoever comes there publishes it; and the
// message is out of its group as soon as somebody looks, because it is not needed there any more.
//
// A moved word carries the move's number, which is never used again: whoever has looked at a note
// long ago and comes late finds another word.
#pragma once

#include <functional>

#include "group/groups.hpp"
#include "ring/move.hpp"

namespace ringpost::group {

enum class MoveOutcome : std::uint8_t {
  kDone,   ///< it is in the target; the hazard entry of the lease is cleared
  kStale,  ///< somebody else has the message by now
  kAgain,  ///< it is still mine; consumers of the target did not wait for it
};

/// Steps 1 to 8. After kStale and kAgain the claim is the caller's to give up, and the hazard entry
/// is as it was. Crash: before 4 the sweeper returns the message to its group and voids the claim;
/// from then on it does what is left. `arrived`, if there is one, is called between 6 and 7: the
/// source's slot still says where the message went.
MoveOutcome move(const ring::Passage& passage, Groups& groups, std::uint16_t me,
                 shm::HazardOwner& hazards, shm::MoveNote& note,
                 const std::function<void()>& arrived = {}) noexcept;

/// As ring::postpone: the message stays in its group, which waits for it.
bool postpone(ring::Ring& ring, const ring::Delivery& delivery, std::uint16_t me,
              std::uint64_t deadline) noexcept;

/// As ring::finish_move; `groups` are those of the source, null if that is not there.
bool finish_move(const ring::NotedRings& rings, Groups* groups, std::uint16_t dead,
                 shm::MoveNote& note) noexcept;

/// Step 5. A word that says anything else is not changed.
void publish_reserved(const ring::RingView& target, std::uint32_t slot, std::uint64_t lap) noexcept;

/// The move that left this `moved` word in `slot` is aborted: visible again, as its mover has it no
/// longer. Marked: he may be reading in place. Anybody may do this.
void bring_back(ring::Ring& source, const Groups& groups, std::uint32_t slot,
                ring::LeaseWord moved) noexcept;

/// The slot of a message that is moved by nobody any more and out of its group. Returns false if
/// the word has changed. A block that went along is not freed: see depart() in move.cpp.
bool free_moved(ring::Ring& source, std::uint32_t slot, ring::LeaseWord moved) noexcept;

}  // namespace ringpost::group
