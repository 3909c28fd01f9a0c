// Hints: which slots behind the head may hold a visible message. In a FIFO ring: which groups may;
// read "group record" for "slot" below. In a fair ring: which slots, and behind them which lists.
//
// A returned, awaited or due message lies behind the cursors. Its slot has a cell {version, flag};
// above the cells are a middle word for 512 slots and one top word for the ring, each {version, a
// bit for every group below}. Receivers look at the top word alone, which is rarely written.
//
// Set    cell, middle, top, in this order, raising each version, before the state changes
//        (protocols.md, habit 2: hint before state).
// Clear  each word only if it is still exactly what it was before the look below it; whoever set a
//        hint meanwhile has raised the version and the clear is lost, which costs one more look.
// Crash  a hint too many is cleared by the next look; one too few is set again by the sweeper.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "ring/ring_view.hpp"

namespace ringpost::ring {

class Hints {
 public:
  explicit Hints(const RingView& ring) noexcept
      : ring_(ring),
        middles_((ring.hint_count() + kMiddleSlots - 1) / kMiddleSlots),
        middles_per_bit_((middles_ + kHintBits - 1) / kHintBits) {}

  /// May any slot behind the head hold a visible message? One load.
  [[nodiscard]] bool any() const noexcept {
    // [hint-seen] acquire, pairs with the release of set(): the state changes after it.
    return static_cast<std::uint32_t>(ring_.hot().hint_top.load(std::memory_order_acquire)) != 0;
  }

  void set(std::uint32_t slot) const noexcept {
    raise(ring_.hint_cell(slot), 1u);
    const std::uint32_t middle = slot / kMiddleSlots;
    raise(ring_.hint_middle(middle), std::uint64_t{1} << (slot % kMiddleSlots / kHintGroupSlots));
    raise(ring_.hot().hint_top, std::uint64_t{1} << (middle / middles_per_bit_));
  }

  /// On all three levels: a search would come to the slot.
  [[nodiscard]] bool is_set(std::uint32_t slot) const noexcept {
    const std::uint32_t middle = slot / kMiddleSlots;
    const std::uint64_t groups = ring_.hint_middle(middle).load(std::memory_order_acquire);
    const std::uint64_t middles = ring_.hot().hint_top.load(std::memory_order_acquire);
    return (ring_.hint_cell(slot).load(std::memory_order_acquire) & 1u) != 0 &&
           (groups >> (slot % kMiddleSlots / kHintGroupSlots) & 1u) != 0 &&
           (middles >> (middle / middles_per_bit_) & 1u) != 0;
  }

  /// Whether `is_wanted(slot)` holds for a hinted slot. Changes nothing.
  template <class IsWanted>
  [[nodiscard]] bool any_of(IsWanted&& is_wanted) const noexcept {
    if (!any()) return false;
    for (std::uint32_t m = 0; m < middles_; ++m) {
      auto groups =
          static_cast<std::uint32_t>(ring_.hint_middle(m).load(std::memory_order_acquire));
      for (; groups != 0; groups &= groups - 1) {
        const std::uint32_t first =
            (m * kHintBits + static_cast<std::uint32_t>(__builtin_ctz(groups))) * kHintGroupSlots;
        const std::uint32_t end = std::min(first + kHintGroupSlots, ring_.hint_count());
        for (std::uint32_t slot = first; slot < end; ++slot) {
          const bool set = (ring_.hint_cell(slot).load(std::memory_order_acquire) & 1u) != 0;
          if (set && is_wanted(slot)) return true;
        }
      }
    }
    return false;
  }

  /// What a look at a hinted slot found.
  enum class Look : std::uint8_t {
    kTaken,          ///< the looker has leased it: end of the search
    kLeave,          ///< may become visible without another hint
    kClear,          ///< nothing here
    kTakenAndLeave,  ///< the looker has leased it, and there may be more: end of the search
  };

