// What a run of the demo found out, what it promised, and how both are shown.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "history.hpp"
#include "ledger.hpp"
#include "plan.hpp"
#include "ringpost/admin.hpp"
#include "ringpost/stats.hpp"
#include "subscribers.hpp"
#include "verify.hpp"

namespace ringpost::market_feed {

/// A worker was stopped while it held messages, and continued when others had finished them.
struct StopReport {
  std::string worker;
  Held held;
  std::uint64_t others_processed = 0;  ///< while it stood still
  std::uint64_t refused = 0;           ///< of its acknowledgements after that: they came too late
  bool over = false;
};

/// The feed was killed, and started again when the workers had emptied the queue.
struct FeedKillReport {
  std::uint32_t done = 0;   ///< sends that had returned
  std::uint32_t begun = 0;  ///< sends that had begun: one more when killed inside a send
  std::uint32_t unprocessed =
      0;  ///< of the sent ones, when it died: all processed while it was dead
  std::uint32_t resumed_at = 0;  ///< line, from 0
  bool over = false;
};

/// A worker was killed while it held messages; others got them, and a new worker took its place.
struct WorkerKillReport {
  std::string worker;
  Held held;
  std::uint64_t others_processed = 0;  ///< before the new one was there
  double back_after_ms = 0;            ///< until others had processed what it held
  bool over = false;
};

struct PhaseReport {
  std::optional<StopReport> stop;
  std::optional<FeedKillReport> feed_kill;
  std::optional<WorkerKillReport> worker_kill;
  std::optional<WriterKillReport> writer_kill;  ///< of the ordered phase
  bool emptied = false;  ///< at its end the queue had no message in any state
  double seconds = 0;
  double feed_per_second = 0;        ///< while it ran at its own pace
  double end_to_end_per_second = 0;  ///< first send to the queue emptied, see FeedKillReport
  double worker_us = 0;              ///< a worker's time for one message, parsing included
  std::uint64_t full = 0;            ///< sends that had to wait for room
  Histogram since_sent;
  Histogram since_due;
  Histogram again;
  std::optional<Proof> proof;
};

struct DemoReport {
  std::uint32_t lines = 0;
  std::array<PhaseReport, kPhases.size()> phases;
  std::string broken_off;  ///< why the run did not get to its end; empty: it did
  bool interrupted = false;
  bool children_succeeded = false;  ///< whoever was not killed ended with exit status 0
  std::uint64_t strangers = 0;
  std::optional<DoctorReport> doctor;
  std::uint64_t blocks_used = 0;          ///< of the arena, at the end
  std::uint64_t participants = 0;         ///< left in the registry beside the orchestrator
  std::optional<OrderBook::Proof> order;  ///< of the ordered phase
  std::vector<Delivered> delivered;       ///< to the topic's other subscribers
  QueueStats queue;
  QueueStats ordered;  ///< the FIFO queue
  TopicStats topic;
  HistoryReport history;  ///< the stream of the ordered phase
};

struct Promise {
  std::string text;
  std::string evidence;
  bool held = false;
};

/// Every promise of the demo. A run that did not get to its end has kept only what it has shown.
std::vector<Promise> judge(const DemoReport& report);
bool all_held(const std::vector<Promise>& promises);

void print_results(const DemoReport& report);
void print_promises(const std::vector<Promise>& promises);
/// Throw std::runtime_error when the file cannot be written.
void write_svg(const DemoReport& report, const std::string& path);
void write_json(const DemoReport& report, const std::vector<Promise>& promises,
                const std::string& path);

}  // namespace ringpost::market_feed
