// Random bytes in a file that others have mapped.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <thread>

#include "hostile/watchdog.hpp"
#include "process/rig/depth.hpp"
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

inline void damage_some(const test::RawFile& file, std::mt19937_64& random) {
  for (std::uint64_t i = 0; i <= random() % 20; ++i) damage_a_word(file, random);
  if (random() % 4 == 0) damage_a_range(file, random);
}

/// Damages one word after the other, as long as it lives, beside whoever uses the file.
class Villain {
 public:
  Villain(const test::RawFile& file, std::uint64_t seed)
      : thread_([this, &file, seed] {
          std::mt19937_64 random(seed);
          while (!stop_.load()) {
            damage_a_word(file, random);
            std::this_thread::yield();
          }
        }) {}
  ~Villain() {
    stop_.store(true);
    thread_.join();
  }
  Villain(const Villain&) = delete;
  Villain& operator=(const Villain&) = delete;

 private:
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

/// `round` so many times, each with a seed of its own and a watchdog; `what` says what goes on.
template <class Round>
void repeat(int rounds, std::uint64_t first, const std::string& what, Round&& round) {
  for (int i = 0; i < rounds; ++i) {
    const std::uint64_t seed = rig::base_seed() + first + static_cast<std::uint64_t>(i);
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Watchdog watchdog(what + ", seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    round(seed, random);
  }
}
/// What a program does on a file at rest that was damaged, and then beside a villain.
template <class Victim>
void use_at_rest(Victim& victim, const test::RawFile& file, std::mt19937_64& random) {
  damage_some(file, random);
  victim.use_old_handles();
  victim.use_new_handles();
  victim.tidy_up();
  victim.use_old_handles();
}
template <class Victim>
void use_under_way(Victim& victim, const test::RawFile& file, std::uint64_t seed, int times) {
  const Villain villain(file, seed);
  for (int i = 0; i < times; ++i) {
    victim.use_old_handles();
    victim.use_new_handles();
  }
  victim.tidy_up();
}

}  // namespace ringpost::hostile
