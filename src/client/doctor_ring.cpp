#include <string>

#include "client/doctor.hpp"
#include "ring/due_index.hpp"
#include "ring/hints.hpp"

namespace ringpost::client {

using ring::LeaseState;
using ring::LeaseWord;

namespace {

constexpr const char* kStateNames[] = {"idle",    "leased", "returned",     "awaited",
                                       "delayed", "limbo",  "acknowledged", "moved"};

Complaint damaged(std::string what) { return {std::move(what), kDeleteQueue}; }

/// The word as the library writes one of that state, lap and so on: nothing else may be in it.
LeaseWord as_written(LeaseWord word) noexcept {
  switch (word.state()) {
    case LeaseState::kIdle:
      return LeaseWord::idle(word.lap());
    case LeaseState::kLeased:
      return LeaseWord::leased(word.lap(), word.owner(), word.deadline(), word.count(),
                               word.viewed())
          .with_drops(word.drops());
    case LeaseState::kReturned:
      if (word.is_listed()) return LeaseWord::listed(word.lap());
      return LeaseWord::returned(word.lap(), word.count(), word.viewed());
    case LeaseState::kAwait:
      return LeaseWord::await(word.lap());
    case LeaseState::kDelayed:
      return LeaseWord::delayed(word.lap(), word.deadline()).with_drops(word.drops());
    case LeaseState::kLimbo:
      return LeaseWord::limbo(word.lap());
    case LeaseState::kAcked:
      return LeaseWord::acked(word.lap(), word.owner(), word.deadline(), word.count(),
                              word.viewed())
          .with_drops(word.drops());
    case LeaseState::kMoved:
      return LeaseWord::moved(word.lap(), word.owner(), word.count(), word.viewed(),
                              word.move_number())
          .with_drops(word.drops());
  }
  return {{~word.bits.low, 0}};  // not a state
}

}  // namespace

bool RingExam::Look::has_message() const noexcept {
  if (!published() || lease.state() == LeaseState::kLimbo) return false;
  if (lease.state() == LeaseState::kMoved) return false;
  return lease.held() || lease.lap() == publish;
}

RingExam::Look RingExam::look(std::uint32_t slot) const noexcept {
  Look seen;
  seen.lease = view_.lease_word(slot);
  seen.claim = {view_.claim(slot).load(std::memory_order_acquire)};
  seen.publish = view_.slot(slot).publish.load(std::memory_order_acquire);
  return seen;
}

Verdict RingExam::judge(std::uint32_t slot, std::uint64_t now) const {
  const Look seen = look(slot);
  if (!(look(slot) == seen)) return {};  // somebody is at work on it
  Verdict verdict = judge(slot, seen, now);
  if (verdict && !(look(slot) == seen)) return {};
  return verdict;
}

Verdict RingExam::judge(std::uint32_t slot, const Look& seen, std::uint64_t now) const {
  if (Verdict wrong = judge_words(seen)) return wrong;
  if (Verdict wrong = judge_lease(seen)) return wrong;
  if (Verdict wrong = judge_claim(seen)) return wrong;
  if (Verdict wrong = judge_finding(slot, seen, now)) return wrong;
  // Limbo is a state of rest: after the last reader the next sender or sweep ends it.
  return seen.has_message() ? judge_content(slot, seen) : Verdict{};
}

/// The three words against each other.
Verdict RingExam::judge_words(const Look& seen) const {
  const LeaseWord lease = seen.lease;
  const bool exists = is_fifo() || is_fair() || lease.state() != LeaseState::kAcked;
  if (!exists) {
    return damaged("lease state " + std::to_string(static_cast<std::uint32_t>(lease.state())) +
                   " does not exist");
  }
  if (!(as_written(lease) == lease) || (lease.is_listed() && !is_fair())) {
    return damaged(std::string("the lease word holds more than a slot that is ") +
                   kStateNames[static_cast<std::size_t>(lease.state())] + " may");
  }
  if (lease.lap() == 0) return damaged("the lease word is of lap 0; laps begin at 1");
  if (seen.claim.sealed()) {
    if (lease.held()) return damaged("sealed while it holds a message");
    if (seen.publish >= lease.lap()) return damaged("sealed over a message");
    if (with_.mapped.number >= with_.header.write_ring.load(std::memory_order_acquire))
      return damaged("sealed while senders write to this ring");
    return {};
  }
  const std::uint64_t claimed = seen.claim.lap();
  // A claim that consumers have gone past says so for good, as does one that a move gave up.
  const bool has_groups = is_fifo() || is_fair();
  const std::uint64_t published =
      has_groups ? seen.publish & ~(ring::kSkipped | ring::kReserved) : seen.publish;
  if (published > claimed) {
    return damaged("lap " + std::to_string(published) + " is published, but the claim is of " +
                   std::to_string(claimed));
  }
  if (claimed > lease.lap()) {
    return damaged("claimed for lap " + std::to_string(claimed) + ", but the lease word is of " +
                   std::to_string(lease.lap()));
  }
  if (lease.held() && claimed == 0) {
    return damaged(std::string(kStateNames[static_cast<std::size_t>(lease.state())]) +
                   ", but never claimed");
  }
  return {};
}

Verdict RingExam::judge_lease(const Look& seen) const {
  const LeaseWord lease = seen.lease;
  const bool needs_content =
      lease.state() == LeaseState::kLeased || lease.state() == LeaseState::kReturned ||
      lease.state() == LeaseState::kLimbo || lease.state() == LeaseState::kAcked ||
      lease.state() == LeaseState::kMoved || (lease.state() == LeaseState::kDelayed && is_fifo());
  if (needs_content && !seen.published()) {
    return damaged(std::string(kStateNames[static_cast<std::size_t>(lease.state())]) +
                   ", but its content was never published");
  }
  const bool moved = lease.state() == LeaseState::kMoved;
  const bool leased = lease.state() == LeaseState::kLeased;
  if (!leased && !moved && lease.state() != LeaseState::kAcked) return {};
  const std::string what = kStateNames[static_cast<std::size_t>(lease.state())];
  if ((leased || moved) && lease.count() == 0) return damaged(what + " with a receive count of 0");
  // Handed over when its holder closed the queue; acknowledged or moved behind others of its group.
  if (lease.owner() == 0 && (!moved || is_fifo())) return {};
  const std::string by = what + " by participant " + std::to_string(lease.owner());
  switch (with_.roll.standing(lease.owner())) {
    case Roll::Standing::kAlive:
      return {};
    case Roll::Standing::kDead:
      return Complaint{by + ", who is dead", {}};
    case Roll::Standing::kNobody:
      return damaged(by + ", whom nobody knows");
  }
  return {};
}

/// An unpublished claim: is somebody still writing?
Verdict RingExam::judge_claim(const Look& seen) const {
  if (seen.claim.sealed() || seen.published() || seen.claim.lap() == 0) return {};
  const bool pending = seen.lease.state() == LeaseState::kAwait ||
                       seen.lease.state() == LeaseState::kDelayed ||
                       seen.lease.is(LeaseState::kIdle, seen.claim.lap());
  if (!pending) return {};  // void
  const std::string owner = std::to_string(seen.claim.owner());
  switch (with_.roll.standing(seen.claim.owner())) {
    case Roll::Standing::kAlive:
      return {};
    case Roll::Standing::kDead:
      return Complaint{"claimed by participant " + owner + ", who died before the publish", {}};
    case Roll::Standing::kNobody:
      return damaged("claimed and not published by participant " + owner + ", whom nobody knows");
  }
  return {};
}

/// Would a receiver find it? Hints for what is visible behind the head, the due index for the rest.
Verdict RingExam::judge_finding(std::uint32_t slot, const Look& seen, std::uint64_t now) const {
  const LeaseState state = seen.lease.state();
  // The hints of a FIFO ring are those of groups: GroupExam.
  if (is_fifo() && (state == LeaseState::kReturned || state == LeaseState::kAwait)) return {};
  // Of a fair one those of lists, and of the rest; a claim that was passed is nobody's to find.
  const bool passed = state == LeaseState::kAwait && (seen.publish & ring::kSkipped) != 0;
  if (is_fair() && (seen.lease.is_listed() || passed)) return {};
  if (state == LeaseState::kReturned || state == LeaseState::kAwait) {
    if (ring::Hints(view_).is_set(slot)) return {};
    return Complaint{
        std::string(kStateNames[static_cast<std::size_t>(state)]) + ", but no hint leads to it",
        {}};
  }
  const bool ends =
      state == LeaseState::kLeased || state == LeaseState::kDelayed || state == LeaseState::kAcked;
  if (!ends) return {};
  // A scan may have put off the next look by R, which delays the end of a lease by so much.
  const std::uint64_t by = std::max(seen.lease.deadline(), now + ring::DueIndex::kRecheckUnits);
  const ring::DueWord block{view_.due_block(slot / ring::kDueBlockSlots).load()};
  const ring::DueWord top{view_.hot().due_top.load(std::memory_order_acquire)};
  if (block.deadline() <= by && top.deadline() <= by) return {};
  return Complaint{"the due index does not know when it ends", {}};
}

Verdict RingExam::judge_content(std::uint32_t slot, const Look& seen) const {
  const ring::Lengths lengths{view_.slot(slot).lengths.load(std::memory_order_relaxed)};
  std::uint64_t bytes = lengths.content();
  if (is_fifo() || is_fair()) {
    const group::IdLengths ids = group::ids_at(view_, slot);
    if (ids.group() == 0 && is_fifo()) return damaged("its message has no group");
    bytes += ids.both();
  }
  if (lengths.in_block()) return judge_block(slot, seen, bytes);
  const std::uint64_t envelope =
      lengths.has_envelope() ? ring::envelope_bytes(view_.geometry().kind) : 0;
  if (bytes + envelope > view_.inline_bytes()) {
    return damaged(std::to_string(bytes) + " bytes in a slot of " +
                   std::to_string(view_.inline_bytes()));
  }
  return {};
}

Verdict RingExam::judge_block(std::uint32_t slot, const Look& seen,
                              std::uint64_t content_bytes) const {
  shm::BlockRef ref{};
  bool has_block = false;
  ring::read_block_ref(view_, slot, ref, has_block);
  if (!has_block) return {};  // changed meanwhile
  const auto block = with_.arena.look(ref.block);
  if (!block) return damaged("its payload lies in a block that does not exist");
  if (block->state != shm::BlockState::kLive || block->ref.generation != ref.generation) {
    return damaged("the block of its payload is not in use any more");
  }
  const ring::Holding held = ring::holding_of(view_, slot);
  if (held.shared) {
    if (Verdict wrong = judge_delivery(slot, seen, ref)) return wrong;
  } else if ((block->back.ring_id != with_.mapped.ring_id || block->back.slot != slot ||
              block->back.lap != (seen.publish & ring::kLapMask)) &&
             !with_.roll.is_moving(ref.block)) {
    return damaged("the block of its payload belongs to another message");
  }
  const ring::Lengths lengths{view_.slot(slot).lengths.load(std::memory_order_relaxed)};
  const std::uint64_t offset = ring::read_offset(view_, slot, lengths);
  if (content_bytes > block->bytes || offset > block->bytes - content_bytes) {
    return damaged(std::to_string(content_bytes) + " bytes in a block of " +
                   std::to_string(block->bytes));
  }
  return {};
}

/// Of a payload that other queues share.
Verdict RingExam::judge_delivery(std::uint32_t slot, const Look& seen,
                                 const shm::BlockRef& payload) const {
  const ring::Holding held = ring::holding_of(view_, slot);
  const auto share = with_.arena.look_at_share(held.block.block);
  if (!share || share->ref.generation != held.block.generation) {
    return damaged("the share of its payload is not in use any more");
  }
  if (held.bit >= share->content.count || (share->pending >> held.bit & 1) == 0 ||
      share->content.payload.block != payload.block ||
      share->content.payload.generation != payload.generation) {
    return damaged("the share of its payload does not know of it");
  }
  const base::Pair64 here =
      shm::pair_of({with_.mapped.ring_id, slot, seen.publish & ring::kLapMask});
  if (!(share->share->entries[held.bit].load() == here)) {
    return damaged("its delivery belongs to another message");
  }
  return {};
}

Verdict RingExam::judge_cursors() const {
  const auto& hot = view_.hot();
  const std::uint64_t head = hot.head.load(std::memory_order_acquire);  // before the slots
  const std::uint64_t tail = hot.tail.load(std::memory_order_acquire);
  // The last position below `cursor` that falls on the slot; its lap, or 0 for none.
  const auto lap_below = [&](std::uint64_t cursor, std::uint32_t slot) -> std::uint64_t {
    const std::uint64_t last = cursor - 1;
    const std::uint64_t back = view_.slot_of(last - slot);
    return cursor == 0 || back > last ? 0 : view_.lap_of(last - back);
  };
  const auto beyond = [](const char* cursor, std::uint64_t value, std::uint32_t slot) {
    return damaged(std::string("the ") + cursor + ", " + std::to_string(value) +
                   ", is beyond slot " + std::to_string(slot) + ", which was not passed");
  };
  for (std::uint32_t slot = 0; slot < view_.slots(); ++slot) {
    const Look seen = look(slot);
    const std::uint64_t consumed = lap_below(head, slot);
    if (consumed > ring::kLapMask || (consumed != 0 && !seen.lease.passed(consumed))) {
      return beyond("head", head, slot);
    }
    const std::uint64_t produced = lap_below(tail, slot);
    const bool claimed = seen.claim.sealed() || seen.claim.lap() >= produced;
    if (produced > ring::kLapMask || (produced != 0 && !seen.lease.passed(produced) && !claimed)) {
      return beyond("tail", tail, slot);
    }
  }
  return {};
}

}  // namespace ringpost::client
