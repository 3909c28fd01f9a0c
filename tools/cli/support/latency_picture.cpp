#include "latency_picture.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>

#include "units.hpp"

namespace ringpost::cli {
namespace {

constexpr std::size_t kRowsMax = 16;

struct Row {
  std::uint64_t upper_ns = 0;
  std::uint64_t count = 0;
  std::string marks;
};

/// Neighbouring buckets joined until at most kRowsMax rows span the values.
std::vector<Row> rows_of(const Histogram& histogram) {
  std::size_t first = Histogram::kBuckets;
  std::size_t last = 0;
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i) {
    if (histogram[i] == 0) continue;
    first = std::min(first, i);
    last = i;
  }
  if (first > last) return {};
  std::size_t joined = 1;
  while (last / joined - first / joined + 1 > kRowsMax) joined *= 2;
  std::vector<Row> rows;
  for (std::size_t group = first / joined; group <= last / joined; ++group) {
    Row row;
    const std::size_t end = std::min((group + 1) * joined, Histogram::kBuckets);
    for (std::size_t i = group * joined; i < end; ++i) row.count += histogram[i];
    row.upper_ns = Histogram::upper_bound(end - 1);
    rows.push_back(std::move(row));
  }
  return rows;
}

void mark_percentiles(const Histogram& histogram, std::vector<Row>& rows) {
  struct Mark {
    double percent;
    const char* name;
  };
  for (const Mark& mark : {Mark{50, "p50"}, Mark{99, "p99"}, Mark{99.9, "p99.9"}}) {
    const std::uint64_t ns = histogram.percentile(mark.percent);
    const auto row = std::find_if(rows.begin(), rows.end(),
                                  [ns](const Row& candidate) { return candidate.upper_ns >= ns; });
    if (row != rows.end()) row->marks += fmt::format(" {}", mark.name);
  }
}

/// A bar in eighths of a column; anything that is not nothing shows.
std::string bar(double share, std::size_t columns) {
  constexpr std::array kEighths = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  if (share <= 0) return "";
  const auto eighths =
      std::max<std::size_t>(1, static_cast<std::size_t>(share * static_cast<double>(columns) * 8));
  std::string text;
  for (std::size_t i = 0; i < eighths / 8; ++i) text += "█";
  return text + kEighths[eighths % 8];
}

std::size_t columns_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) >> 6) != 2; }));
}

std::string padded_left(const std::string& text, std::size_t columns) {
  const std::size_t taken = columns_of(text);
  return std::string(taken < columns ? columns - taken : 0, ' ') + text;
}

std::string padded_right(const std::string& text, std::size_t columns) {
  const std::size_t taken = columns_of(text);
  return text + std::string(taken < columns ? columns - taken : 0, ' ');
}

}  // namespace

std::string percentiles_line(const Histogram& histogram, std::uint64_t late_ns) {
  if (histogram.count() == 0) return "no latencies recorded yet";
  std::string line;
  for (const double percent : {50.0, 90.0, 99.0, 99.9, 99.99}) {
    line += fmt::format("p{:g} {}   ", percent, format_latency(histogram.percentile(percent)));
  }
  line += fmt::format("max {}", format_latency(histogram.max()));
  if (late_ns != 0) {
    line += fmt::format("   over {} {}", format_latency(late_ns),
                        format_share(histogram.share_over(late_ns)));
  }
  return line;
}

std::string draw_text(const Histogram& histogram, std::size_t width) {
  std::vector<Row> rows = rows_of(histogram);
  if (rows.empty()) return "  no latencies recorded yet\n";
  mark_percentiles(histogram, rows);
  constexpr std::size_t kLabelColumns = 11;
  constexpr std::size_t kShareColumns = 10;
  constexpr std::size_t kMarkColumns = 16;
  constexpr std::size_t kAround = 2 + kLabelColumns + 1 + kShareColumns + kMarkColumns;
  const std::size_t bar_columns = std::max<std::size_t>(width, kAround + 8) - kAround;

  const auto total = static_cast<double>(histogram.count());
  std::uint64_t tallest = 1;
  for (const Row& row : rows) tallest = std::max(tallest, row.count);
  std::string picture;
  for (const Row& row : rows) {
    const double height = static_cast<double>(row.count) / static_cast<double>(tallest);
    std::string line = "  " + padded_left("≤ " + format_latency(row.upper_ns), kLabelColumns) + " ";
    line += padded_right(bar(height, bar_columns), bar_columns);
    if (row.count != 0) {
      line += padded_left(format_share(static_cast<double>(row.count) / total), kShareColumns);
    }
    if (!row.marks.empty()) line += " " + row.marks;
    line.erase(line.find_last_not_of(' ') + 1);
    picture += line + "\n";
  }
  return picture;
}

}  // namespace ringpost::cli