  /// Looks at every hinted slot, from the slot of `from` round the ring, until `look(slot)` says
  /// kTaken; clears what it may. Returns whether a look said kTaken.
  template <class LookAt>
  bool search(std::uint32_t from, LookAt&& look) const noexcept {
    auto& top = ring_.hot().hint_top;
    const std::uint32_t first = from / kMiddleSlots / middles_per_bit_;
    for (std::uint32_t i = 0; i <= kHintBits; ++i) {
      // The bit where the search begins is looked at twice: its tail first, its front last.
      const std::uint32_t bit = (first + i) % kHintBits;
      std::uint64_t seen = top.load(std::memory_order_acquire);
      if ((seen >> bit & 1u) == 0) continue;
      const bool begin = i == 0;
      const Look found = search_middles(bit, begin ? from : 0, look);
      if (found == Look::kTaken) return true;
      if (found == Look::kClear && !begin) clear(top, seen, std::uint64_t{1} << bit);
    }
    return false;
  }

 private:
  static constexpr std::uint32_t kMiddleSlots = kHintGroupSlots * kHintBits;

  template <class Word>
  static void raise(std::atomic<Word>& word, Word bits) noexcept {
    constexpr unsigned version_shift = sizeof(Word) * 4;
    constexpr Word version_one = sizeof(Word) == 4 ? Word{2} : Word{1} << version_shift;
    Word seen = word.load(std::memory_order_relaxed);  // relaxed: the CAS decides
    // [hint-seen] release, pairs with the acquire of search(). Even a bit that is set already gets
    // a new version: else somebody who looked before me clears what I rely on.
    while (!word.compare_exchange_weak(seen, (seen + version_one) | bits, std::memory_order_acq_rel,
                                       std::memory_order_relaxed)) {
    }
  }
  template <class Word>
  static bool clear(std::atomic<Word>& word, Word seen, Word bits) noexcept {
    return word.compare_exchange_strong(seen, seen & ~bits, std::memory_order_acq_rel,
                                        std::memory_order_relaxed);
  }

  template <class LookAt>
  Look search_middles(std::uint32_t top_bit, std::uint32_t from, LookAt& look) const noexcept {
    Look all = Look::kClear;
    const std::uint32_t begin = top_bit * middles_per_bit_;
    for (std::uint32_t m = begin; m < begin + middles_per_bit_ && m < middles_; ++m) {
      auto& middle = ring_.hint_middle(m);
      std::uint64_t seen = middle.load(std::memory_order_acquire);
      std::uint32_t groups = static_cast<std::uint32_t>(seen);
      for (; groups != 0; groups &= groups - 1) {
        const auto group = static_cast<std::uint32_t>(__builtin_ctz(groups));
        const std::uint32_t first = (m * kHintBits + group) * kHintGroupSlots;
        if (first >= ring_.hint_count() || first + kHintGroupSlots <= from) {
          all = Look::kLeave;
          continue;
        }
        const Look found = search_cells(first, from, look);
        if (found == Look::kTaken) return Look::kTaken;
        const std::uint64_t bit = std::uint64_t{1} << group;
        if (found == Look::kClear && clear(middle, seen, bit)) {
          seen &= ~bit;  // what I wrote: the version is still the one read before the cells
        } else {
          all = Look::kLeave;
        }
      }
    }
    return all;
  }

  template <class LookAt>
  Look search_cells(std::uint32_t first, std::uint32_t from, LookAt& look) const noexcept {
    Look all = Look::kClear;
    const std::uint32_t end = std::min(first + kHintGroupSlots, ring_.hint_count());
    for (std::uint32_t slot = first; slot < end; ++slot) {
      auto& cell = ring_.hint_cell(slot);
      const std::uint32_t seen = cell.load(std::memory_order_acquire);
      if ((seen & 1u) == 0) continue;
      if (slot < from) {
        all = Look::kLeave;
        continue;
      }
      const Look found = look(slot);
      if (found == Look::kTakenAndLeave) return Look::kTaken;
      if (found == Look::kLeave) {
        all = Look::kLeave;
        continue;
      }
      if (!clear(cell, seen, 1u)) all = Look::kLeave;  // set again meanwhile
      if (found == Look::kTaken) return Look::kTaken;
    }
    return all;
  }

  const RingView& ring_;
  std::uint32_t middles_;
  std::uint32_t middles_per_bit_;
};

}  // namespace ringpost::ring
