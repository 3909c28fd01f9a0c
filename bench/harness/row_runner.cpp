#include "harness/row_runner.hpp"

#include <algorithm>
#include <map>

namespace ringpost::bench {
namespace {

// A variant is dropped when its median stays this much behind its sibling's in some placement.
constexpr double kBeatenBy = 1.15;
constexpr std::size_t kRunsToJudge = 3;

class RowRun {
 public:
  RowRun(const Row& row, const RowBudget& budget, const Progress& progress)
      : row_(row), budget_(budget), progress_(progress) {
    active_.emplace_back(row.subject.size(), true);
    for (const Rival& rival : row.rivals) active_.emplace_back(rival.variants.size(), true);
  }

  Summary run() {
    for (std::size_t round = 0; !over_; ++round) {
      if (row_.rivals.empty()) run_subject();
      for (std::size_t i = 0; i < row_.rivals.size() && !over_; ++i) {
        if (round % row_.rivals[i].every == 0) run_rival(i + 1, row_.rivals[i]);
      }
      first_round_done_ = true;
      drop_beaten();
      if (no_time_left()) break;
    }
    over_ = over_for_good_;
    if (!over_ && samples_.back().column != 0) run_subject();
    return summarise(row_, samples_);
  }

 private:
  void run_rival(std::size_t column, const Rival& rival) {
    for (std::size_t variant = 0; variant < rival.variants.size(); ++variant) {
      if (over_ || !active_[column][variant]) continue;
      run_subject();
      if (!over_) run_one(column, variant, rival.variants[variant].measure);
    }
  }

  void run_subject() {
    bool any = false;
    for (std::size_t variant = 0; variant < row_.subject.size() && !over_; ++variant) {
      if (!active_[0][variant]) continue;
      run_one(0, variant, row_.subject[variant].measure);
      any = any || active_[0][variant];
    }
    if (!any) over_ = over_for_good_ = true;
  }

  void run_one(std::size_t column, std::size_t variant, const Measurement& measure) {
    samples_.push_back({column, variant, guarded(measure, budget_.settings)});
    const RunResult& result = samples_.back().result;
    const bool wrong = result.status == RunResult::Status::kDone && !result.verified;
    if (result.status != RunResult::Status::kDone) active_[column][variant] = false;
    if (wrong && column != 0) active_[column][variant] = false;
    if (interrupted()) {
      samples_.pop_back();  // it was killed
      over_ = over_for_good_ = true;
    }
    progress_(seconds());
    if (first_round_done_ && no_time_left()) over_ = true;
  }

  // Only against siblings measured in the same placement.
  void drop_beaten() {
    for (std::size_t column = 0; column < active_.size(); ++column) {
      if (active_[column].size() < 2) continue;
      for (const Placement placement : kAllPlacements) drop_beaten(column, placement);
    }
  }
  void drop_beaten(std::size_t column, Placement placement) {
    std::map<std::size_t, std::vector<double>> values;
    for (const Sample& sample : samples_) {
      const RunResult& result = sample.result;
      if (sample.column != column || !active_[column][sample.variant]) continue;
      if (result.placement != placement || !result.verified) continue;
      const double value = value_of(result, row_.unit);
      values[sample.variant].push_back(row_.unit == Unit::kPerSecond ? value : 1 / value);
    }
    double best = 0;
    std::map<std::size_t, double> medians;
    for (auto& [variant, of_variant] : values) {
      if (of_variant.size() < kRunsToJudge) continue;
      medians[variant] = median(of_variant);
      best = std::max(best, medians[variant]);
    }
    for (const auto& [variant, value] : medians) {
      if (value * kBeatenBy < best) active_[column][variant] = false;
    }
  }

  [[nodiscard]] double seconds() const { return budget_.now() - begin_; }
  // Keeps room for the run that would come next.
  [[nodiscard]] bool no_time_left() const {
    const double used = seconds();
    return used + used / static_cast<double>(std::max<std::size_t>(samples_.size(), 1)) >
           budget_.seconds;
  }

  const Row& row_;
  const RowBudget& budget_;
  const Progress& progress_;
  std::vector<std::vector<bool>> active_;  // by column and variant
  std::vector<Sample> samples_;
  double begin_ = budget_.now();
  bool first_round_done_ = false;
  bool over_ = false;
  bool over_for_good_ = false;  // interrupted, or the subject failed: not only out of time
};

}  // namespace

Summary run_row(const Row& row, const RowBudget& budget, const Progress& progress) {
  return RowRun(row, budget, progress).run();
}

}  // namespace ringpost::bench
