// Bus: a directory of shared-memory objects, and this process's place in it.
//
//   bus          one directory of object files, /dev/shm/ringpost/<name>
//   participant  one attachment to a bus: a Bus object
//   sweeper      whoever just now clears up after the dead: any participant may be it
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/move_task.hpp"
#include "ringpost/options.hpp"
#include "ringpost/queue.hpp"
#include "ringpost/result.hpp"
#include "ringpost/stream.hpp"
#include "ringpost/topic.hpp"

namespace ringpost {

namespace client {
class Member;
}

/// An attachment to a bus.
///
/// Threads   one at a time; clone() gives another thread a participant of its own.
/// Fork      a child must open anew; handles of its parent answer kForked in it.
/// Crash     the kernel drops the participant's lock; others sweep what it left.
class RINGPOST_API Bus {
 public:
  /// Opens the bus `name` ([A-Za-z0-9_-], 1 to 80), creating it unless options say otherwise.
  static Result<Bus> open(std::string_view name, const BusOptions& options = {});
  /// Names of the buses in the shared-memory directory, also of one whose creator died half-way.
  static Result<std::vector<std::string>> list(const BusOptions& options = {});
  /// Removes a bus with all that is in it. What its streams have on disk stays: a bus of that name
  /// has it again. Errors: kBusy (somebody is attached), kNotFound,
  /// kUnsafeFile (the directory holds files that are not a bus's).
  static Result<void> remove(std::string_view name, const BusOptions& options = {});

  Bus(Bus&&) noexcept;
  Bus& operator=(Bus&&) noexcept;
  ~Bus();

  /// A second participant over the same mappings, for another thread.
  [[nodiscard]] Result<Bus> clone() const;

  /// Opens the queue, creating it if it does not exist. Error kExists when a given setting differs
  /// from the existing queue's. Queue names: [A-Za-z0-9_-], 1 to 80. `tags`: of a queue that is
  /// created by this call; one that exists keeps its own.
  Result<Queue> queue(std::string_view name, const QueueSettings& settings = {},
                      const Tags& tags = {});
  /// Opens an existing queue. Error kNotFound.
  Result<Queue> open_queue(std::string_view name);
  /// Removes the queue with its messages; whoever waits on it gets kDeleted. Error kNotFound.
  Result<void> delete_queue(std::string_view name);
  /// Names in order, of those that begin with `prefix`.
  Result<std::vector<std::string>> queue_names(std::string_view prefix = {}) const;

  /// Queues whose dead-letter queue is `name`, in order. Error kNotFound.
  [[nodiscard]] Result<std::vector<std::string>> dead_letter_sources(std::string_view name) const;
  /// Begins to move what came into the dead-letter queue `source` through redrive; what was sent
  /// there stays. The runner moves it. Errors: kNotFound (source or destination), kInvalidArgument
  /// (options), kNotDeadLetterQueue (`source` is nobody's), kTaskRunning (one at a time), kBusy.
  Result<MoveRunner> start_move(std::string_view source, const MoveOptions& options = {});
  /// The tasks of a queue, newest first, at most ten. Error kNotFound.
  [[nodiscard]] Result<std::vector<MoveTask>> move_tasks(std::string_view source) const;
  /// Ends a running task; what has been moved stays where it is. Returns how many that are. Until
  /// whoever is at work sees it, a few more may move. Errors: kNoTask (also: it has ended).
  Result<std::uint64_t> cancel_move(const TaskId& id);

  /// Opens the topic, creating it if it does not exist. Error kExists when a given setting differs,
  /// or the topic does not have a given tag. Topic names: as of queues.
  Result<Topic> topic(std::string_view name, const TopicSettings& settings = {},
                      const Tags& tags = {});
  /// Opens an existing topic. Error kNotFound.
  Result<Topic> open_topic(std::string_view name);
  /// Removes the topic with its subscriptions; what was delivered stays. Errors kNotFound, kBusy.
  Result<void> delete_topic(std::string_view name);
  Result<std::vector<std::string>> topic_names(std::string_view prefix = {}) const;

  /// Opens the stream, creating it if it does not exist. Error kExists when a given setting
  /// differs, or the stream does not have a given tag. Stream names: [A-Za-z0-9_.-], 1 to 128, not
  /// "." or
  /// "..". Errors kInvalidArgument, kNoSpace, kBusy (also: another bus has the state directory).
  Result<Stream> stream(std::string_view name, const StreamSettings& settings = {},
                        const Tags& tags = {});
  /// Opens an existing stream, also one of which only the disk knows: after a reboot it is there
  /// again with all that was durable. Errors kNotFound, kBusy, kDamaged.
  Result<Stream> open_stream(std::string_view name);
  /// Removes the stream with its records, in memory and on disk. Errors kNotFound, kBusy.
  Result<void> delete_stream(std::string_view name);
  Result<std::vector<std::string>> stream_names(std::string_view prefix = {}) const;
  /// Writes the logs of all streams that have one, also of those that are made later (found within
  /// a second), with one thread and one participant. Error kNoSpace: no room for a participant.
  Result<LogWriter> log_writer(const LogWriterOptions& options = {});

  /// What the sweeper found and did.
  struct Swept {
    std::uint32_t dead_participants = 0;
    std::uint64_t leases_returned = 0;
    std::uint64_t claims_voided = 0;
    std::uint64_t blocks_freed = 0;
    std::uint64_t files_removed = 0;
    std::uint64_t hints_repaired = 0;
    std::uint64_t messages_moved = 0;  ///< by message move tasks that were carried on
    bool elected = false;              ///< false: another participant was sweeping
  };
  /// Clears up after dead participants, now, and carries on message move tasks. Waiting receivers
  /// do this by themselves.
  Swept sweep();

  [[nodiscard]] const std::string& name() const noexcept;
  [[nodiscard]] const std::string& directory() const noexcept;
  [[nodiscard]] std::uint32_t participant_index() const noexcept;

 private:
  friend class WaitSet;
  friend class client::Member;
  struct Impl;
  explicit Bus(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ringpost
