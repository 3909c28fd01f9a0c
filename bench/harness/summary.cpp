#include "harness/summary.hpp"

#include <algorithm>

namespace ringpost::bench {
namespace {

// Has figures. Those of a rival whose messages were wrong do not count.
bool is_done(const Sample& sample) {
  if (sample.result.status != RunResult::Status::kDone) return false;
  return sample.result.verified || sample.column == 0;
}

struct Pair {
  const RunResult* ours;
  const RunResult* theirs;
};

class Analysis {
 public:
  Analysis(const Row& row, const std::vector<Sample>& samples) : row_(row), samples_(samples) {}

  // Pairs of a rival's variant (any if none is given) with the subject's, likewise.
  static constexpr std::size_t kAny = ~std::size_t{0};
  [[nodiscard]] std::vector<Pair> pairs(std::size_t rival, std::size_t ours,
                                        std::size_t theirs) const {
    std::vector<Pair> found;
    for (std::size_t i = 0; i < samples_.size(); ++i) {
      if (!matches(samples_[i], rival, theirs)) continue;
      for (const Sample* partner : {before(i, ours), after(i, ours)}) {
        if (partner == nullptr) continue;
        if (partner->result.placement != samples_[i].result.placement) continue;
        found.push_back({&partner->result, &samples_[i].result});
      }
    }
    return found;
  }

  // The runs of one variant in one placement; all of its runs if there are none there.
  [[nodiscard]] std::vector<const RunResult*> runs(std::size_t column, std::size_t variant,
                                                   Placement placement) const {
    std::vector<const RunResult*> here;
    for (const Sample& sample : samples_) {
      if (matches(sample, column, variant) && sample.result.placement == placement) {
        here.push_back(&sample.result);
      }
    }
    return here;
  }

  [[nodiscard]] std::size_t best_variant(std::size_t column, std::size_t variants,
                                         Placement placement) const {
    std::size_t best = 0;
    double best_value = 0;
    for (std::size_t variant = 0; variant < variants; ++variant) {
      std::vector<double> values;
      for (const RunResult* run : runs(column, variant, placement)) {
        values.push_back(value_of(*run, row_.unit));
      }
      if (values.empty()) continue;
      const double value = median(std::move(values));
      if (best_value != 0 && !is_better(value, best_value, row_.unit)) continue;
      best = variant;
      best_value = value;
    }
    return best;
  }

 private:
  static bool matches(const Sample& sample, std::size_t column, std::size_t variant) {
    return is_done(sample) && sample.column == column &&
           (variant == kAny || sample.variant == variant);
  }
  // Neighbours: between two runs of the subject's one variant lie the other variants and one rival.
  [[nodiscard]] const Sample* before(std::size_t i, std::size_t ours) const {
    for (std::size_t step = 1; step <= row_.subject.size() && step <= i; ++step) {
      if (matches(samples_[i - step], 0, ours)) return &samples_[i - step];
    }
    return nullptr;
  }
  [[nodiscard]] const Sample* after(std::size_t i, std::size_t ours) const {
    for (std::size_t step = 1; step <= row_.subject.size() && i + step < samples_.size(); ++step) {
      if (matches(samples_[i + step], 0, ours)) return &samples_[i + step];
    }
    return nullptr;
  }

