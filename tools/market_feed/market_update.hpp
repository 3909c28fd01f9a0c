// What a worker takes out of a message of the feed.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace ringpost::market_feed {

/// Names of fixed length, padded with zeros: they are kept in shared memory as words.
struct MarketUpdate {
  std::array<char, 24> stream{};  ///< "btcusdt@depth@100ms"
  std::array<char, 8> symbol{};   ///< "BTCUSDT"
  std::uint64_t update_id = 0;    ///< "u", of trades "t": rises within a stream of one venue

  friend bool operator==(const MarketUpdate&, const MarketUpdate&) = default;
};

/// Parses whole messages (simdjson). One for a thread; keeps its memory between messages.
class UpdateReader {
 public:
  UpdateReader();
  ~UpdateReader();
  UpdateReader(const UpdateReader&) = delete;
  UpdateReader& operator=(const UpdateReader&) = delete;

  /// Empty when the JSON is malformed or a field is missing or too long.
  std::optional<MarketUpdate> read(std::string_view json);
  /// Price levels that the last message changes: of a depth update; else 0.
  [[nodiscard]] std::uint32_t levels() const noexcept { return levels_; }

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
  std::uint32_t levels_ = 0;
};

}  // namespace ringpost::market_feed
