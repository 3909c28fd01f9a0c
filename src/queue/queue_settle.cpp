// Settling: acknowledge, release, extend, through a lease in hand or a receipt.
#include "queue/queue_core.hpp"

namespace ringpost::detail {

using queue::Counter;
using queue::Lane;

namespace {

constexpr std::uint64_t kLeaseNsMax = 12ull * 3600 * 1'000'000'000;

}  // namespace

void QueueCore::give_up_view(std::uint32_t hazard) noexcept {
  --views_open_;
  if (!member_.me.is_forked()) member_.me.hazards().clear(hazard);
}

Errc QueueCore::acknowledge(Lease& lease) noexcept {
  if (const Errc code = usable(); code != Errc::kOk) return code;
  const Lease::Fields& fields = lease.fields_;
  Lane* in = lane(fields.ring);
  if (in == nullptr) return Errc::kStaleReceipt;  // the ring is gone, and all that was in it
  const ring::LeaseWord known{{fields.lease_low, fields.lease_high}};
  const ring::Delivery delivery{fields.slot, fields.position_lap, known.count()};
  const ring::Settled settled = special_ ? acknowledge_specially(*in, delivery, &known)
                                         : ring::acknowledge(in->ring, delivery, &known);
  if (settled == ring::Settled::kStale) return Errc::kStaleReceipt;
  counters_.add(Counter::kAcknowledged);
  settled_one();
  return Errc::kOk;
}

Errc QueueCore::release(Lease& lease, Duration delay) noexcept {
  return release(receipt_of(lease), delay, false);
}

Errc QueueCore::extend(Lease& lease, Duration timeout) noexcept {
  if (const Errc code = usable(); code != Errc::kOk) return code;
  const Lease::Fields& fields = lease.fields_;
  Lane* in = lane(fields.ring);
  if (in == nullptr) return Errc::kStaleReceipt;
  const ring::LeaseWord known{{fields.lease_low, fields.lease_high}};
  return extend(*in, {fields.slot, fields.position_lap, known.count()}, timeout, fields.received_ns,
                true);
}

Errc QueueCore::acknowledge(const Receipt& receipt) noexcept {
  Lane* in = nullptr;
  ring::Delivery delivery;
  if (const Errc code = find(receipt, in, delivery); code != Errc::kOk) return code;
  const ring::Settled settled = special_ ? acknowledge_specially(*in, delivery, nullptr)
                                         : ring::acknowledge(in->ring, delivery, nullptr);
  if (settled == ring::Settled::kStale) return Errc::kStaleReceipt;
  counters_.add(Counter::kAcknowledged);
  return Errc::kOk;
}

Errc QueueCore::release(const Receipt& receipt, Duration delay, bool by_receipt) noexcept {
  Lane* in = nullptr;
  ring::Delivery delivery;
  if (const Errc code = find(receipt, in, delivery); code != Errc::kOk) return code;
  // Invisible for so long, then back: nobody's lease meanwhile, so that no death ends it early.
  if (delay > Duration::zero()) return extend(*in, delivery, delay, time_.precise_ns(), false);
  const ring::Settled settled = grouped_ ? release_in_group(*in, delivery, by_receipt)
                                         : ring::release(in->ring, delivery, by_receipt);
  if (settled == ring::Settled::kStale) return Errc::kStaleReceipt;
  counters_.add(Counter::kReleased);
  if (!by_receipt) settled_one();  // a receipt may be of another's lease
  return Errc::kOk;
}

Errc QueueCore::extend(const Receipt& receipt, Duration timeout) noexcept {
  Lane* in = nullptr;
  ring::Delivery delivery;
  if (const Errc code = find(receipt, in, delivery); code != Errc::kOk) return code;
  return extend(*in, delivery, timeout, time_.precise_ns(), true);
}

/// At most 12 h in all since the receive, as far as the caller knows when that was.
Errc QueueCore::extend(Lane& in, const ring::Delivery& delivery, Duration timeout,
                       std::uint64_t received_ns, bool keep) noexcept {
  const std::uint64_t now_ns = time_.precise_ns();
  if (timeout < Duration::zero() ||
      now_ns + static_cast<std::uint64_t>(timeout.count()) > received_ns + kLeaseNsMax) {
    return Errc::kInvalidArgument;
  }
  const std::uint64_t end =
      ring::deadline_from_ns(now_ns + static_cast<std::uint64_t>(timeout.count()));
  const ring::Settled settled =
      grouped_ ? extend_in_group(in, delivery, end, keep)
               : ring::extend(in.ring, delivery, end, member_.me.index(), keep);
  if (settled == ring::Settled::kStale) return Errc::kStaleReceipt;
  if (keep) ++leases_open_;  // the lease word names me now: see hand_over_leases()
  return Errc::kOk;
}

/// A receipt is a caller's bytes: every part is checked before it is used.
Errc QueueCore::find(const Receipt& receipt, Lane*& in, ring::Delivery& delivery) noexcept {
  if (const Errc code = usable(); code != Errc::kOk) return code;
  if (receipt.queue != mapping_->queue_id()) return Errc::kInvalidArgument;
  in = lane(receipt.ring);
  if (in == nullptr) return Errc::kStaleReceipt;
  if (receipt.slot >= in->ring.view.slots()) return Errc::kInvalidArgument;
  if (receipt.receive_count == 0) return Errc::kStaleReceipt;  // no receive gave it
  delivery = {receipt.slot, receipt.lap, receipt.receive_count};
  return Errc::kOk;
}

/// At a clean close the leases that this participant took go on without it, to their deadlines:
/// their receipts may be in other hands. Owner 0 is nobody, so that the entry can be used again.
void QueueCore::hand_over_leases() noexcept {
  for (auto& each : lanes_) {
    const ring::RingView& view = each->ring.view;
    for (std::uint32_t slot = 0; slot < view.slots(); ++slot) {
      for (;;) {
        const ring::LeaseWord word = view.lease_word(slot);
        if (word.state() != ring::LeaseState::kLeased || word.owner() != member_.me.index()) break;
        if (view.move_lease(slot, word, word.with_owner(0))) break;
      }
    }
  }
}

}  // namespace ringpost::detail
