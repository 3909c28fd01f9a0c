#include "fair/settle.hpp"

namespace ringpost::fair {

using ring::LeaseState;
using ring::LeaseWord;
using ring::RingView;

namespace {

/// Lease first, then publish: is this word still about that delivery?
bool matches(const RingView& view, const Delivery& delivery, LeaseWord word) noexcept {
  const std::uint64_t publish =
      view.slot(delivery.slot).publish.load(std::memory_order_acquire);  // [publish]
  if (publish != delivery.lap || word.count() != delivery.count || word.is_listed()) return false;
  return word.state() == LeaseState::kLeased || word.state() == LeaseState::kReturned;
}

}  // namespace

void give_up(ring::Ring& ring, std::uint64_t position) noexcept {
  const std::uint32_t slot = ring.view.slot_of(position);
  for (;;) {
    const LeaseWord word = ring.view.lease_word(slot);
    const bool mine = word.is(LeaseState::kIdle, ring.view.lap_of(position)) ||
                      word.state() == LeaseState::kAwait || word.state() == LeaseState::kDelayed;
    if (!mine) return;
    if (ring.view.move_lease(slot, word, LeaseWord::idle(word.lap() + 1))) break;
  }
  ring.senders.wake_one();  // the position became passable
}

Settled acknowledge(ring::Ring& ring, Lists& lists, const Delivery& delivery,
                    const LeaseWord* known, const Settler& settler) noexcept {
  const bool by_receipt = known == nullptr;  // whoever received it may be reading in place
  const std::uint64_t tenant = lists.tenant_at(delivery.slot);  // while the word holds
  if (known != nullptr && !known->viewed() && ring::finish(ring, delivery.slot, *known, false)) {
    lists.tenants().ended(tenant, settler.now);
    return Settled::kDone;
  }
  for (;;) {
    const LeaseWord word = ring.view.lease_word(delivery.slot);
    if (!matches(ring.view, delivery, word)) return Settled::kStale;
    if (!ring::finish(ring, delivery.slot, word, by_receipt || word.viewed())) continue;
    if (word.state() == LeaseState::kLeased) lists.tenants().ended(tenant, settler.now);
    return Settled::kDone;
  }
}

Settled release(ring::Ring& ring, Lists& lists, const Delivery& delivery, bool by_receipt,
                const Settler& settler) noexcept {
  const std::uint64_t tenant = lists.tenant_at(delivery.slot);  // while the word holds
  for (;;) {
    const LeaseWord word = ring.view.lease_word(delivery.slot);
    if (!matches(ring.view, delivery, word)) return Settled::kStale;
    if (word.state() == LeaseState::kReturned) return Settled::kDone;  // expired: visible already
    ring.hints.set(delivery.slot);                                     // before the state
    if (!ring.view.move_lease(
            delivery.slot, word,
            LeaseWord::returned(word.lap(), word.count(), by_receipt || word.viewed()))) {
      continue;
    }
    lists.tenants().ended(tenant, settler.now);
    ring.receivers.wake_one();
    return Settled::kDone;
  }
}

Settled extend(ring::Ring& ring, Lists& lists, const Delivery& delivery, std::uint64_t deadline,
               bool keep, const Settler& settler) noexcept {
  const std::uint64_t tenant = lists.tenant_at(delivery.slot);  // while the word holds
  for (;;) {
    const LeaseWord word = ring.view.lease_word(delivery.slot);
    if (!matches(ring.view, delivery, word)) return Settled::kStale;
    ring.due.lower(delivery.slot, deadline);  // before the state
    const auto owned_by = [&](std::uint16_t owner) {
      return LeaseWord::leased(word.lap(), owner, deadline, word.count(), word.viewed());
    };
    const bool anew = word.state() == LeaseState::kReturned;
    if (anew) lists.tenants().begins(tenant);  // before the state
    if (!ring.view.move_lease(delivery.slot, word, owned_by(settler.me))) {
      if (anew) lists.tenants().ended(tenant, settler.now);
      continue;
    }
    // As in ring::extend: an earlier end than before may have been overlooked by a scan.
    if (deadline < word.deadline()) ring.due.lower(delivery.slot, deadline);
    if (!keep) ring::leave_to_nobody(ring.view, delivery.slot, owned_by(settler.me));
    return Settled::kDone;
  }
}

bool discard(ring::Ring& ring, Lists& lists, std::uint32_t slot, std::uint64_t lap,
             const Settler& settler) noexcept {
  for (;;) {
    const LeaseWord word = ring.view.lease_word(slot);
    if (ring.view.slot(slot).publish.load(std::memory_order_acquire) != lap) return false;
    if (word.is_listed()) {
      ring.due.lower(slot, settler.now);  // if I die, whoever looks then goes on
      if (!ring.view.move_lease(slot, word,
                                LeaseWord::acked(word.lap(), 0, settler.now, 0, false))) {
        continue;
      }
      lists.finish(slot);
      return true;
    }
    const LeaseState state = word.state();
    const bool leased = state == LeaseState::kLeased;
    if (!leased && state != LeaseState::kReturned && state != LeaseState::kDelayed &&
        state != LeaseState::kAwait) {
      return false;
    }
    const std::uint64_t tenant = lists.tenant_at(slot);  // while the word holds
    lists.take_off(slot, lap);  // whoever leased it may not have come to that yet
    // A leased one may be read in place by its holder.
    if (!ring::finish(ring, slot, word, word.viewed() || leased)) continue;
    if (leased) lists.tenants().ended(tenant, settler.now);
    return true;
  }
}

}  // namespace ringpost::fair
