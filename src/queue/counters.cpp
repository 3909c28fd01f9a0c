#include "queue/counters.hpp"

namespace ringpost::queue {

std::uint64_t Counters::sum(const Stripe* stripes, Counter counter) noexcept {
  std::uint64_t sum = 0;
  for (std::uint32_t i = 0; i < kStripes; ++i) {
    sum += stripes[i].counters[counter].load(std::memory_order_relaxed);
  }
  return sum;
}

void Counters::merge_latency(const Stripe* stripes, Histogram& into) noexcept {
  for (std::uint32_t i = 0; i < kStripes; ++i) {
    for (std::size_t bucket = 0; bucket < Histogram::kBuckets; ++bucket) {
      into[bucket] += stripes[i].latency[bucket].load(std::memory_order_relaxed);
    }
  }
}

void Counters::free_stripes_of(Stripe* stripes, std::uint16_t dead) noexcept {
  for (std::uint32_t i = 0; i + 1 < kStripes; ++i) {
    std::uint64_t owner = dead;
    stripes[i].owner.compare_exchange_strong(owner, 0, std::memory_order_acq_rel);
  }
}

}  // namespace ringpost::queue
