// A durable queue whose backlog outgrows its memory: what does not fit waits in the log.
//
//   send     no slot → a record that says so (is_overflow) → begin, if it is the first one ever
//   refill   {cursor, target}: next such record from the cursor on → claim a slot, fill it → claim
//            a record → the cursor is where it was → record (replaces) → CAS {cursor, target} →
//            {behind it, that slot} → publish the slot
//
// The CAS decides: the cursor never goes back, so each record comes into one slot. Whoever moves
// the cursor on publishes the target first that stands there, for its claimer may have been
// stopped, or have died: the sweeper does the same before it voids his claims. Who loses gives his
// slot up.
//
// So the log may have one message for several slots, by those who lost or died. It keeps the name
// that it has in the log: recovery takes it once, and the record that it is gone is about all of
// them. They stand before that record, since the cursor was looked at again behind the claim: so no
// segment goes without those before it. Reclaim copies what was published alone.
//
// Records below the begin are not looked at. It is set once, to the position of the first record
// that is there: whoever wrote one before that, and came too late, says that it came to nothing and
// writes another one. An overflow does not end; while it is empty, sends go to the ring again.
#include <algorithm>
#include <cstring>

#include "log/reader.hpp"
#include "queue/attributes.hpp"
#include "queue/queue_core.hpp"
#include "ring/sweep.hpp"

namespace ringpost::queue {
namespace {

constexpr unsigned kTargetPositionBits = 48;
constexpr std::uint64_t kTargetPositionMask = (std::uint64_t{1} << kTargetPositionBits) - 1;

/// Low bits of the ring's number, and the position plus one. 0: none.
constexpr std::uint64_t target_word(std::uint64_t ring, std::uint64_t position) noexcept {
  return ring << kTargetPositionBits | ((position + 1) & kTargetPositionMask);
}

}  // namespace

void publish_refilled(const QueueHeader& header, ring::Ring& ring, std::uint64_t number) noexcept {
  const std::uint64_t target = header.refill.load().high;  // [refill]
  const std::uint64_t position = (target & kTargetPositionMask) - 1;
  if (target == 0 || target != target_word(number, position)) return;
  const ring::RingView& view = ring.view;
  static_cast<void>(ring::publish_named(ring, view.slot_of(position), view.lap_of(position)));
}

}  // namespace ringpost::queue

