#include "report/table.hpp"

#include <fmt/format.h>

#include <array>

namespace ringpost::bench {
namespace {

std::string three_digits(double value) {
  if (value == 0) return "0";
  if (value < 9.995) return fmt::format("{:.2f}", value);
  if (value < 99.95) return fmt::format("{:.1f}", value);
  return fmt::format("{:.0f}", value);
}

template <std::size_t Count>
std::string scaled(double value, const std::array<const char*, Count>& units) {
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < Count) {
    value /= 1000;
    ++unit;
  }
  return three_digits(value) + units[unit];
}

// Bytes of UTF-8 are not columns: "µ" and "…" are wider in memory than on the screen.
std::string right(const std::string& text, std::size_t width) {
  std::size_t columns = 0;
  for (const char byte : text) columns += (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
  return columns >= width ? text : std::string(width - columns, ' ') + text;
}

std::string spread(const Figures& figures, Unit unit) {
  if (figures.p50 == 0) {
    const std::string least = format_value(figures.least, unit);
    return right(least + " … " + format_value(figures.most, unit), 58);
  }
  std::string text;
  for (const double ns : {figures.p50, figures.p90, figures.p99, figures.p999, figures.p9999}) {
    text += right(format_ns(ns), 9) + " ";
  }
  return text + right(format_ns(figures.max), 8);
}

std::string pairs_by_placement(const Summary& summary) {
  std::string text;
  for (const Placement placement : kAllPlacements) {
    const std::size_t count = summary.pairs[static_cast<std::size_t>(placement)];
    if (count != 0)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, to_string(placement));
  }
  return text;
}

std::string ratio_text(const RatioFigures& ratio) {
  if (ratio.pairs == 0) return "-";
  if (ratio.p50 == 0) return three_digits(ratio.value) + "×";
  return fmt::format("p50 {}×  p99 {}×", three_digits(ratio.p50), three_digits(ratio.p99));
}

std::string rival_line(const RivalSummary& rival, Unit unit, std::size_t name_width) {
  const std::string name =
      "  : " + rival.name + (rival.variant.empty() ? "" : " (" + rival.variant + ")");
  if (rival.figures.runs == 0) {
    return fmt::format("{:<{}}  {}\n", name, name_width,
                       rival.note.empty() ? "no run in this placement" : rival.note);
  }
  const std::string note = rival.note.empty() ? "" : "  " + rival.note;
  return fmt::format("{:<{}} {} {}  {}  ({} pairs){}\n", name, name_width,
                     right(format_value(rival.figures.value, unit), 10),
                     spread(rival.figures, unit), ratio_text(rival.ratio), rival.ratio.pairs, note);
}

}  // namespace

std::string format_ns(double ns) { return scaled(ns, std::array{" ns", " µs", " ms", " s"}); }
std::string format_rate(double per_second) {
  return scaled(per_second, std::array{" /s", " k/s", " M/s", " G/s"});
}
std::string format_value(double value, Unit unit) {
  return unit == Unit::kPerSecond ? format_rate(value) : format_ns(value);
}

std::string table_head(const Machine& machine, std::size_t name_width) {
  std::string text = fmt::format("{}, {} cores, {}\ncommit {}, {}\n\n", machine.cpu, machine.cores,
                                 machine.kernel, machine.commit, machine.compiler);
  text += fmt::format("{:<{}} {:>10} {:>9} {:>9} {:>9} {:>9} {:>9} {:>8}  placement (pairs)\n",
                      "row", name_width, "value", "p50", "p90", "p99", "p99.9", "p99.99", "max");
  return text;
}

std::string table_row(const Summary& summary, std::size_t name_width) {
  if (summary.figures.runs == 0) {
    return fmt::format("{:<{}}  {}: {}\n", summary.name, name_width,
                       summary.possible ? "ERROR" : "left out", summary.note);
  }
  const std::string variant = summary.variant.empty() ? "" : "  " + summary.variant;
  std::string text =
      fmt::format("{:<{}} {} {}  {} ({}; {} runs){}{}\n", summary.name, name_width,
                  right(format_value(summary.figures.value, summary.unit), 10),
                  spread(summary.figures, summary.unit), to_string(summary.placement),
                  pairs_by_placement(summary), summary.figures.runs, variant,
                  summary.verified ? "" : "  NOT VERIFIED: " + summary.note);
  for (const RivalSummary& rival : summary.rivals) {
    text += rival_line(rival, summary.unit, name_width);
  }
  return text;
}

}  // namespace ringpost::bench
