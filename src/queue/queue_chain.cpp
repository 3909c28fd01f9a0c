// Opening and closing, and the chain of rings: growth and retirement. protocols.md, section 1.
#include "queue/queue_core.hpp"
#include "ring/sweep.hpp"

namespace ringpost::detail {

using queue::Lane;

QueueCore::QueueCore(const queue::Membership& membership,
                     std::shared_ptr<queue::QueueMapping> mapping)
    : member_(membership),
      mapping_(std::move(mapping)),
      surroundings_{header().senders, header().receivers, member_.me.bus().hazards(), member_.arena,
                    member_.me.bus().fenced()},
      time_(member_.me.bus().time()),
      counters_(mapping_->stripes(), member_.me.index()) {}

Result<std::unique_ptr<QueueCore>> QueueCore::open(const queue::Membership& membership,
                                                   std::shared_ptr<queue::QueueMapping> mapping) {
  const std::string name = mapping->name();
  std::unique_ptr<QueueCore> core(new QueueCore(membership, std::move(mapping)));
  core->refresh_lanes();
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
  }
  if (leases_open_ != 0) hand_over_leases();
}

Errc QueueCore::usable() noexcept {
  if (member_.me.is_forked()) [[unlikely]]
    return Errc::kForked;
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

Lane* QueueCore::open_lane(std::uint64_t number) noexcept {
  auto mapped = mapping_->ring(number);
  if (mapped == nullptr) return nullptr;
  lanes_.push_back(std::make_unique<Lane>(std::move(mapped), surroundings_, member_.me));
  return lanes_.back().get();
}

void QueueCore::refresh_lanes() noexcept {
  const std::uint64_t newest = header().write_ring.load(std::memory_order_acquire);
  std::uint64_t oldest = header().oldest.load(std::memory_order_acquire);
  if (newest - oldest >= queue::kChainEntries) oldest = newest;  // a peer's bytes: be bounded
  // A lease in hand may still be read in a retired ring: its lane goes later.
  if (views_open_ == 0) {
    std::erase_if(lanes_, [&](const auto& each) { return each->number() < oldest; });
  }
  std::uint64_t next = lanes_.empty() ? oldest : lanes_.back()->number() + 1;
  for (; next <= newest; ++next) open_lane(next);
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
