// What is different in a durable queue: its messages are in a log, too. The ring stays the truth as
// long as shared memory lasts; durable/record.hpp says what the log has.
//
//   send         claim → fill → kSend → publish → wait for the disk
//   acknowledge  the CAS that ends the message → kDelete, for which nobody waits
//   move         claim there → fill → kSend there → wait for the disk → the CAS → kDelete here
//   recovery     restore(): everything again, under new ids
//
// So whoever can receive a message finds it in the log before him. A sender that dies before its
// publish leaves a record without a message: nobody was told that it was sent, and it may come back
// after a reboot.
#include <algorithm>
#include <cstring>

#include "durable/meta.hpp"
#include "queue/queue_core.hpp"
#include "queue/settings.hpp"
#include "queue/tags.hpp"
#include "sys/error.hpp"

namespace ringpost::detail {

using queue::Counter;
using queue::Lane;

Result<void> QueueCore::open_log() {
  auto opened = durable::QueueLog::open(member_.queues.home(), member_.me, mapping_->name(),
                                        mapping_->journal(), mapping_->log_segment_bytes(),
                                        [this] { member_.housekeeper.clear_up(); });
  if (!opened) return Unexpected(opened.error());
  log_ = std::move(*opened);
  return {};
}

Result<MessageId, Errc> QueueCore::send_specially(const OutMessage& message, Duration wait,
                                                  std::uint64_t due) noexcept {
  if (fair_) return send_fairly(message, wait, due);
  const auto id = send_one_specially(message, wait, due);
  if (!id) return id;
  if (const Errc code = wait_logged(wait); code != Errc::kOk) return Unexpected(code);
  return id;
}

Result<MessageId, Errc> QueueCore::send_one_specially(const OutMessage& message, Duration wait,
                                                      std::uint64_t due) noexcept {
  if (fair_) return send_fairly(message, wait, due);
  Outgoing out;
  bool sent = false;
  const Errc code = prepare_in_group(message, out);
  // Without memory for its content it goes to the log alone.
  if (code == Errc::kNoSpace && may_overflow()) return send_beyond_memory(out, wait, due);
  if (code != Errc::kOk) return Unexpected(code);
  const auto id = send_logged(out, wait, due, sent);
  if (!sent && out.block.data != nullptr) member_.arena.abandon(out.block.ref);
  return id;
}

/// After both claims nothing fails. `sent`: the block, if there is one, belongs to the message.
Result<MessageId, Errc> QueueCore::send_logged(const Outgoing& out, Duration wait,
                                               std::uint64_t due, bool& sent) noexcept {
  if (const Errc code = log_->state(); code != Errc::kOk) return Unexpected(code);
  if (may_overflow() && has_backlog()) return send_beyond_memory(out, wait, due);
  Claim slot;
  const Errc claimed = may_overflow() ? try_claim(slot) : claim(slot, wait);
  if (claimed == Errc::kFull && may_overflow()) return send_beyond_memory(out, wait, due);
  if (claimed != Errc::kOk) return Unexpected(claimed);
  journal::Claim record;
  const std::size_t bytes = durable::send_bytes(out.body.size() + out.attribute_bytes);
  if (const Errc code = log_->claim(bytes, log_->deadline_ns(wait), record); code != Errc::kOk) {
    slot.lane->sender.give_up(slot.position);
    return Unexpected(code);
  }
  fill(slot, out);
  durable::write_send(record_of(*slot.lane, slot.position, due), log_->stamp(record), record.bytes);
  log_->publish(record);
  sent = true;
  return commit(slot, out, due);
}

Errc QueueCore::wait_logged(Duration wait) noexcept {
  constexpr std::uint32_t kRefill = 16;
  const Errc code = log_->wait_durable(log_->deadline_ns(wait));
  if (has_backlog()) refill(kRefill);  // there may be room by now, and nobody who looks
  tend_log_now_and_then();
  return code;
}

std::int64_t QueueCore::wall_of(std::uint64_t monotonic_ns) const noexcept {
  return static_cast<std::int64_t>(time_.wall_ns() + (monotonic_ns - time_.precise_ns()));
}

/// Of a slot that is filled and mine.
durable::Message QueueCore::record_of(const Lane& in, std::uint64_t position,
                                      std::uint64_t due) const noexcept {
  const ring::RingView& view = in.ring.view;
  const std::uint32_t slot = view.slot_of(position);
  const ring::SlotHead& head = view.slot(slot);
  const ring::Lengths lengths{head.lengths.load(std::memory_order_relaxed)};
  durable::Message message;
  message.id = {in.mapped->ids, position};
  message.ring_number = static_cast<std::uint32_t>(in.number());
  message.sent_ns = wall_of(head.sent_ns.load(std::memory_order_relaxed));
  if (due != 0) message.due_ns = wall_of(due * ring::kDeadlineUnitNs);
  message.body_bytes = lengths.body();
  message.attribute_bytes = lengths.attributes();
  if (fifo_) describe_group(in, slot, message);
  const std::uint64_t bytes = message.content_bytes();
  if (const std::byte* content = content_of(in, slot, lengths, bytes)) {
    message.content = {content, bytes};
  }
  if (lengths.moved_in()) {
    const queue::Envelope envelope = queue::read_envelope(view, slot);
    message.has_history = true;
    message.original = envelope.id;
    message.source = envelope.source;
    message.received_before = envelope.received_before;
  }
  return message;
}

/// One that came from the log keeps the name that it has there: see queue_overflow.cpp.
MessageId QueueCore::name_in_log(const Lane& in, std::uint32_t slot,
                                 std::uint64_t lap) const noexcept {
  const ring::RingView& view = in.ring.view;
  const MessageId id{in.mapped->ids, view.position_of(slot, lap)};
  if (fifo_) return id;
  const ring::Lengths lengths{view.slot(slot).lengths.load(std::memory_order_relaxed)};
  if (!lengths.moved_in()) return id;
  const queue::Envelope envelope = queue::read_envelope(view, slot);
  // From another queue it brings that one's id along.
  const bool was_here = envelope.source == 0 && envelope.id.ring == mapping_->journal();
  const std::uint64_t published = view.slot(slot).publish.load(std::memory_order_acquire);
  return was_here && published == lap ? envelope.id : id;
}

void QueueCore::log_gone(const Lane& in, std::uint32_t slot, std::uint64_t lap) noexcept {
  log_->removed({in.mapped->ids, in.ring.view.position_of(slot, lap)});
}

void QueueCore::log_received(const Lane& in, const ring::Taken& taken) noexcept {
  log_->received({name_in_log(in, taken.slot, taken.lap), taken.word.count()});
}

/// A message that comes from another queue is on disk here before it is gone there, where reclaim
/// forgets it from the move on. What fails afterwards leaves a record without a message.
Errc QueueCore::log_moved_in(const Claim& slot) noexcept {
  constexpr std::uint64_t kPatienceNs = 1'000'000'000;  // whoever receives is kept waiting
  const std::uint64_t deadline_ns = time_.precise_ns() + kPatienceNs;
  Errc code = log_->send(record_of(*slot.lane, slot.position, 0), deadline_ns);
  if (code != Errc::kOk) return code;
  code = log_->wait_durable(deadline_ns);
  if (code != Errc::kOk) log_->removed({slot.lane->mapped->ring_id, slot.position});
  return code;
}

ring::Settled QueueCore::acknowledge_specially(Lane& in, const ring::Delivery& delivery,
                                               const ring::LeaseWord* known) noexcept {
  const MessageId name =
      log_ != nullptr ? name_in_log(in, delivery.slot, delivery.lap) : MessageId{};
  const ring::Settled settled = grouped_ ? acknowledge_in_group(in, delivery, known)
                                         : ring::acknowledge(in.ring, delivery, known);
  if (log_ != nullptr && settled != ring::Settled::kStale) log_->removed(name);
  return settled;
}

void QueueCore::tend_log() noexcept {
  constexpr std::uint32_t kMost = 256;
  if (usable() != Errc::kOk) return;  // deleted: so is the log
  log_->drain();
  static_cast<void>(refill(kMost));
  reclaim_log();
}

Result<void> QueueCore::change_tags(const std::function<void(Tags&)>& change) {
  if (auto done = queue::change_tags(member_.me, *mapping_, change); !done) return done;
  return log_ != nullptr ? save_settings() : Result<void>();
}

/// Of those who change them at a time the last one writes what all have made.
Result<void> QueueCore::save_settings() {
  auto lock = member_.queues.home().lock(mapping_->name());
  if (!lock) return Unexpected(lock.error());
  auto tags = queue::read_tags(*mapping_);
  if (!tags) return Unexpected(tags.error());
  return member_.queues.home().write({.name = mapping_->name(),
                                      .lasting_id = mapping_->lasting_id(),
                                      .created_ns = header().created_wall_ns,
                                      .settings = queue::load_settings(header()),
                                      .tags = std::move(*tags)});
}

Result<void> QueueCore::restore(std::span<const durable::Left> messages, log::Reader& log,
                                const durable::Replay::Backlog& backlog) {
  const Errc code = restore_all(messages, log, backlog.from);
  if (backlog.count != 0) {  // it stays where it is
    header().overflow_begin.store(std::max<std::uint64_t>(backlog.from, 1),
                                  std::memory_order_relaxed);
    header().overflowed.store(backlog.count, std::memory_order_relaxed);
  }
  if (code == Errc::kOk) return {};
  discard_all();
  return sys::error(code, "recovery of queue \"" + mapping_->name() + "\"", message(code));
}

Errc QueueCore::restore_all(std::span<const durable::Left> messages, log::Reader& log,
                            std::uint64_t floor) noexcept {
  const durable::Mark mark{sys::unique_id(), floor};
  Errc code = log_->mark(durable::Kind::kSnapshotBegin, mark);
  if (code == Errc::kOk) {
    code = durable::read_again(
        log, messages, [this](const durable::Message& message) { return restore(message); });
  }
  if (code == Errc::kOk) code = log_->mark(durable::Kind::kSnapshotEnd, mark);
  return code == Errc::kOk ? log_->wait_durable(log_->deadline_ns(kForever)) : code;
}

/// The queue does not come to be: its blocks are free again.
void QueueCore::discard_all() noexcept {
  for (const auto& each : lanes_) {
    const ring::RingView& view = each->ring.view;
    for (std::uint32_t slot = 0; slot < view.slots(); ++slot) {
      const std::uint64_t lap = view.slot(slot).publish.load(std::memory_order_relaxed);  // mine
      if (lap != 0) static_cast<void>(ring::discard(each->ring, slot, lap));
    }
  }
}

/// One message, in the order of sending. Nobody else is here.
Errc QueueCore::restore(const durable::Message& message) noexcept {
  Claim slot;
  shm::Block block;
  std::uint64_t due = 0;
  if (const Errc code = put_into_slot(message, slot, block, due); code != Errc::kOk) return code;
  durable::Message again = record_of(*slot.lane, slot.position, due);
  again.receives = message.receives;
  if (const Errc code = log_->send(again, log_->deadline_ns(kForever)); code != Errc::kOk) {
    slot.lane->sender.give_up(slot.position);
    if (block.data != nullptr) member_.arena.free(block.ref);
    return code;
  }
  if (due != 0) slot.lane->sender.delay(slot.position, due);
  slot.lane->sender.publish(slot.position);
  const ring::RingView& view = slot.lane->ring.view;
  const std::uint32_t index = view.slot_of(slot.position);
  if (due == 0 && message.receives != 0) {
    slot.lane->ring.hints.set(index);  // before the state
    const std::uint64_t lap = view.lap_of(slot.position);
    const std::uint32_t count = std::min(message.receives, ring::kReceiveCountMax);
    static_cast<void>(view.move_lease(index, ring::LeaseWord::idle(lap),
                                      ring::LeaseWord::returned(lap, count, false)));
  }
  return Errc::kOk;
}

/// Claims a slot and fills it; `due`: until when it is delayed. After an error there is neither
/// slot nor block.
Errc QueueCore::put_into_slot(const durable::Message& message, Claim& slot, shm::Block& block,
                              std::uint64_t& due) noexcept {
  const std::size_t bytes = message.content.size();
  if (bytes + ring::kEnvelopeBytes > inline_bytes_) {
    if (const Errc code = member_.arena.allocate(bytes, block); code != Errc::kOk) return code;
    std::memcpy(block.data, message.content.data(), bytes);
  }
  if (const Errc code = try_claim(slot); code != Errc::kOk) {
    if (block.data != nullptr) member_.arena.abandon(block.ref);
    return code;
  }
  due = fill_restored(slot, message, block);
  return Errc::kOk;
}

/// The claimed slot is mine alone until it is published. Returns until when it is delayed.
std::uint64_t QueueCore::fill_restored(const Claim& slot, const durable::Message& message,
                                       const shm::Block& block) noexcept {
  const ring::RingView& view = slot.lane->ring.view;
  const std::uint32_t index = view.slot_of(slot.position);
  std::uint64_t flags = ring::Lengths::kMovedIn;
  std::byte* const payload = view.payload(index);
  if (block.data != nullptr) {
    flags |= ring::Lengths::kInBlock;
    std::memcpy(payload, &block.ref, sizeof block.ref);
    member_.arena.make_live(block.ref,
                            {slot.lane->mapped->ring_id, index, view.lap_of(slot.position)});
  } else if (!message.content.empty()) {
    std::memcpy(payload, message.content.data(), message.content.size());
  }
  queue::write_envelope(view, index,
                        {.id = message.has_history ? message.original : message.id,
                         .source = message.source,
                         .received_before = message.received_before});
  const std::uint64_t now_ns = time_.precise_ns();
  const auto wall_ns = static_cast<std::int64_t>(time_.wall_ns());
  // relaxed: the publish behind it carries all of this.
  ring::SlotHead& head = view.slot(index);
  head.lengths.store(ring::Lengths::of(message.body_bytes, message.attribute_bytes, flags).word,
                     std::memory_order_relaxed);
  head.sent_ns.store(now_ns + static_cast<std::uint64_t>(message.sent_ns - wall_ns),
                     std::memory_order_relaxed);
  if (message.due_ns <= wall_ns) return 0;
  return ring::deadline_from_ns(now_ns + static_cast<std::uint64_t>(message.due_ns - wall_ns));
}

}  // namespace ringpost::detail
