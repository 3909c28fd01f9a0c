#include "queue/task_table.hpp"

namespace ringpost::queue {
namespace {

/// [task] acquire: the record that it names is complete.
LatestTask latest_of(const TaskTable& table) noexcept {
  return {table.latest.load(std::memory_order_acquire)};
}
/// [task] acquire: what its last mover did before.
TaskState state_of(const TaskRecord& record) noexcept {
  return {record.state.load(std::memory_order_acquire)};
}
bool move_state(TaskRecord& record, TaskState from, TaskState to) noexcept {
  return record.state.compare_exchange_strong(from.word, to.word, std::memory_order_acq_rel);
}

/// Step 4 for whoever comes by. The state of a task that has begun is never `preparing` again.
LatestTask confirm_latest(TaskTable& table) noexcept {
  const LatestTask latest = latest_of(table);
  if (latest.number() != 0) {
    move_state(table.records[latest.record()],
               TaskState::of(latest.number(), TaskPhase::kPreparing),
               TaskState::of(latest.number(), TaskPhase::kRunning));
  }
  return latest;
}

/// Whether a new task may have the record: of tasks that are not kept any more, or of none.
bool is_free(TaskTable& table, std::uint32_t index) noexcept {
  const LatestTask latest = latest_of(table);
  if (latest.number() != 0 && latest.record() == index) return false;
  const TaskState state = state_of(table.records[index]);
  return !state.begun() || state.number() + kTasksKept <= latest.number() + 1;
}

TaskRecord* take_record(TaskTable& table, std::uint16_t me) noexcept {
  for (std::uint32_t i = 0; i < kTaskRecords; ++i) {
    TaskRecord& record = table.records[i];
    std::uint64_t nobody = 0;
    if (!is_free(table, i)) continue;
    if (!record.owner.compare_exchange_strong(nobody, me, std::memory_order_acq_rel)) continue;
    // Only now: before, its last owner may have started a task in it. While it is mine nobody can.
    if (is_free(table, i)) return &record;
    record.owner.store(0, std::memory_order_release);
  }
  return nullptr;
}

void prepare(TaskRecord& record, const TaskPlan& plan, std::uint64_t number) noexcept {
  // The state first: whoever is reading the task that was here sees that it has gone.
  record.state.exchange(TaskState::of(number, TaskPhase::kPreparing).word,
                        std::memory_order_acq_rel);
  const auto set = [](std::atomic<std::uint64_t>& word, std::uint64_t value) {
    word.store(value, std::memory_order_relaxed);  // relaxed: `latest` carries them
  };
  set(record.worker, 0);
  set(record.moved, 0);
  set(record.next_ns, plan.now_ns);
  set(record.attended_ns, plan.now_ns);
  set(record.to_move, plan.to_move);
  set(record.started_wall_ns, plan.started_wall_ns);
  set(record.per_second, plan.per_second);
  set(record.end_ring, plan.end_ring);
  set(record.end_position, plan.end_position);
  set(record.destination_id, plan.destination_id);
  store_name(record.destination, plan.destination);
}

}  // namespace

Errc start_task(TaskTable& table, const TaskPlan& plan, std::uint16_t me, const shm::TaskHint& hint,
                std::uint64_t& number) {
  TaskRecord* const record = take_record(table, me);
  if (record == nullptr) return active_task(table) != nullptr ? Errc::kTaskRunning : Errc::kBusy;
  const auto index = static_cast<std::uint32_t>(record - table.records);
  for (;;) {
    const LatestTask before = confirm_latest(table);
    if (before.number() != 0) {
      const TaskState state = state_of(table.records[before.record()]);
      if (latest_of(table).word != before.word) continue;  // another one by now
      if (state.active()) {
        record->owner.store(0, std::memory_order_release);
        return Errc::kTaskRunning;
      }
    }
    number = before.number() + 1;
    prepare(*record, plan, number);
    hint.raise();
    std::uint64_t seen = before.word;
    // [task] The task is there. From the value read: the task before it has ended.
    if (table.latest.compare_exchange_strong(seen, LatestTask::of(number, index).word,
                                             std::memory_order_acq_rel)) {
      break;
    }
  }
  confirm_latest(table);
  record->owner.store(0, std::memory_order_release);
  return Errc::kOk;
}

TaskRecord* find_task(TaskTable& table, std::uint64_t number) noexcept {
  const LatestTask latest = confirm_latest(table);
  if (number == 0 || number > latest.number() || number + kTasksKept <= latest.number()) {
    return nullptr;
  }
  for (TaskRecord& record : table.records) {
    const TaskState state = state_of(record);
    if (state.begun() && state.number() == number) return &record;
  }
  return nullptr;
}

TaskRecord* active_task(TaskTable& table) noexcept {
  const LatestTask latest = confirm_latest(table);
  if (latest.number() == 0) return nullptr;
  TaskRecord& record = table.records[latest.record()];
  const TaskState state = state_of(record);
  return state.active() && state.number() == latest.number() ? &record : nullptr;
}

bool may_have_task(TaskTable& table) noexcept {
  for (const TaskRecord& record : table.records) {
    if (record.owner.load(std::memory_order_acquire) != 0) return true;
  }
  return active_task(table) != nullptr;  // after the owners: each leaves when its task is there
}

bool take_up(TaskRecord& record, std::uint16_t me) noexcept {
  std::uint64_t nobody = 0;
  // [task] acq_rel: what the last worker did is done.
  return record.worker.compare_exchange_strong(nobody, me, std::memory_order_acq_rel);
}

void put_down(TaskRecord& record, std::uint16_t me) noexcept {
  std::uint64_t mine = me;
  record.worker.compare_exchange_strong(mine, 0, std::memory_order_acq_rel);
}

void end_task(TaskRecord& record, std::uint64_t number, TaskPhase phase, Errc failure) noexcept {
  for (;;) {
    const TaskState state = state_of(record);
    if (state.number() != number || !state.active()) return;
    const bool cancelling = state.phase() == TaskPhase::kCancelling;
    const TaskState end = cancelling
                              ? TaskState::of(number, TaskPhase::kCancelled)
                              : TaskState::of(number, phase, static_cast<std::uint8_t>(failure));
    if (move_state(record, state, end)) return;
  }
}

bool cancel_task(TaskRecord& record, std::uint64_t number) noexcept {
  return move_state(record, TaskState::of(number, TaskPhase::kRunning),
                    TaskState::of(number, TaskPhase::kCancelling));
}

std::optional<TaskSnapshot> read_task(TaskTable& table, std::uint64_t number) {
  const TaskRecord* const record = find_task(table, number);
  if (record == nullptr) return std::nullopt;
  const auto get = [](const std::atomic<std::uint64_t>& word) {
    return word.load(std::memory_order_relaxed);
  };
  TaskSnapshot found;
  found.state = state_of(*record);
  found.moved = get(record->moved);
  found.plan.to_move = get(record->to_move);
  found.plan.started_wall_ns = get(record->started_wall_ns);
  found.plan.per_second = get(record->per_second);
  found.plan.end_ring = get(record->end_ring);
  found.plan.end_position = get(record->end_position);
  found.plan.destination_id = get(record->destination_id);
  found.plan.destination = load_name(record->destination);
  std::atomic_thread_fence(std::memory_order_acquire);  // the copy before the second look
  const TaskState after = state_of(*record);
  if (found.state.number() != number || after.number() != number || !after.begun()) {
    return std::nullopt;
  }
  return found;
}

std::vector<std::uint64_t> kept_tasks(TaskTable& table) {
  std::vector<std::uint64_t> numbers;
  std::uint64_t number = confirm_latest(table).number();
  for (std::uint32_t i = 0; i < kTasksKept && number != 0; ++i, --number) {
    numbers.push_back(number);
  }
  return numbers;
}

void sweep_tasks(TaskTable& table, std::uint16_t dead) noexcept {
  confirm_latest(table);
  for (TaskRecord& record : table.records) {
    put_down(record, dead);
    std::uint64_t owner = dead;
    record.owner.compare_exchange_strong(owner, 0, std::memory_order_acq_rel);
  }
}

}  // namespace ringpost::queue
