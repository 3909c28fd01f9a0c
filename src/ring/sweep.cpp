#include "ring/sweep.hpp"

#include "ring/limbo.hpp"

namespace ringpost::ring {
namespace {

/// A lease of the dead: visible again at once. Marked: who extended it may have died, and not who
/// reads it in place.
bool return_lease(Ring& ring, std::uint32_t slot, std::uint16_t dead) noexcept {
  for (;;) {
    const LeaseWord word = ring.view.lease_word(slot);
    if (word.state() != LeaseState::kLeased || word.owner() != dead) return false;
    ring.hints.set(slot);
    if (ring.view.move_lease(slot, word, LeaseWord::returned(word.lap(), word.count(), true))) {
      return true;
    }
  }
}

}  // namespace

bool void_claim(Ring& ring, std::uint32_t slot, std::uint16_t dead) noexcept {
  for (;;) {
    const LeaseWord word = ring.view.lease_word(slot);
    const Claim claim{ring.view.claim(slot).load(std::memory_order_acquire)};
    if (claim.sealed() || claim.lap() == 0 || claim.owner() != dead) return false;
    // Publish last: a published message needs nothing, whoever wrote it.
    if (ring.view.slot(slot).publish.load(std::memory_order_acquire) == claim.lap()) return false;
    const bool pending = word.is(LeaseState::kIdle, claim.lap()) ||
                         word.state() == LeaseState::kAwait || word.state() == LeaseState::kDelayed;
    if (!pending) return false;
    if (ring.view.move_lease(slot, word, LeaseWord::idle(word.lap() + 1))) return true;
  }
}

bool publish_named(Ring& ring, std::uint32_t slot, std::uint64_t lap) noexcept {
  auto& publish = ring.view.slot(slot).publish;
  std::uint64_t seen = publish.load(std::memory_order_acquire);
  if (seen >= lap) return false;
  const Claim claim{ring.view.claim(slot).load(std::memory_order_acquire)};
  if (claim.sealed() || claim.lap() != lap) return false;  // damaged: a named claim is never void
  // [publish] acq_rel: the content, which the entry made visible to me. From the value read: who
  // comes late takes nothing back.
  if (!publish.compare_exchange_strong(seen, lap, std::memory_order_acq_rel)) return false;
  ring.receivers.wake_all();
  return true;
}

SweptRing sweep_participant(Ring& ring, std::uint16_t dead) noexcept {
  SweptRing swept;
  for (std::uint32_t slot = 0; slot < ring.view.slots(); ++slot) {
    if (return_lease(ring, slot, dead)) ++swept.leases_returned;
    if (void_claim(ring, slot, dead)) ++swept.claims_voided;
  }
  if (swept.leases_returned != 0) ring.receivers.wake_all();
  if (swept.claims_voided != 0) ring.senders.wake_all();
  return swept;
}

std::uint64_t repair_hints(Ring& ring) noexcept {
  std::uint64_t repaired = 0;
  for (std::uint32_t slot = 0; slot < ring.view.slots(); ++slot) {
    const LeaseWord word = ring.view.lease_word(slot);
    switch (word.state()) {
      case LeaseState::kReturned:
      case LeaseState::kAwait:
        if (!ring.hints.is_set(slot)) {
          ring.hints.set(slot);
          ++repaired;
        }
        break;
      case LeaseState::kLeased:
      case LeaseState::kDelayed:
        ring.due.lower(slot, word.deadline());
        break;
      case LeaseState::kLimbo:
        try_end_limbo(ring, slot, word);
        break;
      case LeaseState::kIdle:
      case LeaseState::kAcked:
      case LeaseState::kMoved:
        break;
    }
  }
  return repaired;
}

bool try_seal(Ring& ring) noexcept {
  for (std::uint32_t slot = 0; slot < ring.view.slots(); ++slot) {
    const LeaseWord word = ring.view.lease_word(slot);
    std::uint64_t seen = ring.view.claim(slot).load(std::memory_order_acquire);
    if (Claim{seen}.sealed()) continue;
    if (word.state() == LeaseState::kLimbo) try_end_limbo(ring, slot, word);
    if (word.held() || Claim{seen}.lap() >= word.lap()) return false;
    // From the value read: a claim that came in between keeps the ring alive. [claim] acq_rel.
    if (!ring.view.claim(slot).compare_exchange_strong(
            seen, Claim::kSealedWord, std::memory_order_acq_rel, std::memory_order_relaxed)) {
      return false;
    }
  }
  return true;
}

}  // namespace ringpost::ring
