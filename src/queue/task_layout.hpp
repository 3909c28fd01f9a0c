// The bytes of a queue's table of message move tasks: one page of the queue's file.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/cache_line.hpp"
#include "queue/name_words.hpp"

namespace ringpost::queue {

inline constexpr std::uint32_t kTasksKept = 10;    ///< that can be listed, the latest included
inline constexpr std::uint32_t kTaskRecords = 14;  ///< so that some may be in preparation

enum class TaskPhase : std::uint8_t {
  kNone = 0,
  kPreparing = 1,  ///< no task yet, unless TaskTable::latest names it
  kRunning = 2,
  kCancelling = 3,
  kCancelled = 4,
  kCompleted = 5,
  kFailed = 6,
};

/// number · why it failed (8) · phase (8)
struct TaskState {
  std::uint64_t word = 0;
  static constexpr TaskState of(std::uint64_t number, TaskPhase phase,
                                std::uint8_t failure = 0) noexcept {
    return {number << 16 | std::uint64_t{failure} << 8 | static_cast<std::uint8_t>(phase)};
  }
  [[nodiscard]] constexpr std::uint64_t number() const noexcept { return word >> 16; }
  [[nodiscard]] constexpr std::uint8_t failure() const noexcept {
    return static_cast<std::uint8_t>(word >> 8);
  }
  [[nodiscard]] constexpr TaskPhase phase() const noexcept {
    return static_cast<TaskPhase>(word & 0xff);
  }
  [[nodiscard]] constexpr bool active() const noexcept {
    return phase() == TaskPhase::kRunning || phase() == TaskPhase::kCancelling;
  }
  [[nodiscard]] constexpr bool begun() const noexcept {
    return phase() >= TaskPhase::kRunning && phase() <= TaskPhase::kFailed;
  }
};

/// The latest task: number · its record (8). 0: there was none.
struct LatestTask {
  std::uint64_t word = 0;
  static constexpr LatestTask of(std::uint64_t number, std::uint32_t record) noexcept {
    return {number << 8 | record};
  }
  [[nodiscard]] constexpr std::uint64_t number() const noexcept { return word >> 8; }
  /// Whatever a peer has written there, it names a record.
  [[nodiscard]] constexpr std::uint32_t record() const noexcept {
    return static_cast<std::uint32_t>(word & 0xff) % kTaskRecords;
  }
};

struct TaskRecord {
  std::atomic<std::uint64_t> owner;   ///< participant that prepares a task in it; 0: nobody
  std::atomic<std::uint64_t> state;   ///< TaskState
  std::atomic<std::uint64_t> worker;  ///< participant that is moving messages just now; 0: nobody
  std::atomic<std::uint64_t> moved;
  std::atomic<std::uint64_t> next_ns;      ///< when the rate lets the next message through
  std::atomic<std::uint64_t> attended_ns;  ///< when whoever started it last worked at it

  // Written by the owner, before the task is there.
  std::atomic<std::uint64_t> to_move;
  std::atomic<std::uint64_t> started_wall_ns;
  std::atomic<std::uint64_t> per_second;      ///< 0: as fast as possible
  std::atomic<std::uint64_t> end_ring;        ///< number of the newest ring at the start
  std::atomic<std::uint64_t> end_position;    ///< what came later, in that ring, is not moved
  std::atomic<std::uint64_t> destination_id;  ///< of a queue; 0: each message to its own
  std::atomic<std::uint64_t> destination[kNameWords];
};

struct TaskTable {
  std::atomic<std::uint64_t> latest;  ///< LatestTask
  TaskRecord records[kTaskRecords];
};
static_assert(sizeof(TaskTable) <= base::kPageBytes);

}  // namespace ringpost::queue
