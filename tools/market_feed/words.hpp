// Counts of things, as a sentence wants them.
#pragma once

#include <cstdint>
#include <string>

#include "units.hpp"

namespace ringpost::market_feed {

/// "1 message", "1,234 messages".
inline std::string messages(std::uint64_t count) {
  return cli::format_count(count) + (count == 1 ? " message" : " messages");
}

}  // namespace ringpost::market_feed
