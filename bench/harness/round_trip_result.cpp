#include <array>

#include "harness/drive_round_trip.hpp"

namespace ringpost::bench {

RunResult round_trip_result(const RunOutcome& outcome, bool carries_messages, bool ordered) {
  if (!outcome.error.empty()) return result_of(outcome, 0);
  RunResult result = result_of(outcome, outcome.latency.count());
  if (!carries_messages) {
    result.verified = result.operations > 0;
    return result;
  }
  Verdict sum;
  for (const std::size_t client_or_server : {0u, 1u}) {
    const std::array sent = {outcome.sent[client_or_server]};
    RunOutcome direction;
    direction.tallies = {outcome.tallies[1 - client_or_server]};
    judge_messages(result, direction, sent, ordered);
    sum.lost += result.verdict.lost;
    sum.reordered += result.verdict.reordered;
    sum.corrupted += result.verdict.corrupted;
    sum.mismatched += result.verdict.mismatched;
    if (!result.verified) break;
  }
  result.verdict = sum;
  return result;
}

}  // namespace ringpost::bench
