// The limits of a shard that may be simulated, as buckets in shared memory: one word each, moved by
// one CAS, so that nobody's death or stop leaves anything behind.
//
// The word is the time until which the bucket is busy with what has passed. It may be at most one
// second ahead of the time: that is the burst. Whatever is larger than a second's worth passes when
// the bucket is empty, and then keeps it busy for as long as it takes, counted from a full bucket.
#pragma once

#include <algorithm>
#include <cstdint>

#include "stream/layout.hpp"

namespace ringpost::stream {

struct Rate {
  std::uint64_t per_second;
  [[nodiscard]] constexpr std::uint64_t time_for(std::uint64_t amount) const noexcept {
    return amount * 1'000'000'000 / per_second;
  }
};
inline constexpr Rate kRecordsIn{1'000};
inline constexpr Rate kBytesIn{1u << 20};
inline constexpr Rate kBytesOut{2u << 20};
inline constexpr Rate kGets{5};
inline constexpr Rate kIterators{5};

/// Whether so much may pass now; then it has.
inline bool pass(BucketWord& bucket, Rate rate, std::uint64_t amount, std::uint64_t now) noexcept {
  constexpr std::uint64_t kBurstNs = 1'000'000'000;
  const std::uint64_t cost = rate.time_for(amount);
  // relaxed: nothing else hangs on it.
  std::uint64_t seen = bucket.busy_until_ns.load(std::memory_order_relaxed);
  for (;;) {
    const std::uint64_t begin = std::max(seen, now);
    if (begin - now + std::min(cost, kBurstNs) > kBurstNs) return false;
    if (bucket.busy_until_ns.compare_exchange_weak(seen, begin + cost, std::memory_order_relaxed)) {
      return true;
    }
  }
}

/// Whether anything may be read now: how much it is one knows afterwards, see charge().
[[nodiscard]] inline bool may_pass(const BucketWord& bucket, std::uint64_t now) noexcept {
  return bucket.busy_until_ns.load(std::memory_order_relaxed) < now + 1'000'000'000;
}

/// After may_pass(). More than a second's worth keeps everybody away for all the time it takes.
inline void charge(BucketWord& bucket, Rate rate, std::uint64_t amount,
                   std::uint64_t now) noexcept {
  constexpr std::uint64_t kBurstNs = 1'000'000'000;
  const std::uint64_t cost = rate.time_for(amount);
  std::uint64_t seen = bucket.busy_until_ns.load(std::memory_order_relaxed);
  std::uint64_t after = 0;
  do {
    after = cost > kBurstNs ? std::max(seen, now + kBurstNs) + cost : std::max(seen, now) + cost;
  } while (!bucket.busy_until_ns.compare_exchange_weak(seen, after, std::memory_order_relaxed));
}

}  // namespace ringpost::stream