  const Row& row_;
  const std::vector<Sample>& samples_;
};

Figures figures_of(const std::vector<const RunResult*>& runs, Unit unit) {
  Figures figures;
  figures.runs = runs.size();
  if (runs.empty()) return figures;
  Histogram all;
  std::vector<double> values;
  for (const RunResult* run : runs) {
    all.merge(run->latency);
    values.push_back(value_of(*run, unit));
  }
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  figures.least = *least;
  figures.most = *most;
  figures.value = median(values);
  if (all.count() == 0) return figures;
  const auto ns = [&](double percent) { return ticks_to_ns(all.percentile(percent)); };
  figures.p50 = ns(50);
  figures.p90 = ns(90);
  figures.p99 = ns(99);
  figures.p999 = ns(99.9);
  figures.p9999 = ns(99.99);
  figures.max = ticks_to_ns(static_cast<double>(all.max()));
  if (unit == Unit::kNanoseconds) figures.value = figures.p50;
  return figures;
}

RatioFigures ratio_of(const std::vector<Pair>& pairs, Placement placement, Unit unit, Ratio kind) {
  std::vector<double> values;
  std::vector<double> p50;
  std::vector<double> p99;
  const bool turned = kind == Ratio::kTimesFaster && unit == Unit::kNanoseconds;
  const auto add = [turned](std::vector<double>& to, double ours, double theirs) {
    if (ours > 0 && theirs > 0) to.push_back(turned ? theirs / ours : ours / theirs);
  };
  for (const auto& [ours, theirs] : pairs) {
    if (ours->placement != placement) continue;
    add(values, value_of(*ours, unit), value_of(*theirs, unit));
    add(p50, ours->latency.percentile(50), theirs->latency.percentile(50));
    add(p99, ours->latency.percentile(99), theirs->latency.percentile(99));
  }
  RatioFigures ratio;
  ratio.pairs = values.size();
  ratio.value = median(std::move(values));
  ratio.p50 = median(std::move(p50));
  ratio.p99 = median(std::move(p99));
  return ratio;
}

Placement most_frequent(const std::array<std::size_t, kPlacementCount>& counts) {
  Placement best = Placement::kMixed;
  std::size_t most = 0;
  for (const Placement placement : {Placement::kSibling, Placement::kNear, Placement::kFar}) {
    const std::size_t count = counts[static_cast<std::size_t>(placement)];
    if (count <= most) continue;
    most = count;
    best = placement;
  }
  return best;
}

// The first thing that went wrong in a column, and whether all its messages were right.
std::string trouble(const std::vector<Sample>& samples, std::size_t column, bool& verified) {
  std::string note;
  verified = true;
  bool any = false;
  for (const Sample& sample : samples) {
    if (sample.column != column) continue;
    any = any || is_done(sample);
    if (is_done(sample) && sample.result.verified) continue;
    // A variant that is not possible here is no fault of the others.
    if (sample.result.status != RunResult::Status::kUnsupported) verified = false;
    if (note.empty()) note = sample.result.note;
  }
  verified = verified && any;
  return note;
}

std::string variant_name(const std::vector<Variant>& variants, std::size_t index) {
  return variants.size() > 1 ? variants[index].name : "";
}

}  // namespace

double value_of(const RunResult& result, Unit unit) {
  if (unit == Unit::kPerSecond) return result.rate;
  if (result.latency.count() > 0) return ticks_to_ns(result.latency.percentile(50));
  return result.rate > 0 ? 1e9 / result.rate : 0;
}

bool is_better(double value, double than, Unit unit) {
  return unit == Unit::kPerSecond ? value > than : value < than;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

Summary summarise(const Row& row, const std::vector<Sample>& samples) {
  const Analysis analysis(row, samples);
  Summary summary;
  summary.name = row.name;
  summary.unit = row.unit;
  for (std::size_t rival = 1; rival <= row.rivals.size(); ++rival) {
    for (const Pair& pair : analysis.pairs(rival, Analysis::kAny, Analysis::kAny)) {
      ++summary.pairs[static_cast<std::size_t>(pair.theirs->placement)];
    }
  }
  if (row.rivals.empty()) {
    for (const Placement placement : kAllPlacements) {
      summary.pairs[static_cast<std::size_t>(placement)] =
          analysis.runs(0, Analysis::kAny, placement).size();
    }
  }
  summary.placement = most_frequent(summary.pairs);

  const std::size_t ours = analysis.best_variant(0, row.subject.size(), summary.placement);
  summary.variant = variant_name(row.subject, ours);
  summary.figures = figures_of(analysis.runs(0, ours, summary.placement), row.unit);
  summary.note = trouble(samples, 0, summary.verified);
  summary.possible = !std::all_of(samples.begin(), samples.end(), [](const Sample& sample) {
    return sample.result.status == RunResult::Status::kUnsupported;
  });

  for (std::size_t i = 0; i < row.rivals.size(); ++i) {
    const Rival& rival = row.rivals[i];
    const std::size_t theirs =
        analysis.best_variant(i + 1, rival.variants.size(), summary.placement);
    RivalSummary& of_rival = summary.rivals.emplace_back();
    of_rival.name = rival.name;
    of_rival.variant = variant_name(rival.variants, theirs);
    of_rival.figures = figures_of(analysis.runs(i + 1, theirs, summary.placement), row.unit);
    of_rival.ratio =
        ratio_of(analysis.pairs(i + 1, ours, theirs), summary.placement, row.unit, rival.ratio);
    bool verified = false;
    of_rival.note = trouble(samples, i + 1, verified);
  }
  return summary;
}

}  // namespace ringpost::bench
