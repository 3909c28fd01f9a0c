// The ledger: what each process of the demo has done, in memory that survives the process.
//
// Every word has one writer, except in LineRecord. A process that is killed leaves its entry as it
// was; the orchestrator reads it there.
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "market_update.hpp"
#include "order.hpp"
#include "plan.hpp"
#include "ringpost/stats.hpp"
#include "shared_memory.hpp"

namespace ringpost::market_feed {

/// What a worker got.
struct Delivery {
  std::uint64_t content_hash = 0;
  std::uint64_t message_id = 0;  ///< mixed to 64 bits
  std::uint32_t receive_count = 1;
};

/// What was processed under the number of one line. Any worker writes, at processing, before the
/// acknowledge: a crash between the two leaves a message that is processed and comes again.
struct alignas(64) LineRecord {
  std::atomic<std::uint16_t> times;        ///< processed; raised last
  std::atomic<std::uint8_t> differing;     ///< of these, with another content than the first
  std::atomic<std::uint8_t> resent;        ///< of these, with another message id than the first
  std::atomic<std::uint8_t> acknowledged;  ///< at which receive of the first; 0: not yet
  std::atomic<std::uint8_t> came_back;     ///< times that the first was received after that
  std::atomic<std::uint8_t> receives;      ///< highest receive count that was processed
  std::uint8_t unused;
  std::atomic<std::uint64_t> content_hash;  ///< of the first; 0: none yet
  std::atomic<std::uint64_t> message_id;    ///< of the first, mixed to 64 bits; 0: none yet
  std::atomic<std::uint64_t> update_id;     ///< what the worker read in it
  std::array<std::atomic<std::uint64_t>, 1> symbol;
  std::array<std::atomic<std::uint64_t>, 3> stream;

  /// Enters one processing of a message.
  void add(const Delivery& delivery, const MarketUpdate& update) noexcept;
  /// Enters an acknowledge that succeeded.
  void add_acknowledge(const Delivery& delivery) noexcept;
  [[nodiscard]] MarketUpdate update() const noexcept;
};
static_assert(sizeof(LineRecord) == 64);

/// One process that was the feed: the first, or one that went on for a killed one.
struct FeedLife {
  std::atomic<std::uint32_t> first_line;
  std::atomic<std::uint32_t> sent;         ///< sends that returned
  std::atomic<std::uint32_t> sent_slowly;  ///< of these, while it waited for an act
  std::atomic<std::uint32_t> full;         ///< sends that found the queue full and waited
  std::atomic<std::uint64_t> first_ns;
  std::atomic<std::uint64_t> last_ns;
  std::atomic<std::uint64_t> slow_ns;  ///< spent with the slow ones
};

struct alignas(128) FeedEntry {
  static constexpr std::uint32_t kLivesMax = 4;
  std::atomic<std::uint32_t> begun;  ///< lines whose send has begun
  std::atomic<std::uint32_t> done;   ///< lines whose send has returned: where a successor goes on
  std::atomic<std::uint64_t> origin_ns;  ///< when the schedule began; the first life sets it
  std::atomic<std::uint32_t> lives;
  std::array<FeedLife, kLivesMax> life;
  alignas(128) std::atomic<std::uint32_t> acts_done;  ///< written by the orchestrator
};

struct HeldMessage {
  std::uint32_t line = 0;
  std::uint32_t receive_count = 0;
  friend bool operator==(const HeldMessage&, const HeldMessage&) = default;
};

/// What a worker holds for certain: received, acknowledge not yet begun.
struct Held {
  std::uint32_t phase = 0;
  std::vector<HeldMessage> messages;
};

/// One process that was a worker.
struct alignas(128) WorkerEntry {
  std::atomic<std::uint64_t> processed;    ///< messages, redeliveries included
  std::atomic<std::uint64_t> redelivered;  ///< of these, received before by somebody
  std::atomic<std::uint64_t> stale;  ///< acknowledgements refused: somebody else had it by then
  std::atomic<std::uint64_t> batches;
  std::atomic<std::uint64_t> busy_ns;  ///< between the return of receive and the last acknowledge
  std::array<Histogram, kPhases.size()> since_sent;  ///< first receives: from the send
  std::array<Histogram, kPhases.size()> since_due;   ///< first receives: from the scheduled time
  std::array<Histogram, kPhases.size()> again;       ///< later receives: from the send

  void hold(std::uint32_t phase, std::span<const HeldMessage> messages) noexcept;
  /// `count` messages of the batch are finished or about to be acknowledged.
  void let_go(std::uint32_t count) noexcept;
  [[nodiscard]] bool holds() const noexcept;
  /// Exact while the worker is stopped or dead.
  [[nodiscard]] Held held() const;

 private:
  std::atomic<std::uint32_t> held_from_;
  std::atomic<std::uint32_t> held_count_;
  std::atomic<std::uint32_t> held_phase_;
  std::array<std::atomic<std::uint32_t>, kBatch> held_lines_;
  std::array<std::atomic<std::uint32_t>, kBatch> held_receives_;
};

enum class TakeTime : std::uint32_t {
  kNo,
  kAsked,  ///< by the orchestrator; the first worker with a message in hand takes it
  kTaken,  ///< by that worker, which waits until it is kNo again
};

class Ledger {
 public:
  static constexpr std::uint32_t kWorkerEntries = 16;

  static Ledger create(std::uint32_t lines);
  static Ledger attach(int descriptor);

  [[nodiscard]] int descriptor() const noexcept { return memory_.descriptor(); }
  [[nodiscard]] std::uint32_t lines() const noexcept;
  [[nodiscard]] FeedEntry& feed(std::size_t phase) const noexcept;
  [[nodiscard]] WorkerEntry& worker(std::size_t index) const noexcept;
  [[nodiscard]] std::span<LineRecord> records(std::size_t phase) const noexcept;
  /// Of the ordered phase.
  [[nodiscard]] OrderBook& order() const noexcept;
  /// The phase that is played: the workers receive from its queue.
  [[nodiscard]] std::atomic<std::uint32_t>& phase() const noexcept;
  /// Messages that name no line or no phase of this run.
  [[nodiscard]] std::atomic<std::uint64_t>& strangers() const noexcept;
  /// The workers leave when this is set and they find nothing to do.
  [[nodiscard]] std::atomic<bool>& finished() const noexcept;
  /// One worker is asked to take its time over the message in hand, so that it can be caught with
  /// it: at a slow pace it would hold it for a few microseconds only.
  [[nodiscard]] std::atomic<TakeTime>& take_time() const noexcept;

 private:
  struct Head;
  explicit Ledger(SharedMemory memory) noexcept : memory_(std::move(memory)) {}
  [[nodiscard]] Head& head() const noexcept;
  SharedMemory memory_;
};

}  // namespace ringpost::market_feed
