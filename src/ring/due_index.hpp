// The due index: when is the next lease or delay of the ring over? No scan to find out.
//
// Per block of 64 slots one word {earliest deadline, scanning, version}, and one such word for the
// ring. A deadline is lowered here *before* the lease word gets it, block first, then the ring's
// word. A scanner sets {now + R, scanning}, looks at everything below, and compares-and-swaps the
// new minimum in; whoever lowers meanwhile ends the scanning, and the scanner's swap is lost.
//
// Crash  a dead scanner leaves {now + R, scanning}: the next look comes at now + R. A dead lowerer
//        leaves a deadline too early, which costs one look.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "ring/ring_view.hpp"

namespace ringpost::ring {

struct DueWord {
  std::uint64_t word = 0;
  static constexpr std::uint64_t kScanning = std::uint64_t{1} << kLapBits;
  static constexpr std::uint64_t kVersionOne = std::uint64_t{1} << (kLapBits + 1);

  [[nodiscard]] constexpr std::uint64_t deadline() const noexcept { return word & kLapMask; }
  [[nodiscard]] constexpr bool scanning() const noexcept { return (word & kScanning) != 0; }
  [[nodiscard]] constexpr DueWord next(std::uint64_t deadline, bool scanning) const noexcept {
    const std::uint64_t version = (word & ~(kLapMask | kScanning)) + kVersionOne;
    return {version | (deadline & kLapMask) | (scanning ? kScanning : 0)};
  }
};

class DueIndex {
 public:
  /// R: how soon a scanner looks again at what it could not judge; in deadline units (100 ms).
  static constexpr std::uint64_t kRecheckUnits = 10'000;

  explicit DueIndex(const RingView& ring) noexcept : ring_(ring) {}

  void initialise() const noexcept {
    for (std::uint32_t block = 0; block < blocks(); ++block) {
      ring_.due_block(block).store(kDeadlineNever, std::memory_order_relaxed);
    }
    ring_.hot().due_top.store(kDeadlineNever, std::memory_order_relaxed);
  }

  /// The ring's earliest deadline, or something before it. [due] acquire, pairs with lower().
  [[nodiscard]] std::uint64_t earliest() const noexcept {
    return DueWord{ring_.hot().due_top.load(std::memory_order_acquire)}.deadline();
  }

  /// Before a lease word gets `deadline`. In the common case two loads.
  void lower(std::uint32_t slot, std::uint64_t deadline) const noexcept {
    lower(ring_.due_block(slot / kDueBlockSlots), deadline);
    lower(ring_.hot().due_top, deadline);  // always: whoever lowered the block may have died
  }

  /// Looks at blocks whose time has come, at most `blocks_max` of them; `look(slot)` acts on a slot
  /// that is over and returns the deadline that remains there, kDeadlineNever for none, or now + R
  /// where a consumer may be about to lease with a deadline that it announced before this scan.
  template <class Look>
  void scan(std::uint64_t now, std::uint32_t blocks_max, Look&& look) const noexcept {
    auto& top = ring_.hot().due_top;
    DueWord seen{top.load(std::memory_order_acquire)};
    if (seen.deadline() > now) return;
    DueWord mine = seen.next(now + kRecheckUnits, true);
    if (!swap(top, seen, mine)) return;  // somebody else is at it
    std::uint64_t minimum = kDeadlineNever;
    for (std::uint32_t block = 0; block < blocks(); ++block) {
      std::uint64_t earliest = DueWord{ring_.due_block(block).load()}.deadline();
      if (earliest <= now) {
        if (blocks_max == 0) {
          minimum = std::min(minimum, now);  // go on at the next call
          break;
        }
        --blocks_max;
        earliest = scan_block(block, now, look);
      }
      minimum = std::min(minimum, earliest);
    }
    settle(top, mine, minimum);
  }

 private:
  [[nodiscard]] std::uint32_t blocks() const noexcept {
    return (ring_.slots() + kDueBlockSlots - 1) / kDueBlockSlots;
  }
  // [due] acq_rel: a scanner that finds its word unchanged has seen every lease word whose deadline
  // was announced in it before; a lowerer's lease CAS comes after its announcement.
  static bool swap(std::atomic<std::uint64_t>& word, DueWord from, DueWord to) noexcept {
    return word.compare_exchange_strong(from.word, to.word, std::memory_order_acq_rel,
                                        std::memory_order_acquire);
  }
  static void lower(std::atomic<std::uint64_t>& word, std::uint64_t deadline) noexcept {
    DueWord seen{word.load(std::memory_order_acquire)};
    while (seen.deadline() > deadline || seen.scanning()) {
      const DueWord lowered = seen.next(std::min(seen.deadline(), deadline), false);
      if (word.compare_exchange_weak(seen.word, lowered.word, std::memory_order_acq_rel,
                                     std::memory_order_acquire)) {
        return;
      }
    }
  }

  template <class Look>
  std::uint64_t scan_block(std::uint32_t block, std::uint64_t now, Look& look) const noexcept {
    auto& word = ring_.due_block(block);
    const DueWord seen{word.load(std::memory_order_acquire)};
    const DueWord mine = seen.next(now + kRecheckUnits, true);
    if (!swap(word, seen, mine)) return now;  // changed under me: look again soon
    std::uint64_t minimum = kDeadlineNever;
    const std::uint32_t end = std::min((block + 1) * kDueBlockSlots, ring_.slots());
    for (std::uint32_t slot = block * kDueBlockSlots; slot < end; ++slot) {
      minimum = std::min(minimum, look(slot));
    }
    settle(word, mine, minimum);
    return minimum;
  }

  /// Ends my scan. Lost to a lowerer: the word is at most now + R already; make it timely.
  static void settle(std::atomic<std::uint64_t>& word, DueWord mine,
                     std::uint64_t minimum) noexcept {
    if (!swap(word, mine, mine.next(minimum, false))) lower(word, minimum);
  }

  const RingView& ring_;
};

}  // namespace ringpost::ring
