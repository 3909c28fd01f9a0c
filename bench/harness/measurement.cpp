#include "harness/measurement.hpp"

#include "harness/transport.hpp"

namespace ringpost::bench {

RunResult result_of(const RunOutcome& outcome, std::uint64_t operations) {
  RunResult result;
  if (!outcome.error.empty()) {
    result.status = RunResult::Status::kFailed;
    result.note = outcome.error;
    return result;
  }
  result.probes_ns = outcome.probes_ns;
  result.placement = placement_of_all(outcome.probes_ns);
  result.operations = operations;
  result.latency = outcome.latency;
  double ns = 0;
  for (const Ticks ticks : outcome.slice_ticks) ns += ticks_to_ns(static_cast<double>(ticks));
  if (ns > 0) result.rate = static_cast<double>(operations) * 1e9 / ns;
  return result;
}

void judge_messages(RunResult& result, const RunOutcome& outcome,
                    std::span<const std::uint64_t> sent, bool ordered) {
  if (result.status != RunResult::Status::kDone) return;
  result.verdict = judge(sent, outcome.tallies);
  Verdict counted = result.verdict;
  if (!ordered) counted.reordered = 0;
  result.verified = counted == Verdict{} && result.operations > 0;
  if (result.verified) return;
  result.note = "lost or twice " + std::to_string(counted.lost) + ", out of order " +
                std::to_string(counted.reordered) + ", corrupted " +
                std::to_string(counted.corrupted) + ", mismatched producers " +
                std::to_string(counted.mismatched);
}

RunResult guarded(const Measurement& measure, const RunSettings& settings) {
  RunResult result;
  try {
    return measure(settings);
  } catch (const Unsupported& reason) {
    result.status = RunResult::Status::kUnsupported;
    result.note = reason.what();
  } catch (const std::exception& error) {
    result.status = RunResult::Status::kFailed;
    result.note = error.what();
  }
  return result;
}

}  // namespace ringpost::bench
