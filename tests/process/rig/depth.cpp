#include "process/rig/depth.hpp"

#include <cstdio>
#include <cstdlib>
#include <random>
#include <string_view>

namespace ringpost::rig {

namespace {

std::uint64_t chosen_seed() {
  std::uint64_t seed = 20'241'008;  // any fixed number will do
  if (const char* text = std::getenv("RINGPOST_SEED"); text != nullptr && *text != '\0') {
    seed = std::strtoull(text, nullptr, 0);
  } else if (depth() == Depth::kNightly) {
    std::random_device device;
    seed = (std::uint64_t{device()} << 32) | device();
  }
  std::printf("note: RINGPOST_SEED=%llu repeats these choices\n",
              static_cast<unsigned long long>(seed));
  return seed;
}

}  // namespace

Depth depth() {
  const char* text = std::getenv("RINGPOST_DEPTH");
  const std::string_view name = text == nullptr ? "" : text;
  if (name == "nightly") return Depth::kNightly;
  return name == "ci" ? Depth::kCi : Depth::kFast;
}

std::uint64_t base_seed() {
  static const std::uint64_t seed = chosen_seed();
  return seed;
}

}  // namespace ringpost::rig
