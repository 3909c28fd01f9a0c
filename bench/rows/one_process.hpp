// Rows that one process measures by itself.
#pragma once

#include "harness/row.hpp"
#include "harness/ticks.hpp"

namespace ringpost::bench {

/// Calls `work` until the time of the run is over, once at least; returns how often.
template <class Work>
std::uint64_t until_time_is_over(const RunSettings& settings, Work&& work) {
  const Ticks wanted = ns_to_ticks(settings.slice_ms * 1e6 * static_cast<double>(settings.slices));
  const Ticks begin = ticks_now();
  std::uint64_t rounds = 0;
  do {
    work();
    ++rounds;
  } while (ticks_now() - begin < wanted);
  return rounds;
}

inline RunResult result_of_one_process(std::uint64_t operations, Ticks took, bool verified) {
  RunResult result;
  result.placement = Placement::kNear;  // nothing moves between cores
  result.verified = verified;
  result.operations = operations;
  result.rate = static_cast<double>(operations) * 1e9 / ticks_to_ns(static_cast<double>(took));
  return result;
}

}  // namespace ringpost::bench
