// What is different in a FIFO queue: messages have groups, and the last step of a send may fail.
#include <algorithm>
#include <cstring>

#include "base/unstable_read.hpp"
#include "group/publish.hpp"
#include "queue/attributes.hpp"
#include "queue/queue_core.hpp"
#include "sqs/charset.hpp"

namespace ringpost::detail {

using queue::Counter;
using queue::Lane;

Result<MessageId, Errc> QueueCore::send_in_group(ByteSpan body,
                                                 const SendOptions& options) noexcept {
  if (options.delay.value_or(Duration::zero()) != Duration::zero()) {
    return Unexpected(Errc::kInvalidArgument);  // only the queue delays
  }
  const auto id =
      send_in_group({body, options.attributes, options.group, options.dedup_id}, options.wait);
  if (log_ == nullptr || !id) [[likely]]
    return id;
  if (const Errc code = wait_logged(options.wait); code != Errc::kOk) return Unexpected(code);
  return id;
}

Result<MessageId, Errc> QueueCore::send_in_group(const OutMessage& message,
                                                 Duration wait) noexcept {
  Outgoing out;
  dedup::ContentId content;
  out.body = message.body;
  out.group = message.group;
  out.dedup_id = message.dedup_id;
  if (const Errc code = choose_id(out, content); code != Errc::kOk) return Unexpected(code);
  if (const Errc code = prepare_in_group(message, out); code != Errc::kOk) return Unexpected(code);
  bool sent = false;
  const auto id = send_in_group(out, wait, sent);
  if (!sent && out.block.data != nullptr) member_.arena.abandon(out.block.ref);
  return id;
}

/// Checks both ids; by content a message without one gets its own.
Errc QueueCore::choose_id(Outgoing& out, dedup::ContentId& content) noexcept {
  if (!sqs::is_id_text(out.group)) return Errc::kInvalidArgument;
  const auto mode = static_cast<Dedup>(header().settings.dedup.load(std::memory_order_relaxed));
  if (out.dedup_id.empty() && mode == Dedup::kByContent) {
    content = dedup::content_id(out.body);
    out.dedup_id = {content.data(), content.size()};
  }
  if (out.dedup_id.empty()) return mode == Dedup::kOff ? Errc::kOk : Errc::kInvalidArgument;
  return sqs::is_id_text(out.dedup_id) ? Errc::kOk : Errc::kInvalidArgument;
}

/// Once consumers have gone past a claim its message could not come where the order wants it: then
/// another claim is made. That happens to a sender that is taken off its core between the two.
Result<MessageId, Errc> QueueCore::send_in_group(Outgoing& out, Duration wait,
                                                 bool& sent) noexcept {
  if (log_ != nullptr) [[unlikely]]
    return send_in_group_logged(out, wait, sent);
  const dedup::Table* table = out.dedup_id.empty() ? nullptr : mapping_->dedup();
  const bool by_group = mapping_->dedup_scope() == DedupScope::kGroup;
  dedup::Key key{};
  if (table != nullptr) {
    key = dedup::key_of_id(mapping_->lasting_id(), out.dedup_id, by_group ? out.group : "");
    table->prefetch(key);
    // Most duplicates are found before anything is claimed.
    if (const auto first = table->find(key, lanes_.back()->fifo->ids->now())) {
      counters_.add(Counter::kDuplicates);
      return MessageId{lanes_.back()->mapped->ids, *first};
    }
  }
  for (Claim slot;;) {
    const std::uint64_t before = slot.position;
    if (const Errc code = claim(slot, wait); code != Errc::kOk) {
      if (out.entry != 0) table->abandon(out.entry, before);
      return Unexpected(code);
    }
    fill(slot, out);
    MessageId id{slot.lane->mapped->ids, slot.position};
    if (table != nullptr) {
      const Errc code = enter_id(slot, out, key, id.position);
      if (code == Errc::kOk && id.position != slot.position) return id;  // a duplicate of that one
      if (code != Errc::kOk) return Unexpected(code);
    }
    fill_ids(slot, out);
    if (!group::publish(slot.lane->ring, slot.lane->sender, slot.position)) {
      give_up(slot, out);
      continue;
    }
    sent = true;
    if (table != nullptr) slot.lane->fifo->ids->commit(slot.position, out.entry);
    counters_.add(Counter::kSent);
    counters_.add(Counter::kSentBytes, out.body.size());
    return id;
  }
}

/// Takes the id for the claimed position. Of a duplicate `first` becomes the position; then, and
/// after an error, the claim is given up.
Errc QueueCore::enter_id(const Claim& slot, Outgoing& out, const dedup::Key& key,
                         std::uint64_t& first) noexcept {
  using Outcome = dedup::Entered::Outcome;
  group::Ids& ids = *slot.lane->fifo->ids;
  const dedup::Entered entered =
      ids.table().enter({key, slot.position, member_.me.index(), ids.now()}, ids);
  out.entry = entered.entry;
  if (entered.outcome == Outcome::kEntered) return Errc::kOk;
  give_up(slot, out);
  if (entered.outcome == Outcome::kDuplicate) {
    counters_.add(Counter::kDuplicates);
    first = entered.position;
    return Errc::kOk;
  }
  return entered.outcome == Outcome::kFull ? Errc::kTooManyIds : Errc::kCorrupt;
}

void QueueCore::give_up(const Claim& slot, const Outgoing& out) noexcept {
  // Mine before the claim is void: the block of a slot without a message is anybody's.
  if (out.block.data != nullptr) member_.arena.take_back(out.block.ref);
  group::void_claim(slot.lane->ring, slot.position);
}

/// Behind body and attributes; which group it is stands before the payload.
void QueueCore::fill_ids(const Claim& slot, const Outgoing& out) noexcept {
  const ring::RingView& view = slot.lane->ring.view;
  const std::uint32_t index = view.slot_of(slot.position);
  group::FifoHead& head = group::head(view, index);
  std::byte* content = out.block.data != nullptr ? out.block.data : view.payload(index);
  std::byte* ids = content + out.body.size() + out.attribute_bytes;
  if (!out.group.empty()) std::memcpy(ids, out.group.data(), out.group.size());
  if (!out.dedup_id.empty()) {
    std::memcpy(ids + out.group.size(), out.dedup_id.data(), out.dedup_id.size());
  }
  // relaxed: the publish behind it carries all of this.
  const std::uint64_t key =
      out.group.empty() ? fair::kNobody : group::key_of(out.group, mapping_->lasting_id());
  head.key.store(key, std::memory_order_relaxed);
  head.lengths.store(group::IdLengths::of(out.group.size(), out.dedup_id.size()).word,
                     std::memory_order_relaxed);
  head.entry.store(out.entry, std::memory_order_relaxed);
}

std::uint32_t QueueCore::id_bytes(const Lane& in, std::uint32_t slot) const noexcept {
  return group::ids_at(in.ring.view, slot).both();
}

/// Past its retention, or damaged: gone, and its group goes on.
bool QueueCore::drop_in_group(Lane& in, const ring::Taken& taken) noexcept {
  const ring::Delivery delivery{taken.slot, taken.lap, taken.word.count()};
  if (fair_) {
    static_cast<void>(fair::acknowledge(in.ring, in.fair->lists, delivery, &taken.word, settler()));
  } else {
    static_cast<void>(group::acknowledge(in.ring, in.fifo->groups, delivery, &taken.word,
                                         {member_.me.index(), 0}));
    if (log_ != nullptr) log_gone(in, taken.slot, taken.lap);
  }
  counters_.add(Counter::kDroppedByRetention);
  return false;
}

/// Purge: everything is in its group first, because only from there it can be taken out.
std::uint64_t QueueCore::discard_groups(Lane& in, std::uint64_t sent_before_ns) noexcept {
  const ring::RingView& view = in.ring.view;
  in.fifo->receiver.place_all({settler().now, 0},
                              header().settings.delay_ns.load(std::memory_order_relaxed));
  std::uint64_t end = in.fifo->receiver.head();
  std::uint64_t removed = 0;
  for (std::uint32_t slot = 0; slot < view.slots(); ++slot) {
    const std::uint64_t lap = view.slot(slot).publish.load(std::memory_order_acquire);
    if (lap == 0 || lap > ring::kLapMask) continue;
    const std::uint64_t sent_ns = view.slot(slot).sent_ns.load();
    if (static_cast<std::int64_t>(sent_ns - sent_before_ns) > 0) {  // stays, and so does its id
      end = std::min(end, view.position_of(slot, lap));
    } else if (group::discard(in.ring, in.fifo->groups, slot, lap, settler())) {
      if (log_ != nullptr) log_gone(in, slot, lap);
      ++removed;
    }
  }
  if (log_ != nullptr) {
    forget_ids(in, end);
  } else if (in.fifo->ids) {
    in.fifo->ids->table().clear(end);
  }
  return removed;
}

ring::Settled QueueCore::acknowledge_in_group(Lane& in, const ring::Delivery& delivery,
                                              const ring::LeaseWord* known) noexcept {
  if (fair_) return fair::acknowledge(in.ring, in.fair->lists, delivery, known, settler());
  return group::acknowledge(in.ring, in.fifo->groups, delivery, known, settler());
}

group::Settler QueueCore::settler() noexcept {
  return {member_.me.index(), time_.coarse_ns() / ring::kDeadlineUnitNs};
}

std::string_view QueueCore::group_of(const Lease& lease) noexcept {
  Lane* in = grouped_ ? lane(lease.fields_.ring) : nullptr;
  if (in == nullptr) return {};
  const Lease::Fields& fields = lease.fields_;
  const char* ids =
      reinterpret_cast<const char*>(fields.content) + fields.body_bytes + fields.attribute_bytes;
  return {ids, group::ids_at(in->ring.view, fields.slot).group()};
}

std::string_view QueueCore::dedup_id_of(const Lease& lease) noexcept {
  Lane* in = fifo_ ? lane(lease.fields_.ring) : nullptr;
  if (in == nullptr) return {};
  const ring::RingView& view = in->ring.view;
  if (ring::Lengths{view.slot(lease.fields_.slot).lengths.load()}.has_envelope()) {
    return id_text_of(lease, queue::read_envelope(view, lease.fields_.slot).id);
  }
  const std::string_view group = group_of(lease);
  return {group.data() + group.size(), in->fifo->groups.ids_at(lease.fields_.slot).dedup()};
}

std::uint64_t QueueCore::sequence_of(const Lease& lease) noexcept {
  Lane* in = grouped_ ? lane(lease.fields_.ring) : nullptr;
  return in != nullptr ? in->ring.view.position_of(lease.fields_.slot, lease.fields_.position_lap)
                       : 0;
}

}  // namespace ringpost::detail
