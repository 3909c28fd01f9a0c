// The calls of the hot path, one by one, for tests that look at what each of them costs.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "ringpost/queue.hpp"

namespace ringpost::rig {

/// Everything that the calls use, so that nothing is made on the way.
struct HotPath {
  explicit HotPath(Queue& on_queue);

  Queue& queue;
  Leases received;
  std::array<std::byte, 64> inline_body{};
  std::array<std::byte, 8'192> block_body{};
  std::array<OutMessage, 10> inline_batch{};
  std::array<OutMessage, 10> block_batch{};
};

/// One turn leaves the queue as it found it. False: a call failed.
struct HotCall {
  const char* name;
  bool (*turn)(HotPath& path);
};

[[nodiscard]] std::span<const HotCall> hot_calls();

}  // namespace ringpost::rig
