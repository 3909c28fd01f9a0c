// A 128-bit word in shared memory that is changed by compare-and-swap only.
//
// std::atomic of 16 bytes is not always lock-free with g++ 12, so this is a thin wrapper over the
// compiler's builtin (cmpxchg16b / casp, -mcx16), which the thread sanitizer's interface sees.
#pragma once

#include <cstdint>

namespace ringpost::base {

struct Pair64 {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend bool operator==(const Pair64&, const Pair64&) = default;
};

class alignas(16) Word128 {
 public:
  /// Two 64-bit loads, low first. Not one snapshot: decide without a CAS by `low` alone, or pass
  /// the pair to compare_exchange, which compares both halves at once.
  [[nodiscard]] Pair64 load() const noexcept {
    const std::uint64_t low = load_low();
    return {low, __atomic_load_n(&halves_.high, __ATOMIC_ACQUIRE)};
  }
  [[nodiscard]] std::uint64_t load_low() const noexcept {
    return __atomic_load_n(&halves_.low, __ATOMIC_ACQUIRE);
  }

  /// Full barrier. False: lost; read again and decide anew.
  bool compare_exchange(Pair64 expected, Pair64 desired) noexcept {
    return __sync_bool_compare_and_swap(&whole_, pack(expected), pack(desired));
  }

  /// Two 64-bit stores, relaxed: where nobody concludes anything from what he reads meanwhile.
  void store_halves(Pair64 value) noexcept {
    __atomic_store_n(&halves_.low, value.low, __ATOMIC_RELAXED);
    __atomic_store_n(&halves_.high, value.high, __ATOMIC_RELAXED);
  }

  /// High first, then low, release: whoever sees the new low half sees the new high one.
  void store_low_last(Pair64 value) noexcept {
    __atomic_store_n(&halves_.high, value.high, __ATOMIC_RELAXED);
    __atomic_store_n(&halves_.low, value.low, __ATOMIC_RELEASE);
  }

  /// Before the word is shared with anybody.
  void initialise(Pair64 value) noexcept { halves_ = value; }

 private:
  __extension__ using Whole = unsigned __int128;
  static Whole pack(Pair64 pair) noexcept { return Whole{pair.high} << 64 | pair.low; }

  union {
    Pair64 halves_{};
    Whole whole_;
  };
};
static_assert(sizeof(Word128) == 16 && alignof(Word128) == 16);

}  // namespace ringpost::base
