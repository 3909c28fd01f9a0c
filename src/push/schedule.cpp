#include "push/schedule.hpp"

#include <cmath>

namespace ringpost::push {
namespace {

constexpr std::uint64_t kNsPerSecond = 1'000'000'000;

Duration seconds(std::uint32_t count) noexcept { return std::chrono::seconds(count); }

/// How far step `i` of 0 to `last` is from the shortest delay (0) to the longest one (1).
double progress(const RetryPolicy& policy, std::uint32_t i, std::uint32_t last) noexcept {
  if (last == 0) return 0;
  const double step = i;
  const double steps = last;
  switch (policy.backoff) {
    case BackoffFunction::kLinear:
      return step / steps;
    case BackoffFunction::kArithmetic:  // each step is longer than the one before by as much
      return step * (step + 1) / (steps * (steps + 1));
    case BackoffFunction::kGeometric: {  // each delay is the one before times the same
      const double low = policy.min_delay;
      const double high = policy.max_delay;
      if (high == low) return 0;
      return (low * std::pow(high / low, step / steps) - low) / (high - low);
    }
    case BackoffFunction::kExponential:  // each step is twice the one before
      return (std::exp2(step) - 1) / (std::exp2(steps) - 1);
  }
  return 0;
}

Duration growing_delay(const RetryPolicy& policy, std::uint32_t i, std::uint32_t count) noexcept {
  const double share = progress(policy, i, count - 1);
  const double range = static_cast<double>(policy.max_delay) - policy.min_delay;
  return seconds(policy.min_delay) +
         Duration(std::llround(share * range * static_cast<double>(kNsPerSecond)));
}

}  // namespace

std::optional<Duration> delay_before(const RetryPolicy& policy, std::uint32_t retry) noexcept {
  if (retry >= policy.retries) return std::nullopt;
  if (retry < policy.no_delay_retries) return Duration::zero();
  const std::uint32_t first_growing = policy.no_delay_retries + policy.min_delay_retries;
  if (retry < first_growing) return seconds(policy.min_delay);
  const std::uint32_t growing = policy.retries - first_growing - policy.max_delay_retries;
  if (retry < first_growing + growing) {
    return growing_delay(policy, retry - first_growing, growing);
  }
  return seconds(policy.max_delay);
}

Duration total_delay(const RetryPolicy& policy) noexcept {
  Duration total = Duration::zero();
  for (std::uint32_t retry = 0; retry < policy.retries; ++retry) {
    total += *delay_before(policy, retry);
  }
  return total;
}

}  // namespace ringpost::push

namespace ringpost {

std::optional<Duration> DeliveryPolicy::delay_after(std::uint32_t failures,
                                                    std::uint64_t random) const noexcept {
  const auto delay = push::delay_before(retry.value_or(RetryPolicy{}), failures - 1);
  if (!delay || *delay == Duration::zero()) return delay;
  const auto most = static_cast<std::uint64_t>(delay->count() / 10);
  return *delay - Duration(static_cast<Duration::rep>(random % (most + 1)));
}

}  // namespace ringpost
