// How the words of the arena are packed: descriptors, block numbers, back references.
#pragma once

#include <cstdint>

#include "base/word128.hpp"
#include "shm/block_store.hpp"
#include "shm/bus_layout.hpp"

namespace ringpost::shm {

// state: FREE, OWNED, LIVE (2) · owner (14) · generation (48)
inline constexpr std::uint64_t kBlockFree = 0;
inline constexpr std::uint64_t kBlockOwned = 1;
inline constexpr std::uint64_t kBlockLive = 2;
inline constexpr unsigned kGenerationBits = 48;
inline constexpr std::uint64_t kGenerationMask = (std::uint64_t{1} << kGenerationBits) - 1;

constexpr std::uint64_t state_word(std::uint64_t state, std::uint64_t owner,
                                   std::uint64_t generation) noexcept {
  return state << 62 | owner << kGenerationBits | (generation & kGenerationMask);
}
constexpr std::uint64_t state_of(std::uint64_t word) noexcept { return word >> 62; }
constexpr std::uint64_t owner_of(std::uint64_t word) noexcept {
  return word >> kGenerationBits & 0x3fff;
}
constexpr std::uint64_t generation_of(std::uint64_t word) noexcept {
  return word & kGenerationMask;
}

// deliveries: low bits of the generation (24) · one bit each (40)
inline constexpr unsigned kDeliveryBits = 40;
inline constexpr std::uint64_t kDeliveryMask = (std::uint64_t{1} << kDeliveryBits) - 1;

constexpr std::uint64_t deliveries_word(std::uint64_t generation, std::uint32_t count) noexcept {
  return generation << kDeliveryBits | (count == 0 ? 0 : kDeliveryMask >> (kDeliveryBits - count));
}
constexpr bool deliveries_are_of(std::uint64_t word, std::uint64_t generation) noexcept {
  return (word & ~kDeliveryMask) == generation << kDeliveryBits;
}

// A block's number: class (8) · segment (8) · index (32).
constexpr std::uint64_t block_number(std::uint32_t size_class, std::uint32_t segment,
                                     std::uint32_t index) noexcept {
  return std::uint64_t{size_class} << 40 | std::uint64_t{segment} << 32 | index;
}
constexpr std::uint32_t class_of(std::uint64_t block) noexcept {
  return static_cast<std::uint32_t>(block >> 40);
}

constexpr base::Pair64 pair_of(const BackReference& back) noexcept {
  return {back.ring_id, back.lap << kSlotBits | back.slot};
}
constexpr BackReference back_of(base::Pair64 pair) noexcept {
  return {pair.low, static_cast<std::uint32_t>(pair.high & kSlotMask), pair.high >> kSlotBits};
}

/// Stands in place of a back reference: of a payload that is shared out. No ring has this id.
inline constexpr base::Pair64 kSharedBack{0, 0};

}  // namespace ringpost::shm
