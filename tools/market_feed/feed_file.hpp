// The recorded feed: one message a line, `<receive time ns> <venue> <the exchange's JSON>`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringpost::market_feed {

/// A line taken apart. Refers to the memory of the line.
struct FeedLine {
  std::uint64_t received_ns = 0;  ///< by the recorder, since the Unix epoch
  std::string_view venue;         ///< "spot" or "usdm"
  std::string_view json;

  [[nodiscard]] static std::optional<FeedLine> parse(std::string_view text) noexcept;
};

/// "usdm.BTCUSDT": venue and symbol, within which the feed has an order. Empty when the JSON does
/// not begin with its stream.
std::string order_key(const FeedLine& line);

/// The text of a gzip file (or of a plain one). Throws std::runtime_error.
std::string unpack(const std::string& path);

/// The lines of a text, without their line ends; at most `lines_max`.
std::vector<std::string_view> split_lines(std::string_view text, std::size_t lines_max);

}  // namespace ringpost::market_feed
