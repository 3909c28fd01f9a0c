#include "harness/drive_throughput.hpp"

namespace ringpost::bench {

std::vector<std::uint64_t> sent_by_producer(const RunOutcome& outcome,
                                            const ChannelOptions& options) {
  std::vector<std::uint64_t> sent;
  std::size_t role = 0;
  for (unsigned i = 0; i < std::max(options.producers, options.consumers); ++i) {
    if (i < options.producers) sent.push_back(outcome.sent[role++]);
    if (i < options.consumers) ++role;
  }
  return sent;
}

RunResult channel_result(const RunOutcome& outcome, const ChannelOptions& options, bool ordered) {
  if (!outcome.error.empty()) return result_of(outcome, 0);
  const std::vector<std::uint64_t> sent = sent_by_producer(outcome, options);
  std::uint64_t messages = 0;
  for (const std::uint64_t by_one : sent) messages += by_one;
  RunResult result = result_of(outcome, messages);
  judge_messages(result, outcome, sent, ordered);
  return result;
}

}  // namespace ringpost::bench
