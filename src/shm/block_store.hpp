// Payload blocks as the ring sees them: a reference, and somewhere to give it back.
#pragma once

#include <cstdint>

namespace ringpost::shm {

/// Of a word that names a slot and a lap; the lap takes the others.
inline constexpr unsigned kSlotBits = 22;
inline constexpr std::uint64_t kSlotMask = (std::uint64_t{1} << kSlotBits) - 1;

struct BlockRef {
  std::uint64_t block = 0;       ///< size class, segment, index: see arena.hpp
  std::uint64_t generation = 0;  ///< of this use of the block: a stale reference frees nothing
};

/// One delivery of a payload that several queues share.
struct DeliveryRef {
  BlockRef share;         ///< see share.hpp
  std::uint32_t bit = 0;  ///< in its word of deliveries
};

/// Which message a LIVE block belongs to.
struct BackReference {
  std::uint64_t ring_id = 0;
  std::uint32_t slot = 0;
  std::uint64_t lap = 0;
};

/// Exactly-once is the block's own business (its generation): freeing twice, or not at all after a
/// crash, is safe.
class BlockStore {
 public:
  virtual ~BlockStore() = default;
  virtual void free(const BlockRef& ref) noexcept = 0;
  /// The delivery's message is gone. The last one of a payload frees it.
  virtual void drop(const DeliveryRef& delivery) noexcept = 0;
  /// The block belongs to another message from now on, if it still belonged to `from`: so once.
  virtual void change_hands(const BlockRef& ref, const BackReference& from,
                            const BackReference& to) noexcept = 0;
};

}  // namespace ringpost::shm
