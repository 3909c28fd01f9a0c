#include "group/publish.hpp"

namespace ringpost::group {

using ring::LeaseState;
using ring::LeaseWord;

bool publish(ring::Ring& ring, ring::Sender& sender, std::uint64_t position) noexcept {
  const ring::RingView& view = ring.view;
  const std::uint64_t lap = view.lap_of(position);
  auto& word = view.slot(view.slot_of(position)).publish;
  std::uint64_t seen = word.load(std::memory_order_relaxed);  // relaxed: the CAS decides
  // [publish] A full barrier; pairs with every acquire load of the word. Whatever stands there of
  // other laps, late consumers may have written it.
  while (seen != (lap | ring::kSkipped)) {
    if (word.compare_exchange_weak(seen, lap, std::memory_order_seq_cst,
                                   std::memory_order_relaxed)) {
      sender.published(position);
      return true;
    }
  }
  return false;
}

void void_claim(ring::Ring& ring, std::uint64_t position) noexcept {
  const std::uint32_t slot = ring.view.slot_of(position);
  for (;;) {
    // Idle, or await if consumers have gone past; a skip raises the lap of an await.
    const LeaseWord word = ring.view.lease_word(slot);
    if (word.state() != LeaseState::kIdle && word.state() != LeaseState::kAwait) return;
    if (word.state() == LeaseState::kIdle && word.lap() != ring.view.lap_of(position)) return;
    if (ring.view.move_lease(slot, word, LeaseWord::idle(word.lap() + 1))) break;
  }
  ring.senders.wake_one();  // the position became passable
}

}  // namespace ringpost::group
