// Producer: puts records into a stream in the background, many at a time.
//
//   callers ──put──▶ queue ──▶ sender thread ──▶ a batch for each shard ──▶ stream
//      ▲                                                            │
//      └──────────── result of each record: callback or ticket ◀────┘
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "ringpost/bus.hpp"
#include "ringpost/result.hpp"
#include "ringpost/stream.hpp"
#include "ringpost/types.hpp"

namespace ringpost {

namespace detail {
class ProducerThread;
struct TicketState;
}  // namespace detail

struct ProducerOptions {
  /// How long a record may wait for others of its shard. 0 (default): it goes as soon as the sender
  /// is free, with what came while it was not.
  Duration linger = Duration::zero();
  std::uint32_t batch_records_max = 500;   ///< of one shard; 1 to 500
  std::size_t batch_bytes_max = 5u << 20;  ///< of one shard, keys and data; to 10 MiB
  /// What was put and has no result yet: beyond it put() waits.
  std::uint32_t buffered_records_max = 100'000;
  std::size_t buffered_bytes_max = 64u << 20;
  /// A record that the stream does not take for so long fails: with kThrottled, kFull, kNoSpace.
  Duration record_ttl = 30s;
  bool fail_if_throttled = false;          ///< true: kThrottled is a record's result at once
  std::optional<Durability> durability{};  ///< default: the stream's
  /// Packs small records of a shard into one, as the Kinesis producer library does. Who reads them
  /// unpacks them: unpack().
  bool aggregate = false;
  std::size_t aggregate_bytes_max = 51'200;  ///< 64 to 10,485,760
  std::uint32_t aggregate_records_max = UINT32_MAX;
};

/// What became of one record.
struct Outcome {
  Errc code = Errc::kOk;
  Put put{};                       ///< kOk, kTimedOut: where it is
  std::uint64_t sub_sequence = 0;  ///< its place in an aggregate
  std::uint32_t attempts = 0;      ///< to put it
  [[nodiscard]] explicit operator bool() const noexcept { return code == Errc::kOk; }
};

/// Called once for each record, by the sender thread, which goes on when it returns. Must not call
/// flush() or close(); what it throws ends the program.
using OnOutcome = std::function<void(const Outcome&)>;

/// Waits for the outcome of one record. May outlive the producer.
class RINGPOST_API Ticket {
 public:
  Ticket() noexcept;
  Ticket(Ticket&&) noexcept;
  Ticket& operator=(Ticket&&) noexcept;
  ~Ticket();
  /// Nothing: not yet.
  [[nodiscard]] std::optional<Outcome> get(Duration wait = Duration::zero()) const noexcept;

 private:
  friend class Producer;
  friend class detail::ProducerThread;
  explicit Ticket(std::shared_ptr<detail::TicketState> state) noexcept;
  std::shared_ptr<detail::TicketState> state_;
};

struct ProducerPut {
  std::optional<HashKey> explicit_hash_key{};
  Duration wait = kForever;  ///< for room in the buffer: then kFull
};

struct ProducerStats {
  std::uint64_t accepted = 0;  ///< records
  std::uint64_t done = 0;      ///< records that the stream has
  std::uint64_t failed = 0;
  std::uint64_t retries = 0;
  std::uint64_t throttled = 0;  ///< answers kThrottled
  std::uint64_t batches = 0;    ///< that were put
  std::uint64_t aggregates = 0;
  std::uint64_t bytes = 0;  ///< keys and data of done
  std::uint64_t buffered_records = 0;
  std::uint64_t buffered_bytes = 0;
  std::uint64_t waits = 0;  ///< puts that found the buffer full
};

/// A producer. It is a participant of the bus of its own, with one thread.
///
/// Order       records that one thread puts for one shard go in that order, unless one has to be
///             tried again: it comes later.
/// Threads     any number at once, but close().
/// Blocking    put() while the buffer is full; flush() and close() as they say.
/// Fork        a child must not use it.
/// Crash       what has no outcome yet may be in the stream or not.
class RINGPOST_API Producer {
 public:
  Producer() noexcept;
  Producer(Producer&&) noexcept;
  Producer& operator=(Producer&&) noexcept;
  ~Producer();  ///< as close()

  /// Errors kNotFound (no such stream), kInvalidArgument (options), kTooManyAttached.
  static Result<Producer> open(const Bus& bus, std::string_view stream,
                               const ProducerOptions& options = {});

  /// Copies key and data. Errors, and there will be no outcome: kFull, kClosed, kTooLarge (for the
  /// buffer). What is wrong with the record itself is its outcome.
  Errc put(std::string_view key, ByteSpan data, const ProducerPut& options = {},
           OnOutcome on_outcome = {});
  Errc put(std::string_view key, std::string_view data, const ProducerPut& options = {},
           OnOutcome on_outcome = {}) {
    return put(key, as_bytes(data), options, std::move(on_outcome));
  }
  /// The same, with a ticket.
  Result<Ticket, Errc> submit(std::string_view key, ByteSpan data, const ProducerPut& options = {});
  Result<Ticket, Errc> submit(std::string_view key, std::string_view data,
                              const ProducerPut& options = {}) {
    return submit(key, as_bytes(data), options);
  }

  /// Sends what waits, and returns when everything that was put before has its outcome. Error
  /// kTimedOut.
  Errc flush(Duration wait = kForever);
  /// Takes nothing more, sends what there is and ends the thread. Nothing is lost: each record has
  /// its outcome when it returns, at most `record_ttl` and some seconds later.
  void close();

  [[nodiscard]] ProducerStats stats() const;

 private:
  explicit Producer(std::unique_ptr<detail::ProducerThread> thread) noexcept;
  std::unique_ptr<detail::ProducerThread> thread_;
};

/// A record as it was given to a producer.
struct UserRecord {
  std::string_view key{};
  std::optional<HashKey> explicit_hash_key{};
  ByteSpan data{};
  std::uint64_t sub_sequence = 0;  ///< 0, 1, … of an aggregate; a plain record's is 0
};

/// The records that an aggregate packs, or the plain record itself. With `shard`: without those
/// whose hash key is not of that shard's range; their producer has put them again. They refer to
/// the record's memory.
[[nodiscard]] RINGPOST_API std::vector<UserRecord> unpack(const StreamRecord& record,
                                                          const ShardInfo* shard = nullptr);

}  // namespace ringpost