namespace ringpost::detail {

using queue::Counter;
using queue::Lane;

bool QueueCore::has_backlog() noexcept {
  // relaxed: hints
  return header().overflowed.load(std::memory_order_relaxed) !=
         header().refilled.load(std::memory_order_relaxed);
}

/// Where records are looked for next. Nothing: there never was one.
std::optional<base::Pair64> QueueCore::refill_place() noexcept {
  const std::uint64_t begin = header().overflow_begin.load(std::memory_order_acquire);  // [refill]
  if (begin == 0) return std::nullopt;
  return header().refill.load();
}

bool QueueCore::is_backlog_from(std::uint64_t end) noexcept {
  const auto place = refill_place();
  return place && end > std::max(place->low, header().overflow_begin.load());
}

/// The message is not in memory. Its content is: body and attributes, or a block of the caller's.
Result<MessageId, Errc> QueueCore::send_beyond_memory(const Outgoing& out, Duration wait,
                                                      std::uint64_t due) noexcept {
  durable::Message message;
  message.is_overflow = true;
  message.sent_ns = static_cast<std::int64_t>(time_.wall_ns());
  if (due != 0) message.due_ns = wall_of(due * ring::kDeadlineUnitNs);
  message.body_bytes = static_cast<std::uint32_t>(out.body.size());
  message.attribute_bytes = out.attribute_bytes;
  for (;;) {
    journal::Claim record;
    const std::size_t bytes = durable::send_bytes(message.content_bytes());
    if (const Errc code = log_->claim(bytes, log_->deadline_ns(wait), record); code != Errc::kOk) {
      return Unexpected(code);
    }
    message.id = {mapping_->journal(), record.position};
    std::byte* const content = durable::write_send(message, log_->stamp(record), record.bytes);
    if (out.block.data != nullptr) {
      std::memcpy(content, out.block.data, message.content_bytes());
    } else {
      if (!out.body.empty()) std::memcpy(content, out.body.data(), out.body.size());
      if (out.attribute_bytes != 0) queue::encode(*out.attributes, content + out.body.size());
    }
    log_->publish(record);
    std::uint64_t begin = 0;
    // [refill] acq_rel: the record.
    if (header().overflow_begin.compare_exchange_strong(begin, record.position,
                                                        std::memory_order_acq_rel) ||
        begin <= record.position) {
      break;
    }
    const durable::Mark mark{0, record.position + 1};
    if (const Errc code = log_->mark(durable::Kind::kBacklogGone, mark); code != Errc::kOk) {
      return Unexpected(code);
    }
  }
  // release: whoever counts it finds the record below the journal's end.
  header().overflowed.fetch_add(1, std::memory_order_release);
  counters_.add(Counter::kSent);
  counters_.add(Counter::kSentBytes, out.body.size());
  return message.id;
}

/// For a receiver that has found nothing. True: look again.
bool QueueCore::refill_for_receiver() noexcept {
  constexpr std::uint32_t kMost = 64;
  return log_ != nullptr && has_backlog() && refill(kMost) != 0;
}

/// Brings up to `most` messages of the backlog into the ring, as far as there is room and they are
/// durable. Returns how many.
std::uint32_t QueueCore::refill(std::uint32_t most) noexcept {
  std::uint32_t moved = 0;
  while (moved < most) {
    const auto place = refill_place();
    if (!place) return moved;
    if (!publish_target()) return moved;
    const std::uint64_t overflowed = header().overflowed.load(std::memory_order_acquire);
    std::uint64_t end = 0;  // everything that is counted stands below
    if (log_->journal().producer().frontier(end) != Errc::kOk) return moved;
    const std::uint64_t cursor =
        std::max(place->low, header().overflow_begin.load(std::memory_order_relaxed));
    durable::Message message;
    const Errc found = next_overflow(cursor, message);
    if (found == Errc::kEmpty) {
      caught_up(*place, overflowed, end);
      return moved;
    }
    if (found != Errc::kOk) return moved;
    const std::uint64_t next = backlog_->position();
    if (message.id.position != place->low) {  // nobody need look at what lies between
      static_cast<void>(
          header().refill.compare_exchange(*place, {message.id.position, place->high}));
      continue;
    }
    if (is_past_retention(message)) {
      if (header().refill.compare_exchange(*place, {next, place->high})) {
        header().refilled.fetch_add(1, std::memory_order_relaxed);
        counters_.add(Counter::kDroppedByRetention);
      }
      continue;
    }
    const Errc code = refill(*place, next, message);
    if (code == Errc::kOk) ++moved;
    if (code != Errc::kOk && code != Errc::kBusy) return moved;
  }
  return moved;
}

/// One message. kBusy: somebody else was faster, with this one or another.
Errc QueueCore::refill(const base::Pair64& place, std::uint64_t next,
                       const durable::Message& message) noexcept {
  Claim slot;
  shm::Block block;
  std::uint64_t due = 0;
  if (const Errc code = put_into_slot(message, slot, block, due); code != Errc::kOk) return code;
  const auto give_up = [&](Errc code) {
    slot.lane->sender.give_up(slot.position);
    if (block.data != nullptr) member_.arena.free(block.ref);
    return code;
  };
  durable::Message again = record_of(*slot.lane, slot.position, due);
  again.replaces = message.id.position;
  journal::Claim record;
  const std::size_t bytes = durable::send_bytes(again.content_bytes());
  if (const Errc code = log_->claim(bytes, 0, record); code != Errc::kOk) return give_up(code);
  if (header().refill.load() != place) {  // [refill] behind the claim
    log_->abandon(record);
    return give_up(Errc::kBusy);
  }
  durable::write_send(again, log_->stamp(record), record.bytes);
  log_->publish(record);
  if (due != 0) slot.lane->sender.delay(slot.position, due);
  // [refill] A full barrier: what the slot has.
  if (!header().refill.compare_exchange(
          place, {next, queue::target_word(slot.lane->number(), slot.position)})) {
    return give_up(Errc::kBusy);  // the record is one more of a message that is in another slot
  }
  const ring::RingView& view = slot.lane->ring.view;
  // By CAS: somebody may have published it, and it may be gone and the slot be used again.
  if (ring::publish_named(slot.lane->ring, view.slot_of(slot.position),
                          view.lap_of(slot.position))) {
    slot.lane->sender.published(slot.position);
  }
  header().refilled.fetch_add(1, std::memory_order_relaxed);
  return Errc::kOk;
}

/// For whoever came last: so nothing that was decided stays invisible. False: its ring may be there
/// and cannot be opened.
bool QueueCore::publish_target() noexcept {
  const std::uint64_t target = header().refill.load().high;
  if (target == 0) return true;
  const std::uint64_t number = target >> queue::kTargetPositionBits;
  for (int looks = 0; looks < 2; ++looks) {
    for (const auto& each : lanes_) {
      if (((each->number() ^ number) & 0xffff) != 0) continue;
      queue::publish_refilled(header(), each->ring, each->number());
      return true;
    }
    refresh_lanes();
  }
  return knows_every_ring();
}

/// Of the records from `cursor` on. kEmpty: none is durable.
Errc QueueCore::next_overflow(std::uint64_t cursor, durable::Message& into) noexcept {
  if (backlog_ == nullptr) {
    auto opened = log::Reader::open(log_->directory());
    if (!opened) return opened.error().code;
    backlog_ = std::move(*opened);
    backlog_->seek(cursor);
  }
  const durable::Message& front = backlog_front_.message;
  if (front.is_overflow && front.id.position == cursor) {  // there was no room for it
    into = front;
    return Errc::kOk;
  }
  if (backlog_->position() != cursor) backlog_->seek(cursor);
  const std::uint64_t bound = log_->journal().durable();
  backlog_bound_ = bound;
  if (cursor >= bound) return Errc::kEmpty;
  for (;;) {
    const auto record = backlog_->next(bound);
    if (!record && record.error() == Errc::kLapped) continue;  // what salvage has given up
    if (!record) return record.error();
    const auto message = durable::read_send(*record);
    if (!message || !message->is_overflow || message->relocation != 0) continue;
    backlog_front_.bytes.assign(message->content.begin(), message->content.end());
    backlog_front_.message = *message;
    backlog_front_.message.content = backlog_front_.bytes;
    into = backlog_front_.message;
    return Errc::kOk;
  }
}

/// Nothing is left below what is durable now. The next one need not look there again.
void QueueCore::caught_up(const base::Pair64& place, std::uint64_t overflowed,
                          std::uint64_t end) noexcept {
  const std::uint64_t bound = backlog_->position();
  const bool is_all = std::max(backlog_bound_, place.low) >= end;
  if (bound > place.low && !header().refill.compare_exchange(place, {bound, place.high})) return;
  // Whoever died beside his count has left it too low, or too high for ever.
  std::uint64_t refilled = header().refilled.load(std::memory_order_relaxed);
  while (
      is_all && refilled != overflowed &&
      !header().refilled.compare_exchange_weak(refilled, overflowed, std::memory_order_relaxed)) {
  }
}

bool QueueCore::is_past_retention(const durable::Message& message) noexcept {
  const std::uint64_t retention = header().settings.retention_ns.load(std::memory_order_relaxed);
  const std::int64_t age = static_cast<std::int64_t>(time_.wall_ns()) - message.sent_ns;
  return age > 0 && static_cast<std::uint64_t>(age) > retention;
}

/// Everything that is there. Returns about how many.
std::uint64_t QueueCore::purge_backlog() noexcept {
  for (;;) {
    const auto place = refill_place();
    if (!place) return 0;
    if (!publish_target()) return 0;
    const std::uint64_t overflowed = header().overflowed.load(std::memory_order_relaxed);
    const std::uint64_t refilled = header().refilled.load(std::memory_order_relaxed);
    std::uint64_t end = 0;
    if (log_->journal().producer().frontier(end) != Errc::kOk || end <= place->low) return 0;
    if (!header().refill.compare_exchange(*place, {end, place->high})) continue;
    header().refilled.store(overflowed, std::memory_order_relaxed);
    static_cast<void>(log_->mark(durable::Kind::kBacklogGone, {0, end}));
    return overflowed > refilled ? overflowed - refilled : 0;
  }
}

}  // namespace ringpost::detail
