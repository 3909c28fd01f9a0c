// A 64-bit fingerprint of a message, to compare what arrived with what the file says.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace ringpost::market_feed {

/// Never 0, so that 0 can mean "nothing recorded". Not against malice: against mix-ups and damage.
inline std::uint64_t content_hash(std::string_view text) noexcept {
  constexpr std::uint64_t kMultiplier = 0x9e3779b97f4a7c15;  // odd, bits spread evenly
  std::uint64_t hash = text.size() * kMultiplier;
  const auto mix = [&hash](std::uint64_t word) {
    hash = (hash ^ word) * kMultiplier;
    hash ^= hash >> 32;
  };
  while (text.size() >= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), sizeof word);
    mix(word);
    text.remove_prefix(sizeof word);
  }
  std::uint64_t rest = 0;
  std::memcpy(&rest, text.data(), text.size());
  mix(rest);
  mix(0);  // spreads the last bytes over all of the hash
  return hash != 0 ? hash : 1;
}

}  // namespace ringpost::market_feed
