// What is different in a FIFO queue: messages have groups, and the last step of a send may fail.
#include <algorithm>
#include <cstring>

#include "base/unstable_read.hpp"
#include "group/publish.hpp"
#include "queue/attributes.hpp"
#include "queue/queue_core.hpp"

namespace ringpost::detail {

using queue::Counter;
using queue::Lane;

namespace {

/// sqs.md, S13: letters, digits and punctuation.
bool is_id(std::string_view id, std::size_t bytes_max) noexcept {
  const auto fits = [](char c) { return c > ' ' && c <= '~'; };
  return !id.empty() && id.size() <= bytes_max && std::all_of(id.begin(), id.end(), fits);
}

}  // namespace

Result<MessageId, Errc> QueueCore::send_in_group(ByteSpan body,
                                                 const SendOptions& options) noexcept {
  if (options.delay.value_or(Duration::zero()) != Duration::zero()) {
    return Unexpected(Errc::kInvalidArgument);  // only the queue delays
  }
  return send_in_group({body, options.attributes, options.group}, options.wait);
}

Result<MessageId, Errc> QueueCore::send_in_group(const OutMessage& message,
                                                 Duration wait) noexcept {
  if (!is_id(message.group, kIdBytesMax)) return Unexpected(Errc::kInvalidArgument);
  Outgoing out;
  out.group = message.group;
  if (const Errc code = prepare_in_group(message, out); code != Errc::kOk) return Unexpected(code);
  const auto id = send_in_group(out, wait);
  if (!id && out.block.data != nullptr) member_.arena.abandon(out.block.ref);
  return id;
}

/// Once consumers have gone past a claim its message could not come where the order wants it: then
/// another claim is made. That happens to a sender that is taken off its core between the two.
Result<MessageId, Errc> QueueCore::send_in_group(Outgoing& out, Duration wait) noexcept {
  if (!is_id(out.group, kIdBytesMax)) return Unexpected(Errc::kInvalidArgument);
  for (;;) {
    Claim slot;
    if (const Errc code = claim(slot, wait); code != Errc::kOk) return Unexpected(code);
    fill(slot, out);
    fill_ids(slot, out);
    if (!group::publish(slot.lane->ring, slot.lane->sender, slot.position)) {
      // Mine before the claim is void: the block of a slot without a message is anybody's.
      if (out.block.data != nullptr) member_.arena.take_back(out.block.ref);
      group::void_claim(slot.lane->ring, slot.position);
      continue;
    }
    counters_.add(Counter::kSent);
    counters_.add(Counter::kSentBytes, out.body.size());
    return MessageId{slot.lane->mapped->ring_id, slot.position};
  }
}

/// Behind body and attributes; which group it is stands before the payload.
void QueueCore::fill_ids(const Claim& slot, const Outgoing& out) noexcept {
  const ring::RingView& view = slot.lane->ring.view;
  const std::uint32_t index = view.slot_of(slot.position);
  group::FifoHead& head = slot.lane->fifo->groups.head(index);
  std::byte* content = out.block.data != nullptr ? out.block.data : view.payload(index);
  std::memcpy(content + out.body.size() + out.attribute_bytes, out.group.data(), out.group.size());
  // relaxed: the publish behind it carries all of this.
  head.key.store(group::key_of(out.group, mapping_->queue_id()), std::memory_order_relaxed);
  head.lengths.store(group::IdLengths::of(out.group.size(), 0).word, std::memory_order_relaxed);
  head.entry.store(0, std::memory_order_relaxed);
}

std::uint32_t QueueCore::id_bytes(const Lane& in, std::uint32_t slot) const noexcept {
  return in.fifo->groups.ids_at(slot).both();
}

/// Past its retention, or damaged: gone, and its group goes on.
bool QueueCore::drop_in_group(Lane& in, const ring::Taken& taken) noexcept {
  static_cast<void>(group::acknowledge(in.ring, in.fifo->groups,
                                       {taken.slot, taken.lap, taken.word.count()}, &taken.word,
                                       {member_.me.index(), 0}));
  counters_.add(Counter::kDroppedByRetention);
  return false;
}

/// Purge: everything is in its group first, because only from there it can be taken out.
std::uint64_t QueueCore::discard_groups(Lane& in, std::uint64_t sent_before_ns) noexcept {
  const ring::RingView& view = in.ring.view;
  in.fifo->receiver.place_all({settler().now, 0});
  std::uint64_t removed = 0;
  for (std::uint32_t slot = 0; slot < view.slots(); ++slot) {
    const std::uint64_t lap = view.slot(slot).publish.load(std::memory_order_acquire);
    if (lap == 0 || view.slot(slot).sent_ns.load() > sent_before_ns) continue;
    if (group::discard(in.ring, in.fifo->groups, slot, lap, settler())) ++removed;
  }
  return removed;
}

ring::Settled QueueCore::acknowledge_in_group(Lane& in, const ring::Delivery& delivery,
                                              const ring::LeaseWord* known) noexcept {
  return group::acknowledge(in.ring, in.fifo->groups, delivery, known, settler());
}

group::Settler QueueCore::settler() noexcept {
  return {member_.me.index(), time_.coarse_ns() / ring::kDeadlineUnitNs};
}

std::string_view QueueCore::group_of(const Lease& lease) noexcept {
  Lane* in = fifo_ ? lane(lease.fields_.ring) : nullptr;
  if (in == nullptr) return {};
  const Lease::Fields& fields = lease.fields_;
  const char* ids =
      reinterpret_cast<const char*>(fields.content) + fields.body_bytes + fields.attribute_bytes;
  return {ids, in->fifo->groups.ids_at(fields.slot).group()};
}

std::uint64_t QueueCore::sequence_of(const Lease& lease) noexcept {
  Lane* in = fifo_ ? lane(lease.fields_.ring) : nullptr;
  return in != nullptr ? in->ring.view.position_of(lease.fields_.slot, lease.fields_.position_lap)
                       : 0;
}

}  // namespace ringpost::detail
