#include "harness/session.hpp"

#include <sched.h>

#include <algorithm>

#include "harness/futex.hpp"

namespace ringpost::bench {
namespace {

constexpr std::size_t kProbeBatches = 24;
constexpr std::uint64_t kPingsPerBatch = 96;  // 2,304 round trips: 0.3 ms near, 1.1 ms far

// The side that measures: the median over batches, which a gap of the host does not touch.
double ping(std::atomic<std::uint64_t>& word) noexcept {
  std::array<double, kProbeBatches> batches_ns{};
  std::uint64_t next = 1;
  for (double& batch_ns : batches_ns) {
    const Ticks begin = ticks_now();
    for (std::uint64_t i = 0; i < kPingsPerBatch; ++i, next += 2) {
      word.store(next, std::memory_order_release);
      while (word.load(std::memory_order_acquire) != next + 1) {
      }
    }
    batch_ns = ticks_to_ns(static_cast<double>(ticks_now() - begin)) / double{kPingsPerBatch};
  }
  std::nth_element(batches_ns.begin(), batches_ns.begin() + kProbeBatches / 2, batches_ns.end());
  return batches_ns[kProbeBatches / 2];
}

void pong(std::atomic<std::uint64_t>& word) noexcept {
  for (std::uint64_t next = 1; next < 2 * kProbeBatches * kPingsPerBatch; next += 2) {
    while (word.load(std::memory_order_acquire) != next) {
    }
    word.store(next + 1, std::memory_order_release);
  }
}

}  // namespace

void Session::gate() noexcept {
  const std::uint32_t phase = board_->phase.load(std::memory_order_acquire);
  if (board_->arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == processes_) {
    board_->arrived.store(0, std::memory_order_relaxed);  // published by the phase
    board_->phase.store(phase + 1, std::memory_order_release);
    if (processes_ > 2) futex_wake(board_->phase, static_cast<int>(processes_));
    return;
  }
  // Two processes have a core each and only spin, so that both start at the same moment.
  while (board_->phase.load(std::memory_order_acquire) == phase) {
    if (processes_ > 2) {
      futex_wait(board_->phase, phase);
    } else {
      cpu_pause();
    }
  }
}

void Session::probe(std::size_t number) noexcept {
  gate();
  if (!board_->has_two_cores) return;
  if (index_ == 0) board_->probes_ns[number] = ping(board_->ping);
  if (index_ == 1) pong(board_->ping);
}

std::uint64_t Session::received_by_all() const noexcept {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < processes_; ++i) {
    sum += reports_[i].received.load(std::memory_order_acquire);
  }
  return sum;
}

void Idler::yield() noexcept { sched_yield(); }

}  // namespace ringpost::bench
