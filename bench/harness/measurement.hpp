// One short run of one transport in one manner, whatever it is: what rows are made of.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "harness/histogram.hpp"
#include "harness/payload.hpp"
#include "harness/placement.hpp"
#include "harness/runner.hpp"

namespace ringpost::bench {

struct RunResult {
  enum class Status : unsigned { kDone, kUnsupported, kFailed };
  Status status = Status::kDone;
  std::string note;  ///< why not done, or what was wrong with the messages

  Placement placement = Placement::kMixed;
  std::vector<double> probes_ns;
  bool verified = false;
  Verdict verdict;
  std::uint64_t operations = 0;  ///< messages or round trips
  double rate = 0;               ///< operations a second
  Histogram latency;             ///< in ticks; empty where only a rate was measured
};

using Measurement = std::function<RunResult(const RunSettings&)>;

/// What all manners of measuring have in common: placement, errors, rate.
RunResult result_of(const RunOutcome& outcome, std::uint64_t operations);

/// Judges the messages of a run; `sent[p]` by producer.
void judge_messages(RunResult& result, const RunOutcome& outcome,
                    std::span<const std::uint64_t> sent, bool ordered);

/// Runs `measure`, turning exceptions into results.
RunResult guarded(const Measurement& measure, const RunSettings& settings);

}  // namespace ringpost::bench
