// Moving a message from one ring to another: exactly one of them has it, whoever dies when.
//
//   0  the message is leased by the mover; a slot of the target is claimed and filled, unpublished
//   1  note of the move, complete                                 nobody sees it
//   2  CAS source: leased by the mover → moved                    the message has moved
//   3  publish in the target                                      anybody, after the mover's death
//   4  the payload's block names the target's slot as its own     likewise
//   5  CAS source: moved → idle, or limbo                         likewise
//   6  the note goes
//
// The moved state keeps the slot, so that the sweeper can tell from the lease word alone whether
// step 2 was done; and as long as it stands the block does not look like one whose message is gone.
//
// Crash  before 2: the sweeper voids the claim and returns the lease. After 2: it does what is
// left.
//        A mover that was stopped before 2 until somebody else had the message finds that its CAS
//        is lost and gives up its claim.
#pragma once

#include <cstdint>

#include "ring/ring.hpp"
#include "ring/sender.hpp"
#include "ring/settle.hpp"
#include "shm/move_note.hpp"

namespace ringpost::ring {

/// One message on its way.
struct Passage {
  Ring& source;
  std::uint64_t source_id = 0;
  Delivery delivery;     ///< leased by the mover
  std::uint32_t hazard;  ///< of that lease: keeps the content until the move is done
  Ring& target;
  std::uint64_t target_id = 0;
  Sender& sender;              ///< the mover's, of the target
  std::uint64_t position = 0;  ///< claimed there, and filled
  shm::BlockRef block{};       ///< that goes along; generation 0: none
};

/// Makes the note of this move; all that comes after it may rely on it. Returns the move's number.
std::uint64_t write_note(shm::MoveNote& note, const Passage& passage) noexcept;

/// All that the note speaks of is done.
void drop_note(shm::MoveNote& note) noexcept;

/// Whether the payload block of a leased message may go along by its reference. Not while somebody
/// else may be reading it in place: his hazard entry names the source's slot and protects it there
/// alone. Whoever leases the message later than `word` takes it away from the mover, so no does not
/// become yes behind his back, nor yes no.
[[nodiscard]] bool block_may_go(const Ring& source, const Delivery& delivery, LeaseWord word,
                                std::uint16_t me, std::uint32_t hazard) noexcept;

/// Steps 1 to 6. kStale: somebody else has the message by now; the claim is given up, and `hazard`
/// is as it was. kDone: the hazard entry is cleared.
Settled move(const Passage& passage, std::uint16_t me, shm::HazardOwner& hazards,
             shm::MoveNote& note) noexcept;

/// The message is not moved after all, and nobody has received it: invisible until `deadline`, with
/// the receive count that it had before the lease. False: somebody else has it by now.
bool postpone(Ring& ring, const Delivery& delivery, std::uint16_t me,
              std::uint64_t deadline) noexcept;

/// The rings of a note as its sweeper found them; null: they are not there any more.
struct NotedRings {
  Ring* source = nullptr;
  Ring* target = nullptr;
};

/// For the sweeper of `dead`, before it voids claims and returns leases: finishes a move that has
/// happened, drops the note. Returns whether there was one to finish.
///
/// Crash  another sweeper does it again; one that was stopped in between does no harm.
bool finish_move(const NotedRings& rings, std::uint16_t dead, shm::MoveNote& note) noexcept;

}  // namespace ringpost::ring
