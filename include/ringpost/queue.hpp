// Queue: send, receive, acknowledge. The rules are those of SQS, standard queues and FIFO queues.
//
//   sender ──send──▶ [ring in shared memory] ──receive──▶ lease ──acknowledge──▶ gone
//                          ▲                                │
//                          └── release, timeout, death ─────┘
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ringpost/log_writer.hpp"
#include "ringpost/message.hpp"
#include "ringpost/options.hpp"
#include "ringpost/recovered_log.hpp"
#include "ringpost/result.hpp"
#include "ringpost/stats.hpp"
#include "ringpost/types.hpp"

namespace ringpost {

/// One message of a batch.
struct OutMessage {
  ByteSpan body;
  AttributeList attributes{};
  std::string_view group{};     ///< as in SendOptions
  std::string_view dedup_id{};  ///< as in SendOptions
};

/// A handle on a queue. Any number of processes and threads may have one each.
///
/// Threads     one thread at a time uses a Bus and the queues opened from it; other threads use a
///             Bus::clone() of their own.
/// Processes   any attached process may send and receive at any time.
/// Blocking    only where a wait is given. Without a wait no call makes a system call, takes a
///             lock or allocates, except to wake a sleeper and when the queue grows.
/// Crash       whoever dies at any instruction blocks nobody and loses nothing acknowledged.
class RINGPOST_API Queue {
 public:
  Queue() noexcept;
  Queue(Queue&&) noexcept;
  Queue& operator=(Queue&&) noexcept;
  ~Queue();

  /// Sends one message; once this returns a value the message is in the queue, and if that is
  /// durable on disk: see docs/durable-queues.md, also for the errors that only those have. FIFO:
  /// the position in its id is the sequence number; of a duplicate it is the id of the first
  /// message, and nothing is sent. Errors: kFull (after options.wait), kTooLarge, kInvalidArgument
  /// (attribute rules, delay), kNoSpace (no memory for a payload that does not fit a slot),
  /// kTooManyIds (FIFO: no room for another id within the window), kDeleted, kForked.
  Result<MessageId, Errc> send(ByteSpan body, const SendOptions& options = {}) noexcept;
  Result<MessageId, Errc> send(std::string_view body, const SendOptions& options = {}) noexcept {
    return send(as_bytes(body), options);
  }

  /// Sends in order. Returns how many of the front were sent: fewer than all when the queue is full
  /// or a message is refused; an error only if none was. Only the first waits (options.wait).
  Result<std::size_t, Errc> send_batch(std::span<const OutMessage> messages,
                                       const SendOptions& options = {}) noexcept;

  /// Zero-copy send: memory to write the body in place. Errors: kTooLarge, kNoSpace.
  Result<Loan, Errc> loan(std::size_t bytes) noexcept;
  Result<MessageId, Errc> send(Loan&& loan, const SendOptions& options = {}) noexcept;

  /// Leases up to options.max_messages visible messages, oldest first, and waits for the first.
  /// Errors: kEmpty, kTimedOut (a wait was given), kOverLimit, kHeld, kDeleted, kForked,
  /// kInvalidArgument, kBusy (another receive with this attempt_id is under way).
  ///
  /// With an attempt_id, in a FIFO queue: a receive whose answer got lost may be made again, by
  /// anybody. Until 5 minutes after the first it gives the same messages with the same receipts and
  /// a new visibility timeout, as long as none of them was settled or extended and no lease has
  /// ended; then, and if nothing was received, it is a receive like any other. A queue remembers
  /// the last 64 ids whose messages are in flight.
  Result<Leases, Errc> receive(const ReceiveOptions& options = {}) noexcept;
  /// The same into an object that the caller keeps (cleared first): the fastest form.
  Errc receive(Leases& into, const ReceiveOptions& options = {}) noexcept;

  /// Settle by receipt, from any process. Whoever received the message may go on reading it in
  /// place as long as its Lease lives. Errors as for Lease.
  Errc acknowledge(const Receipt& receipt) noexcept;
  Errc release(const Receipt& receipt, Duration delay = Duration::zero()) noexcept;
  Errc extend(const Receipt& receipt, Duration timeout) noexcept;

  /// How this handle waits. Default: Waiting::kAdaptive.
  void set_waiting(Waiting waiting) noexcept;

  [[nodiscard]] const std::string& name() const noexcept;
  /// Every setting, with its value in force.
  [[nodiscard]] QueueSettings settings() const;
  /// Changes the settings that are given, all or none. Errors: kInvalidArgument (a value out of its
  /// limits, one that is fixed at creation, a dead-letter queue that does not allow this queue),
  /// kNotFound (no such dead-letter queue), kBusy (others are changing them and stand still).
  /// Crash: all are changed or none is; the next sweep or opener finishes what was begun.
  Result<void> set(const QueueSettings& changes);

  /// In the order of their keys.
  [[nodiscard]] Result<Tags> tags() const;
  /// Adds these, in place of those of the same key; all or none. Several at once: each is made.
  /// Errors: kInvalidArgument (a tag out of its limits, more than 50 with those that are there),
  /// kNoSpace, kBusy (others keep changing them), kDeleted, kForked. Crash: all or none.
  Result<void> set_tags(const Tags& tags);
  /// Removes those of these keys, and knows nothing of keys that are not there. As set_tags().
  Result<void> remove_tags(std::span<const std::string> keys);

  /// Removes every message sent before the call: visible, delayed and in flight.
  Result<std::uint64_t> purge();

  /// Counters since creation, and latency. Read without disturbing anybody.
  [[nodiscard]] QueueStats stats() const;

  /// Of a durable queue: writes its log as long as it lives. Error kInvalidArgument: it has none.
  Result<LogWriter> writer(const LogWriterOptions& options = {});
  /// Of a durable queue: goes on with its log if that has failed (kLogFailed), once the disk is in
  /// order again; tells what became of it, nothing if it had not. Otherwise as
  /// Stream::recover_logs(): everything that was acknowledged must be there, or it is kDamaged.
  /// Errors kInvalidArgument (it has no log), kBusy, kLogFailed (it fails again), kDamaged,
  /// kNoSpace, kSystem.
  Result<std::optional<RecoveredLog>> recover_log();
  /// Looks at up to `count` messages in ring order, from the oldest, without receiving them.
  [[nodiscard]] std::vector<PeekedMessage> peek(std::size_t count) const;

 private:
  friend class Bus;
  friend class Lease;
  friend class WaitSet;
  explicit Queue(std::unique_ptr<detail::QueueCore> core) noexcept;
  std::unique_ptr<detail::QueueCore> core_;
};

}  // namespace ringpost
