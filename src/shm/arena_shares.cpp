// The arena's side of fan-outs: shares, and payloads that go when the last delivery has.
#include <algorithm>

#include "shm/arena.hpp"

namespace ringpost::shm {
namespace {

constexpr std::uint64_t bit_of(std::uint32_t number) noexcept { return std::uint64_t{1} << number; }

/// Clears a bit of a word that is still of that generation. Returns whether the bit was there, and
/// in `left` what others stand in it.
bool clear_bit(std::atomic<std::uint64_t>& word, std::uint64_t generation, std::uint32_t number,
               std::uint64_t& left) noexcept {
  if (number >= kDeliveryBits) return false;
  std::uint64_t seen = word.load(std::memory_order_acquire);
  for (;;) {
    if (!deliveries_are_of(seen, generation)) return false;
    left = seen & kDeliveryMask & ~bit_of(number);
    if ((seen & bit_of(number)) == 0) return false;
    // [share] acq_rel: my looks at the payload come before it is free.
    if (word.compare_exchange_weak(seen, seen & ~bit_of(number), std::memory_order_acq_rel,
                                   std::memory_order_acquire)) {
      return true;
    }
  }
}

}  // namespace

Errc Arena::allocate_share(BlockRef& ref, Share*& share) noexcept {
  Block block;
  if (const Errc code = allocate_in(kShareClass, block); code != Errc::kOk) return code;
  ref = block.ref;
  share = reinterpret_cast<Share*>(block.data);
  return Errc::kOk;
}

void Arena::share_out(const BlockRef& payload, std::uint32_t shares) noexcept {
  const Located at = locate(payload.block);
  if (at.descriptor == nullptr) return;
  // relaxed: LIVE carries both, of the shares and of the payload.
  at.descriptor->deliveries.store(deliveries_word(payload.generation, shares),
                                  std::memory_order_relaxed);
  at.descriptor->back.store_halves(kSharedBack);
}

void Arena::open_share(const BlockRef& share, std::uint32_t deliveries) noexcept {
  const Located at = locate(share.block);
  if (at.descriptor == nullptr) return;
  at.descriptor->deliveries.store(deliveries_word(share.generation, deliveries),
                                  std::memory_order_relaxed);  // LIVE carries it
  // [share] release: whoever sees LIVE sees what the share is about. Mine alone, so a store.
  at.descriptor->state.store(state_word(kBlockLive, me_, share.generation),
                             std::memory_order_release);
}

void Arena::commit(const BlockRef& payload) noexcept {
  const Located at = locate(payload.block);
  if (at.descriptor == nullptr) return;
  // [share] release: claims of the deliveries that may fail, and their entries, come before.
  at.descriptor->state.store(state_word(kBlockLive, me_, payload.generation),
                             std::memory_order_release);
}

bool Arena::commit_unless_aborted(const BlockRef& payload) noexcept {
  const Located at = locate(payload.block);
  if (at.descriptor == nullptr) return false;
  std::uint64_t seen = state_word(kBlockOwned, me_, payload.generation);
  // [turn] acq_rel: claims, entries and the entry of the id come before.
  return at.descriptor->state.compare_exchange_strong(
      seen, state_word(kBlockLive, me_, payload.generation), std::memory_order_acq_rel,
      std::memory_order_relaxed);
}

void Arena::abort(const BlockRef& payload) noexcept {
  if (class_of(payload.block) < kSizeClasses && release(payload, kBlockOwned)) keep(payload.block);
}

void Arena::close_share(const BlockRef& share) noexcept {
  if (release(share, kBlockLive)) keep(share.block);
}

void Arena::drop(const DeliveryRef& delivery) noexcept {
  const Located at = locate(delivery.share.block);
  if (at.descriptor == nullptr || class_of(delivery.share.block) != kShareClass) return;
  const std::uint64_t seen = at.descriptor->state.load(std::memory_order_acquire);  // [share]
  if (state_of(seen) != kBlockLive || generation_of(seen) != delivery.share.generation) return;
  const auto* share = reinterpret_cast<const Share*>(at.segment->data + kShareBytes * at.index);
  const BlockRef payload{share->payload.load(std::memory_order_relaxed),
                         share->payload_generation.load(std::memory_order_relaxed)};
  const std::uint32_t bit = share->bit.load(std::memory_order_relaxed);
  // What was read is of this use of the share if the bit, which keeps it, was still there.
  std::uint64_t left = 0;
  const bool cleared =
      clear_bit(at.descriptor->deliveries, delivery.share.generation, delivery.bit, left);
  if (cleared && left == 0) end_share(delivery.share, payload, bit);
}

/// First the payload, then the share: as long as that is there, a sweeper finds what is left to do.
void Arena::end_share(const BlockRef& share, const BlockRef& payload, std::uint32_t bit) noexcept {
  drop_share(payload, bit);
  close_share(share);
}

void Arena::end_share(const ShareLook& share) noexcept {
  end_share(share.ref, share.content.payload, share.content.bit);
}

void Arena::drop_share(const BlockRef& payload, std::uint32_t bit) noexcept {
  const Located at = locate(payload.block);
  if (at.descriptor == nullptr || class_of(payload.block) >= kSizeClasses) return;
  std::uint64_t left = 0;
  const bool cleared = clear_bit(at.descriptor->deliveries, payload.generation, bit, left);
  if (cleared && left == 0) free(payload);  // dead before that: the sweep finds it without bits
}

bool Arena::is_shared_out(const BlockDescriptor& payload, std::uint64_t generation) noexcept {
  const std::uint64_t word = payload.deliveries.load(std::memory_order_acquire);
  return deliveries_are_of(word, generation) && (word & kDeliveryMask) == 0;
}

bool Arena::orphan_share(const ShareLook& share) noexcept {
  const Located at = locate(share.ref.block);
  if (at.descriptor == nullptr) return false;
  std::uint64_t seen = state_word(kBlockLive, share.owner, share.ref.generation);
  return at.descriptor->state.compare_exchange_strong(
      seen, state_word(kBlockLive, 0, share.ref.generation), std::memory_order_acq_rel,
      std::memory_order_relaxed);
}

bool Arena::is_same_use(const ShareLook& share) noexcept {
  const Located at = locate(share.ref.block);
  if (at.descriptor == nullptr) return false;
  std::atomic_thread_fence(std::memory_order_acquire);  // what was read before
  const std::uint64_t seen = at.descriptor->state.load(std::memory_order_acquire);
  return state_of(seen) == kBlockLive && generation_of(seen) == share.ref.generation;
}

std::optional<ShareLook> Arena::look_at_share(std::uint64_t block) noexcept {
  const Located at = locate(block);
  if (at.descriptor == nullptr || class_of(block) != kShareClass) return std::nullopt;
  const std::uint64_t seen = at.descriptor->state.load(std::memory_order_acquire);  // [share]
  if (state_of(seen) != kBlockLive) return std::nullopt;
  ShareLook look;
  look.ref = {block, generation_of(seen)};
  look.owner = static_cast<std::uint16_t>(owner_of(seen));
  look.share = reinterpret_cast<Share*>(at.segment->data + kShareBytes * at.index);
  // relaxed: [share] carries them; looked at again below.
  const Share& share = *look.share;
  const std::uint32_t count = share.count.load(std::memory_order_relaxed);
  look.content = {{share.payload.load(std::memory_order_relaxed),
                   share.payload_generation.load(std::memory_order_relaxed)},
                  {share.lengths[0].load(std::memory_order_relaxed),
                   share.lengths[1].load(std::memory_order_relaxed)},
                  share.second.load(std::memory_order_relaxed),
                  share.second_offset.load(std::memory_order_relaxed),
                  share.sent_ns.load(std::memory_order_relaxed),
                  std::min(count & ~kOrderedMark, kShareDeliveries),
                  share.bit.load(std::memory_order_relaxed),
                  (count & kOrderedMark) != 0};
  const std::uint64_t deliveries = at.descriptor->deliveries.load(std::memory_order_acquire);
  look.pending = deliveries & (bit_of(look.content.count) - 1);
  look.fate = ShareLook::Fate::kOver;
  const BlockRef& payload = look.content.payload;
  if (const Located content = locate(payload.block);
      content.descriptor != nullptr && class_of(payload.block) < kSizeClasses) {
    const std::uint64_t word = content.descriptor->state.load(std::memory_order_acquire);
    const bool same = generation_of(word) == payload.generation;
    if (same && state_of(word) == kBlockLive) look.fate = ShareLook::Fate::kCommitted;
    if (same && state_of(word) == kBlockOwned) look.fate = ShareLook::Fate::kOpen;
  }
  if (!is_same_use(look)) return std::nullopt;
  return look;
}

void Arena::for_each_share(const std::function<void(const ShareLook&)>& visit) noexcept {
  for (std::uint32_t number = 0; number < kSegmentsPerClass; ++number) {
    const ArenaSegments::Segment* segment = segments_->segment(kShareClass, number);
    if (segment == nullptr) break;
    for (std::uint32_t index = 0; index < segment->blocks; ++index) {
      if (const auto share = look_at_share(block_number(kShareClass, number, index))) visit(*share);
    }
  }
}

}  // namespace ringpost::shm
