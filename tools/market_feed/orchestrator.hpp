// The whole demo: a bus of its own, two phases, the proof, the report.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

namespace ringpost::market_feed {

struct DemoOptions {
  std::string feed_path;
  std::string svg_path;   ///< empty: none
  std::string json_path;  ///< empty: none
  bool keep = false;      ///< leave the bus for a look with `ringpost`
  std::uint32_t lines_max = std::numeric_limits<std::uint32_t>::max();
  std::string forge;  ///< damage the records like this before the proof: see forge()
};

/// Exit status: 0 every promise held, 1 one did not, 130 after Ctrl-C.
int run_demo(const DemoOptions& options);

}  // namespace ringpost::market_feed
