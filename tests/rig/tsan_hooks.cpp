// The interface that -fsanitize=thread compiles calls to, answered by the rig's machine.
//
// Compiled without -fsanitize=thread and linked instead of the sanitizer's own library. g++ 12 and
// clang 14 call different subsets (compare_exchange_strong/weak against compare_exchange_val,
// read_range against unaligned_read8 …); this is the union. Only one thread runs, so the accesses
// themselves need no lock prefix.
#include <cstddef>
#include <cstdint>

#include "rig/runtime.hpp"

namespace {

using ringpost::rig::Access;
using ringpost::rig::AccessKind;
using ringpost::rig::Machine;

__extension__ using Bits128 = unsigned __int128;
using Bits8 = std::uint8_t;
using Bits16 = std::uint16_t;
using Bits32 = std::uint32_t;
using Bits64 = std::uint64_t;

constexpr int kSequentiallyConsistent = 5;  // as the compilers pass memory orders

std::byte* plain(const volatile void* address) {
  return static_cast<std::byte*>(const_cast<void*>(address));
}

void touch(const volatile void* address, std::size_t bytes, AccessKind kind) {
  Machine& machine = Machine::get();
  if (!machine.observes(address, bytes)) return;
  machine.point({kind, false, static_cast<std::uint32_t>(bytes), plain(address), nullptr});
}

template <class T>
void announce(const volatile T* address, AccessKind kind, bool full_fence,
              const T* expected = nullptr) {
  Machine& machine = Machine::get();
  if (!machine.observes(address, sizeof(T))) {
    if (full_fence) machine.full_fence();
    return;
  }
  machine.point({kind, full_fence, sizeof(T), plain(address), expected});
}

template <class T>
T load(const volatile T* address) {
  announce(address, AccessKind::kLoad, false);
  return *address;
}

template <class T>
void store(volatile T* address, T value, int order) {
  announce(address, AccessKind::kStore, order == kSequentiallyConsistent);
  *address = value;
}

template <class T, class Operation>
T modify(volatile T* address, Operation operation) {
  announce(address, AccessKind::kReadModifyWrite, true);
  const T old = *address;
  *address = operation(old);
  return old;
}

template <class T>
T compare_exchange(volatile T* address, T expected, T value) {
  announce(address, AccessKind::kCompareExchange, true, &expected);
  const T old = *address;
  if (old == expected) *address = value;
  return old;
}

template <class T>
bool compare_exchange(volatile T* address, T* expected, T value) {
  const T wanted = *expected;
  const T old = compare_exchange(address, wanted, value);
  if (old == wanted) return true;
  *expected = old;
  return false;
}

}  // namespace

extern "C" {

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}
void __tsan_read_range(void* p, std::size_t n) { touch(p, n, AccessKind::kLoad); }
void __tsan_write_range(void* p, std::size_t n) { touch(p, n, AccessKind::kStore); }

#define RINGPOST_RIG_PLAIN(bytes)                                                    \
  void __tsan_read##bytes(void* p) { touch(p, bytes, AccessKind::kLoad); }           \
  void __tsan_write##bytes(void* p) { touch(p, bytes, AccessKind::kStore); }         \
  void __tsan_unaligned_read##bytes(void* p) { touch(p, bytes, AccessKind::kLoad); } \
  void __tsan_unaligned_write##bytes(void* p) { touch(p, bytes, AccessKind::kStore); }
RINGPOST_RIG_PLAIN(1)
RINGPOST_RIG_PLAIN(2)
RINGPOST_RIG_PLAIN(4)
RINGPOST_RIG_PLAIN(8)
RINGPOST_RIG_PLAIN(16)
#undef RINGPOST_RIG_PLAIN

#define RINGPOST_RIG_FETCH(bits, name, expression)                                           \
  Bits##bits __tsan_atomic##bits##_fetch_##name(volatile Bits##bits* p, Bits##bits v, int) { \
    return modify(p, [v](Bits##bits old) { return static_cast<Bits##bits>(expression); });   \
  }
#define RINGPOST_RIG_ATOMIC(bits)                                                                  \
  Bits##bits __tsan_atomic##bits##_load(const volatile Bits##bits* p, int) { return load(p); }     \
  void __tsan_atomic##bits##_store(volatile Bits##bits* p, Bits##bits v, int order) {              \
    store(p, v, order);                                                                            \
  }                                                                                                \
  Bits##bits __tsan_atomic##bits##_exchange(volatile Bits##bits* p, Bits##bits v, int) {           \
    return modify(p, [v](Bits##bits) { return v; });                                               \
  }                                                                                                \
  bool __tsan_atomic##bits##_compare_exchange_strong(volatile Bits##bits* p, Bits##bits* expected, \
                                                     Bits##bits v, int, int) {                     \
    return compare_exchange(p, expected, v);                                                       \
  }                                                                                                \
  bool __tsan_atomic##bits##_compare_exchange_weak(volatile Bits##bits* p, Bits##bits* expected,   \
                                                   Bits##bits v, int, int) {                       \
    return compare_exchange(p, expected, v);                                                       \
  }                                                                                                \
  Bits##bits __tsan_atomic##bits##_compare_exchange_val(                                           \
      volatile Bits##bits* p, Bits##bits expected, Bits##bits v, int, int) {                       \
    return compare_exchange(p, expected, v);                                                       \
  }                                                                                                \
  RINGPOST_RIG_FETCH(bits, add, old + v)                                                           \
  RINGPOST_RIG_FETCH(bits, sub, old - v)                                                           \
  RINGPOST_RIG_FETCH(bits, and, old& v)                                                            \
  RINGPOST_RIG_FETCH(bits, or, old | v)                                                            \
  RINGPOST_RIG_FETCH(bits, xor, old ^ v)                                                           \
  RINGPOST_RIG_FETCH(bits, nand, ~(old & v))
RINGPOST_RIG_ATOMIC(8)
RINGPOST_RIG_ATOMIC(16)
RINGPOST_RIG_ATOMIC(32)
RINGPOST_RIG_ATOMIC(64)
RINGPOST_RIG_ATOMIC(128)
#undef RINGPOST_RIG_ATOMIC
#undef RINGPOST_RIG_FETCH

void __tsan_atomic_thread_fence(int order) {
  if (order == kSequentiallyConsistent) Machine::get().full_fence();
}
void __tsan_atomic_signal_fence(int) {}

// base::cpu_pause() and the membarrier wrapper call these when compiled with -DRINGPOST_RIG.
void ringpost_rig_pause() { Machine::get().pause(); }
void ringpost_rig_membarrier() {
  Machine& machine = Machine::get();
  if (machine.in_fiber() && machine.has_barriers()) {
    machine.point({AccessKind::kBarrier, true, 0, nullptr, nullptr});
  }
}
}
