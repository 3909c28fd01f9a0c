// Moving messages between FIFO queues: they keep their group, and get a new place in its order.
#include <cstring>
#include <new>

#include "group/move.hpp"
#include "group/publish.hpp"
#include "queue/queue_core.hpp"

namespace ringpost::detail {

using queue::Counter;
using queue::Lane;

/// As move(). Consumers of the target that come by in the middle do not wait: then another place is
/// taken there. Its id is not entered into the target's table: it is the id of a message (D08), and
/// that never comes again.
Errc QueueCore::move_in_group(Lane& from, const ring::Taken& taken, QueueCore& to,
                              bool with_history) noexcept {
  constexpr int kPlacesMax = 32;  // then the target counts as full
  if (!fifo_ || !to.fifo_) return Errc::kInvalidArgument;
  const ring::RingView& view = from.ring.view;
  const ring::Delivery delivery{taken.slot, taken.lap, taken.word.count()};
  const ring::Lengths lengths{view.slot(taken.slot).lengths.load(std::memory_order_relaxed)};
  const group::IdLengths ids = from.fifo->groups.ids_at(taken.slot);
  const std::uint64_t bytes = lengths.content() + ids.both();
  Removal removal{from, taken, lengths, with_history, {}, false, ids};
  const std::byte* content = bytes <= view.inline_bytes() ? view.payload(taken.slot) : nullptr;
  if (lengths.in_block()) {
    bool has_block = false;
    ring::read_block_ref(view, taken.slot, removal.block, has_block);
    content =
        member_.arena.data(removal.block, bytes, ring::read_offset(view, taken.slot, lengths));
    removal.block_goes = !lengths.shared() && ring::block_may_go(from.ring, delivery, taken.word,
                                                                 member_.me.index(), taken.hazard);
  }
  if (content == nullptr) return Errc::kCorrupt;
  const bool fits = bytes + ring::kFifoEnvelopeBytes <= to.lanes_.back()->ring.view.inline_bytes();
  shm::Block copy;
  if (!removal.block_goes && (!fits || lengths.in_block())) {
    if (const Errc code = member_.arena.allocate(bytes, copy); code != Errc::kOk) return code;
    std::memcpy(copy.data, content, bytes);
  }
  Errc code = Errc::kFull;
  for (int places = 0; places < kPlacesMax; ++places) {
    Claim claim;
    code = to.try_claim(claim);
    if (code != Errc::kOk) break;
    to.fill_moved_in_group(claim, *this, removal, copy, content);
    code = to.log_ != nullptr ? to.log_moving_in(claim) : Errc::kOk;
    if (code != Errc::kOk) {
      if (copy.data != nullptr) member_.arena.take_back(copy.ref);
      group::void_claim(claim.lane->ring, claim.position);
      break;
    }
    const ring::Passage passage{.source = from.ring,
                                .source_id = from.mapped->ring_id,
                                .delivery = delivery,
                                .hazard = taken.hazard,
                                .target = claim.lane->ring,
                                .target_id = claim.lane->mapped->ring_id,
                                .sender = claim.lane->sender,
                                .position = claim.position,
                                .block = removal.block_goes ? removal.block : shm::BlockRef{}};
    bool is_safe_there = true;
    const group::MoveOutcome outcome =
        group::move(passage, from.fifo->groups, member_.me.index(), member_.me.hazards(),
                    member_.me.move_note(), [&] { is_safe_there = to.wait_moved_in(); });
    if (outcome == group::MoveOutcome::kDone) {
      if (log_ != nullptr && is_safe_there) log_gone(from, taken.slot, taken.lap);
      to.counters_.add(Counter::kMovedIn);
      return Errc::kOk;
    }
    if (to.log_ != nullptr) to.log_->removed({claim.lane->mapped->ids, claim.position});
    // Mine before the claim is void: the block of a slot without a message is anybody's.
    if (copy.data != nullptr) member_.arena.take_back(copy.ref);
    group::void_claim(claim.lane->ring, claim.position);
    code = outcome == group::MoveOutcome::kStale ? Errc::kStaleReceipt : Errc::kFull;
    if (code == Errc::kStaleReceipt) break;
  }
  if (copy.data != nullptr) member_.arena.abandon(copy.ref);
  return code;
}

/// The claimed slot here is mine alone until it is reserved.
void QueueCore::fill_moved_in_group(const Claim& slot, const QueueCore& source, const Removal& what,
                                    const shm::Block& copy, const std::byte* content) noexcept {
  const ring::RingView& view = slot.lane->ring.view;
  const std::uint32_t index = view.slot_of(slot.position);
  const std::uint64_t lap = view.lap_of(slot.position);
  std::byte* const payload = view.payload(index);
  std::uint64_t flags = ring::Lengths::kUndelayed;
  if (what.block_goes || copy.data != nullptr) {
    const shm::BlockRef& ref = what.block_goes ? what.block : copy.ref;
    flags |= ring::Lengths::kInBlock;
    std::memcpy(payload, &ref, sizeof ref);
    if (!what.block_goes) {
      member_.arena.make_live(ref, {slot.lane->mapped->ring_id, index, lap});
    }
  } else {
    std::memcpy(payload, content, what.lengths.content() + what.ids.both());
  }
  // relaxed: the publish behind it carries all of this.
  queue::Envelope envelope = history_of(source, what);
  if (what.with_history) {
    flags |= ring::Lengths::kMovedIn;
    carry_first_received(what, view, index, lap);
  } else {
    flags |= ring::Lengths::kRenamed;
    envelope = {.id = envelope.id};
  }
  queue::write_envelope(view, index, envelope);
  ring::SlotHead& head = view.slot(index);
  head.sent_ns.store(time_.precise_ns(), std::memory_order_relaxed);  // retention begins anew
  head.lengths.store(ring::Lengths::of(what.lengths.body(), what.lengths.attributes(), flags).word,
                     std::memory_order_relaxed);
  group::FifoHead& group_head = slot.lane->fifo->groups.head(index);
  const auto* group = reinterpret_cast<const char*>(content) + what.lengths.content();
  group_head.key.store(group::key_of({group, what.ids.group()}, mapping_->lasting_id()),
                       std::memory_order_relaxed);
  group_head.lengths.store(what.ids.word, std::memory_order_relaxed);
  group_head.entry.store(0, std::memory_order_relaxed);
}

/// Lives as long as the lease's view: each has a hazard entry of its own.
std::string_view QueueCore::id_text_of(const Lease& lease, const MessageId& id) noexcept {
  if (id_texts_ == nullptr) id_texts_.reset(new (std::nothrow) IdTexts);
  if (id_texts_ == nullptr || lease.fields_.hazard >= id_texts_->size()) return {};
  IdText& text = (*id_texts_)[lease.fields_.hazard];
  const std::string written = id.to_string();
  written.copy(text.data(), text.size());
  return {text.data(), std::min(written.size(), text.size())};
}

}  // namespace ringpost::detail
