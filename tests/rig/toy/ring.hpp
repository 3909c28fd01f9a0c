// A toy: the well-known bounded queue with a sequence in each slot, for several producers and
// consumers. Correct, but a producer stopped between claim and publish hides what comes after it:
// not lock-free, and the rig has to say so.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <optional>

#include "rig/toy/bugs.hpp"

namespace ringpost::rig::toy {

struct RingMemory {
  static constexpr std::uint64_t kSlots = 2;
  struct Cell {
    std::atomic<std::uint64_t> sequence;
    std::uint64_t payload[4];
  };
  std::atomic<std::uint64_t> tail;
  std::atomic<std::uint64_t> head;
  Cell cells[kSlots];
};

template <Bug kBug = Bug::kNone>
class Ring {
 public:
  explicit Ring(RingMemory& memory) : m_(memory) {}

  bool push(std::uint64_t value) {
    std::uint64_t position = m_.tail.load(std::memory_order_relaxed);
    for (;;) {
      auto& cell = m_.cells[position % RingMemory::kSlots];
      const std::uint64_t sequence = cell.sequence.load(std::memory_order_acquire);
      if (sequence < position) return false;  // full
      if (sequence > position) {
        position = m_.tail.load(std::memory_order_relaxed);
        continue;
      }
      if (!claim(position)) continue;
      if constexpr (kBug == Bug::kSequenceFirst) cell.sequence.store(position + 1);
      const std::uint64_t content[4] = {value, value, value, value};
      std::memcpy(cell.payload, content, sizeof content);
      cell.sequence.store(position + 1, std::memory_order_release);
      return true;
    }
  }

  /// Nothing: empty, or the next one is still being written.
  std::optional<std::uint64_t> pop(bool& intact) {
    std::uint64_t position = m_.head.load(std::memory_order_relaxed);
    for (;;) {
      auto& cell = m_.cells[position % RingMemory::kSlots];
      const std::uint64_t sequence = cell.sequence.load(std::memory_order_acquire);
      if (sequence < position + 1) return std::nullopt;
      if (sequence > position + 1) {
        position = m_.head.load(std::memory_order_relaxed);
        continue;
      }
      if (!m_.head.compare_exchange_weak(position, position + 1)) continue;
      std::uint64_t content[4];
      std::memcpy(content, cell.payload, sizeof content);
      intact = content[0] == content[3] && content[1] == content[2] && content[0] == content[1];
      cell.sequence.store(position + RingMemory::kSlots, std::memory_order_release);
      return content[0];
    }
  }

  static void initialise(RingMemory& memory) {
    memory.tail = 0;
    memory.head = 0;
    for (std::uint64_t i = 0; i < RingMemory::kSlots; ++i) {
      memory.cells[i].sequence = i;
      for (auto& word : memory.cells[i].payload) word = 0;
    }
  }

 private:
  bool claim(std::uint64_t& position) {
    if constexpr (kBug == Bug::kTailByStore) {
      m_.tail.store(position + 1);
      return true;
    } else {
      return m_.tail.compare_exchange_weak(position, position + 1);
    }
  }
  RingMemory& m_;
};

}  // namespace ringpost::rig::toy
