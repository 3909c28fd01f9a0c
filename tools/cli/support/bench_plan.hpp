// What `ringpost bench` is to measure, and what came out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "json.hpp"
#include "ringpost/options.hpp"
#include "ringpost/stats.hpp"

namespace ringpost::cli {

/// The front of every message: when it was due, and by whom.
struct BenchHeader {
  std::uint64_t due_ns = 0;  ///< CLOCK_MONOTONIC
  std::uint64_t number = 0;  ///< sender in the upper 16 bits, count below
};

struct BenchPlan {
  std::uint64_t size_bytes = 64;
  std::optional<double> per_second = 10'000;  ///< of all senders; nothing: as fast as they can
  std::uint32_t senders = 1;
  std::uint32_t receivers = 1;
  std::uint32_t batch = 1;
  double seconds = 5;
  std::optional<std::uint64_t> messages;  ///< instead of seconds; of all senders
  Waiting waiting = Waiting::kAdaptive;
  std::uint32_t slots = 4096;
  bool pin = false;
  std::uint32_t groups = 0;  ///< of a FIFO queue; 0: a standard queue
};

struct BenchResult {
  std::uint64_t sent = 0;  ///< warm-up included, as all of these counts
  std::uint64_t acknowledged = 0;
  std::uint64_t redelivered = 0;
  bool checksums_agree = true;
  std::uint64_t measured = 0;  ///< messages after the warm-up
  double measured_seconds = 0;
  Histogram latency;    ///< due → received
  Histogram lateness;   ///< due → sent: the senders' own share of it
  std::string trouble;  ///< of a worker that failed

  [[nodiscard]] std::uint64_t lost() const { return sent > acknowledged ? sent - acknowledged : 0; }
  [[nodiscard]] double per_second() const {
    return measured_seconds > 0 ? static_cast<double>(measured) / measured_seconds : 0;
  }
};

struct BenchBudget {
  std::uint64_t ns = 0;
  double percentile = 99.9;
  [[nodiscard]] bool is_held(const BenchResult& result) const {
    return result.latency.percentile(percentile) <= ns;
  }
};

/// "64 B, 10,000/s, 1 sender → 1 receiver, adaptive"
std::string bench_title(const BenchPlan& plan);
std::string bench_report(const BenchPlan& plan, const BenchResult& result,
                         const std::optional<BenchBudget>& budget, std::size_t columns);
JsonObject bench_json(const BenchPlan& plan, const BenchResult& result,
                      const std::optional<BenchBudget>& budget, bool interrupted);

}  // namespace ringpost::cli
