// A few lines of a feed, and a ledger in which they have all been processed.
#pragma once

#include <string_view>
#include <vector>

#include "feed_file.hpp"
#include "ledger.hpp"
#include "verify.hpp"

namespace ringpost::market_feed {

inline constexpr std::string_view kSampleText =
    R"(1000 usdm {"stream":"btcusdt@bookTicker","data":{"u":51,"s":"BTCUSDT","b":"61800.20"}}
1020 spot {"stream":"ethusdt@trade","data":{"e":"trade","s":"ETHUSDT","t":37,"u":"no id"}}
1300 spot {"stream":"btcusdt@depth@100ms","data":{"s":"BTCUSDT","U":9,"u":12,"b":[["1","2"]]}}
)";

struct Sample {
  std::vector<std::string_view> lines = split_lines(kSampleText, 1000);
  std::vector<Expected> expected = expect(lines);
  Ledger ledger = Ledger::create(static_cast<std::uint32_t>(lines.size()));

  Sample() {
    for (std::size_t phase = 0; phase < kPhases.size(); ++phase) {
      for (std::size_t i = 0; i < lines.size(); ++i) process(phase, i, id_of(phase, i));
    }
  }
  void process(std::size_t phase, std::size_t line, std::uint64_t id,
               std::uint32_t receive_count = 1) {
    ledger.records(phase)[line].add({expected[line].content_hash, id, receive_count},
                                    expected[line].update);
  }
  void acknowledge(std::size_t phase, std::size_t line, std::uint64_t id,
                   std::uint32_t receive_count = 1) {
    ledger.records(phase)[line].add_acknowledge({expected[line].content_hash, id, receive_count});
  }
  static std::uint64_t id_of(std::size_t phase, std::size_t line) { return 100 * phase + line + 1; }
};

}  // namespace ringpost::market_feed
