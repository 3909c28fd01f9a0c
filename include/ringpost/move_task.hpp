// Message move tasks: messages of a dead-letter queue go back to where they came from, or to one
// other queue (SQS: StartMessageMoveTask).
//
//   Bus::start_move ──▶ RUNNING ──▶ COMPLETED
//                          ├──────▶ FAILED       a queue where messages should go is not there
//   Bus::cancel_move ──▶ CANCELLING ──▶ CANCELLED
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ringpost/result.hpp"
#include "ringpost/types.hpp"

namespace ringpost {

class Bus;

/// Names one task for ever: the queue that it takes messages from, and its number there. Text:
/// UUID.
struct RINGPOST_API TaskId {
  std::uint64_t queue = 0;
  std::uint64_t number = 0;

  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] static std::optional<TaskId> parse(std::string_view text) noexcept;
  friend bool operator==(const TaskId&, const TaskId&) = default;
};

struct MoveOptions {
  std::string destination{};                  ///< default: each message to the queue it came from
  std::optional<std::uint32_t> per_second{};  ///< 1 to 500; default: as fast as possible
};

enum class TaskStatus : std::uint8_t { kRunning, kCancelling, kCancelled, kCompleted, kFailed };
/// As SQS writes it: "RUNNING".
RINGPOST_API const char* name(TaskStatus status) noexcept;

/// What is known of a task. The last ten of each queue are kept.
struct MoveTask {
  TaskId id;
  TaskStatus status = TaskStatus::kRunning;
  std::string source;
  std::string destination;  ///< empty: each message to the queue it came from
  std::optional<std::uint32_t> per_second{};
  std::uint64_t to_move = 0;  ///< messages that were there to be moved when it started
  /// So far. Short by one for each process that was killed between a move and its count.
  std::uint64_t moved = 0;
  WallTime started{};
  Errc failure = Errc::kOk;    ///< kDeleted: a queue where messages should go is not there
  std::string failure_reason;  ///< for people: what is wrong, and what to do
};

/// A task's starter works at it. While he does not (for a second), or is dead, other participants
/// do so in passing: whoever waits for messages, finds none or finds no room, and Bus::sweep().
///
/// Threads     the thread of the Bus.
/// Crash       others carry the task on. Stopped in the middle of a call: the task waits for him.
/// Destructor  leaves the task to others; cancel() ends it.
class RINGPOST_API MoveRunner {
 public:
  MoveRunner(MoveRunner&&) noexcept;
  MoveRunner& operator=(MoveRunner&&) noexcept;
  ~MoveRunner();

  struct Step {
    std::uint64_t moved = 0;  ///< by this call
    bool ended = false;
    /// Not ended: how long to wait before the next call. 0: go on.
    Duration wait{};
    /// Why the task does not get on just now: kFull (the destination), kNoSpace, kHeld, kBusy
    /// (another participant is at work); kOk if nothing is in the way.
    Errc hindrance = Errc::kOk;
  };

  [[nodiscard]] TaskId id() const noexcept;
  /// Moves up to `messages_max` messages, as far as the rate allows. Never waits.
  /// Errors: kDeleted (the source), kNoTask (ten others have started since), kForked.
  Result<Step> step(std::uint64_t messages_max = 1'000);
  /// Moves until the task has ended, however long that takes. Errors as for step().
  Result<MoveTask> run();
  [[nodiscard]] Result<MoveTask> info() const;
  /// As Bus::cancel_move().
  Result<std::uint64_t> cancel();

 private:
  friend class Bus;
  struct Impl;
  explicit MoveRunner(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ringpost
