#include "report/svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "report/table.hpp"

namespace ringpost::bench {
namespace {

constexpr double kWidth = 960;
constexpr double kLabelWidth = 300;
constexpr double kValueWidth = 150;  // right of the longest bar
constexpr double kBarHeight = 15;
constexpr double kBarStep = 19;
constexpr double kGroupGap = 12;

constexpr const char* kStyle = R"(<style>
  svg { background: #ffffff; font: 12px system-ui, sans-serif; }
  text { fill: #24292f; }
  .soft { fill: #6e7781; }
  .title { font-size: 16px; font-weight: 600; }
  .head { font-size: 13px; font-weight: 600; }
  .end { text-anchor: end; }
  .middle { text-anchor: middle; }
  .grid { stroke: #d0d7de; stroke-width: 1; }
  .ours { fill: #0969da; }
  .peer { fill: #afb8c1; }
  @media (prefers-color-scheme: dark) {
    svg { background: #0d1117; }
    text { fill: #e6edf3; }
    .soft { fill: #8b949e; }
    .grid { stroke: #30363d; }
    .ours { fill: #58a6ff; }
    .peer { fill: #484f58; }
  }
</style>
)";

std::string escaped(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '&':
        safe += "&amp;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

struct Bar {
  std::string label;
  double value = 0;
  std::string text;
  bool ours = false;
};

using Group = std::vector<Bar>;

std::string remark(const RivalSummary& rival) {
  if (rival.ratio.pairs == 0) return "";
  const double ratio = rival.ratio.p50 > 0 ? rival.ratio.p50 : rival.ratio.value;
  return fmt::format("  ({:.2f}×)", ratio);
}

std::vector<Group> groups_of(const std::vector<Summary>& rows, Unit unit) {
  std::vector<Group> groups;
  for (const Summary& row : rows) {
    if (row.unit != unit || row.figures.runs == 0) continue;
    Group& group = groups.emplace_back();
    const double value = row.figures.value;
    group.push_back({row.name, value, format_value(value, unit), true});
    for (const RivalSummary& rival : row.rivals) {
      if (rival.figures.value <= 0) continue;
      group.push_back({rival.name, rival.figures.value,
                       format_value(rival.figures.value, unit) + remark(rival), false});
    }
  }
  return groups;
}

class Panel {
 public:
  Panel(std::vector<Group> groups, Unit unit, std::string title, double top)
      : groups_(std::move(groups)), unit_(unit), title_(std::move(title)), top_(top) {
    double least = 1e300;
    double most = 0;
    for (const Group& group : groups_) {
      for (const Bar& bar : group) {
        least = std::min(least, bar.value);
        most = std::max(most, bar.value);
      }
    }
    // Half a decade below the least, so that its bar is seen.
    low_ = std::floor(2 * std::log10(least) - 0.5) / 2;
    high_ = std::max(std::ceil(2 * std::log10(most)) / 2, low_ + 1);
    double height = 48;
    for (const Group& group : groups_) {
      height += kBarStep * static_cast<double>(group.size()) + kGroupGap;
    }
    bottom_ = top_ + height;
  }

  [[nodiscard]] double bottom() const { return bottom_ + 16; }

  void draw(std::string& svg) const {
    auto out = std::back_inserter(svg);
    fmt::format_to(out, "<text class=\"head\" x=\"16\" y=\"{:.0f}\">{}</text>\n", top_ + 14,
                   title_);
    for (double decade = std::ceil(low_); decade <= high_; ++decade) {
      const double x = x_of(std::pow(10, decade));
      fmt::format_to(out,
                     "<line class=\"grid\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.0f}\" "
                     "y2=\"{2:.0f}\"/>\n",
                     x, top_ + 36, bottom_);
      fmt::format_to(out, "<text class=\"soft middle\" x=\"{:.1f}\" y=\"{:.0f}\">{}</text>\n", x,
                     top_ + 30, format_value(std::pow(10, decade), unit_));
    }
    double y = top_ + 44;
    for (const Group& group : groups_) {
      for (const Bar& bar : group) {
        draw_bar(svg, bar, y);
        y += kBarStep;
      }
      y += kGroupGap;
    }
  }

 private:
  [[nodiscard]] double x_of(double value) const {
    const double share = (std::log10(value) - low_) / (high_ - low_);
    return kLabelWidth + share * (kWidth - kLabelWidth - kValueWidth);
  }
  void draw_bar(std::string& svg, const Bar& bar, double y) const {
    const double end = x_of(bar.value);
    fmt::format_to(std::back_inserter(svg),
                   "<text class=\"end{}\" x=\"{:.0f}\" y=\"{:.1f}\">{}</text>"
                   "<rect class=\"{}\" x=\"{:.0f}\" y=\"{:.1f}\" width=\"{:.1f}\" "
                   "height=\"{:.0f}\" rx=\"2\"/>"
                   "<text{} x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
                   bar.ours ? "" : " soft", kLabelWidth - 8, y + 12, escaped(bar.label),
                   bar.ours ? "ours" : "peer", kLabelWidth, y, std::max(end - kLabelWidth, 1.0),
                   kBarHeight, bar.ours ? "" : " class=\"soft\"", end + 6, y + 12,
                   escaped(bar.text));
  }

  std::vector<Group> groups_;
  Unit unit_;
  std::string title_;
  double top_;
  double bottom_ = 0;
  double low_ = 0;  // powers of ten at the ends of the axis
  double high_ = 1;
};

}  // namespace

std::string draw_bars(const std::vector<Summary>& rows, const Machine& machine) {
  std::string body;
  double y = 64;
  const std::pair<Unit, const char*> panels[] = {
      {Unit::kNanoseconds, "Time, less is better (p50; beside peers the median ratio of pairs)"},
      {Unit::kPerSecond, "Rate, more is better (beside peers the median ratio of pairs)"}};
  for (const auto& [unit, title] : panels) {
    std::vector<Group> groups = groups_of(rows, unit);
    if (groups.empty()) continue;
    const Panel panel(std::move(groups), unit, title, y);
    panel.draw(body);
    y = panel.bottom();
  }
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" "
      "height=\"{1:.0f}\">\n",
      kWidth, y);
  svg += kStyle;
  svg += "<text class=\"title\" x=\"16\" y=\"28\">Ringpost and its peers</text>\n";
  svg += fmt::format("<text class=\"soft\" x=\"16\" y=\"48\">{}</text>\n",
                     escaped(fmt::format("{}, {} cores, {}, commit {}", machine.cpu, machine.cores,
                                         machine.kernel, machine.commit)));
  return svg + body + "</svg>\n";
}

}  // namespace ringpost::bench
