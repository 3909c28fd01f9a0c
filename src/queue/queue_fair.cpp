// What is different in a fair queue: the group id of a message, if it has one, names its tenant.
#include "group/publish.hpp"
#include "queue/queue_core.hpp"
#include "sqs/charset.hpp"

namespace ringpost::detail {

using queue::Counter;
using queue::Lane;

Errc QueueCore::check_tenant(std::string_view group, std::string_view dedup_id) noexcept {
  if (!dedup_id.empty()) return Errc::kInvalidArgument;
  return group.empty() || sqs::is_id_text(group) ? Errc::kOk : Errc::kInvalidArgument;
}

Result<MessageId, Errc> QueueCore::send_fairly(const OutMessage& message, Duration wait,
                                               std::uint64_t due) noexcept {
  Outgoing out;
  out.group = message.group;
  const Errc code = check_tenant(message.group, message.dedup_id);
  if (code != Errc::kOk) return Unexpected(code);
  if (const Errc why = prepare_in_group(message, out); why != Errc::kOk) return Unexpected(why);
  bool sent = false;
  const auto id = send_fairly(out, wait, due, sent);
  if (!sent && out.block.data != nullptr) member_.arena.abandon(out.block.ref);
  return id;
}

/// Once consumers have gone past a claim another one is made, as in a FIFO queue.
Result<MessageId, Errc> QueueCore::send_fairly(const Outgoing& out, Duration wait,
                                               std::uint64_t due, bool& sent) noexcept {
  Claim slot;
  for (;;) {
    if (const Errc code = claim(slot, wait); code != Errc::kOk) return Unexpected(code);
    fill(slot, out);
    fill_ids(slot, out);
    if (due != 0) slot.lane->sender.delay(slot.position, due);  // before the publish
    if (group::publish(slot.lane->ring, slot.lane->sender, slot.position)) break;
    // Mine before the claim is void: the block of a slot without a message is anybody's.
    if (out.block.data != nullptr) member_.arena.take_back(out.block.ref);
    fair::give_up(slot.lane->ring, slot.position);
  }
  sent = true;
  counters_.add(Counter::kSent);
  counters_.add(Counter::kSentBytes, out.body.size());
  return MessageId{slot.lane->mapped->ring_id, slot.position};
}

/// Purge: everything is in its list first, because only from there it can be taken out.
std::uint64_t QueueCore::discard_fairly(Lane& in, std::uint64_t sent_before_ns) noexcept {
  const ring::RingView& view = in.ring.view;
  in.fair->receiver.place_all({settler().now, 0});
  std::uint64_t removed = 0;
  for (std::uint32_t slot = 0; slot < view.slots(); ++slot) {
    const std::uint64_t lap = view.slot(slot).publish.load(std::memory_order_acquire);
    if (lap == 0 || lap > ring::kLapMask) continue;
    if (view.slot(slot).sent_ns.load() > sent_before_ns) continue;
    if (fair::discard(in.ring, in.fair->lists, slot, lap, settler())) ++removed;
  }
  return removed;
}

ring::Settled QueueCore::release_in_group(Lane& in, const ring::Delivery& delivery,
                                          bool by_receipt) noexcept {
  if (fair_) return fair::release(in.ring, in.fair->lists, delivery, by_receipt, settler());
  return group::release(in.ring, in.fifo->groups, delivery, by_receipt, settler());
}

ring::Settled QueueCore::extend_in_group(Lane& in, const ring::Delivery& delivery,
                                         std::uint64_t deadline, bool keep) noexcept {
  if (fair_) return fair::extend(in.ring, in.fair->lists, delivery, deadline, keep, settler());
  return group::extend(in.ring, delivery, deadline, keep, settler());
}

}  // namespace ringpost::detail
