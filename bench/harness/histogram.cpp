#include "harness/histogram.hpp"

#include <algorithm>
#include <cmath>

namespace ringpost::bench {

void Histogram::merge(const Histogram& other) noexcept {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

double Histogram::middle_of(std::size_t bucket) noexcept {
  if (bucket < 2 * kStepCount) return static_cast<double>(bucket);
  const std::size_t shift = (bucket >> kStepBits) - 1;
  const std::uint64_t low = (bucket - (shift << kStepBits)) << shift;
  return static_cast<double>(low) + static_cast<double>((std::uint64_t{1} << shift) - 1) / 2;
}

double Histogram::percentile(double percent) const noexcept {
  if (count_ == 0) return 0;
  const double share = std::clamp(percent, 0.0, 100.0) / 100;
  // Not above the exact rank because of rounding: 99.9 % of 1000 values is the 999th.
  const double exact = share * static_cast<double>(count_);
  const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(exact - 1e-6)));
  if (rank >= count_) return static_cast<double>(max_);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= rank) return std::min(middle_of(i), static_cast<double>(max_));
  }
  return static_cast<double>(max_);
}

}  // namespace ringpost::bench
