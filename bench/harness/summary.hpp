// From the runs of a row to its figures: only what was measured in one placement is compared.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "harness/row.hpp"

namespace ringpost::bench {

/// One run, in the order in which they were done.
struct Sample {
  std::size_t column = 0;  ///< 0: the row's subject; n: its n-th rival
  std::size_t variant = 0;
  RunResult result;
};

struct Figures {
  double value = 0;  ///< median of rates; p50 of times
  double least = 0;  ///< of single runs
  double most = 0;
  double p50 =
      0;  ///< this and the following in ns, of all runs together; 0 if only a rate is known
  double p90 = 0;
  double p99 = 0;
  double p999 = 0;
  double p9999 = 0;
  double max = 0;
  std::size_t runs = 0;
};

/// Medians over pairs of neighbouring runs; 0 where not known.
struct RatioFigures {
  double value = 0;
  double p50 = 0;
  double p99 = 0;
  std::size_t pairs = 0;
};

struct RivalSummary {
  std::string name;
  std::string variant;
  Figures figures;
  RatioFigures ratio;
  std::string note;  ///< why there are no figures, or what was wrong
};

struct Summary {
  std::string name;
  Unit unit = Unit::kPerSecond;
  std::string variant;
  Placement placement = Placement::kMixed;
  std::array<std::size_t, kPlacementCount> pairs{};  ///< by placement; runs if there is no rival
  Figures figures;
  bool verified = false;  ///< every run of the row's subject was
  bool possible = true;   ///< false: the subject cannot do this here, and the note says why
  std::string note;
  std::vector<RivalSummary> rivals;
};

/// The figure that a single run gives in this unit; better means higher rate or lower time.
double value_of(const RunResult& result, Unit unit);
bool is_better(double value, double than, Unit unit);
double median(std::vector<double> values);

/// The placement reported is the one that has most pairs (kMixed only if no other has any). A pair
/// is a run of a rival and the nearest run of the subject before or after it, both done and both of
/// one placement throughout.
Summary summarise(const Row& row, const std::vector<Sample>& samples);

}  // namespace ringpost::bench
