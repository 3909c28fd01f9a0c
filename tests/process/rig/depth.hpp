// How much a rig does: RINGPOST_DEPTH = fast (default), ci or nightly; RINGPOST_SEED.
#pragma once

#include <cstdint>

namespace ringpost::rig {

enum class Depth : std::uint8_t { kFast, kCi, kNightly };

[[nodiscard]] Depth depth();

template <class T>
[[nodiscard]] T by_depth(T fast, T ci, T nightly) {
  switch (depth()) {
    case Depth::kFast:
      return fast;
    case Depth::kCi:
      return ci;
    case Depth::kNightly:
      return nightly;
  }
  return fast;
}

/// RINGPOST_SEED if it is given; else fixed at fast and ci, random at nightly. Printed once.
[[nodiscard]] std::uint64_t base_seed();

}  // namespace ringpost::rig
