#include "ring/settle.hpp"

#include "ring/limbo.hpp"

namespace ringpost::ring {
namespace {

/// Lease first, then publish: is this word still about that delivery?
enum class Match : std::uint8_t { kLeased, kReturned, kNo };
Match match(const RingView& view, const Delivery& delivery, LeaseWord word) noexcept {
  const std::uint64_t publish =
      view.slot(delivery.slot).publish.load(std::memory_order_acquire);  // [publish]
  if (publish != delivery.lap || word.count() != delivery.count) return Match::kNo;
  if (word.state() == LeaseState::kLeased) return Match::kLeased;
  return word.state() == LeaseState::kReturned ? Match::kReturned : Match::kNo;
}

}  // namespace

bool finish(Ring& ring, std::uint32_t slot, LeaseWord word, bool viewed) noexcept {
  if (viewed) {
    const LeaseWord limbo = LeaseWord::limbo(word.lap());
    if (!ring.view.move_lease(slot, word, limbo)) return false;
    ring.senders.wake_one();
    try_end_limbo(ring, slot, limbo);
    return true;
  }
  const Holding held = holding_of(ring.view, slot);
  if (!ring.view.move_lease(slot, word, LeaseWord::idle(word.lap() + 1))) return false;
  let_go(ring.blocks, held);
  ring.senders.wake_one();  // the position became passable
  return true;
}

Settled acknowledge(Ring& ring, const Delivery& delivery, const LeaseWord* known) noexcept {
  const bool by_receipt = known == nullptr;  // whoever received it may be reading in place
  if (known != nullptr && !known->viewed() && finish(ring, delivery.slot, *known, false)) {
    return Settled::kDone;
  }
  for (;;) {
    const LeaseWord word = ring.view.lease_word(delivery.slot);
    if (match(ring.view, delivery, word) == Match::kNo) return Settled::kStale;
    if (finish(ring, delivery.slot, word, by_receipt || word.viewed())) return Settled::kDone;
  }
}

Settled release(Ring& ring, const Delivery& delivery, bool by_receipt) noexcept {
  for (;;) {
    const LeaseWord word = ring.view.lease_word(delivery.slot);
    switch (match(ring.view, delivery, word)) {
      case Match::kNo:
        return Settled::kStale;
      case Match::kReturned:
        return Settled::kDone;  // expired meanwhile: visible already
      case Match::kLeased:
        break;
    }
    ring.hints.set(delivery.slot);  // before the state
    if (ring.view.move_lease(
            delivery.slot, word,
            LeaseWord::returned(word.lap(), word.count(), by_receipt || word.viewed()))) {
      ring.receivers.wake_one();
      return Settled::kDone;
    }
  }
}

Settled extend(Ring& ring, const Delivery& delivery, std::uint64_t deadline, std::uint16_t me,
               bool keep) noexcept {
  for (;;) {
    const LeaseWord word = ring.view.lease_word(delivery.slot);
    if (match(ring.view, delivery, word) == Match::kNo) return Settled::kStale;
    ring.due.lower(delivery.slot, deadline);  // before the state
    const auto owned_by = [&](std::uint16_t owner) {
      return LeaseWord::leased(word.lap(), owner, deadline, word.count(), word.viewed());
    };
    if (!ring.view.move_lease(delivery.slot, word, owned_by(me))) continue;
    // An earlier end than before: who scanned in between saw the later one and put that back. Mine
    // until then: if I die first, the sweeper returns it.
    if (deadline < word.deadline()) ring.due.lower(delivery.slot, deadline);
    if (!keep) leave_to_nobody(ring.view, delivery.slot, owned_by(me));
    return Settled::kDone;
  }
}

void leave_to_nobody(const RingView& view, std::uint32_t slot, LeaseWord mine) noexcept {
  for (;;) {
    const LeaseWord word = view.lease_word(slot);
    if (!word.continues(mine)) return;
    const LeaseWord nobodys =
        LeaseWord::leased(word.lap(), 0, word.deadline(), word.count(), word.viewed());
    if (view.move_lease(slot, word, nobodys)) return;
  }
}

bool discard(Ring& ring, std::uint32_t slot, std::uint64_t lap) noexcept {
  for (;;) {
    const LeaseWord word = ring.view.lease_word(slot);
    const Claim claim{ring.view.claim(slot).load(std::memory_order_acquire)};
    const std::uint64_t publish = ring.view.slot(slot).publish.load(std::memory_order_acquire);
    if (claim.sealed() || claim.lap() != lap || publish != lap) return false;
    if (word.state() == LeaseState::kLimbo) return false;                      // gone already
    if (word.state() == LeaseState::kMoved) return false;                      // to another ring
    if (word.state() == LeaseState::kIdle && word.lap() != lap) return false;  // finished
    // A leased one may be read in place by its holder.
    const bool viewed = word.viewed() || word.state() == LeaseState::kLeased;
    if (finish(ring, slot, word, viewed)) return true;
  }
}

bool is_gone(const RingView& view, std::uint32_t slot, std::uint64_t lap) noexcept {
  const LeaseWord word = view.lease_word(slot);  // [lease], then [claim]
  const Claim claim{view.claim(slot).load(std::memory_order_acquire)};
  return claim.sealed() || claim.lap() > lap || (!word.held() && word.lap() > lap);
}

}  // namespace ringpost::ring
