// What every operation on a ring has at hand.
#pragma once

#include <cstdint>

#include "base/unstable_read.hpp"
#include "ring/due_index.hpp"
#include "ring/hints.hpp"
#include "ring/ring_view.hpp"
#include "shm/block_store.hpp"
#include "shm/hazards.hpp"
#include "shm/move_note.hpp"
#include "shm/wait_word.hpp"

namespace ringpost::ring {

/// What a ring works with outside its own file.
struct Surroundings {
  shm::WaitWord& senders;    ///< sleep while the ring is full
  shm::WaitWord& receivers;  ///< sleep while no message is visible
  const shm::HazardBoard& hazards;
  shm::BlockStore& blocks;
  bool fenced = false;  ///< no membarrier on this machine: publish with a locked exchange
  shm::MoveBoard moves{};
};

/// One mapped ring with its surroundings. Made once per participant and mapping.
struct Ring : Surroundings {
  Ring(const RingView& mapped, const Surroundings& surroundings) noexcept
      : Surroundings(surroundings), view(mapped), hints(view), due(view) {}
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  const RingView view;
  const Hints hints;
  const DueIndex due;
};

/// Where the payload of the message in `slot` lies, if that is a block.
RINGPOST_UNSTABLE_READ inline void read_block_ref(const RingView& view, std::uint32_t slot,
                                                  shm::BlockRef& ref, bool& has_block) noexcept {
  has_block = Lengths{view.slot(slot).lengths.load(std::memory_order_relaxed)}.in_block();
  if (has_block) {
    auto* stored = reinterpret_cast<const std::uint64_t*>(view.payload(slot));
    ref.block = __atomic_load_n(stored, __ATOMIC_RELAXED);
    ref.generation = __atomic_load_n(stored + 1, __ATOMIC_RELAXED);
  }
}

/// One delivery of a payload that is shared out stands in its slot behind the block, and where in
/// the block its content begins.
inline void write_delivery_ref(const RingView& view, std::uint32_t slot,
                               const shm::DeliveryRef& delivery, std::uint64_t offset) noexcept {
  auto* stored = reinterpret_cast<std::uint64_t*>(view.payload(slot)) + 2;
  __atomic_store_n(stored, delivery.share.block, __ATOMIC_RELAXED);
  __atomic_store_n(stored + 1, delivery.share.generation << 16 | delivery.bit, __ATOMIC_RELAXED);
  __atomic_store_n(stored + 2, offset, __ATOMIC_RELAXED);
}
/// Of a delivery; any other content begins where its block does.
RINGPOST_UNSTABLE_READ inline std::uint64_t read_offset(const RingView& view, std::uint32_t slot,
                                                        Lengths lengths) noexcept {
  if (!lengths.shared()) [[likely]]
    return 0;
  return __atomic_load_n(reinterpret_cast<const std::uint64_t*>(view.payload(slot)) + 4,
                         __ATOMIC_RELAXED);
}
RINGPOST_UNSTABLE_READ inline shm::DeliveryRef read_delivery_ref(const RingView& view,
                                                                 std::uint32_t slot) noexcept {
  auto* stored = reinterpret_cast<const std::uint64_t*>(view.payload(slot)) + 2;
  const std::uint64_t second = __atomic_load_n(stored + 1, __ATOMIC_RELAXED);
  return {{__atomic_load_n(stored, __ATOMIC_RELAXED), second >> 16},
          static_cast<std::uint32_t>(second & 0xffff)};
}

/// What a message occupies besides its slot: nothing, a block, or a delivery of a shared one. Only
/// whoever makes the message go may let go of it, while the content cannot change: reads it before
/// the CAS, lets go after it.
struct Holding {
  bool in_block = false;
  bool shared = false;
  shm::BlockRef block{};  ///< if it is shared: the share
  std::uint32_t bit = 0;
};
inline Holding holding_of(const RingView& view, std::uint32_t slot) noexcept {
  Holding held;
  read_block_ref(view, slot, held.block, held.in_block);
  if (!held.in_block) [[likely]]
    return held;
  held.shared = Lengths{view.slot(slot).lengths.load(std::memory_order_relaxed)}.shared();
  if (held.shared) [[unlikely]] {
    const shm::DeliveryRef delivery = read_delivery_ref(view, slot);
    held.block = delivery.share;
    held.bit = delivery.bit;
  }
  return held;
}
inline void let_go(shm::BlockStore& blocks, const Holding& held) noexcept {
  if (!held.in_block) [[likely]]
    return;
  if (held.shared) [[unlikely]] {
    blocks.drop({held.block, held.bit});
  } else {
    blocks.free(held.block);
  }
}

/// Moves a shared cursor on. Only a hint: others may be ahead. [head] release: whoever takes the
/// head over sees that the positions below it are passed. Of the tail nothing is concluded.
inline void raise_cursor(std::atomic<std::uint64_t>& cursor, std::uint64_t to) noexcept {
  std::uint64_t seen = cursor.load(std::memory_order_relaxed);  // relaxed: a hint
  while (static_cast<std::int64_t>(to - seen) > 0 &&
         !cursor.compare_exchange_weak(seen, to, std::memory_order_release,
                                       std::memory_order_relaxed)) {
  }
}

}  // namespace ringpost::ring
