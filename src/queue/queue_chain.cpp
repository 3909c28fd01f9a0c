// Opening and closing, and the chain of rings: growth and retirement. protocols.md, section 1.
#include <algorithm>

#include "queue/queue_core.hpp"
#include "queue/settings.hpp"
#include "ring/sweep.hpp"

namespace ringpost::detail {

using queue::Lane;

QueueCore::QueueCore(const queue::Membership& membership,
                     std::shared_ptr<queue::QueueMapping> mapping)
    : member_(membership),
      mapping_(std::move(mapping)),
      surroundings_{header().senders, header().receivers,        member_.me.bus().hazards(),
                    member_.arena,    member_.me.bus().fenced(), member_.me.bus().moves()},
      time_(member_.me.bus().time()),
      fifo_(mapping_->kind() == ring::RingKind::kFifo),
      fair_(mapping_->kind() == ring::RingKind::kFair),
      grouped_(fifo_ || fair_),
      special_(grouped_ || mapping_->journal() != 0),
      inline_bytes_(mapping_->stride() - queue::head_bytes_of(mapping_->kind())),
      counters_(mapping_->stripes(), member_.me.index()) {}

Result<std::unique_ptr<QueueCore>> QueueCore::open(const queue::Membership& membership,
                                                   std::shared_ptr<queue::QueueMapping> mapping) {
  const std::string name = mapping->name();
  std::unique_ptr<QueueCore> core(new QueueCore(membership, std::move(mapping)));
  if (core->mapping_->journal() != 0) {
    if (auto opened = core->open_log(); !opened) return Unexpected(opened.error());
  }
  constexpr int kTriesMax = 1'000;  // others grow and retire rings while we look
  for (int tries = 0; tries < kTriesMax && core->lanes_.empty(); ++tries) core->refresh_lanes();
  if (core->lanes_.empty()) {
    Error error{Errc::kCorrupt, 0, {}};
    name.copy(error.what, sizeof error.what - 1);
    return Unexpected(error);
  }
  return core;
}

QueueCore::~QueueCore() {
  if (member_.me.is_forked()) {
    counters_.disown();
    return;
  }
  for (auto& each : lanes_) {
    each->sender.flush();
    each->receiver.flush();
    if (each->fifo != nullptr) each->fifo->receiver.flush();
    if (each->fair != nullptr) each->fair->receiver.flush();
  }
  if (leases_open_ != 0) hand_over_leases();
  if (log_ != nullptr && usable() == Errc::kOk) log_->drain();
}

Errc QueueCore::usable() noexcept {
  if (member_.me.is_forked()) [[unlikely]]
    return Errc::kForked;
  // [deleted] relaxed: a call that had begun may still end as if it had come before the delete.
  if (header().state.load(std::memory_order_relaxed) != 0) [[unlikely]]
    return Errc::kDeleted;
  return Errc::kOk;
}

Lane* QueueCore::lane(std::uint64_t number) noexcept {
  for (auto& each : lanes_) {
    if (each->number() == number) [[likely]]
      return each.get();
  }
  refresh_lanes();
  for (auto& each : lanes_) {
    if (each->number() == number) return each.get();
  }
  return nullptr;
}

/// The oldest open one of those made later than ring `number`.
Lane* QueueCore::lane_after(std::uint64_t number) noexcept {
  for (auto& each : lanes_) {
    if (each->number() > number) return each.get();
  }
  return nullptr;
}

/// At its place among the others, which are in the order of their numbers.
void QueueCore::open_lane(std::uint64_t number) noexcept {
  const auto place =
      std::lower_bound(lanes_.begin(), lanes_.end(), number,
                       [](const auto& each, std::uint64_t n) { return each->number() < n; });
  if (place != lanes_.end() && (*place)->number() == number) return;
  auto mapped = mapping_->ring(number);
  if (mapped == nullptr) return;
  lanes_.insert(place,
                std::make_unique<Lane>(std::move(mapped), surroundings_, member_.me, *mapping_));
}

/// New rings in, also one that could not be opened before; retired ones out. Never the last one:
/// it will say that it is sealed.
void QueueCore::refresh_lanes() noexcept {
  // [write-ring] and [oldest] acquire: the chain's entries between them are there.
  const std::uint64_t newest = header().write_ring.load(std::memory_order_acquire);
  const std::uint64_t oldest = header().oldest.load(std::memory_order_acquire);
  const std::uint64_t distance = newest - oldest;
  if (distance >= queue::kChainEntries) return;  // no correct process writes this
  for (std::uint64_t i = 0; i <= distance; ++i) open_lane(oldest + i);
  // A lease in hand may still be read in a retired ring: its lane goes later.
  while (views_open_ == 0 && lanes_.size() > 1 && lanes_.front()->number() < oldest) {
    lanes_.erase(lanes_.begin());
  }
  mapping_->forget_before(oldest);
  total_slots_ = 0;
  for (const auto& each : lanes_) total_slots_ += each->ring.view.slots();
}

/// The newest ring is full: write to a later one, made by me if nobody has.
Errc QueueCore::grow() noexcept {
  if (mapping_->fixed()) return Errc::kFull;
  const std::uint64_t full = lanes_.back()->number();
  if (header().write_ring.load(std::memory_order_acquire) == full) {
    const ring::RingView& last = lanes_.back()->ring.view;
    std::uint32_t slots = last.slots() < ring::kSlotsMax ? last.slots() * 2 : last.slots();
    const std::uint64_t used = mapping_->ring_bytes();
    const auto fits = [&](std::uint32_t count) {
      return used + ring::RingGeometry::of(count, mapping_->stride()).file_bytes <=
             mapping_->bytes_max();
    };
    while (slots > ring::kSlotsMin && !fits(slots)) slots /= 2;
    if (!fits(slots)) return Errc::kFull;
    if (const Errc code = mapping_->add_ring(member_.me, full + 1, slots); code != Errc::kOk) {
      return code;
    }
  }
  refresh_lanes();
  return lanes_.back()->number() > full ? Errc::kOk : Errc::kFull;
}

/// The oldest ring gave no message and is not written to any more: close it when it is empty.
void QueueCore::retire_oldest() noexcept {
  const std::uint64_t oldest = header().oldest.load(std::memory_order_acquire);
  if (header().write_ring.load(std::memory_order_acquire) <= oldest) return;
  if (mapping_->chain_id(oldest) != queue::ChainEntry::kRetired) {
    Lane* closing = lane(oldest);
    if (closing == nullptr || !ring::try_seal(closing->ring)) return;
  }
  mapping_->retire(oldest);
  header().senders.wake_all();  // memory under bytes_max became free
  refresh_lanes();
}

}  // namespace ringpost::detail
