#include "group/settle.hpp"

namespace ringpost::group {

using ring::LeaseState;
using ring::LeaseWord;
using ring::RingView;

namespace {

/// Lease first, then publish: is this word still about that delivery, and not over?
bool matches(const RingView& view, const Delivery& delivery, LeaseWord word,
             std::uint64_t now) noexcept {
  const std::uint64_t publish =
      view.slot(delivery.slot).publish.load(std::memory_order_acquire);  // [publish]
  return publish == delivery.lap && word.count() == delivery.count &&
         word.state() == LeaseState::kLeased && word.deadline() > now;
}

LeaseWord acked(LeaseWord word, std::uint16_t owner, std::uint64_t deadline, bool viewed) noexcept {
  // What a look has dropped is made good by whoever takes it off its group: needs_hint().
  return LeaseWord::acked(word.lap(), owner, deadline, word.count(), viewed)
      .with_drops(word.drops());
}

/// Acknowledged words with a later message before them are nobody's: who takes that one off its
/// group takes these with it.
void leave_to_others(const RingView& view, std::uint32_t slot, std::uint16_t me) noexcept {
  for (;;) {
    const LeaseWord word = view.lease_word(slot);
    if (word.state() != LeaseState::kAcked || word.owner() != me) return;
    if (view.move_lease(slot, word, word.with_owner(0))) return;
  }
}

}  // namespace

Settled acknowledge(ring::Ring& ring, Groups& groups, const Delivery& delivery,
                    const LeaseWord* known, const Settler& settler) noexcept {
  const RingView& view = ring.view;
  const bool by_receipt = known == nullptr;  // whoever received it may be reading in place
  LeaseWord gone;
  bool done = false;
  if (known != nullptr && !known->viewed() && known->deadline() > settler.now) {
    gone = acked(*known, settler.me, known->deadline(), false);
    done = view.move_lease(delivery.slot, *known, gone);
  }
  while (!done) {
    const LeaseWord word = view.lease_word(delivery.slot);
    if (!matches(view, delivery, word, settler.now)) return Settled::kStale;
    gone = acked(word, settler.me, word.deadline(), by_receipt || word.viewed());
    done = view.move_lease(delivery.slot, word, gone);
  }
  if (!groups.finish(delivery.slot, delivery.lap, gone)) {
    leave_to_others(view, delivery.slot, settler.me);
  }
  return Settled::kDone;
}

Settled release(ring::Ring& ring, Groups& groups, const Delivery& delivery, bool by_receipt,
                const Settler& settler) noexcept {
  for (;;) {
    const LeaseWord word = ring.view.lease_word(delivery.slot);
    if (!matches(ring.view, delivery, word, settler.now)) return Settled::kStale;
    groups.hint(delivery.slot);  // before the state
    const bool viewed = by_receipt || word.viewed();
    if (ring.view.move_lease(delivery.slot, word,
                             LeaseWord::returned(word.lap(), word.count(), viewed))) {
      ring.receivers.wake_one();
      return Settled::kDone;
    }
  }
}

Settled extend(ring::Ring& ring, const Delivery& delivery, std::uint64_t deadline, bool keep,
               const Settler& settler) noexcept {
  for (;;) {
    const LeaseWord word = ring.view.lease_word(delivery.slot);
    if (!matches(ring.view, delivery, word, settler.now)) return Settled::kStale;
    if (deadline == word.deadline()) ++deadline;  // a receive attempt must see that it was extended
    ring.due.lower(delivery.slot, deadline);      // before the state
    const auto owned_by = [&](std::uint16_t owner) {
      return LeaseWord::leased(word.lap(), owner, deadline, word.count(), word.viewed())
          .with_drops(word.drops());
    };
    if (!ring.view.move_lease(delivery.slot, word, owned_by(settler.me))) continue;
    // As in ring::extend: an earlier end than before may have been overlooked by a scan.
    if (deadline < word.deadline()) ring.due.lower(delivery.slot, deadline);
    if (!keep) ring::leave_to_nobody(ring.view, delivery.slot, owned_by(settler.me));
    return Settled::kDone;
  }
}

bool discard(ring::Ring& ring, Groups& groups, std::uint32_t slot, std::uint64_t lap,
             const Settler& settler) noexcept {
  for (;;) {
    const LeaseWord word = ring.view.lease_word(slot);
    if (ring.view.slot(slot).publish.load(std::memory_order_acquire) != lap) return false;
    const LeaseState state = word.state();
    const bool there = state == LeaseState::kReturned || state == LeaseState::kLeased ||
                       state == LeaseState::kDelayed;
    if (!there) return false;
    // A leased one may be read in place by its holder. Over at once: nobody waits for me.
    const bool viewed = word.viewed() || state == LeaseState::kLeased;
    ring.due.lower(slot, settler.now);
    if (!ring.view.move_lease(slot, word, acked(word, settler.me, settler.now, viewed))) continue;
    if (!groups.finish(slot)) leave_to_others(ring.view, slot, settler.me);
    return true;
  }
}

}  // namespace ringpost::group
