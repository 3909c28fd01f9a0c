// A row of the results: what is measured, and what beside it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/measurement.hpp"

namespace ringpost::bench {

enum class Unit : unsigned {
  kNanoseconds,  ///< less is better; of an empty histogram: slice time by operations
  kPerSecond,    ///< more is better
};

/// One way of doing the same thing. Of several variants the one that is better in this row counts.
struct Variant {
  std::string name;
  Measurement measure;
};

enum class Ratio : unsigned {
  kOursByTheirs,  ///< how close we come to a limit
  kTimesFaster,  ///< how many times faster we are: of times theirs by ours, of rates ours by theirs
};

struct Rival {
  std::string name;
  std::vector<Variant> variants;
  Ratio ratio = Ratio::kOursByTheirs;
  unsigned every = 1;  ///< takes part in every n-th round only: for those far from us
};

struct Row {
  std::string name;  ///< a path: part/what/how; never changed later, others compare by it
  Unit unit = Unit::kPerSecond;
  std::vector<Variant> subject;
  std::vector<Rival> rivals;
  bool quick = false;  ///< carries a figure that must be shown
};

using Rows = std::vector<Row>;

}  // namespace ringpost::bench
