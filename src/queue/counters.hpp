// The counters of a queue: see shm/stripe_owner.hpp.
#pragma once

#include <cstdint>

#include "queue/queue_layout.hpp"
#include "shm/stripe_owner.hpp"

namespace ringpost::queue {

class Counters {
 public:
  Counters(Stripe* stripes, std::uint16_t me) noexcept
      : owner_(stripes, kStripes, me, [](std::uint64_t) { return false; }) {}  // the sweeper knows

  void add(Counter counter, std::uint64_t amount = 1) noexcept {
    owner_.add(owner_.stripe().counters[counter], amount);
  }
  void record_latency(std::uint64_t ns) noexcept {
    owner_.add(owner_.stripe().latency[Histogram::bucket_of(ns)], 1);
  }
  /// In the child of a fork the stripe belongs to the parent.
  void disown() noexcept { owner_.disown(); }

  /// By the sweeper, who owns no stripe: into the one that is shared.
  static void add_for_others(Stripe* stripes, Counter counter, std::uint64_t amount) noexcept {
    stripes[kStripes - 1].counters[counter].fetch_add(amount, std::memory_order_relaxed);
  }
  [[nodiscard]] static std::uint64_t sum(const Stripe* stripes, Counter counter) noexcept;
  static void merge_latency(const Stripe* stripes, Histogram& into) noexcept;
  static void free_stripes_of(Stripe* stripes, std::uint16_t dead) noexcept;

 private:
  shm::StripeOwner<Stripe> owner_;
};

}  // namespace ringpost::queue
