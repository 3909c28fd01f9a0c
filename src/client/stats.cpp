#include "ringpost/stats.hpp"

namespace ringpost {

// Bucket = 8 · octave + next three bits; values below 8 have a bucket each.
std::size_t Histogram::bucket_of(std::uint64_t ns) noexcept {
  if (ns < 8) return ns;
  const auto octave = static_cast<std::size_t>(63 - __builtin_clzll(ns));
  const std::size_t bucket = (octave - 2) * 8 + (ns >> (octave - 3) & 7);
  return bucket < kBuckets ? bucket : kBuckets - 1;
}

std::uint64_t Histogram::upper_bound(std::size_t bucket) noexcept {
  if (bucket < 8) return bucket;
  const std::size_t octave = bucket / 8 + 2;
  return ((8 + bucket % 8 + 1) << (octave - 3)) - 1;
}

void Histogram::record(std::uint64_t ns, std::uint64_t times) noexcept {
  counts_[bucket_of(ns)] += times;
}

void Histogram::merge(const Histogram& other) noexcept {
  for (std::size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
}

void Histogram::subtract(const Histogram& earlier) noexcept {
  for (std::size_t i = 0; i < kBuckets; ++i) {
    counts_[i] -= counts_[i] < earlier.counts_[i] ? counts_[i] : earlier.counts_[i];
  }
}

std::uint64_t Histogram::count() const noexcept {
  std::uint64_t count = 0;
  for (const std::uint64_t each : counts_) count += each;
  return count;
}

std::uint64_t Histogram::percentile(double percent) const noexcept {
  const std::uint64_t all = count();
  if (all == 0) return 0;
  const double wanted = percent / 100.0 * static_cast<double>(all);
  std::uint64_t seen = 0;
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    if (counts_[i] == 0) continue;
    seen += counts_[i];
    last = upper_bound(i);
    if (static_cast<double>(seen) >= wanted) return last;
  }
  return last;
}

double Histogram::share_over(std::uint64_t ns) const noexcept {
  const std::uint64_t all = count();
  if (all == 0) return 0.0;
  std::uint64_t over = 0;
  for (std::size_t i = bucket_of(ns) + 1; i < kBuckets; ++i) over += counts_[i];
  return static_cast<double>(over) / static_cast<double>(all);
}

}  // namespace ringpost
