// Payload blocks without files: the states of shm::Arena, and a judge that counts.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "shm/block_store.hpp"

namespace ringpost::rig {

/// In shared memory.
struct BlockCell {
  std::atomic<std::uint64_t> state;  ///< state (2) · owner (14) · generation (48)
  std::atomic<std::uint64_t> back;   ///< ring << 60 | lap << 20 | slot
  std::atomic<std::uint64_t> content;
};

/// FREE → OWNED → LIVE → FREE as in the arena. Everybody shares one: it has no hints of its own.
class FakeBlocks final : public shm::BlockStore {
 public:
  static constexpr std::size_t kBlocks = 6;
  using Cells = std::array<BlockCell, kBlocks>;

  void bind(Cells& cells) noexcept {
    cells_ = &cells;
    freed_ = {};
    freed_twice_ = false;
  }

  bool allocate(int me, shm::BlockRef& ref) noexcept {
    for (std::size_t i = 0; i < kBlocks; ++i) {
      std::uint64_t seen = (*cells_)[i].state.load(std::memory_order_acquire);
      if (state_of(seen) != kFree) continue;
      const std::uint64_t generation = generation_of(seen) + 1;
      if ((*cells_)[i].state.compare_exchange_strong(seen, word(kOwned, me, generation))) {
        ref = {i, generation};
        return true;
      }
    }
    return false;
  }
  [[nodiscard]] std::atomic<std::uint64_t>& content(const shm::BlockRef& ref) noexcept {
    return (*cells_)[ref.block % kBlocks].content;
  }
  void make_live(int me, const shm::BlockRef& ref, const shm::BackReference& of) noexcept {
    BlockCell& cell = (*cells_)[ref.block];
    cell.back.store(back_word(of), std::memory_order_relaxed);
    cell.state.store(word(kLive, me, ref.generation), std::memory_order_release);
  }
  void abandon(const shm::BlockRef& ref) noexcept { end(ref, kOwned); }
  /// As Arena::take_back(): of a message that was not published.
  void take_back(int me, const shm::BlockRef& ref) noexcept {
    std::uint64_t seen = word(kLive, me, ref.generation);
    (*cells_)[ref.block].state.compare_exchange_strong(seen, word(kOwned, me, ref.generation));
  }
  void free(const shm::BlockRef& ref) noexcept override {
    if (ref.block >= kBlocks) return;
    freed_twice_ |= freed_[ref.block] >= ref.generation;
    freed_[ref.block] = ref.generation;
    end(ref, kLive);
  }
  void drop(const shm::DeliveryRef& /*delivery*/) noexcept override {}  // none is shared here
  void change_hands(const shm::BlockRef& ref, const shm::BackReference& from,
                    const shm::BackReference& to) noexcept override {
    if (ref.block >= kBlocks) return;
    BlockCell& cell = (*cells_)[ref.block];
    const std::uint64_t seen = cell.state.load(std::memory_order_acquire);
    if (state_of(seen) != kLive || generation_of(seen) != ref.generation) return;
    std::uint64_t back = back_word(from);
    cell.back.compare_exchange_strong(back, back_word(to));
  }

  /// As Arena::sweep(): OWNED of the dead, and LIVE whose message `is_gone(back reference)`.
  template <class IsGone>
  std::size_t sweep(int dead, IsGone&& is_gone) noexcept {
    std::size_t swept = 0;
    for (BlockCell& cell : *cells_) {
      std::uint64_t seen = cell.state.load(std::memory_order_acquire);
      bool take = state_of(seen) == kOwned && owner_of(seen) == dead;
      if (state_of(seen) == kLive) {
        const std::uint64_t back = cell.back.load(std::memory_order_acquire);
        take = is_gone(reference(back)) && cell.back.load(std::memory_order_acquire) == back;
      }
      if (take && cell.state.compare_exchange_strong(seen, word(kFree, 0, generation_of(seen)))) {
        ++swept;
      }
    }
    return swept;
  }

  [[nodiscard]] bool is_live(const shm::BlockRef& ref) const noexcept {
    const std::uint64_t seen = (*cells_)[ref.block % kBlocks].state.load(std::memory_order_relaxed);
    return state_of(seen) == kLive && generation_of(seen) == ref.generation;
  }
  [[nodiscard]] bool all_free() const noexcept {
    for (const BlockCell& cell : *cells_) {
      if (state_of(cell.state.load(std::memory_order_relaxed)) != kFree) return false;
    }
    return true;
  }
  [[nodiscard]] bool freed_twice() const noexcept { return freed_twice_; }

 private:
  static constexpr std::uint64_t kFree = 0, kOwned = 1, kLive = 2;
  static constexpr std::uint64_t word(std::uint64_t state, int owner, std::uint64_t generation) {
    return state << 62 | static_cast<std::uint64_t>(owner) << 48 | generation;
  }
  static constexpr std::uint64_t back_word(const shm::BackReference& of) {
    return of.ring_id << 60 | of.lap << 20 | of.slot;
  }
  static constexpr shm::BackReference reference(std::uint64_t word) {
    return {word >> 60, static_cast<std::uint32_t>(word & 0xfffff), word << 4 >> 24};
  }
  static constexpr std::uint64_t state_of(std::uint64_t word) { return word >> 62; }
  static constexpr int owner_of(std::uint64_t word) {
    return static_cast<int>(word >> 48 & 0x3fff);
  }
  static constexpr std::uint64_t generation_of(std::uint64_t word) {
    return word & ((std::uint64_t{1} << 48) - 1);
  }
  bool end(const shm::BlockRef& ref, std::uint64_t required) noexcept {
    std::uint64_t seen = (*cells_)[ref.block].state.load(std::memory_order_acquire);
    if (state_of(seen) != required || generation_of(seen) != ref.generation) return false;
    return (*cells_)[ref.block].state.compare_exchange_strong(seen, word(kFree, 0, ref.generation));
  }

  Cells* cells_ = nullptr;
  std::array<std::uint64_t, kBlocks> freed_{};  ///< newest generation that the ring gave back
  bool freed_twice_ = false;
};

}  // namespace ringpost::rig
