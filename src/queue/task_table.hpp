// Message move tasks of one queue: starting, working at, ending and listing them.
//
//   1  take a free record, write the task into it, preparing     nobody sees it
//   2  raise the hint of the bus                                 others look for tasks
//   3  CAS TaskTable::latest → {n + 1, record}                   the task is there
//   4  CAS its state: preparing → running                        anybody
//   5  CAS worker: nobody → me, move messages, me → nobody       one at a time, again and again
//   6  CAS its state: running → completed, …                     by the worker alone
//
// A task is active from 3 to 6, and only one is: step 3 is a CAS from the task before, looked at
// when it had ended. Who works is nobody's affair: whoever sees that nobody does takes it up.
//
// Crash  before 3: nothing; the sweeper frees the record, the next look clears the hint. In 5: the
//        sweeper puts the task down. A worker that is stopped holds up its own task, no other.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "queue/task_layout.hpp"
#include "ringpost/errc.hpp"
#include "shm/task_hint.hpp"

namespace ringpost::queue {

/// What a task is to do, fixed when it starts.
struct TaskPlan {
  std::uint64_t to_move = 0;
  std::uint64_t now_ns = 0;
  std::uint64_t started_wall_ns = 0;
  std::uint64_t per_second = 0;
  std::uint64_t end_ring = 0;
  std::uint64_t end_position = 0;
  std::uint64_t destination_id = 0;
  std::string destination{};
};

/// A task as it stood when it was read.
struct TaskSnapshot {
  TaskState state;
  TaskPlan plan;  ///< but for now_ns
  std::uint64_t moved = 0;
};

/// By participant `me`; `number` is the new task's. kTaskRunning: one is active. kBusy: others
/// prepare tasks in every free record.
[[nodiscard]] Errc start_task(TaskTable& table, const TaskPlan& plan, std::uint16_t me,
                              const shm::TaskHint& hint, std::uint64_t& number);

/// The record of a task that is kept. Null: none of that number.
[[nodiscard]] TaskRecord* find_task(TaskTable& table, std::uint64_t number) noexcept;

/// The task that is active. Null: none is.
[[nodiscard]] TaskRecord* active_task(TaskTable& table) noexcept;

/// False: then no task is active and none is about to be, since before the hint was looked at.
[[nodiscard]] bool may_have_task(TaskTable& table) noexcept;

/// The right to work at the task. False: somebody else has it.
[[nodiscard]] bool take_up(TaskRecord& record, std::uint16_t me) noexcept;
void put_down(TaskRecord& record, std::uint16_t me) noexcept;

/// By its worker. One that is being cancelled ends as cancelled, whatever `phase` says.
void end_task(TaskRecord& record, std::uint64_t number, TaskPhase phase,
              Errc failure = Errc::kOk) noexcept;

/// running → cancelling. False: it was not running.
bool cancel_task(TaskRecord& record, std::uint64_t number) noexcept;

/// Nothing: another task has its record by now.
[[nodiscard]] std::optional<TaskSnapshot> read_task(TaskTable& table, std::uint64_t number);
/// Numbers of the tasks that are kept, newest first.
[[nodiscard]] std::vector<std::uint64_t> kept_tasks(TaskTable& table);

/// Of a dead participant, after its leases were returned.
void sweep_tasks(TaskTable& table, std::uint16_t dead) noexcept;

}  // namespace ringpost::queue
