#include "report/json.hpp"

#include <boost/json.hpp>
#include <cmath>

namespace ringpost::bench {
namespace {

namespace json = boost::json;

// Four significant digits: more would be noise.
double rounded(double value) {
  if (value == 0 || !std::isfinite(value)) return 0;
  const double scale = std::pow(10.0, 3 - std::floor(std::log10(std::abs(value))));
  return std::round(value * scale) / scale;
}

void add_figures(json::object& to, const Figures& figures) {
  to["value"] = rounded(figures.value);
  if (figures.p50 > 0) {
    to["p50"] = rounded(figures.p50);
    to["p90"] = rounded(figures.p90);
    to["p99"] = rounded(figures.p99);
    to["p999"] = rounded(figures.p999);
    to["p9999"] = rounded(figures.p9999);
    to["max"] = rounded(figures.max);
  }
  to["least"] = rounded(figures.least);
  to["most"] = rounded(figures.most);
  to["runs"] = figures.runs;
}

json::value ratio_value(const RatioFigures& ratio) {
  if (ratio.p50 == 0) return rounded(ratio.value);
  return json::object{{"p50", rounded(ratio.p50)}, {"p99", rounded(ratio.p99)}};
}

json::object peer_object(const RivalSummary& rival) {
  json::object peer;
  if (!rival.variant.empty()) peer["variant"] = rival.variant;
  if (rival.figures.runs > 0) add_figures(peer, rival.figures);
  peer["pairs"] = rival.ratio.pairs;
  if (!rival.note.empty()) peer["note"] = rival.note;
  return peer;
}

}  // namespace

std::string json_line(const Summary& summary, const Machine& machine) {
  json::object row;
  row["name"] = summary.name;
  row["unit"] = summary.unit == Unit::kPerSecond ? "1/s" : "ns";
  if (summary.figures.runs > 0) {
    add_figures(row, summary.figures);
  } else {
    row["value"] = nullptr;
    row["runs"] = 0;
    row["error"] = summary.note;
  }
  if (!summary.variant.empty()) row["variant"] = summary.variant;
  row["class"] = to_string(summary.placement);
  json::object pairs;
  for (const Placement placement : kAllPlacements) {
    pairs[to_string(placement)] = summary.pairs[static_cast<std::size_t>(placement)];
  }
  row["pairs"] = pairs;
  row["verified"] = summary.verified;
  if (!summary.verified) row["note"] = summary.note;
  json::object ratios;
  json::object peers;
  for (const RivalSummary& rival : summary.rivals) {
    if (rival.ratio.pairs > 0) ratios[rival.name] = ratio_value(rival.ratio);
    peers[rival.name] = peer_object(rival);
  }
  row["ratios"] = ratios;
  row["peers"] = peers;
  row["commit"] = machine.commit;
  row["compiler"] = machine.compiler;
  row["machine"] =
      json::object{{"cpu", machine.cpu}, {"cores", machine.cores}, {"kernel", machine.kernel}};
  return json::serialize(row);
}

}  // namespace ringpost::bench
