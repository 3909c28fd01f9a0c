// Counting without a locked operation: each participant has a stripe of counters of its own.
//
// A stripe is a struct with a word `owner`, 0 for nobody. The last one of the array belongs to
// nobody and is shared, with locked additions, by those who found the others taken. Counts stay
// when an owner goes, and the next one goes on counting.
#pragma once

#include <atomic>
#include <cstdint>

namespace ringpost::shm {

/// Threads  one at a time. Crash  the stripe names a dead owner until somebody takes it over.
template <class Stripe>
class StripeOwner {
 public:
  /// `is_dead(owner)`: whether that owner will never count again.
  template <class IsDead>
  StripeOwner(Stripe* stripes, std::uint32_t count, std::uint64_t me, IsDead&& is_dead) noexcept
      : stripe_(&stripes[count - 1]) {
    for (std::uint32_t i = 0; i + 1 < count; ++i) {
      std::uint64_t owner = stripes[i].owner.load(std::memory_order_acquire);  // [stripe]
      if (owner != 0 && !is_dead(owner)) continue;
      // [stripe] acq_rel: the last owner's plain additions are behind me.
      if (!stripes[i].owner.compare_exchange_strong(owner, me, std::memory_order_acq_rel)) continue;
      stripe_ = &stripes[i];
      owned_ = true;
      return;
    }
  }
  ~StripeOwner() {
    if (owned_) stripe_->owner.store(0, std::memory_order_release);  // [stripe]
  }
  StripeOwner(const StripeOwner&) = delete;
  StripeOwner& operator=(const StripeOwner&) = delete;

  [[nodiscard]] Stripe& stripe() noexcept { return *stripe_; }
  /// To a counter of stripe().
  void add(std::atomic<std::uint64_t>& counter, std::uint64_t amount) noexcept {
    if (owned_) [[likely]] {
      counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    } else {
      counter.fetch_add(amount, std::memory_order_relaxed);
    }
  }
  /// In the child of a fork the stripe belongs to the parent.
  void disown() noexcept { owned_ = false; }

 private:
  Stripe* stripe_;
  bool owned_ = false;
};

}  // namespace ringpost::shm
