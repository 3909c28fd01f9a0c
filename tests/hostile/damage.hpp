// Random bytes in a file that others have mapped.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>

#include "support/corruption.hpp"

namespace ringpost::hostile {

/// Values that break arithmetic, look like words of the protocol, or are anything.
inline std::uint64_t bad_value(std::mt19937_64& random, std::uint64_t before) {
  switch (random() % 10) {
    case 0:
      return 0;
    case 1:
      return ~std::uint64_t{0};
    case 2:
      return std::uint64_t{1} << random() % 64;
    case 3:
      return before ^ std::uint64_t{1} << random() % 64;
    case 4:
      return before + 1;
    case 5:
      return before - 1;
    case 6:
      return random() % 64;
    case 7:
      return (random() % 8) << 58 | random() % 100;  // a lease word of any state
    case 8:
      return (std::uint64_t{1} << 44) - 1 - random() % 2;  // the last laps
    default:
      return random();
  }
}

/// Eight bytes somewhere; the first pages, where headers and hot words lie, more often.
inline void damage_a_word(const test::RawFile& file, std::mt19937_64& random) {
  const std::size_t words = file.bytes() / 8;
  const std::size_t front = std::min<std::size_t>(words, 4'096 / 8);
  const std::size_t word = random() % 3 == 0 ? random() % front : random() % words;
  auto* shared = reinterpret_cast<std::uint64_t*>(file.data()) + word;
  const std::uint64_t before = __atomic_load_n(shared, __ATOMIC_RELAXED);
  __atomic_store_n(shared, bad_value(random, before), __ATOMIC_RELAXED);
}

inline void damage_a_range(const test::RawFile& file, std::mt19937_64& random) {
  const std::size_t begin = random() % file.bytes();
  const std::size_t bytes = std::min<std::size_t>(file.bytes() - begin, random() % 2'000);
  const int pattern = static_cast<int>(random() % 3);
  for (std::size_t i = 0; i < bytes; ++i) {
    file.data()[begin + i] = pattern == 0   ? std::byte{0}
                             : pattern == 1 ? std::byte{0xff}
                                            : static_cast<std::byte>(random());
  }
}

}  // namespace ringpost::hostile
