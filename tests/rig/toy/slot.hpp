// A toy: one leased slot, crash-safe, with the three words and the moves of a real ring but room
// for one message. Small enough to be exhausted, rich enough to break in all the usual ways.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "rig/toy/bugs.hpp"

namespace ringpost::rig::toy {

__extension__ using Word = unsigned __int128;

struct SlotMemory {
  alignas(16) Word lease;              ///< state (2) · owner (14) · lap (48) ‖ receive count
  std::atomic<std::uint64_t> claim;    ///< owner (16) · lap (48)
  std::atomic<std::uint64_t> publish;  ///< lap
  std::uint64_t payload[2];            ///< value, ~value
  std::atomic<std::uint64_t> dead[4];  ///< liveness: one word a participant
};

struct Receipt {
  std::uint64_t lap = 0;
  std::uint64_t count = 0;
  std::uint64_t value = 0;
  bool intact = false;
};

template <Bug kBug = Bug::kNone>
class Slot {
 public:
  explicit Slot(SlotMemory& memory) : m_(memory) {}

  bool send(std::uint64_t me, std::uint64_t value) {
    const std::uint64_t low = lease_low();
    const std::uint64_t lap = lap_of(low);
    std::uint64_t claim = m_.claim.load(std::memory_order_acquire);
    if (state_of(low) != kIdle || lap_of(claim) >= lap) return false;
    if (!m_.claim.compare_exchange_strong(claim, me << 48 | lap)) return false;
    if constexpr (kBug == Bug::kPublishBeforePayload) m_.publish.store(lap);
    m_.payload[0] = value;
    m_.payload[1] = ~value;
    m_.publish.store(lap, std::memory_order_release);
    return true;
  }

  std::optional<Receipt> receive(std::uint64_t me) {
    const Word seen = lease();
    const auto low = static_cast<std::uint64_t>(seen);
    const std::uint64_t lap = lap_of(low);
    const std::uint64_t count = static_cast<std::uint64_t>(seen >> 64) + 1;
    const bool ready =
        state_of(low) == kReturned || (state_of(low) == kIdle && m_.publish.load() == lap);
    if (!ready || !move(seen, word(kLeased, me, lap, count))) return std::nullopt;
    Receipt receipt{lap, count, m_.payload[0], false};
    receipt.intact = m_.payload[1] == ~receipt.value;
    if constexpr (kBug != Bug::kCopyUnchecked) {
      std::atomic_thread_fence(std::memory_order_acquire);
      if (lease() != word(kLeased, me, lap, count)) return std::nullopt;
    }
    return receipt;
  }

  bool acknowledge(std::uint64_t me, const Receipt& receipt) {
    const Word seen = lease();
    const auto low = static_cast<std::uint64_t>(seen);
    if (state_of(low) != kLeased || lap_of(low) != receipt.lap) return false;
    if constexpr (kBug != Bug::kStaleReceipt) {
      if (owner_of(low) != me || static_cast<std::uint64_t>(seen >> 64) != receipt.count) {
        return false;
      }
    }
    return move(seen, word(kIdle, 0, receipt.lap + 1, 0));
  }

  /// The lease is over, whoever holds it.
  void expire() {
    const Word seen = lease();
    const auto low = static_cast<std::uint64_t>(seen);
    if (state_of(low) != kLeased) return;
    move(seen, word(kReturned, 0, lap_of(low), static_cast<std::uint64_t>(seen >> 64)));
  }

  /// Takes from the dead what they left. Reads the word, then liveness, then exchanges.
  void sweep() {
    const Word seen = lease();
    const auto low = static_cast<std::uint64_t>(seen);
    const std::uint64_t lap = lap_of(low);
    if (state_of(low) == kLeased) {
      if (is_dead(owner_of(low))) {
        move(seen, word(kReturned, 0, lap, static_cast<std::uint64_t>(seen >> 64)));
      }
      return;
    }
    const std::uint64_t claim = m_.claim.load(std::memory_order_acquire);
    if (state_of(low) != kIdle || lap_of(claim) != lap) return;
    std::uint64_t published = 0;
    if constexpr (kBug == Bug::kPublishReadEarly) published = m_.publish.load();
    if (!is_dead(claim >> 48) || kBug == Bug::kNeverVoided) return;
    if constexpr (kBug != Bug::kPublishReadEarly) published = m_.publish.load();
    if (kBug != Bug::kVoidPublished && published == lap) return;
    if constexpr (kBug == Bug::kSweepByStore) {
      store_lease(word(kIdle, 0, lap + 1, 0));
    } else {
      move(seen, word(kIdle, 0, lap + 1, 0));
    }
  }

  static void initialise(SlotMemory& memory) {
    memory.lease = word(kIdle, 0, 1, 0);
    memory.claim = 0;
    memory.publish = 0;
    memory.payload[0] = memory.payload[1] = 0;
    for (auto& dead : memory.dead) dead = 0;
  }

 private:
  static constexpr std::uint64_t kIdle = 0, kLeased = 1, kReturned = 2;
  static constexpr std::uint64_t kLapMask = (std::uint64_t{1} << 48) - 1;

  static Word word(std::uint64_t state, std::uint64_t owner, std::uint64_t lap,
                   std::uint64_t count) {
    return Word{count} << 64 | (state << 62 | owner << 48 | lap);
  }
  static std::uint64_t state_of(std::uint64_t low) { return low >> 62; }
  static std::uint64_t owner_of(std::uint64_t low) { return low >> 48 & 0x3fff; }
  static std::uint64_t lap_of(std::uint64_t low) { return low & kLapMask; }

  std::uint64_t lease_low() const {
    return __atomic_load_n(reinterpret_cast<const std::uint64_t*>(&m_.lease), __ATOMIC_ACQUIRE);
  }
  Word lease() const {
    const auto* halves = reinterpret_cast<const std::uint64_t*>(&m_.lease);
    const std::uint64_t low = __atomic_load_n(halves, __ATOMIC_ACQUIRE);
    return Word{__atomic_load_n(halves + 1, __ATOMIC_ACQUIRE)} << 64 | low;
  }
  void store_lease(Word value) {
    auto* halves = reinterpret_cast<std::uint64_t*>(&m_.lease);
    __atomic_store_n(halves, static_cast<std::uint64_t>(value), __ATOMIC_RELEASE);
    __atomic_store_n(halves + 1, static_cast<std::uint64_t>(value >> 64), __ATOMIC_RELEASE);
  }
  bool move(Word from, Word to) {
    if constexpr (kBug == Bug::kLeaseByStore) {
      if (lease() != from) return false;
      store_lease(to);
      return true;
    } else {
      return __sync_bool_compare_and_swap(&m_.lease, from, to);
    }
  }
  bool is_dead(std::uint64_t participant) const {
    return m_.dead[participant & 3].load(std::memory_order_acquire) != 0;
  }

  SlotMemory& m_;
};

}  // namespace ringpost::rig::toy
