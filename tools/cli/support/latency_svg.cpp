// The SVG half of latency_picture.hpp: two panels over one logarithmic latency scale.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "latency_picture.hpp"
#include "units.hpp"

namespace ringpost::cli {
namespace {

constexpr double kWidth = 960;
constexpr double kHeight = 400;
constexpr double kTop = 96;
constexpr double kBottom = 330;

constexpr const char* kStyle = R"(<style>
text { font: 13px system-ui, sans-serif; fill: #24292f; }
.title { font-size: 18px; font-weight: 600; }
.quiet { fill: #57606a; }
.grid { stroke: #d0d7de; stroke-width: 1; }
.mark { stroke: #57606a; stroke-width: 1; }
.bar { fill: #0969da; }
.curve { fill: none; stroke: #0969da; stroke-width: 2; stroke-linejoin: round; }
.late { stroke: #cf222e; stroke-width: 1.5; stroke-dasharray: 6 4; }
.late-text { fill: #cf222e; }
.paper { fill: #ffffff; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .quiet { fill: #9198a1; }
  .grid { stroke: #30363d; }
  .mark { stroke: #9198a1; }
  .bar { fill: #4493f8; }
  .curve { stroke: #4493f8; }
  .late { stroke: #ff7b72; }
  .late-text { fill: #ff7b72; }
  .paper { fill: #0d1117; }
}
</style>
)";

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string text_at(double x, double y, const char* classes, const char* anchor,
                    const std::string& text) {
  return fmt::format(R"(<text x="{:.1f}" y="{:.1f}" class="{}" text-anchor="{}" )"
                     R"(xml:space="preserve">{}</text>)"
                     "\n",
                     x, y, classes, anchor, escaped(text));
}

std::string line_between(double x1, double y1, double x2, double y2, const char* classes) {
  return fmt::format(R"(<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" class="{}"/>)"
                     "\n",
                     x1, y1, x2, y2, classes);
}

double log_of(std::uint64_t ns) {
  return std::log10(static_cast<double>(std::max<std::uint64_t>(ns, 1)));
}

/// A stretch of the logarithmic latency scale, laid along the pixels from `from` to `to`.
struct Scale {
  double low = 0;
  double high = 1;
  double from = 0;
  double to = 1;

  [[nodiscard]] double place(double logarithm) const {
    return from + (logarithm - low) / (high - low) * (to - from);
  }
  [[nodiscard]] double place(std::uint64_t ns) const { return place(log_of(ns)); }
  [[nodiscard]] bool holds(std::uint64_t ns) const {
    return log_of(ns) >= low && log_of(ns) <= high;
  }
};

std::uint64_t lower_bound(std::size_t bucket) {
  return bucket == 0 ? 1 : std::max<std::uint64_t>(1, Histogram::upper_bound(bucket - 1));
}

/// From the lowest to the highest value, at least a factor of two wide.
Scale scale_of(const Histogram& histogram) {
  Scale scale;
  std::size_t first = Histogram::kBuckets;
  std::size_t last = 0;
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i) {
    if (histogram[i] == 0) continue;
    first = std::min(first, i);
    last = i;
  }
  scale.low = log_of(lower_bound(first));
  scale.high = std::max(log_of(Histogram::upper_bound(last)), scale.low + 0.3);
  return scale;
}

/// 1, 10, 100 … and, on a short scale, 2 and 5 times those.
std::vector<std::uint64_t> ticks_of(const Scale& scale) {
  std::vector<std::uint64_t> ticks;
  const bool fine = scale.high - scale.low < 2;
  std::uint64_t decade = 1;
  for (int exponent = 0; exponent <= 12; ++exponent, decade *= 10) {
    for (const std::uint64_t factor : {1u, 2u, 5u}) {
      if (factor != 1 && !fine) continue;
      if (scale.holds(decade * factor)) ticks.push_back(decade * factor);
    }
  }
  return ticks;
}

std::string draw_shares(const Histogram& histogram, Scale scale, std::uint64_t late_ns) {
  constexpr double kLeft = 40;
  constexpr double kRight = 440;
  scale.from = kLeft;
  scale.to = kRight;
  // Buckets are not equally wide on this scale: the area of a bar is its share, as it should be.
  const auto density = [&](std::size_t bucket) {
    const double width = log_of(Histogram::upper_bound(bucket)) - log_of(lower_bound(bucket));
    return static_cast<double>(histogram[bucket]) / std::max(width, 0.001);
  };
  double tallest = 0;
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i) tallest = std::max(tallest, density(i));

  std::string out = text_at(kLeft, kTop - 14, "quiet", "start", "share of messages by latency");
  for (const std::uint64_t tick : ticks_of(scale)) {
    out += line_between(scale.place(tick), kTop, scale.place(tick), kBottom, "grid");
    out += text_at(scale.place(tick), kBottom + 20, "quiet", "middle", format_latency(tick));
  }
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i) {
    if (histogram[i] == 0) continue;
    const double left = scale.place(lower_bound(i));
    const double right = scale.place(Histogram::upper_bound(i));
    const double height = std::max(1.0, density(i) / tallest * (kBottom - kTop - 20));
    out += fmt::format(R"(<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" class="bar"/>)"
                       "\n",
                       left, kBottom - height, std::max(1.0, right - left - 0.6), height);
  }
  out += line_between(kLeft, kBottom, kRight, kBottom, "mark");
  if (late_ns != 0 && scale.holds(late_ns)) {
    out += line_between(scale.place(late_ns), kTop, scale.place(late_ns), kBottom, "late");
  }
  return out;
}

/// Where a percentile stands: each further nine takes the same room.
struct NinesAxis {
  double nines_max = 3;
  double left = 540;
  double right = 900;

  [[nodiscard]] double place(double share_below) const {
    const double nines = share_below >= 1 ? nines_max : -std::log10(1 - share_below);
    return left + std::min(nines, nines_max) / nines_max * (right - left);
  }
};

std::string draw_percentile_axis(const NinesAxis& axis) {
  std::string out;
  constexpr const char* kNames[] = {"", "90", "99", "99.9", "99.99", "99.999", "99.9999"};
  out += text_at(axis.place(0.5), kBottom + 20, "quiet", "middle", "50");
  out += line_between(axis.place(0.5), kTop, axis.place(0.5), kBottom, "grid");
  for (std::size_t nines = 1; nines < std::size(kNames); ++nines) {
    if (static_cast<double>(nines) > axis.nines_max) break;
    const double x = axis.place(1 - std::pow(10.0, -static_cast<double>(nines)));
    out += line_between(x, kTop, x, kBottom, "grid");
    out += text_at(x, kBottom + 20, "quiet", "middle", kNames[nines]);
  }
  return out;
}

std::string draw_percentiles(const Histogram& histogram, Scale scale, std::uint64_t late_ns) {
  scale.from = kBottom;
  scale.to = kTop;
  const auto total = static_cast<double>(histogram.count());
  NinesAxis axis;
  axis.nines_max = std::clamp(std::log10(total), 2.0, 6.0);

  std::string out = text_at(axis.left, kTop - 14, "quiet", "start", "latency at each percentile");
  out += draw_percentile_axis(axis);
  for (const std::uint64_t tick : ticks_of(scale)) {
    out += line_between(axis.left, scale.place(tick), axis.right, scale.place(tick), "grid");
    out += text_at(axis.left - 8, scale.place(tick) + 4, "quiet", "end", format_latency(tick));
  }
  std::string points;
  double below = 0;
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i) {
    if (histogram[i] == 0) continue;
    const double y = scale.place(Histogram::upper_bound(i));
    points += fmt::format("{:.1f},{:.1f} ", axis.place(below / total), y);
    below += static_cast<double>(histogram[i]);
    points += fmt::format("{:.1f},{:.1f} ", axis.place(below / total), y);
  }
  out += fmt::format(R"(<polyline points="{}" class="curve"/>)"
                     "\n",
                     points);
  out += line_between(axis.left, kBottom, axis.right, kBottom, "mark");
  if (late_ns != 0 && scale.holds(late_ns)) {
    const double y = scale.place(late_ns);
    out += line_between(axis.left, y, axis.right, y, "late");
    out += text_at(axis.left + 6, y - 5, "late-text", "start", format_latency(late_ns));
  }
  return out;
}

}  // namespace

std::string draw_svg(const Histogram& histogram, const std::string& title,
                     const SvgOptions& options) {
  std::string out = fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}" )"
      R"(role="img" aria-label="{2}">)"
      "\n",
      kWidth, kHeight, escaped(title));
  out += kStyle;
  out += fmt::format(R"(<rect width="{}" height="{}" class="paper"/>)"
                     "\n",
                     kWidth, kHeight);
  out += text_at(40, 34, "title", "start", title);
  if (!options.subtitle.empty()) out += text_at(40, 56, "quiet", "start", options.subtitle);
  if (histogram.count() == 0) {
    out += text_at(kWidth / 2, kHeight / 2, "quiet", "middle", "no latencies recorded");
  } else {
    const Scale scale = scale_of(histogram);
    out += draw_shares(histogram, scale, options.late_ns);
    out += draw_percentiles(histogram, scale, options.late_ns);
    out += text_at(40, kHeight - 16, "", "start", percentiles_line(histogram, options.late_ns));
  }
  return out + "</svg>\n";
}

}  // namespace ringpost::cli
