// Moving messages to another queue: what was received too often, and what a redrive takes back.
#include <cstring>

#include "group/move.hpp"
#include "queue/queue_core.hpp"
#include "queue/setting_change.hpp"
#include "ring/move.hpp"

namespace ringpost::detail {

using queue::Counter;
using queue::Lane;

namespace {

constexpr std::uint64_t kTryAgainNs = 1'000'000'000;  // a dead-letter queue that takes nothing

}  // namespace

/// The dead-letter queue in force, opened at its first use. Null: it does not exist.
QueueCore* QueueCore::dead_letter_queue() noexcept {
  const std::uint64_t change = header().settings_change.load(std::memory_order_acquire);
  if (dead_letters_ != nullptr && change == dead_letters_of_ &&
      dead_letters_->usable() == Errc::kOk) {
    return dead_letters_.get();
  }
  dead_letters_.reset();
  const std::string name = queue::dead_letter_queue_of(header());
  member_.housekeeper.bring_back(name);
  auto found = member_.queues.open(name);
  if (!found || (*found)->header().state.load(std::memory_order_acquire) != 0) return nullptr;
  if ((*found)->queue_id() == mapping_->queue_id()) return nullptr;
  if ((*found)->kind() != mapping_->kind()) return nullptr;  // another one of that name by now
  auto core = open(member_, std::move(*found));
  if (!core) return nullptr;
  dead_letters_ = std::move(*core);
  dead_letters_of_ = change;
  return dead_letters_.get();
}

/// Nobody is given the message: it goes to the dead-letter queue, or stays where it is, invisible,
/// until somebody tries again.
void QueueCore::bury(Lane& from, const ring::Taken& taken) noexcept {
  QueueCore* const to = dead_letter_queue();
  const Errc code = to != nullptr ? move(from, taken, *to, true) : Errc::kNotFound;
  if (code == Errc::kOk) {
    counters_.add(Counter::kDeadLettered);
    return;
  }
  member_.me.hazards().clear(taken.hazard);
  if (fifo_) from.fifo->receiver.leave_group();  // those behind it wait for it
  if (code == Errc::kStaleReceipt) return;       // somebody else has it by now
  counters_.add(Counter::kDeadLettersRefused);
  put_off(from, taken, kTryAgainNs);
}

/// A leased message that nobody was given: invisible for so long, as if it had not been received.
void QueueCore::put_off(Lane& in, const ring::Taken& taken, std::uint64_t ns) noexcept {
  const std::uint64_t deadline = ring::deadline_from_ns(time_.precise_ns() + ns);
  const ring::Delivery delivery{taken.slot, taken.lap, taken.word.count()};
  if (fifo_) {
    group::postpone(in.ring, delivery, member_.me.index(), deadline);
  } else {
    ring::postpone(in.ring, delivery, member_.me.index(), deadline);
  }
}

/// The claim there and the note of the move must be one participant's: its sweeper needs both.
Errc QueueCore::move(Lease& lease, QueueCore& to) noexcept {
  if (const Errc code = usable(); code != Errc::kOk) return code;
  if (const Errc code = to.usable(); code != Errc::kOk) return code;
  const auto is_standard = [](const QueueCore& queue) {
    return queue.mapping_->kind() == ring::RingKind::kStandard;
  };
  Lease::Fields& fields = lease.fields_;
  if (&member_.me != &to.member_.me || mapping_->queue_id() == to.mapping_->queue_id() ||
      !is_standard(*this) || !is_standard(to) || fields.hazard == Lease::kNoView) {
    return Errc::kInvalidArgument;
  }
  Lane* const from = lane(fields.ring);
  if (from == nullptr) return Errc::kStaleReceipt;
  const ring::Taken taken{fields.slot, fields.hazard, fields.position_lap,
                          ring::LeaseWord{{fields.lease_low, fields.lease_high}}};
  const Errc code = move(*from, taken, to, true, true);
  if (code != Errc::kOk) return code;
  fields.hazard = Lease::kNoView;  // the move has cleared it
  --views_open_;
  fields.content = nullptr;
  fields.body_bytes = fields.attribute_bytes = 0;
  counters_.add(Counter::kDeadLettered);
  settled_one();
  return Errc::kOk;
}

/// kOk: it is there, and the hazard entry of the lease is cleared. kStaleReceipt, or why `to` takes
/// nothing: the lease is as it was. A payload block goes along by its reference, unless somebody
/// may be reading it in place still: his hazard entry protects it here and not there. One that is
/// shared with other queues is copied.
Errc QueueCore::move(Lane& from, const ring::Taken& taken, QueueCore& to, bool with_history,
                     bool was_delivered) noexcept {
  if (fifo_ || to.fifo_) return move_in_group(from, taken, to, with_history);
  const ring::RingView& view = from.ring.view;
  const ring::Lengths lengths{view.slot(taken.slot).lengths.load(std::memory_order_relaxed)};
  Removal removal{from, taken, lengths, with_history};
  removal.was_delivered = was_delivered;
  const std::byte* content = view.payload(taken.slot);
  if (lengths.in_block()) {
    bool has_block = false;
    ring::read_block_ref(view, taken.slot, removal.block, has_block);
    content = member_.arena.data(removal.block, lengths.content(),
                                 ring::read_offset(view, taken.slot, lengths));
    removal.block_goes = !lengths.shared() &&
                         ring::block_may_go(from.ring, {taken.slot, taken.lap, taken.word.count()},
                                            taken.word, member_.me.index(), taken.hazard);
  }
  if (content == nullptr) return Errc::kCorrupt;
  const std::size_t envelope = with_history ? ring::kEnvelopeBytes : 0;
  const bool fits = lengths.content() + envelope <= to.lanes_.back()->ring.view.inline_bytes();
  shm::Block copy;
  if (!removal.block_goes && (!fits || lengths.in_block())) {
    if (const Errc code = member_.arena.allocate(lengths.content(), copy); code != Errc::kOk) {
      return code;
    }
    std::memcpy(copy.data, content, lengths.content());
  }
  Claim claim;
  if (const Errc code = to.try_claim(claim); code != Errc::kOk) {
    if (copy.data != nullptr) member_.arena.abandon(copy.ref);
    return code;
  }
  to.fill_moved(claim, *this, removal, copy, content);
  if (const Errc code = to.log_ != nullptr ? to.log_moved_in(claim) : Errc::kOk;
      code != Errc::kOk) {
    claim.lane->sender.give_up(claim.position);
    if (copy.data != nullptr) member_.arena.free(copy.ref);
    return code;
  }
  const MessageId name = log_ != nullptr ? name_in_log(from, taken.slot, taken.lap) : MessageId{};
  const ring::Passage passage{.source = from.ring,
                              .source_id = from.mapped->ring_id,
                              .delivery = {taken.slot, taken.lap, taken.word.count()},
                              .hazard = taken.hazard,
                              .target = claim.lane->ring,
                              .target_id = claim.lane->mapped->ring_id,
                              .sender = claim.lane->sender,
                              .position = claim.position,
                              .block = removal.block_goes ? removal.block : shm::BlockRef{}};
  if (ring::move(passage, member_.me.index(), member_.me.hazards(), member_.me.move_note()) ==
      ring::Settled::kStale) {
    if (copy.data != nullptr) member_.arena.free(copy.ref);
    if (to.log_ != nullptr) to.log_->removed({claim.lane->mapped->ring_id, claim.position});
    return Errc::kStaleReceipt;
  }
  if (log_ != nullptr) log_->removed(name);
  to.counters_.add(Counter::kMovedIn);
  return Errc::kOk;
}

/// The claimed slot here is mine alone until it is published.
void QueueCore::fill_moved(const Claim& slot, const QueueCore& source, const Removal& what,
                           const shm::Block& copy, const std::byte* content) noexcept {
  const ring::RingView& old = what.from.ring.view;
  const ring::RingView& view = slot.lane->ring.view;
  const std::uint32_t index = view.slot_of(slot.position);
  const std::uint64_t lap = view.lap_of(slot.position);
  std::byte* const payload = view.payload(index);
  std::uint64_t flags = 0;
  if (what.block_goes || copy.data != nullptr) {
    const shm::BlockRef& ref = what.block_goes ? what.block : copy.ref;
    flags |= ring::Lengths::kInBlock;
    std::memcpy(payload, &ref, sizeof ref);
    if (!what.block_goes) {
      member_.arena.make_live(ref, {slot.lane->mapped->ring_id, index, lap});
    }
  } else {
    std::memcpy(payload, content, what.lengths.content());
  }
  // relaxed: the publish behind it carries all of this.
  ring::SlotHead& head = view.slot(index);
  if (what.with_history) {
    flags |= ring::Lengths::kMovedIn;
    queue::write_envelope(view, index, history_of(source, what));
    head.sent_ns.store(old.slot(what.taken.slot).sent_ns.load(std::memory_order_relaxed),
                       std::memory_order_relaxed);
    carry_first_received(what, view, index, lap);
  } else {
    head.sent_ns.store(time_.precise_ns(), std::memory_order_relaxed);
  }
  head.lengths.store(ring::Lengths::of(what.lengths.body(), what.lengths.attributes(), flags).word,
                     std::memory_order_relaxed);
}

/// What a message brings along that keeps its identity.
queue::Envelope QueueCore::history_of(const QueueCore& source, const Removal& what) noexcept {
  const ring::RingView& old = what.from.ring.view;
  queue::Envelope envelope{
      {what.from.mapped->ids, old.position_of(what.taken.slot, what.taken.lap)},
      source.mapping_->lasting_id(),
      what.taken.word.count() - (what.was_delivered ? 0 : 1),
      old.slot(what.taken.slot).sent_ns.load(std::memory_order_relaxed)};
  if (what.lengths.moved_in()) {
    const queue::Envelope before = queue::read_envelope(old, what.taken.slot);
    envelope.id = before.id;
    envelope.received_before += before.received_before;
    envelope.sent_ns = before.sent_ns;
  }
  return envelope;
}

void QueueCore::carry_first_received(const Removal& what, const ring::RingView& to,
                                     std::uint32_t slot, std::uint64_t lap) noexcept {
  const std::uint64_t first =
      what.from.ring.view.first_received(what.taken.slot).load(std::memory_order_relaxed);
  // Not of this message: its consumer died before he wrote it. Then it is not known here either.
  const bool known = ((first ^ what.taken.lap) & kFirstReceivedLapMask) == 0;
  to.first_received(slot).store(
      (first & ~kFirstReceivedLapMask) | ((known ? lap : ~lap) & kFirstReceivedLapMask),
      std::memory_order_relaxed);
}

/// The name of the queue that a message was moved from, by its id: looked up among those there are.
std::string QueueCore::queue_name_of(std::uint64_t lasting_id) const {
  const auto names = sys::names_in(member_.me.bus().queues());
  for (const std::string& name : names ? *names : std::vector<std::string>()) {
    const auto found = member_.queues.open(name);
    if (found && (*found)->lasting_id() == lasting_id) return name;
  }
  for (const std::string& name : member_.queues.home().names()) {  // nobody has opened it yet
    const auto meta = member_.queues.home().read(name);
    if (meta && meta->lasting_id == lasting_id) return name;
  }
  return kDeletedQueue;
}

std::string QueueCore::dead_letter_source(const Lease& lease) {
  Lane* in = lane(lease.fields_.ring);
  if (in == nullptr) return {};
  const ring::RingView& view = in->ring.view;
  const ring::Lengths lengths{view.slot(lease.fields_.slot).lengths.load()};
  if (!lengths.moved_in()) return {};
  const std::uint64_t source = queue::read_envelope(view, lease.fields_.slot).source;
  return source == 0 ? std::string() : queue_name_of(source);
}

/// A message that came from another queue keeps its id and goes on counting.
void QueueCore::open_envelope(const Lane& in, std::uint32_t slot, Lease& lease) noexcept {
  lease.fields_.receive_count += queue::read_envelope(in.ring.view, slot).received_before;
}

}  // namespace ringpost::detail
