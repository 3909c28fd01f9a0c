// Message move tasks on the rig's machine: the shipped table, and work as MoveWorker does it.
#include "rig/move_world.hpp"
#include "rig/runtime.hpp"
#include "ring/pick.hpp"

namespace ringpost::rig {

using queue::TaskPhase;
using queue::TaskState;

void MoveWorld::start_task(int me) {
  std::uint64_t number = 0;
  static_cast<void>(queue::start_task(shared.tasks, {.to_move = 1}, static_cast<std::uint16_t>(me),
                                      shm::TaskHint(shared.hint), number));
}

/// As MoveWorker::work.
void MoveWorld::work(int me) {
  queue::TaskRecord* const record = queue::active_task(shared.tasks);
  if (record == nullptr) return;
  const std::uint64_t number = TaskState{record->state.load()}.number();
  const auto index = static_cast<std::uint16_t>(me);
  if (!queue::take_up(*record, index)) return;
  work_at(*record, number, me);
  queue::put_down(*record, index);
}

void MoveWorld::work_at(queue::TaskRecord& record, std::uint64_t number, int me) {
  const auto is = [&](TaskPhase phase) {
    return record.state.load(std::memory_order_acquire) == TaskState::of(number, phase).word;
  };
  for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
    if (is(TaskPhase::kCancelling)) queue::end_task(record, number, TaskPhase::kCancelled);
    if (!is(TaskPhase::kRunning)) return;
    ring::Taken taken;
    if (!pick_slot(me, slot, taken)) continue;
    if (move_taken(me, taken)) {
      const TaskState after{record.state.load(std::memory_order_acquire)};
      if (after.number() != number || !after.active()) ledger.broken("moved after the task's end");
      record.moved.fetch_add(1, std::memory_order_relaxed);
      continue;
    }
    of(me).hazards.clear(taken.hazard);
    const ring::Delivery delivery{taken.slot, taken.lap, taken.word.count()};
    if (ring::put_back(ends(me, 0).ring, delivery, static_cast<std::uint16_t>(me))) return;  // full
  }
  queue::end_task(record, number, TaskPhase::kCompleted);
}

/// The message in that slot, if it is visible and came through redrive.
bool MoveWorld::pick_slot(int me, std::uint32_t slot, ring::Taken& taken) {
  const ring::RingView& view = views[0];
  const std::uint64_t now = shared.clock.load(std::memory_order_relaxed);
  const std::uint64_t lap = view.slot(slot).publish.load(std::memory_order_acquire);
  if (lap == 0) return false;
  const ring::Lengths lengths{view.slot(slot).lengths.load(std::memory_order_relaxed)};
  if (lengths.body() >= MoveStage::kSentThere) return false;
  std::uint64_t expired = 0;
  return ring::pick(ends(me, 0).ring, slot, lap, {now, now + kVisibility},
                    static_cast<std::uint16_t>(me), of(me).hazards, taken, expired);
}

void MoveWorld::pick(int me, int id) {
  const std::uint32_t began = ledger.begin_receive();
  for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
    ring::Taken taken;
    const ring::Lengths lengths{views[0].slot(slot).lengths.load(std::memory_order_relaxed)};
    if (static_cast<int>(lengths.body()) != id || !pick_slot(me, slot, taken)) continue;
    bool intact = false;
    const int found = read(0, slot, intact);
    ledger.received(me, found, intact, began);
    of(me).held = {0, {taken.slot, taken.lap, taken.word.count()}, taken.hazard, id, false, true};
    of(me).hazards.clear(taken.hazard);
    return;
  }
}

/// As Member::carry_on_tasks.
void MoveWorld::look_for_tasks(int me) {
  const shm::TaskHint hint(shared.hint);
  const std::uint64_t seen = hint.look();
  if (!shm::TaskHint::is_raised(seen)) return;
  work(me);
  if (!queue::may_have_task(shared.tasks)) hint.clear(seen);
}

void MoveWorld::cancel_task() {
  queue::TaskRecord* const record = queue::active_task(shared.tasks);
  if (record == nullptr) return;
  queue::cancel_task(*record, TaskState{record->state.load()}.number());
}

/// A task that has begun is looked for, gets to its end, and leaves nothing that it should move.
void MoveWorld::judge_tasks(const std::function<void()>& make_room) {
  const auto number_of_active = [&] {
    std::uint64_t number = 0;
    for (const queue::TaskRecord& record : shared.tasks.records) {
      const TaskState state{record.state.load()};
      if (!state.active()) continue;
      if (number != 0) ledger.broken("two tasks run at a time");
      number = state.number();
    }
    return number;
  };
  const queue::TaskRecord* const active = queue::active_task(shared.tasks);
  static_cast<void>(number_of_active());
  const bool completes =
      active != nullptr && TaskState{active->state.load()}.phase() == TaskPhase::kRunning;
  for (int i = 0; i < 2; ++i) {
    look_for_tasks(kJudge);
    make_room();
  }
  if (number_of_active() != 0) ledger.broken("a task runs for ever");
  const queue::LatestTask latest{shared.tasks.latest.load()};
  if (latest.number() != 0 && !TaskState{shared.tasks.records[latest.record()].state}.begun()) {
    ledger.broken("a task that is there never runs");
  }
  look_for_tasks(kJudge);
  if (shm::TaskHint::is_raised(shared.hint.load())) ledger.broken("tasks are looked for for ever");
  for (const queue::TaskRecord& record : shared.tasks.records) {
    if (record.owner.load() != 0) ledger.broken("a record of a task is somebody's for ever");
    if (record.worker.load() != 0) ledger.broken("somebody works at a task for ever");
  }
  for (std::uint32_t slot = 0; completes && slot < kSlots; ++slot) {
    ring::Taken taken;
    if (pick_slot(kJudge, slot, taken)) ledger.broken("a completed task has left a message");
  }
}

}  // namespace ringpost::rig
