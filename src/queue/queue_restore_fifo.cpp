// A durable FIFO queue comes back: its ring is made as it was, from the log.
//
// Each message gets the position that it had, and so its slot, its id, its sequence number and its
// place in its group. New positions begin above all that were ever given away, told to anybody or
// not. So nothing has another name than before, and nothing needs to be written but where the new
// positions begin; a recovery that died is made again.
//
// Of two messages with one slot the earlier one is gone: a slot is claimed when it is free.
#include <algorithm>
#include <cstring>

#include "base/cache_line.hpp"
#include "queue/queue_core.hpp"
#include "sys/error.hpp"

namespace ringpost::detail {

using queue::Lane;
using ring::LeaseWord;

namespace {

/// More positions than can have been given away without a durable record of theirs: a record has
/// some hundred bytes, and 8 MiB of them are under way at most; but claims are given up without
/// one.
constexpr std::uint64_t kLeap = 1 << 24;

/// For ids that are absent: there is nothing to ask.
struct NoSlots {
  [[nodiscard]] static dedup::SlotState judge(std::uint64_t) noexcept {
    return dedup::SlotState::kDead;
  }
  static void skip(std::uint64_t) noexcept {}
  [[nodiscard]] static std::uint64_t expiry() noexcept { return 0; }
};

}  // namespace

Result<void> QueueCore::restore_groups(std::vector<durable::Left> messages, log::Reader& log,
                                       const durable::FifoReplay& beside) {
  const Errc code = restore_all_groups(messages, log, beside);
  if (code == Errc::kOk) return {};
  const ring::RingView& view = lanes_.back()->ring.view;
  for (std::uint32_t slot = 0; slot < view.slots(); ++slot) {  // the queue does not come to be
    if (view.slot(slot).publish.load(std::memory_order_relaxed) == 0) continue;
    ring::let_go(member_.arena, ring::holding_of(view, slot));
  }
  return sys::error(code, "recovery of queue \"" + mapping_->name() + "\"", message(code));
}

/// Nobody else is here.
Errc QueueCore::restore_all_groups(std::vector<durable::Left>& messages, log::Reader& log,
                                   const durable::FifoReplay& beside) noexcept {
  Lane& in = *lanes_.back();
  const ring::RingView& view = in.ring.view;
  const std::uint64_t begin = base::round_up(beside.positions_end() + kLeap, view.slots());
  const std::uint64_t lap = view.lap_of(begin);
  // First, so that the next life begins above this one whatever comes to be on disk of it.
  if (const Errc code = log_->mark(durable::Kind::kPositions, {begin}); code != Errc::kOk)
    return code;
  for (std::uint32_t slot = 0; slot < view.slots(); ++slot) {
    view.lease(slot).initialise(LeaseWord::idle(lap).bits);
  }
  ring::raise_cursor(view.hot().tail, begin);
  ring::raise_cursor(view.hot().head, begin);
  std::vector<std::uint64_t> in_slot(view.slots());
  for (const durable::Left& each : messages) {  // in the order of their positions
    in_slot[view.slot_of(each.id.position)] = each.id.position;
  }
  std::erase_if(messages, [&](const durable::Left& each) {
    return in_slot[view.slot_of(each.id.position)] != each.id.position;
  });
  const Errc restored = durable::read_again(log, messages, [&](const durable::Message& message) {
    return restore_in_group(in, message, lap);
  });
  if (restored != Errc::kOk) return restored;
  if (const Errc code = restore_ids(in, beside.ids()); code != Errc::kOk) return code;
  return log_->wait_durable(log_->deadline_ns(kForever));
}

/// The words of its slot as they are once senders of the lap before `lap` have gone past it.
Errc QueueCore::restore_in_group(Lane& in, const durable::Message& message,
                                 std::uint64_t lap) noexcept {
  const ring::RingView& view = in.ring.view;
  const Claim slot{&in, message.id.position};
  const std::uint32_t index = view.slot_of(slot.position);
  const std::uint64_t its_lap = view.lap_of(slot.position);
  if (message.group_bytes == 0 || its_lap >= lap) return Errc::kDamaged;
  shm::Block block;
  const std::size_t bytes = message.content.size();
  const bool has_envelope = message.has_history || message.renamed;
  if (bytes + (has_envelope ? ring::kFifoEnvelopeBytes : 0) > inline_bytes_) {
    if (const Errc code = member_.arena.allocate(bytes, block); code != Errc::kOk) return code;
    std::memcpy(block.data, message.content.data(), bytes);
  }
  const std::uint64_t due = fill_restored_in_group(slot, message, block);
  // relaxed: the queue's name makes all of it visible.
  view.claim(index).store(ring::Claim::of(its_lap, 0).word, std::memory_order_relaxed);
  view.slot(index).publish.store(its_lap, std::memory_order_relaxed);
  view.lease(index).initialise(LeaseWord::idle(its_lap).bits);
  const group::Groups::Placed placed = in.fifo->groups.place(slot.position);
  using Place = group::Groups::Place;
  if (placed.place != Place::kFirst && placed.place != Place::kBehind) return Errc::kCorrupt;
  const std::uint32_t count = std::min(message.receives, ring::kReceiveCountMax);
  if (due != 0) {
    in.ring.due.lower(index, due);
    view.lease(index).initialise(LeaseWord::delayed(lap - 1, due).bits);
  } else {
    if (placed.place == Place::kFirst) in.ring.hints.set(placed.index);
    view.lease(index).initialise(LeaseWord::returned(lap - 1, count, false).bits);
  }
  return Errc::kOk;
}

/// Returns until when it is delayed; 0: it is visible.
std::uint64_t QueueCore::fill_restored_in_group(const Claim& slot, const durable::Message& message,
                                                const shm::Block& block) noexcept {
  const ring::RingView& view = slot.lane->ring.view;
  const std::uint32_t index = view.slot_of(slot.position);
  const std::uint64_t lap = view.lap_of(slot.position);
  std::byte* const payload = view.payload(index);
  std::uint64_t flags = (message.has_history ? ring::Lengths::kMovedIn : 0) |
                        (message.renamed ? ring::Lengths::kRenamed : 0);
  if (block.data != nullptr) {
    flags |= ring::Lengths::kInBlock;
    std::memcpy(payload, &block.ref, sizeof block.ref);
    member_.arena.make_live(block.ref, {slot.lane->mapped->ring_id, index, lap});
  } else {
    std::memcpy(payload, message.content.data(), message.content.size());
  }
  const std::uint64_t now_ns = time_.precise_ns();
  const auto wall_ns = static_cast<std::int64_t>(time_.wall_ns());
  // It may be older than the monotonic clock: then its time is below zero.
  const auto monotonic = [&](std::int64_t at_ns) {
    return now_ns + static_cast<std::uint64_t>(at_ns - wall_ns);
  };
  if (message.has_history || message.renamed) {
    queue::write_envelope(view, index,
                          {.id = message.original,
                           .source = message.source,
                           .received_before = message.received_before,
                           .sent_ns = monotonic(message.original_sent_ns)});
  }
  const std::uint64_t delay_ns = header().settings.delay_ns.load(std::memory_order_relaxed);
  const std::uint64_t due_ns = monotonic(message.sent_ns) + delay_ns;
  const bool waits =
      delay_ns != 0 && !message.undelayed && static_cast<std::int64_t>(due_ns - now_ns) > 0;
  if (!waits) flags |= ring::Lengths::kUndelayed;
  // relaxed: the queue's name makes all of it visible.
  ring::SlotHead& head = view.slot(index);
  head.lengths.store(ring::Lengths::of(message.body_bytes, message.attribute_bytes, flags).word,
                     std::memory_order_relaxed);
  head.sent_ns.store(monotonic(message.sent_ns), std::memory_order_relaxed);
  view.first_received(index).store(~lap & kFirstReceivedLapMask, std::memory_order_relaxed);
  group::FifoHead& group_head = slot.lane->fifo->groups.head(index);
  const std::string_view group = as_text(message.content.subspan(
      std::uint64_t{message.body_bytes} + message.attribute_bytes, message.group_bytes));
  group_head.key.store(group::key_of(group, mapping_->lasting_id()), std::memory_order_relaxed);
  group_head.lengths.store(group::IdLengths::of(message.group_bytes, message.dedup_id_bytes).word,
                           std::memory_order_relaxed);
  group_head.entry.store(0, std::memory_order_relaxed);  // its id is accepted, and in the table
  return waits ? ring::deadline_from_ns(due_ns) : 0;
}

Errc QueueCore::restore_ids(Lane& in, std::span<const durable::KnownId> ids) noexcept {
  if (!in.fifo->ids) return Errc::kOk;
  const dedup::Table& table = in.fifo->ids->table();
  const std::uint64_t now_ns = time_.precise_ns();
  const auto wall_ns = static_cast<std::int64_t>(time_.wall_ns());
  for (const durable::KnownId& id : ids) {
    if (id.until_ns <= wall_ns) continue;
    const dedup::Entered entered =
        table.enter({id.key, id.id.position, member_.me.index(), in.fifo->ids->now()}, NoSlots());
    if (entered.outcome != dedup::Entered::Outcome::kEntered) return Errc::kTooManyIds;
    const std::uint64_t until_ns = now_ns + static_cast<std::uint64_t>(id.until_ns - wall_ns);
    table.commit(entered.entry, id.id.position, ring::deadline_from_ns(until_ns));
  }
  return Errc::kOk;
}

}  // namespace ringpost::detail
