// A latency distribution as text for a terminal and as SVG for a page.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "ringpost/stats.hpp"

namespace ringpost::cli {

/// The latency beyond which Ringpost counts a message as late, unless the user says otherwise.
inline constexpr std::uint64_t kLateNs = 10'000'000;

/// "p50 1.02 µs   p90 … p99 … p99.9 … p99.99 … max …   over 10 ms 0 %", one line, no newline.
std::string percentiles_line(const Histogram& histogram, std::uint64_t late_ns = kLateNs);

/// Bars on a logarithmic time axis, one line each, at most 16 lines; the lines that hold p50, p99
/// and p99.9 say so. `width` is the width of a line in columns. Ends with a newline.
std::string draw_text(const Histogram& histogram, std::size_t width = 72);

struct SvgOptions {
  std::string subtitle;             ///< a second line under the title
  std::uint64_t late_ns = kLateNs;  ///< drawn as a dashed line; 0: none
};

/// A complete SVG document: left the share of each latency, right the latency of each percentile.
/// Follows the reader's light or dark colours.
std::string draw_svg(const Histogram& histogram, const std::string& title,
                     const SvgOptions& options = {});

}  // namespace ringpost::cli
