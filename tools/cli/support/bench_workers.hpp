// The processes of `ringpost bench`: they share one page of memory with their parent, and the queue
// with each other, through the public API as any program would.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "bench_plan.hpp"

namespace ringpost::cli {

inline constexpr std::uint32_t kBenchWorkersMax = 128;
inline constexpr std::uint64_t kBenchWarmUpNs = 200'000'000;

/// What one worker says. Written by it alone; the parent reads the rest once it has ended.
struct BenchWorkerReport {
  std::atomic<bool> ready;
  std::atomic<std::uint64_t> done;  ///< messages sent or acknowledged
  std::uint64_t checksum;           ///< over their numbers
  std::uint64_t redelivered;
  std::uint64_t measured;
  std::uint64_t last_ns;  ///< when the last measured message was done
  Histogram latency;
  char trouble[160];
};

/// Lies in zeroed anonymous memory that parent and workers share.
struct BenchShared {
  std::atomic<std::uint64_t> start_ns;  ///< 0: not yet
  std::atomic<bool> stop;               ///< the senders are to end early
  std::atomic<bool> senders_done;
  std::atomic<std::uint64_t> sent;  ///< of all senders; set before senders_done
  std::array<BenchWorkerReport, kBenchWorkersMax> senders;
  std::array<BenchWorkerReport, kBenchWorkersMax> receivers;
};

struct BenchPlace {
  std::string bus;
  std::string queue;
  BusOptions options;
};

/// The life of a worker process; returns its exit status.
int run_bench_sender(const BenchPlan& plan, const BenchPlace& place, BenchShared& shared,
                     std::uint32_t index) noexcept;
int run_bench_receiver(const BenchPlan& plan, const BenchPlace& place, BenchShared& shared,
                       std::uint32_t index) noexcept;

std::uint64_t bench_now_ns() noexcept;

}  // namespace ringpost::cli
