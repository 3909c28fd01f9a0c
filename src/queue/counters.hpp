// Counting without a locked operation: each participant has a stripe of its own.
#pragma once

#include <cstdint>

#include "queue/queue_layout.hpp"

namespace ringpost::queue {

class Counters {
 public:
  Counters(Stripe* stripes, std::uint16_t me) noexcept;
  ~Counters();
  Counters(const Counters&) = delete;
  Counters& operator=(const Counters&) = delete;

  void add(Counter counter, std::uint64_t amount = 1) noexcept {
    add(stripe_->counters[counter], amount);
  }
  void record_latency(std::uint64_t ns) noexcept {
    add(stripe_->latency[Histogram::bucket_of(ns)], 1);
  }
  /// In the child of a fork the stripe belongs to the parent.
  void disown() noexcept { owned_ = false; }

  /// By the sweeper, who owns no stripe: into the one that is shared.
  static void add_for_others(Stripe* stripes, Counter counter, std::uint64_t amount) noexcept {
    stripes[kStripes - 1].counters[counter].fetch_add(amount, std::memory_order_relaxed);
  }
  [[nodiscard]] static std::uint64_t sum(const Stripe* stripes, Counter counter) noexcept;
  static void merge_latency(const Stripe* stripes, Histogram& into) noexcept;
  static void free_stripes_of(Stripe* stripes, std::uint16_t dead) noexcept;

 private:
  void add(std::atomic<std::uint64_t>& word, std::uint64_t amount) noexcept {
    if (owned_) [[likely]] {
      word.store(word.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    } else {
      word.fetch_add(amount, std::memory_order_relaxed);
    }
  }
  Stripe* stripe_;
  bool owned_ = false;
};

}  // namespace ringpost::queue
