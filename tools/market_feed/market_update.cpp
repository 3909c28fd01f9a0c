#include "market_update.hpp"

#include <simdjson.h>

#include <algorithm>

namespace ringpost::market_feed {

struct UpdateReader::Parser {
  simdjson::dom::parser parser;
};

UpdateReader::UpdateReader() : parser_(std::make_unique<Parser>()) {}
UpdateReader::~UpdateReader() = default;

namespace {

template <std::size_t N>
bool keep(std::string_view from, std::array<char, N>& to) noexcept {
  if (from.empty() || from.size() > N) return false;
  std::copy(from.begin(), from.end(), to.begin());
  return true;
}

}  // namespace

std::optional<MarketUpdate> UpdateReader::read(std::string_view json) {
  // The parser reads a few bytes past the end, so it copies the message into memory of its own.
  constexpr bool kCopy = true;
  simdjson::dom::element message;
  if (parser_->parser.parse(json.data(), json.size(), kCopy).get(message)) return std::nullopt;

  MarketUpdate update;
  std::string_view stream;
  std::string_view symbol;
  if (message["stream"].get(stream) || !keep(stream, update.stream)) return std::nullopt;
  if (message["data"]["s"].get(symbol) || !keep(symbol, update.symbol)) return std::nullopt;
  const char* const id = stream.ends_with("@trade") ? "t" : "u";
  if (message["data"][id].get(update.update_id)) return std::nullopt;
  simdjson::dom::array bids;
  simdjson::dom::array asks;
  levels_ = 0;
  if (!message["data"]["b"].get(bids) && !message["data"]["a"].get(asks)) {
    levels_ = static_cast<std::uint32_t>(bids.size() + asks.size());  // of a quote both are numbers
  }
  return update;
}

}  // namespace ringpost::market_feed
