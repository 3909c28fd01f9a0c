// Random numbers from a seed, the same on every machine (splitmix64).
#pragma once

#include <cstdint>

namespace ringpost::rig {

class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept {
    std::uint64_t word = (state_ += 0x9e37'79b9'7f4a'7c15u);
    word = (word ^ (word >> 30)) * 0xbf58'476d'1ce4'e5b9u;
    word = (word ^ (word >> 27)) * 0x94d0'49bb'1331'11ebu;
    return word ^ (word >> 31);
  }
  /// 0 … limit − 1.
  std::uint64_t below(std::uint64_t limit) noexcept { return next() % limit; }
  bool one_in(std::uint64_t times) noexcept { return below(times) == 0; }
  bool percent(std::uint64_t chance) noexcept { return below(100) < chance; }

  template <class T, std::size_t n>
  T one_of(const T (&choices)[n]) noexcept {
    return choices[below(n)];
  }

 private:
  std::uint64_t state_;
};

}  // namespace ringpost::rig
