// One delivery of a fan-out to a durable queue: it is in the log, too, before anybody can receive
// it.
//
//   claim a slot and a record → fill the slot → the entry → record of the message → publish
//
// and without a slot, once there is a backlog or no room:
//
//   claim a record → the entry, which says where → record of the message, that it is in the log
//   alone → the delivery is over
//
// Once both are claimed nothing fails. A publisher that dies before the record leaves an entry that
// names a slot, which the sweeper publishes: the message is not on disk then, which nobody was
// told; or an entry that names a record that never was one: then somebody else delivers.
#include "journal/walk.hpp"
#include "queue/queue_core.hpp"

namespace ringpost::detail {

using queue::Counter;

Errc QueueCore::claim_logged(LoggedClaim& claimed, std::uint64_t content_bytes, Duration wait,
                             std::uint64_t deadline_ns) noexcept {
  if (const Errc code = usable(); code != Errc::kOk) return code;
  if (const Errc code = log_->state(); code != Errc::kOk) return code;
  const std::size_t bytes = durable::send_bytes(content_bytes);
  Errc code = Errc::kFull;
  if (!may_overflow()) {
    code = claim(claimed.slot, wait);
  } else if (!has_backlog()) {
    code = try_claim(claimed.slot);
  }
  if (code == Errc::kFull && may_overflow()) {
    claimed.slot = {};  // the try has named a lane
    return claim_beyond_memory(bytes, deadline_ns, claimed.record);
  }
  if (code != Errc::kOk) return code;
  code = log_->claim(bytes, deadline_ns, claimed.record);
  if (code != Errc::kOk) claimed.slot.lane->sender.give_up(claimed.slot.position);
  return code;
}

/// Behind the begin of all such records: that comes before them here, so that none comes too late.
Errc QueueCore::claim_beyond_memory(std::size_t bytes, std::uint64_t deadline_ns,
                                    journal::Claim& record) noexcept {
  for (;;) {
    if (const Errc code = log_->claim(bytes, deadline_ns, record); code != Errc::kOk) return code;
    std::uint64_t begin = 0;
    // [refill] acq_rel: whoever reads from there on finds nothing, or the record.
    if (header().overflow_begin.compare_exchange_strong(begin, record.position,
                                                        std::memory_order_acq_rel) ||
        begin <= record.position) {
      return Errc::kOk;
    }
    log_->abandon(record);
  }
}

void QueueCore::publish_logged(const LoggedClaim& claimed, const Delivery& what,
                               ByteSpan content) noexcept {
  const std::uint64_t delay_ns = header().settings.delay_ns.load(std::memory_order_relaxed);
  const std::uint64_t due =
      delay_ns == 0 ? 0 : ring::deadline_from_ns(time_.precise_ns() + delay_ns);
  const Claim& slot = claimed.slot;
  durable::Message message;
  if (slot.lane != nullptr) {
    message = record_of(*slot.lane, slot.position, due);
  } else {
    const ring::Lengths lengths{what.lengths};
    message.is_overflow = true;
    message.id = {mapping_->journal(), claimed.record.position};
    message.sent_ns = wall_of(what.sent_ns);
    if (due != 0) message.due_ns = wall_of(due * ring::kDeadlineUnitNs);
    message.body_bytes = lengths.body();
    message.attribute_bytes = lengths.attributes();
  }
  message.content = content;
  durable::write_send(message, log_->stamp(claimed.record), claimed.record.bytes);
  log_->publish(claimed.record);
  if (slot.lane != nullptr) return publish_delivery(slot, what.lengths);
  // release: whoever counts it finds the record below the journal's end.
  header().overflowed.fetch_add(1, std::memory_order_release);
  counters_.add(Counter::kSent);
  counters_.add(Counter::kSentBytes, message.body_bytes);
}

void QueueCore::give_up_logged(const LoggedClaim& claimed) noexcept {
  log_->abandon(claimed.record);
  if (claimed.slot.lane != nullptr) claimed.slot.lane->sender.give_up(claimed.slot.position);
}

/// The drain does not pass a claim, and the journal's sweeper has not been here: so what producers
/// have passed was published.
bool QueueCore::was_published_beyond_memory(std::uint64_t position) noexcept {
  using Kind = journal::Stop::Kind;
  const Kind kind = journal::look_at(log_->journal().view(), position).kind;
  if (kind != Kind::kRecord && kind != Kind::kPassed) return false;
  // Its publisher may have counted it. Who finds that there are fewer puts that right.
  header().overflowed.fetch_add(1, std::memory_order_release);
  return true;
}

}  // namespace ringpost::detail
