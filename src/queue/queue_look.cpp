// Looking at a queue, and changing it as a whole: stats, peek, settings, purge.
#include <algorithm>
#include <cstring>

#include "base/unstable_read.hpp"
#include "queue/policies.hpp"
#include "queue/queue_core.hpp"
#include "queue/setting_change.hpp"
#include "queue/settings.hpp"
#include "sys/error.hpp"
#include "sys/file_lock.hpp"

namespace ringpost::detail {

using queue::Counter;
using queue::Lane;
using ring::LeaseState;

namespace {

/// What a reader may conclude from one slot: the message in it, if any.
struct Seen {
  ring::LeaseWord word;
  std::uint64_t lap = 0;
  bool has_message = false;
};

Seen look_at(const ring::RingView& view, std::uint32_t slot) noexcept {
  Seen seen;
  seen.word = view.lease_word(slot);
  const ring::Claim claim{view.claim(slot).load(std::memory_order_acquire)};
  seen.lap = view.slot(slot).publish.load(std::memory_order_acquire);
  const bool published = !claim.sealed() && seen.lap != 0 && seen.lap == claim.lap();
  const bool finished =
      seen.word.state() == LeaseState::kLimbo || seen.word.state() == LeaseState::kAcked ||
      seen.word.state() == LeaseState::kMoved || (!seen.word.held() && seen.word.lap() != seen.lap);
  seen.has_message = published && !finished;
  return seen;
}

/// Until when a message is invisible, in deadline units. `delay_ns`: of a FIFO queue, whose
/// messages have it in their lease words only once they are in their groups.
std::uint64_t hidden_until(ring::LeaseWord word, std::uint64_t sent_ns,
                           std::uint64_t delay_ns) noexcept {
  const bool waits = word.state() == LeaseState::kLeased || word.state() == LeaseState::kDelayed;
  if (waits) return word.deadline();
  return delay_ns == 0 ? 0 : ring::deadline_from_ns(sent_ns + delay_ns);
}

/// A lease or delay that is over is visible, also while no receiver has come by to end it.
MessageState state_of(ring::LeaseWord word, std::uint64_t due, std::uint64_t now_ns) noexcept {
  if (due <= now_ns / ring::kDeadlineUnitNs) return MessageState::kVisible;
  return word.state() == LeaseState::kLeased ? MessageState::kInFlight : MessageState::kDelayed;
}

/// A recovered message may be older than the monotonic clock: then its time is below zero.
std::uint64_t age_at(std::uint64_t now_ns, std::uint64_t sent_ns) noexcept {
  const std::uint64_t age = now_ns - sent_ns;
  return static_cast<std::int64_t>(age) > 0 ? age : 0;
}

/// A copy of bytes that their writer may change meanwhile; the caller checks afterwards whether he
/// did and throws the copy away.
RINGPOST_UNSTABLE_READ void copy_unstable(std::string& into, const std::byte* from,
                                          std::size_t bytes) {
  into.resize(bytes);
  for (std::size_t i = 0; i < bytes; ++i) into[i] = static_cast<char>(from[i]);
}

}  // namespace

/// Of the message in that slot, as the queue's setting says.
std::uint64_t QueueCore::group_delay_ns(const ring::SlotHead& head) noexcept {
  if (!fifo_ || ring::Lengths{head.lengths.load()}.undelayed()) return 0;
  return header().settings.delay_ns.load(std::memory_order_relaxed);
}

QueueStats QueueCore::stats() {
  refresh_lanes();
  const queue::Stripe* stripes = mapping_->stripes();
  const auto sum = [&](Counter counter) { return queue::Counters::sum(stripes, counter); };
  QueueStats stats;
  stats.sent = sum(Counter::kSent);
  stats.sent_bytes = sum(Counter::kSentBytes);
  stats.received = sum(Counter::kReceived);
  stats.redelivered = sum(Counter::kRedelivered);
  stats.acknowledged = sum(Counter::kAcknowledged);
  stats.released = sum(Counter::kReleased);
  stats.expired = sum(Counter::kExpired);
  stats.dropped_by_retention = sum(Counter::kDroppedByRetention);
  stats.purged = sum(Counter::kPurged);
  stats.refused_full = sum(Counter::kRefusedFull);
  stats.duplicates = sum(Counter::kDuplicates);
  stats.dead_lettered = sum(Counter::kDeadLettered);
  stats.dead_letters_refused = sum(Counter::kDeadLettersRefused);
  stats.moved_in = sum(Counter::kMovedIn);
  queue::Counters::merge_latency(stripes, stats.latency);
  stats.memory_bytes = queue::kQueueFileBytes;
  if (mapping_->dedup() != nullptr) stats.memory_bytes += mapping_->dedup()->geometry().bytes;
  if (mapping_->attempts() != nullptr) stats.memory_bytes += queue::kAttemptsBytes;
  if (log_ != nullptr) {
    stats.memory_bytes += log_->memory_bytes();
    stats.log_bytes = log_->disk_bytes();
    stats.log_written = log_->journal().durable();
    const std::uint64_t refilled = header().refilled.load(std::memory_order_relaxed);
    const std::uint64_t overflowed = header().overflowed.load(std::memory_order_relaxed);
    stats.beyond_memory = overflowed > refilled ? overflowed - refilled : 0;
  }
  const std::uint64_t now_ns = time_.precise_ns();
  std::uint64_t oldest = 0;
  for (const auto& each : lanes_) {
    const ring::RingView& view = each->ring.view;
    ++stats.rings;
    stats.slots += view.slots();
    stats.memory_bytes += view.geometry().file_bytes;
    for (std::uint32_t slot = 0; slot < view.slots(); ++slot) {
      const Seen seen = look_at(view, slot);
      if (!seen.has_message) continue;
      const ring::SlotHead& head = view.slot(slot);
      const std::uint64_t sent_ns = head.sent_ns.load();
      oldest = std::max(oldest, age_at(now_ns, sent_ns));
      switch (state_of(seen.word, hidden_until(seen.word, sent_ns, group_delay_ns(head)), now_ns)) {
        case MessageState::kVisible:
          ++stats.visible;
          break;
        case MessageState::kInFlight:
          ++stats.in_flight;
          break;
        case MessageState::kDelayed:
          ++stats.delayed;
          break;
      }
    }
  }
  stats.oldest_age = Duration(static_cast<std::int64_t>(oldest));
  return stats;
}

std::vector<PeekedMessage> QueueCore::peek(std::size_t count) {
  refresh_lanes();
  const std::uint64_t now_ns = time_.precise_ns();
  std::vector<PeekedMessage> found;
  for (const auto& each : lanes_) {
    if (found.size() >= count) break;
    const ring::RingView& view = each->ring.view;
    std::vector<std::pair<std::uint64_t, std::uint32_t>> messages;  // position, slot
    for (std::uint32_t slot = 0; slot < view.slots(); ++slot) {
      const Seen seen = look_at(view, slot);
      if (seen.has_message) messages.emplace_back(view.position_of(slot, seen.lap), slot);
    }
    std::sort(messages.begin(), messages.end());
    for (const auto& [position, slot] : messages) {
      if (found.size() >= count) break;
      PeekedMessage message;
      message.position = position;
      if (peek_slot(*each, slot, now_ns, message)) found.push_back(std::move(message));
    }
  }
  return found;
}

/// Copy, fence, look again: a copy of a message that went meanwhile is thrown away.
bool QueueCore::peek_slot(Lane& in, std::uint32_t slot, std::uint64_t now_ns,
                          PeekedMessage& into) noexcept {
  const ring::RingView& view = in.ring.view;
  const Seen before = look_at(view, slot);
  if (!before.has_message || view.position_of(slot, before.lap) != into.position) return false;
  ring::SlotHead& head = view.slot(slot);
  const ring::Lengths lengths{head.lengths.load(std::memory_order_relaxed)};
  const std::byte* content = view.payload(slot);
  const std::uint32_t group_bytes = grouped_ ? group::ids_at(view, slot).group() : 0;
  if (lengths.in_block()) {
    shm::BlockRef ref{};
    bool has_block = false;
    ring::read_block_ref(view, slot, ref, has_block);
    content = member_.arena.data(ref, lengths.content() + group_bytes,
                                 ring::read_offset(view, slot, lengths));
  } else if (lengths.content() + group_bytes > view.inline_bytes()) {
    content = nullptr;
  }
  if (content == nullptr) return false;
  copy_unstable(into.group, content + lengths.content(), group_bytes);
  copy_unstable(into.body, content, lengths.body());
  copy_unstable(into.encoded_attributes, content + lengths.body(), lengths.attributes());
  const std::uint64_t sent_ns = head.sent_ns.load();
  into.age = Duration(static_cast<std::int64_t>(age_at(now_ns, sent_ns)));
  const queue::Envelope envelope =
      lengths.moved_in() ? queue::read_envelope(view, slot) : queue::Envelope{};
  std::atomic_thread_fence(std::memory_order_acquire);  // the copy before the second look
  const Seen after = look_at(view, slot);
  if (!after.has_message || after.lap != before.lap) return false;
  into.id = {in.mapped->ids, into.position};
  into.ring = static_cast<std::uint32_t>(in.number());
  const std::uint64_t due = hidden_until(after.word, sent_ns, group_delay_ns(head));
  into.state = state_of(after.word, due, now_ns);
  // In the word of a delayed one the count has another use, see group::Receiver::look().
  const bool delayed = after.word.state() == LeaseState::kDelayed;
  into.receive_count = (delayed ? 0 : after.word.count()) + envelope.received_before;
  if (lengths.moved_in()) {
    into.id = envelope.id;
    if (envelope.source != 0) into.dead_letter_source = queue_name_of(envelope.source);
  }
  if (into.state != MessageState::kVisible) {
    const std::uint64_t due_ns = due * ring::kDeadlineUnitNs;
    into.due_in = Duration(static_cast<std::int64_t>(due_ns > now_ns ? due_ns - now_ns : 0));
  }
  return true;
}

Result<void> QueueCore::set(const QueueSettings& changes) {
  const std::string object = "queue \"" + mapping_->name() + "\"";
  if (const Errc code = usable(); code != Errc::kOk) {
    return sys::error(code, object, message(code));
  }
  if (changes.slots || changes.inline_bytes || changes.bytes_max || changes.fixed || changes.fifo ||
      changes.fair || changes.dedup_entries || changes.dedup_scope || changes.durability ||
      changes.log_segment_bytes) {
    return sys::error(Errc::kInvalidArgument, object,
                      "slots, inline_bytes, bytes_max, fixed, fifo, fair, dedup_entries, "
                      "dedup_scope, durability and log_segment_bytes are fixed at creation");
  }
  if (log_ != nullptr && changes.message_bytes_max) {
    if (auto checked = queue::check_durable({.message_bytes_max = changes.message_bytes_max,
                                             .log_segment_bytes = mapping_->log_segment_bytes()});
        !checked) {
      return checked;
    }
  }
  if (auto checked = queue::check_limits(changes); !checked) return checked;
  if (changes.dedup && (*changes.dedup == Dedup::kOff) != (mapping_->dedup() == nullptr)) {
    return sys::error(Errc::kInvalidArgument, object,
                      "deduplication is on or off from the creation; on, it may change between id "
                      "and content");
  }
  if (auto checked = queue::check_fair(fair_, changes); !checked) return checked;
  if (changes.redrive) member_.housekeeper.bring_back(changes.redrive->dead_letter_queue);
  if (auto checked = queue::check_redrive(member_.queues, mapping_->name(), fifo_, changes);
      !checked) {
    return checked;
  }
  if (const Errc code = queue::change_settings(header(), changes, member_.me.index());
      code != Errc::kOk) {
    return sys::error(code, object, "others are changing its settings and do not get on");
  }
  receivers().wake_all();  // their waits were computed from the old values
  return log_ != nullptr ? save_settings() : Result<void>();
}

Result<std::uint64_t> QueueCore::purge() {
  if (const Errc code = usable(); code != Errc::kOk) {
    return sys::error(code, "queue \"" + mapping_->name() + "\"", message(code));
  }
  refresh_lanes();
  const std::uint64_t begun_ns = time_.precise_ns();
  std::uint64_t removed = 0;
  for (const auto& each : lanes_) {
    if (fifo_) removed += discard_groups(*each, begun_ns);
    if (fair_) removed += discard_fairly(*each, begun_ns);
    for (std::uint32_t slot = 0; slot < each->ring.view.slots() && !grouped_; ++slot) {
      const Seen seen = look_at(each->ring.view, slot);
      const std::uint64_t sent_ns = each->ring.view.slot(slot).sent_ns.load();
      if (!seen.has_message || static_cast<std::int64_t>(sent_ns - begun_ns) > 0) continue;
      const MessageId name_of_it =
          log_ != nullptr ? name_in_log(*each, slot, seen.lap) : MessageId{};
      if (!ring::discard(each->ring, slot, seen.lap)) continue;
      if (log_ != nullptr) log_->removed(name_of_it);
      ++removed;
    }
  }
  if (log_ != nullptr) removed += purge_backlog();
  counters_.add(Counter::kPurged, removed);
  return removed;
}

WallTime QueueCore::wall_time(std::uint64_t monotonic_ns) const noexcept {
  const std::uint64_t age = age_at(time_.precise_ns(), monotonic_ns);
  return WallTime(std::chrono::duration_cast<WallTime::duration>(
      Duration(static_cast<std::int64_t>(time_.wall_ns() - age))));
}

std::uint64_t QueueCore::sent_ns(const Lease& lease) noexcept {
  Lane* in = lane(lease.fields_.ring);
  if (in == nullptr) return 0;
  const ring::SlotHead& head = in->ring.view.slot(lease.fields_.slot);
  if (fifo_ && ring::Lengths{head.lengths.load()}.moved_in()) {
    return queue::read_envelope(in->ring.view, lease.fields_.slot).sent_ns;
  }
  return head.sent_ns.load();
}

std::uint64_t QueueCore::first_received_ns(const Lease& lease) noexcept {
  const Lease::Fields& fields = lease.fields_;
  Lane* in = fields.receive_count > 1 ? lane(fields.ring) : nullptr;
  if (in == nullptr) return fields.received_ns;
  const std::uint64_t word = in->ring.view.first_received(fields.slot).load();
  const bool of_this_message = ((word ^ fields.position_lap) & kFirstReceivedLapMask) == 0;
  return of_this_message ? (word >> kFirstReceivedLapBits) * kFirstReceivedUnitNs
                         : fields.received_ns;
}

MessageId QueueCore::id_of(const Lease& lease) noexcept {
  Lane* in = lane(lease.fields_.ring);
  if (in == nullptr) return {};
  const ring::RingView& view = in->ring.view;
  const ring::Lengths lengths{view.slot(lease.fields_.slot).lengths.load()};
  if (lengths.moved_in()) return queue::read_envelope(view, lease.fields_.slot).id;
  return {in->mapped->ids, view.position_of(lease.fields_.slot, lease.fields_.position_lap)};
}

Receipt QueueCore::receipt_of(const Lease& lease) const noexcept {
  const Lease::Fields& fields = lease.fields_;
  const ring::LeaseWord known{{fields.lease_low, fields.lease_high}};
  return {mapping_->queue_id(), fields.ring, fields.slot, fields.position_lap, known.count()};
}

}  // namespace ringpost::detail
