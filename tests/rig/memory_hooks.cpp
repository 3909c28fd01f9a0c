// memcpy, memmove and memset of the instrumented code (linked with --wrap): on shared bytes they
// are several accesses with points between them, so that torn copies and half-written payloads
// are seen; anywhere else they are what they always were.
//
// The code under test is compiled with -fno-builtin, so that the compiler does not expand them.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "rig/runtime.hpp"

extern "C" {
void* __real_memcpy(void* to, const void* from, std::size_t bytes);
void* __real_memmove(void* to, const void* from, std::size_t bytes);
void* __real_memset(void* to, int value, std::size_t bytes);
int __real_memcmp(const void* a, const void* b, std::size_t bytes);
}

namespace {

using ringpost::rig::AccessKind;
using ringpost::rig::Machine;

void announce(Machine& machine, AccessKind kind, const std::byte* at, std::size_t bytes) {
  if (bytes == 0 || !machine.observes(at, bytes)) return;
  machine.point(
      {kind, false, static_cast<std::uint32_t>(bytes), const_cast<std::byte*>(at), nullptr});
}

/// Copies piece by piece; a piece is read and written through `bounce`, so that others may change
/// the source between the two.
void copy_in_pieces(Machine& machine, std::byte* to, const std::byte* from, std::size_t bytes) {
  std::byte bounce[256];
  const std::size_t piece = std::min(machine.piece_bytes(bytes), sizeof bounce);
  for (std::size_t at = 0; at < bytes; at += piece) {
    const std::size_t count = std::min(piece, bytes - at);
    announce(machine, AccessKind::kLoad, from + at, count);
    __real_memcpy(bounce, from + at, count);
    announce(machine, AccessKind::kStore, to + at, count);
    __real_memcpy(to + at, bounce, count);
  }
}

}  // namespace

extern "C" {

void* __wrap_memcpy(void* to, const void* from, std::size_t bytes) {
  Machine& machine = Machine::get();
  if (!machine.observes(to, bytes) && !machine.observes(from, bytes)) {
    return __real_memcpy(to, from, bytes);
  }
  copy_in_pieces(machine, static_cast<std::byte*>(to), static_cast<const std::byte*>(from), bytes);
  return to;
}

void* __wrap_memmove(void* to, const void* from, std::size_t bytes) {
  Machine& machine = Machine::get();
  const auto* source = static_cast<const std::byte*>(from);
  auto* target = static_cast<std::byte*>(to);
  const bool overlap = source < target + bytes && target < source + bytes;
  if (!overlap) return __wrap_memcpy(to, from, bytes);
  announce(machine, AccessKind::kLoad, source, bytes);
  announce(machine, AccessKind::kStore, target, bytes);
  return __real_memmove(to, from, bytes);
}

void* __wrap_memset(void* to, int value, std::size_t bytes) {
  Machine& machine = Machine::get();
  if (!machine.observes(to, bytes)) return __real_memset(to, value, bytes);
  auto* target = static_cast<std::byte*>(to);
  const std::size_t piece = machine.piece_bytes(bytes);
  for (std::size_t at = 0; at < bytes; at += piece) {
    const std::size_t count = std::min(piece, bytes - at);
    announce(machine, AccessKind::kStore, target + at, count);
    __real_memset(target + at, value, count);
  }
  return to;
}

int __wrap_memcmp(const void* a, const void* b, std::size_t bytes) {
  Machine& machine = Machine::get();
  announce(machine, AccessKind::kLoad, static_cast<const std::byte*>(a), bytes);
  announce(machine, AccessKind::kLoad, static_cast<const std::byte*>(b), bytes);
  return __real_memcmp(a, b, bytes);
}
}
