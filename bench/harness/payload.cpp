#include "harness/payload.hpp"

namespace ringpost::bench {
namespace {

__extension__ using Wide = unsigned __int128;

// 0 + 1 + ... + (count - 1), and of the squares, modulo 2^64.
std::uint64_t sum_below(std::uint64_t count) noexcept {
  return count == 0 ? 0 : static_cast<std::uint64_t>(Wide{count} * (count - 1) / 2);
}
std::uint64_t square_sum_below(std::uint64_t count) noexcept {
  if (count == 0) return 0;
  return static_cast<std::uint64_t>(Wide{count} * (count - 1) * (2 * count - 1) / 6);
}

}  // namespace

Verdict judge(std::span<const std::uint64_t> sent, std::span<const Tally> tallies) noexcept {
  Verdict verdict;
  for (const Tally& tally : tallies) {
    verdict.corrupted += tally.corrupted;
    verdict.reordered += tally.reordered;
  }
  for (std::size_t producer = 0; producer < sent.size(); ++producer) {
    Tally::PerProducer all;
    for (const Tally& tally : tallies) {
      all.count += tally.producers[producer].count;
      all.sum += tally.producers[producer].sum;
      all.square_sum += tally.producers[producer].square_sum;
    }
    const std::uint64_t expected = sent[producer];
    if (all.count != expected) {
      verdict.lost += all.count > expected ? all.count - expected : expected - all.count;
    } else if (all.sum != sum_below(expected) || all.square_sum != square_sum_below(expected)) {
      ++verdict.mismatched;
    }
  }
  return verdict;
}

}  // namespace ringpost::bench
