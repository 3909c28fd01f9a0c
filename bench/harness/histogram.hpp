// Counts of values in buckets whose width grows with the value: any percentile within 0.8 %.
//
// Trivially copyable and zero when empty, so that it can be kept in memory that processes share.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace ringpost::bench {

class Histogram {
 public:
  void record(std::uint64_t value) noexcept {
    ++counts_[bucket_of(value)];
    ++count_;
    if (value > max_) max_ = value;
  }

  void merge(const Histogram& other) noexcept;

  /// The value that `percent` of all values do not exceed; 0 of an empty histogram.
  [[nodiscard]] double percentile(double percent) const noexcept;
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t max() const noexcept { return max_; }

 private:
  // 128 buckets for each doubling; values of 2^42 and more share the last bucket.
  static constexpr unsigned kStepBits = 7;
  static constexpr std::uint64_t kStepCount = 1u << kStepBits;
  static constexpr std::uint64_t kValueMax = (std::uint64_t{1} << 42) - 1;
  static constexpr std::size_t kBucketCount = (42 - kStepBits) * kStepCount + kStepCount;

  static constexpr std::size_t bucket_of(std::uint64_t value) noexcept {
    if (value > kValueMax) value = kValueMax;
    if (value < kStepCount) return value;
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - kStepBits - 1;
    return (shift << kStepBits) + (value >> shift);
  }
  static double middle_of(std::size_t bucket) noexcept;

  std::array<std::uint64_t, kBucketCount> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace ringpost::bench
