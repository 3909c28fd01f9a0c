// The proof: what was processed, compared line by line with the file.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ledger.hpp"
#include "market_update.hpp"

namespace ringpost::market_feed {

/// What a line of the file must have led to.
struct Expected {
  std::uint64_t content_hash = 0;
  MarketUpdate update;
};

/// Reads the file as the workers should have, if the messages are its lines, or, `ordered`, the
/// JSON in them. Throws std::runtime_error on a line that no worker could read.
std::vector<Expected> expect(std::span<const std::string_view> lines, bool ordered = false);

/// The findings of one phase.
struct Proof {
  std::uint32_t lines = 0;
  std::uint32_t lost = 0;             ///< lines that were never processed
  std::uint32_t changed = 0;          ///< lines under whose number another content was processed
  std::uint32_t misread = 0;          ///< lines from which something else was read
  std::uint32_t came_back = 0;        ///< lines that came again although they were acknowledged
  std::uint32_t processed_again = 0;  ///< lines that were processed more than once
  std::uint32_t sent_again = 0;       ///< of these, because they were sent more than once
  std::uint64_t processings = 0;      ///< in all
  std::vector<std::string> examples;  ///< of what is wrong, a few

  [[nodiscard]] bool complete() const noexcept { return lost == 0; }
  [[nodiscard]] bool genuine() const noexcept { return changed == 0 && misread == 0; }
};

/// Both spans have one entry a line. Throws std::invalid_argument when they do not.
Proof prove(std::span<const Expected> expected, std::span<const LineRecord> records);

/// Damages the records in one way, to see that the proof fails: "lost", "changed", "differing",
/// "misread", "came-back". False: no such way.
bool forge(std::string_view how, std::span<LineRecord> records);

}  // namespace ringpost::market_feed
