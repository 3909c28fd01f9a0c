// One delivery of a fan-out: a message whose payload lies in a block that other queues share.
#include <cstring>

#include "queue/queue_core.hpp"
#include "ring/sweep.hpp"

namespace ringpost::detail {

using queue::Counter;

Errc QueueCore::claim_delivery(Claim& slot, Duration wait) noexcept {
  if (const Errc code = usable(); code != Errc::kOk) return code;
  return claim(slot, wait);
}

/// Waits for nobody, and does not ask the housekeeper, who is at it.
Errc QueueCore::claim_delivery_for_the_dead(Claim& slot) noexcept {
  if (const Errc code = usable(); code != Errc::kOk) return code;
  return try_claim(slot);
}

bool QueueCore::admits(std::uint64_t counted_bytes) noexcept {
  return counted_bytes <=
         header().settings.message_bytes_max.load(std::memory_order_relaxed);  // a setting
}

/// The claimed slot is mine alone until it is published.
void QueueCore::fill_delivery(const Claim& slot, const Delivery& what) noexcept {
  const ring::RingView& view = slot.lane->ring.view;
  const std::uint32_t index = view.slot_of(slot.position);
  ring::SlotHead& head = view.slot(index);
  std::memcpy(view.payload(index), &what.payload, sizeof what.payload);
  ring::write_delivery_ref(view, index, what.ref, what.offset);
  const ring::Lengths lengths{what.lengths};
  const std::uint64_t flags = ring::Lengths::kInBlock | ring::Lengths::kShared |
                              (lengths.timed() ? ring::Lengths::kTimed : 0);
  // relaxed: the publish behind it carries all of this.
  head.lengths.store(ring::Lengths::of(lengths.body(), lengths.attributes(), flags).word,
                     std::memory_order_relaxed);
  head.sent_ns.store(what.sent_ns, std::memory_order_relaxed);
  const std::uint64_t delay_ns = header().settings.delay_ns.load(std::memory_order_relaxed);
  if (delay_ns == 0) [[likely]]
    return;
  if (grouped_) return;  // its consumers delay it
  slot.lane->sender.delay(slot.position, ring::deadline_from_ns(time_.precise_ns() + delay_ns));
}

void QueueCore::publish_delivery(const Claim& slot, std::uint64_t lengths) noexcept {
  slot.lane->sender.publish(slot.position);
  counters_.add(Counter::kSent);
  counters_.add(Counter::kSentBytes, ring::Lengths{lengths}.body());
}

void QueueCore::publish_delivery_for_the_dead(const Claim& slot, std::uint64_t lengths) noexcept {
  const shm::BackReference place = place_of(slot);
  ring::publish_named(slot.lane->ring, place.slot, place.lap);
  counters_.add(Counter::kSent);
  counters_.add(Counter::kSentBytes, ring::Lengths{lengths}.body());
}

void QueueCore::give_up_delivery(const Claim& slot) noexcept {
  slot.lane->sender.give_up(slot.position);
}

shm::BackReference QueueCore::place_of(const Claim& slot) noexcept {
  const ring::RingView& view = slot.lane->ring.view;
  return {slot.lane->mapped->ring_id, view.slot_of(slot.position), view.lap_of(slot.position)};
}

}  // namespace ringpost::detail
