// Places of subscriptions by a number that they have: four to eight bytes for each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ringpost::topic {

/// The numbers stand elsewhere: `number_of(place)` tells them. Of places with equal numbers it
/// finds any.
///
/// Threads     one at a time. Complexity  O(1), if the numbers are as good as random.
class PlaceIndex {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  template <class NumberOf>
  [[nodiscard]] std::uint32_t find(std::uint64_t number, NumberOf number_of) const noexcept {
    if (places_.empty()) return kNone;
    std::size_t at = home_of(number);
    while (places_[at] != kNone && number_of(places_[at]) != number) at = next(at);
    return places_[at];
  }

  /// The place's number stands already. May throw std::bad_alloc.
  template <class NumberOf>
  void insert(std::uint32_t place, NumberOf number_of) {
    if (4 * (count_ + 1) > 3 * places_.size()) grow(number_of);
    put(place, number_of);
    ++count_;
  }

  /// The place is there, and its number stands still.
  template <class NumberOf>
  void erase(std::uint32_t place, NumberOf number_of) noexcept {
    std::size_t hole = home_of(number_of(place));
    while (places_[hole] != place) hole = next(hole);
    // Whoever follows without a gap moves up, unless that were before where it is looked for.
    for (std::size_t at = next(hole); places_[at] != kNone; at = next(at)) {
      const std::size_t mask = places_.size() - 1;
      const std::size_t distance = (at - home_of(number_of(places_[at]))) & mask;
      if (distance < ((at - hole) & mask)) continue;
      places_[hole] = places_[at];
      hole = at;
    }
    places_[hole] = kNone;
    --count_;
  }

 private:
  [[nodiscard]] std::size_t home_of(std::uint64_t number) const noexcept {
    return number & (places_.size() - 1);
  }
  [[nodiscard]] std::size_t next(std::size_t at) const noexcept {
    return (at + 1) & (places_.size() - 1);
  }
  template <class NumberOf>
  void put(std::uint32_t place, NumberOf number_of) noexcept {
    std::size_t at = home_of(number_of(place));
    while (places_[at] != kNone) at = next(at);
    places_[at] = place;
  }
  template <class NumberOf>
  void grow(NumberOf number_of) {
    std::vector<std::uint32_t> before(places_.empty() ? 4 : 2 * places_.size(), kNone);
    before.swap(places_);
    for (const std::uint32_t place : before) {
      if (place != kNone) put(place, number_of);
    }
  }

  std::vector<std::uint32_t> places_;
  std::size_t count_ = 0;
};

}  // namespace ringpost::topic
