// Deliveries to durable queues.
#include "ring/layout.hpp"
#include "topic/fanout.hpp"

namespace ringpost::topic {

/// Of those that may fail the claims are held until the commit: they do not wait for the disk.
Errc Fanout::fill_logged(Delivery& delivery, detail::QueueCore& queue, Duration wait) noexcept {
  const std::uint64_t deadline_ns =
      delivery.target->when_full == WhenFull::kFail ? 0 : queue.log()->deadline_ns(wait);
  detail::QueueCore::LoggedClaim claim;
  const Errc code =
      queue.claim_logged(claim, ring::Lengths{lengths_of(delivery)}.content(), wait, deadline_ns);
  if (code != Errc::kOk) return code;
  base::Pair64 place{shm::kInLog, claim.record.position};
  if (claim.slot.lane != nullptr) {
    queue.fill_delivery(claim.slot, content_of(delivery));
    place = shm::pair_of(detail::QueueCore::place_of(claim.slot));
  }
  // [share] release. A store: as long as I live nobody else writes it.
  delivery.entry->store_low_last(place);
  delivery.logged = static_cast<std::uint32_t>(logged_.size());
  logged_.push_back(claim);
  return Errc::kOk;
}

void Fanout::publish_logged(Delivery& delivery) noexcept {
  const detail::QueueCore::LoggedClaim& claim = logged_[delivery.logged];
  const detail::QueueCore::Delivery what = content_of(delivery);
  delivery.target->queue->publish_logged(
      claim, what,
      {work_.payload.data + what.offset, ring::Lengths{lengths_of(delivery)}.content()});
  ++work_.result.delivered;
  if (claim.slot.lane == nullptr) member_.arena.drop(delivery.ref);  // nothing lies in a slot
}

/// All disks at once, if they have writers of their own.
Errc Fanout::wait_logged(Duration wait) noexcept {
  Errc first = Errc::kOk;
  const auto for_each = [this](auto&& act) {
    for (const Delivery& each : deliveries_) {
      if (each.is_logged()) act(*each.target->queue);
    }
  };
  for_each([](detail::QueueCore& queue) { queue.log()->want(); });
  for_each([&](detail::QueueCore& queue) {
    const Errc code = queue.wait_logged(wait);
    if (first == Errc::kOk) first = code;
  });
  return first;
}

}  // namespace ringpost::topic
