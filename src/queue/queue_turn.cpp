// One delivery of a FIFO topic: in a standard queue or a FIFO queue, published by anybody.
#include "group/publish.hpp"
#include "queue/queue_core.hpp"

namespace ringpost::detail {

using queue::Counter;
using queue::Lane;

Lane* QueueCore::lane_of_ring(std::uint64_t ring_id) noexcept {
  for (int looks = 0; looks < 2; ++looks) {
    for (const auto& each : lanes_) {
      if (each->mapped->ring_id == ring_id) return each.get();
    }
    refresh_lanes();
  }
  return nullptr;
}

/// The claimed slot is mine alone until the publish is committed. The ids stand in the payload
/// behind the content; a delivery is not entered into the queue's own table.
void QueueCore::fill_ordered(const Claim& slot, const Delivery& what, const Ids& ids) noexcept {
  fill_delivery(slot, what);
  if (!fifo_) return;
  const ring::RingView& view = slot.lane->ring.view;
  group::FifoHead& head = group::head(view, view.slot_of(slot.position));
  // relaxed: the publish behind it carries all of this.
  head.key.store(group::key_of(ids.group, mapping_->lasting_id()), std::memory_order_relaxed);
  head.lengths.store(group::IdLengths::of(ids.group.size(), ids.dedup_id.size()).word,
                     std::memory_order_relaxed);
  head.entry.store(0, std::memory_order_relaxed);
}

QueueCore::Named QueueCore::publish_ordered(const shm::BackReference& where) noexcept {
  Lane* const in = lane_of_ring(where.ring_id);
  if (in == nullptr || where.slot >= in->ring.view.slots()) return Named::kNotHere;
  const ring::RingView& view = in->ring.view;
  auto& publish = view.slot(where.slot).publish;
  std::uint64_t seen = publish.load(std::memory_order_acquire);  // [publish]
  bool mine = false;
  for (;;) {
    if (seen == (where.lap | ring::kSkipped)) return Named::kSkipped;
    if ((seen & ring::kLapMask) >= where.lap) return Named::kPublished;
    const ring::Claim claim{view.claim(where.slot).load(std::memory_order_acquire)};
    if (claim.sealed() || claim.lap() != where.lap) return Named::kPublished;  // damaged
    mine = claim.owner() == member_.me.index();
    // [publish] A full barrier, as group::publish(). From the value read: who comes late takes
    // nothing back.
    if (publish.compare_exchange_weak(seen, where.lap, std::memory_order_seq_cst,
                                      std::memory_order_acquire)) {
      break;
    }
  }
  counters_.add(Counter::kSent);
  counters_.add(
      Counter::kSentBytes,
      ring::Lengths{view.slot(where.slot).lengths.load(std::memory_order_relaxed)}.body());
  if (mine) {
    in->sender.published(view.position_of(where.slot, where.lap));
  } else {
    in->ring.receivers.wake_all();
  }
  return Named::kPublished;
}

/// What is read there is right if the entry still names it afterwards: until then nobody gives it
/// up.
bool QueueCore::copy_ordered(QueueCore& source, const shm::BackReference& where,
                             const Claim& to) noexcept {
  Lane* const from = source.lane_of_ring(where.ring_id);
  if (!fifo_ || from == nullptr || from->fifo == nullptr) return false;
  const ring::RingView& view = from->ring.view;
  const ring::SlotHead& head = view.slot(where.slot);
  const ring::Lengths lengths{head.lengths.load(std::memory_order_relaxed)};
  Delivery what;
  what.offset = ring::read_offset(view, where.slot, lengths);
  what.lengths = lengths.word;
  what.sent_ns = head.sent_ns.load(std::memory_order_relaxed);
  bool has_block = false;
  ring::read_block_ref(view, where.slot, what.payload, has_block);
  if (!has_block || !lengths.shared()) return false;
  what.ref = ring::read_delivery_ref(view, where.slot);
  const group::IdLengths ids = from->fifo->groups.ids_at(where.slot);
  const std::byte* const content =
      member_.arena.data(what.payload, lengths.content() + ids.both(), what.offset);
  if (content == nullptr) return false;
  const auto* texts = reinterpret_cast<const char*>(content) + lengths.content();
  fill_ordered(to, what, {{texts, ids.group()}, {texts + ids.group(), ids.dedup()}});
  return true;
}

void QueueCore::give_up_ordered(const Claim& slot) noexcept {
  const ring::RingView& view = slot.lane->ring.view;
  const std::uint64_t lap = view.lap_of(slot.position);
  const std::uint64_t publish =
      view.slot(view.slot_of(slot.position)).publish.load(std::memory_order_acquire);  // [publish]
  if ((publish & ring::kLapMask) >= lap && publish != (lap | ring::kSkipped)) return;
  if (grouped_) {
    group::void_claim(slot.lane->ring, slot.position);
  } else {
    give_up_delivery(slot);
  }
}

}  // namespace ringpost::detail
