// Making room in the log of a durable queue: the oldest segment goes, once what is alive of it
// stands in a younger one.
#include <algorithm>

#include "log/names.hpp"
#include "log/reader.hpp"
#include "queue/queue_core.hpp"

namespace ringpost::detail {

using queue::Lane;

namespace {

constexpr std::uint32_t kRefill = 16;
constexpr std::size_t kSegmentsMin = 4;             // below nothing is worth the work
constexpr std::uint64_t kOverheadBytes = 256;       // of a message's record, about
constexpr std::uint64_t kTailLag = 1 << 20;         // of the shared tail, at most
constexpr std::uint64_t kLookEveryBytes = 1 << 18;  // of records that this participant wrote

/// Whether the slot still has the message of that lap, or will have it: a claim that is not
/// published counts, since its record was written before it.
bool is_alive(const ring::RingView& view, std::uint32_t slot, std::uint64_t lap) noexcept {
  const bool fifo = view.geometry().kind == ring::RingKind::kFifo;
  const ring::LeaseWord word = view.lease_word(slot);  // [lease], then [claim]
  const ring::Claim claim{view.claim(slot).load(std::memory_order_acquire)};
  if (claim.sealed() || claim.lap() != lap) return false;
  switch (word.state()) {
    case ring::LeaseState::kLimbo:
    case ring::LeaseState::kAcked:
      return false;
    case ring::LeaseState::kMoved:
      return fifo && word.owner() != 0;  // not decided, or its mover waits for the disk there
    case ring::LeaseState::kIdle:
    case ring::LeaseState::kAwait:
      if (fifo && view.slot(slot).publish.load(std::memory_order_acquire) == (lap | ring::kSkipped))
        return false;
      return word.held() || word.lap() <= lap;
    default:
      return true;
  }
}

}  // namespace

void QueueCore::tend_log_now_and_then() noexcept {
  const std::uint64_t looks = log_->written_bytes() / kLookEveryBytes;
  if (looks == log_looks_) return;
  log_looks_ = looks;
  static_cast<void>(refill(kRefill));  // also what is behind goes on, so that segments may go
  reclaim_log();
}

/// How many bytes of records are alive, about.
std::uint64_t QueueCore::alive_log_bytes() noexcept {
  std::uint64_t bytes = 0;
  refresh_lanes();
  for (const auto& each : lanes_) {
    const ring::RingView& view = each->ring.view;
    for (std::uint32_t slot = 0; slot < view.slots(); ++slot) {
      const std::uint64_t lap = view.slot(slot).publish.load(std::memory_order_acquire);
      if (lap == 0 || !is_alive(view, slot, lap)) continue;
      bytes += ring::Lengths{view.slot(slot).lengths.load(std::memory_order_relaxed)}.content() +
               kOverheadBytes;
    }
  }
  return fifo_ ? bytes + alive_id_bytes() : bytes;
}

bool QueueCore::is_there(const MessageId& id) noexcept {
  const ring::RingView& view = lanes_.back()->ring.view;
  return is_alive(view, view.slot_of(id.position), view.lap_of(id.position));
}

/// Half of the log at most is alive when it begins, so that each record is written twice on
/// average. One process at a time, and not without end: it is at others' expense.
void QueueCore::reclaim_log() noexcept {
  constexpr int kMost = 16;
  for (int i = 0; i < kMost && reclaim_segment(); ++i) continue;
}

/// The oldest one, if it may go.
bool QueueCore::reclaim_segment() noexcept {
  auto files = log::list_files(log_->directory());
  if (!files || files->segments.size() < kSegmentsMin) return false;
  const std::uint64_t all = files->segments.size() * log_->segment_bytes();
  const std::uint64_t spared = kSegmentsMin * log_->segment_bytes();
  if (all < spared + 2 * alive_log_bytes()) return false;
  const auto lock = member_.queues.home().try_lock_log(mapping_->name());
  if (!lock) return false;
  files = log::list_files(log_->directory());  // somebody may just have done it
  if (!files || files->segments.size() * log_->segment_bytes() < all) return false;
  const std::uint64_t end = files->segments[1];
  if (is_backlog_from(end)) return false;
  if (end > log_->journal().durable() || relocate(files->segments[0], end) != Errc::kOk) {
    return false;
  }
  // A move that is decided has its record in the target's journal, maybe not on its disk yet: the
  // message would be nowhere after a loss of power, if its mover is dead. (In other queues the disk
  // comes before the decision.)
  if (fifo_ && !member_.housekeeper.flush_logs()) return false;
  // Each by itself: a hole among the segments would look like damage after a loss of power. Whoever
  // died may have removed the one before and not have made that safe.
  return log_->directory().sync().has_value() &&
         log_->directory().remove(log::segment_name(files->segments[0])).has_value() &&
         log_->directory().sync().has_value();
}

/// What is alive of the records in [from, to), once more at the end of the log. The copies count
/// from their end mark on: so whoever dies between a copy and the second look at its message leaves
/// none that nobody says is gone.
Errc QueueCore::relocate(std::uint64_t from, std::uint64_t to) noexcept {
  const std::uint64_t number = sys::unique_id();
  if (!fifo_ && !publish_target()) return Errc::kBusy;
  auto reader = log::Reader::open(log_->directory());
  if (!reader) return reader.error().code;
  (*reader)->seek(from);
  for (;;) {
    const auto record = (*reader)->next(to);
    if (!record && record.error() == Errc::kLapped) continue;  // what salvage has given up
    if (!record && record.error() == Errc::kEmpty) break;
    if (!record) return record.error();
    if (fifo_) {
      if (const Errc code = relocate_in_groups(*record, number); code != Errc::kOk) return code;
      continue;
    }
    if (durable::kind_of(*record) != durable::Kind::kSend) continue;
    auto message = durable::read_send(*record);
    if (!message) return Errc::kDamaged;
    if (message->is_overflow) continue;  // below the place of the refill: it came into a slot
    if (const Errc code = relocate(*message, number); code != Errc::kOk) return code;
  }
  if (fifo_) {
    const std::uint64_t end = lanes_.back()->ring.view.hot().tail.load() + kTailLag;
    if (const Errc code = log_->mark(durable::Kind::kPositions, {end}); code != Errc::kOk)
      return code;
  }
  if (const Errc code = log_->mark(durable::Kind::kRelocated, {number}); code != Errc::kOk) {
    return code;
  }
  return log_->wait_durable(log_->deadline_ns({}));
}

Errc QueueCore::relocate(durable::Message& message, std::uint64_t number) noexcept {
  Lane* const in = fifo_ ? lanes_.back().get() : lane_of_ring(message.id.ring);
  if (in == nullptr) return knows_every_ring() ? Errc::kOk : Errc::kBusy;
  const ring::RingView& view = in->ring.view;
  const std::uint32_t slot = view.slot_of(message.id.position);
  const std::uint64_t lap = view.lap_of(message.id.position);
  // What came from the log and is not published by now never will be: the cursor is beyond it.
  const bool was_refilled = message.replaces != 0;
  if (was_refilled && view.slot(slot).publish.load(std::memory_order_acquire) != lap) {
    return Errc::kOk;
  }
  if (!is_alive(view, slot, lap)) return Errc::kOk;
  const ring::LeaseWord word = view.lease_word(slot);
  if (word.state() == ring::LeaseState::kLeased || word.state() == ring::LeaseState::kReturned) {
    message.receives = std::max(message.receives, word.count());
  }
  message.relocation = number;
  const std::uint64_t deadline_ns = log_->deadline_ns({});
  if (const Errc code = log_->send(message, deadline_ns); code != Errc::kOk) return code;
  // Gone meanwhile: what its end wrote may stand before the copy, in a segment that goes earlier.
  return is_alive(view, slot, lap) ? Errc::kOk : log_->remove(message.name(), deadline_ns);
}

/// A ring that is not among the lanes is gone, unless it could not be opened.
bool QueueCore::knows_every_ring() noexcept {
  const std::uint64_t oldest = header().oldest.load(std::memory_order_acquire);
  const std::uint64_t newest = header().write_ring.load(std::memory_order_acquire);
  for (std::uint64_t n = oldest; n <= newest && n - oldest < queue::kChainEntries; ++n) {
    const std::uint64_t id = mapping_->chain_id(n);
    if (id == queue::ChainEntry::kNone || id == queue::ChainEntry::kRetired) continue;
    if (mapping_->ring(n) == nullptr) return false;
  }
  return true;
}

}  // namespace ringpost::detail
