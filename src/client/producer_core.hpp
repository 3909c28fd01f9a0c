// The producer without its thread: a queue of records, batches, results.
#pragma once

#include <concurrentqueue/concurrentqueue.h>
#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/time_source.hpp"
#include "ringpost/producer.hpp"
#include "stream/aggregate.hpp"

namespace ringpost::detail {

/// What a producer needs of a stream.
class RecordSink {
 public:
  virtual ~RecordSink() = default;
  virtual std::uint32_t shard_of(const HashKey& key) = 0;
  virtual Result<std::vector<Result<Put, Errc>>> put_batch(std::span<const PutEntry> entries,
                                                           const PutOptions& options) = 0;
  virtual Errc wait_durable(std::span<const Put> puts, Duration wait) noexcept = 0;
  /// Of its puts, unless the options say otherwise.
  [[nodiscard]] virtual Durability durability() = 0;
};

struct TicketState {
  std::atomic<std::uint32_t> done{0};  ///< the futex
  Outcome outcome{};
};

/// Wakes sleepers of this process: read now(), look, and sleep if there was nothing.
class Event {
 public:
  [[nodiscard]] std::uint32_t now() const noexcept {
    return sequence_.load(std::memory_order_seq_cst);
  }
  /// Until wake_all() since `seen`, at most that long.
  void sleep(std::uint32_t seen, std::uint64_t timeout_ns) noexcept;
  void wake_all() noexcept;

 private:
  std::atomic<std::uint32_t> sequence_{0};  ///< the futex
  std::atomic<std::uint32_t> sleepers_{0};
};

/// Threads  any call put(), flush(), close() and stats(); one calls step().
class ProducerCore {
 public:
  ProducerCore(RecordSink& sink, const ProducerOptions& options, base::TimeSource time);
  ~ProducerCore();
  ProducerCore(const ProducerCore&) = delete;
  ProducerCore& operator=(const ProducerCore&) = delete;
  static Result<void> check(const ProducerOptions& options);

  Errc put(std::string_view key, ByteSpan data, const ProducerPut& options, OnOutcome on_outcome,
           std::shared_ptr<TicketState> ticket);
  Errc flush(Duration wait);
  /// Nothing is accepted from now on.
  void close() noexcept;
  [[nodiscard]] ProducerStats stats() const;

  /// One round: what came goes into batches, batches that are due go to the stream, and what the
  /// stream has is reported. Returns when to come again at the latest; nobody need come before that
  /// unless something was put.
  std::uint64_t step();
  /// Closed, and every record has its outcome.
  [[nodiscard]] bool is_done() const noexcept;
  /// What to read before step() and sleep on after it.
  [[nodiscard]] Event& work() noexcept { return work_; }
  [[nodiscard]] const base::TimeSource& time() const noexcept { return time_; }

 private:
  struct Record {
    std::uint64_t number = 0;
    std::string bytes;  ///< key and data
    std::size_t key_bytes = 0;
    std::optional<HashKey> explicit_hash_key{};
    std::uint64_t put_ns = 0;
    Outcome outcome{};
    OnOutcome on_outcome{};
    std::shared_ptr<TicketState> ticket{};
    [[nodiscard]] std::string_view key() const noexcept {
      return std::string_view(bytes).substr(0, key_bytes);
    }
    [[nodiscard]] ByteSpan data() const noexcept {
      return as_bytes(std::string_view(bytes).substr(key_bytes));
    }
    [[nodiscard]] HashKey hash_key() const noexcept {
      return explicit_hash_key ? *explicit_hash_key : HashKey::of(key());
    }
  };
  using Owned = std::unique_ptr<Record>;
  struct Shard {
    std::deque<Owned> waiting;
    std::size_t bytes = 0;
    std::uint64_t pause_until_ns = 0;  ///< throttled, or full
  };
  /// Records that go as one: an aggregate, or one alone.
  struct Unit {
    std::vector<Owned> records;
    stream::Aggregate aggregate{};
    std::string packed;       ///< of an aggregate
    std::uint32_t shard = 0;  ///< where it should go
  };
  bool try_admit(std::size_t bytes) noexcept;
  void give_up_room(std::size_t bytes) noexcept;
  void collect();
  void place(Owned record, bool in_front);
  [[nodiscard]] std::uint64_t due_ns(const Shard& shard) const;
  [[nodiscard]] bool fits(const Unit& unit, const Record& record) const;
  std::vector<Unit> take_batch(std::uint32_t number, Shard& shard);
  void send(std::uint32_t number, Shard& shard);
  void put_units(std::span<Unit> units);
  void settle(Unit& unit, const Result<Put, Errc>& result);
  void settle_accepted(Unit& unit, const Put& put);
  void try_again(Unit& unit, Errc code, std::uint64_t pause_ns);
  void put_back();
  void await_durability();
  void settle_durable(const std::map<std::uint32_t, Errc>& of_shards);
  void report(Owned record, Errc code);
  void count_done(std::uint64_t number);

  RecordSink& sink_;
  const ProducerOptions options_;
  const base::TimeSource time_;
  moodycamel::ConcurrentQueue<Record*> queue_;
  Event work_;
  Event progress_;

  std::atomic<bool> closed_{false};
  std::atomic<std::uint64_t> numbers_{0};      ///< given to records
  std::atomic<std::uint64_t> flush_below_{0};  ///< records below it do not linger
  std::atomic<std::uint64_t> done_below_{0};   ///< all of them have their outcome
  std::atomic<std::uint64_t> buffered_records_{0};
  std::atomic<std::uint64_t> buffered_bytes_{0};
  std::atomic<std::uint64_t> waits_{0};

  // By step() alone, but for looks.
  std::map<std::uint32_t, Shard> shards_;
  std::vector<Owned> undurable_;  ///< in the ring
  std::vector<Owned> again_;      ///< that the stream did not take, in order
  std::deque<bool> done_;         ///< from done_below_ on
  std::atomic<std::uint64_t> done_records_{0}, done_bytes_{0}, failed_{0}, retries_{0},
      throttled_{0}, batches_{0}, aggregates_{0};
};

}  // namespace ringpost::detail
