#include "shm/arena.hpp"

#include <algorithm>

#include "shm/arena_words.hpp"

namespace ringpost::shm {
namespace {

std::uint32_t class_for(std::uint64_t bytes) noexcept {
  if (bytes <= kSmallestBlockBytes) return 0;
  return static_cast<std::uint32_t>(64 - __builtin_clzll((bytes - 1) / kSmallestBlockBytes));
}

}  // namespace

Arena::Arena(std::shared_ptr<ArenaSegments> segments, const Participant& me)
    : segments_(std::move(segments)),
      me_(me.index()),
      creator_(me.creator_word()),
      temporary_name_(me.temporary_name() + "-arena") {}

Arena::~Arena() {
  for (Magazine& magazine : magazines_) {
    while (magazine.count > 0) hint(magazine.blocks[--magazine.count]);
  }
}

Arena::Located Arena::locate(std::uint64_t block) noexcept {
  const std::uint32_t size_class = class_of(block);
  const auto number = static_cast<std::uint32_t>(block >> 32 & 0xff);
  const auto index = static_cast<std::uint32_t>(block);
  if (size_class >= kBlockClasses || number >= kSegmentsPerClass) return {};
  const ArenaSegments::Segment* segment = segments_->segment(size_class, number);
  if (segment == nullptr || index >= segment->blocks) return {};
  return {segment, &segment->descriptor(index), index};
}

Errc Arena::allocate(std::uint64_t bytes, Block& block) noexcept {
  if (bytes > kBlockBytesMax) return Errc::kTooLarge;
  return allocate_in(class_for(bytes), block);
}

Errc Arena::allocate_in(std::uint32_t size_class, Block& block) noexcept {
  Magazine& magazine = magazines_[size_class];
  for (bool scanned = false;;) {
    while (magazine.count > 0) {
      if (try_own(magazine.blocks[--magazine.count], block)) return Errc::kOk;
    }
    if (refill(size_class)) continue;
    if (segments_->grow(size_class, creator_, temporary_name_) == Errc::kOk) continue;
    if (scanned || !refill_by_scan(size_class)) return Errc::kNoSpace;
    scanned = true;
  }
}

bool Arena::try_own(std::uint64_t block, Block& out) noexcept {
  const Located at = locate(block);
  if (at.descriptor == nullptr) return false;
  std::uint64_t seen = at.descriptor->state.load(std::memory_order_acquire);
  if (state_of(seen) != kBlockFree) return false;
  const std::uint64_t mine = state_word(kBlockOwned, me_, generation_of(seen) + 1);
  // [block] acq_rel: the last reader's looks at the memory are behind us.
  if (!at.descriptor->state.compare_exchange_strong(seen, mine, std::memory_order_acq_rel,
                                                    std::memory_order_relaxed)) {
    return false;
  }
  const std::uint64_t bytes = block_bytes(at.segment->size_class);
  out = {{block, generation_of(mine)}, at.segment->data + bytes * at.index, bytes};
  return true;
}

void Arena::make_live(const BlockRef& ref, const BackReference& back) noexcept {
  const Located at = locate(ref.block);
  if (at.descriptor == nullptr) return;
  at.descriptor->back.store_halves(pair_of(back));
  // [block] release: whoever sees LIVE sees the back reference. Mine alone while I live, so a
  // store.
  at.descriptor->state.store(state_word(kBlockLive, me_, ref.generation),
                             std::memory_order_release);
}

void Arena::take_back(const BlockRef& ref) noexcept {
  const Located at = locate(ref.block);
  if (at.descriptor == nullptr) return;
  // [block] release. Mine alone: nobody frees it while its slot's claim is mine.
  at.descriptor->state.store(state_word(kBlockOwned, me_, ref.generation),
                             std::memory_order_release);
}

void Arena::change_hands(const BlockRef& ref, const BackReference& from,
                         const BackReference& to) noexcept {
  const Located at = locate(ref.block);
  if (at.descriptor == nullptr) return;
  // Freed and used again: its new back reference is another's, so the CAS is lost.
  const std::uint64_t seen = at.descriptor->state.load(std::memory_order_acquire);  // [block]
  if (state_of(seen) != kBlockLive || generation_of(seen) != (ref.generation & kGenerationMask))
    return;
  at.descriptor->back.compare_exchange(pair_of(from), pair_of(to));
}

bool Arena::release(const BlockRef& ref, std::uint64_t state_required) noexcept {
  const Located at = locate(ref.block);
  if (at.descriptor == nullptr) return false;
  std::uint64_t seen = at.descriptor->state.load(std::memory_order_acquire);
  // [block] acq_rel: my looks at the memory come before it is free. Lost: the owner of a share has
  // become nobody, or somebody else has freed it.
  while (state_of(seen) == state_required &&
         generation_of(seen) == (ref.generation & kGenerationMask)) {
    if (at.descriptor->state.compare_exchange_weak(seen, state_word(kBlockFree, 0, ref.generation),
                                                   std::memory_order_acq_rel,
                                                   std::memory_order_acquire)) {
      return true;
    }
  }
  return false;
}

void Arena::free(const BlockRef& ref) noexcept {
  if (release(ref, kBlockLive)) keep(ref.block);
}
void Arena::abandon(const BlockRef& ref) noexcept {
  if (release(ref, kBlockOwned)) keep(ref.block);
}

std::byte* Arena::data(const BlockRef& ref, std::uint64_t content_bytes,
                       std::uint64_t offset) noexcept {
  const Located at = locate(ref.block);
  if (at.descriptor == nullptr) return nullptr;
  const std::uint64_t bytes = block_bytes(at.segment->size_class);
  if (content_bytes > bytes || offset > bytes - content_bytes) return nullptr;
  return at.segment->data + bytes * at.index + offset;
}

/// Where a free block is known: in my magazine, half of which goes back to all when it is full.
void Arena::keep(std::uint64_t block) noexcept {
  Magazine& magazine = magazines_[class_of(block)];
  if (magazine.count == kMagazine) {
    for (std::uint32_t i = 0; i < kMagazine / 2; ++i) hint(magazine.blocks[i]);
    std::copy(magazine.blocks.begin() + kMagazine / 2, magazine.blocks.end(),
              magazine.blocks.begin());
    magazine.count = kMagazine / 2;
  }
  magazine.blocks[magazine.count++] = block;
}

void Arena::hint(std::uint64_t block) noexcept {
  const Located at = locate(block);
  if (at.segment == nullptr) return;
  at.segment->bitmap(at.index / 64)
      .fetch_or(std::uint64_t{1} << at.index % 64, std::memory_order_release);
}

/// Takes a handful of the lowest hinted blocks of the class: low ones are warm.
bool Arena::refill(std::uint32_t size_class) noexcept {
  Magazine& magazine = magazines_[size_class];
  for (std::uint32_t number = 0; number < kSegmentsPerClass; ++number) {
    const ArenaSegments::Segment* segment = segments_->segment(size_class, number);
    if (segment == nullptr) break;
    for (std::uint32_t word = 0; word < segment->bitmap_words(); ++word) {
      std::uint64_t seen = segment->bitmap(word).load(std::memory_order_relaxed);  // a hint
      if (seen == 0) continue;
      std::uint64_t rest = seen;
      for (std::uint32_t i = 0; i < kMagazine / 2 && rest != 0; ++i) rest &= rest - 1;
      if (!segment->bitmap(word).compare_exchange_strong(seen, rest, std::memory_order_acq_rel)) {
        continue;
      }
      for (std::uint64_t taken = seen & ~rest; taken != 0; taken &= taken - 1) {
        const auto index = word * 64 + static_cast<std::uint32_t>(__builtin_ctzll(taken));
        magazine.blocks[magazine.count++] = block_number(size_class, number, index);
      }
      std::reverse(magazine.blocks.begin(), magazine.blocks.begin() + magazine.count);
      return true;
    }
  }
  return false;
}

/// At the limit: blocks whose hint somebody took to the grave, or keeps in his magazine.
bool Arena::refill_by_scan(std::uint32_t size_class) noexcept {
  Magazine& magazine = magazines_[size_class];
  for (std::uint32_t number = 0; number < kSegmentsPerClass; ++number) {
    const ArenaSegments::Segment* segment = segments_->segment(size_class, number);
    if (segment == nullptr) break;
    for (std::uint32_t index = 0; index < segment->blocks; ++index) {
      const std::uint64_t word = segment->descriptor(index).state.load(std::memory_order_relaxed);
      if (state_of(word) != kBlockFree) continue;
      magazine.blocks[magazine.count++] = block_number(size_class, number, index);
      if (magazine.count == kMagazine / 2) return true;
    }
  }
  return magazine.count > 0;
}

std::uint64_t Arena::sweep(std::uint16_t dead,
                           const std::function<bool(const BackReference&)>& is_gone) noexcept {
  std::uint64_t freed = 0;
  const auto sweep_block = [&](std::uint64_t block, BlockDescriptor& descriptor) {
    std::uint64_t seen = descriptor.state.load(std::memory_order_acquire);  // [block]
    const bool abandoned = state_of(seen) == kBlockOwned && dead != 0 && owner_of(seen) == dead;
    bool gone = false;
    if (state_of(seen) == kBlockLive && class_of(block) != kShareClass) {
      const base::Pair64 back = descriptor.back.load();
      // The same afterwards: one snapshot, and the message has not moved meanwhile.
      gone = back == kSharedBack ? is_shared_out(descriptor, generation_of(seen))
                                 : is_gone(back_of(back)) && descriptor.back.load() == back;
    }
    if (!abandoned && !gone) return;
    // From the value read: a block that was freed and used again meanwhile is left alone.
    if (descriptor.state.compare_exchange_strong(
            seen, state_word(kBlockFree, 0, generation_of(seen)), std::memory_order_acq_rel)) {
      ++freed;
      hint(block);
    }
  };
  for (std::uint32_t c = 0; c < kBlockClasses; ++c) {
    for (std::uint32_t number = 0; number < kSegmentsPerClass; ++number) {
      const ArenaSegments::Segment* segment = segments_->segment(c, number);
      if (segment == nullptr) break;
      for (std::uint32_t index = 0; index < segment->blocks; ++index) {
        sweep_block(block_number(c, number, index), segment->descriptor(index));
      }
    }
  }
  return freed;
}

Arena::Usage Arena::usage() noexcept {
  Usage usage;
  for (std::uint32_t c = 0; c < kBlockClasses; ++c) {
    for (std::uint32_t number = 0; number < kSegmentsPerClass; ++number) {
      const ArenaSegments::Segment* segment = segments_->segment(c, number);
      if (segment == nullptr) break;
      usage.blocks += segment->blocks;
      for (std::uint32_t index = 0; index < segment->blocks; ++index) {
        if (state_of(segment->descriptor(index).state.load(std::memory_order_relaxed)) ==
            kBlockFree) {
          continue;
        }
        ++usage.blocks_used;
        usage.bytes_used += block_bytes(c);
      }
    }
  }
  return usage;
}

std::optional<BlockLook> Arena::look(std::uint64_t block) noexcept {
  const Located at = locate(block);
  if (at.descriptor == nullptr) return std::nullopt;
  const std::uint64_t word = at.descriptor->state.load(std::memory_order_acquire);  // [block]
  return BlockLook{{block, generation_of(word)},
                   static_cast<BlockState>(state_of(word)),
                   static_cast<std::uint16_t>(owner_of(word)),
                   back_of(at.descriptor->back.load()),
                   block_bytes(at.segment->size_class),
                   at.descriptor->deliveries.load(std::memory_order_acquire)};
}

void Arena::for_each_block(const std::function<void(const BlockLook&)>& visit) noexcept {
  for (std::uint32_t c = 0; c < kBlockClasses; ++c) {
    for (std::uint32_t number = 0; number < kSegmentsPerClass; ++number) {
      const ArenaSegments::Segment* segment = segments_->segment(c, number);
      if (segment == nullptr) break;
      for (std::uint32_t index = 0; index < segment->blocks; ++index) {
        if (const auto seen = look(block_number(c, number, index))) visit(*seen);
      }
    }
  }
}

}  // namespace ringpost::shm
