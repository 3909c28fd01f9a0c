// How much to try: RINGPOST_DEPTH is fast (default), ci or nightly.
#pragma once

#include <cstdlib>
#include <string_view>

namespace ringpost::rig {

enum class Depth { kFast, kCi, kNightly };

inline Depth depth_from_environment() {
  const char* text = std::getenv("RINGPOST_DEPTH");
  const std::string_view depth = text == nullptr ? "fast" : text;
  if (depth == "ci") return Depth::kCi;
  if (depth == "nightly") return Depth::kNightly;
  return Depth::kFast;
}

/// One value a depth.
template <class T>
T by_depth(T fast, T ci, T nightly) {
  switch (depth_from_environment()) {
    case Depth::kFast:
      return fast;
    case Depth::kCi:
      return ci;
    case Depth::kNightly:
      return nightly;
  }
  return fast;
}

}  // namespace ringpost::rig
