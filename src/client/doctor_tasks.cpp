#include "client/doctor.hpp"
#include "queue/setting_change.hpp"
#include "queue/task_table.hpp"

namespace ringpost::client {

using queue::TaskPhase;

/// The dead-letter queue that is named is there. Not while a change is being carried out: reading
/// all settings would carry it out.
void Doctor::examine_redrive(queue::QueueMapping& mapping, const std::string& object) {
  queue::QueueHeader& header = mapping.header();
  if (queue::SettingsChange{header.settings_change.load(std::memory_order_acquire)}.pending()) {
    return;
  }
  const std::string name = queue::dead_letter_queue_of(header);
  if (name.empty()) return;
  const auto dead_letters = member_.context().queues.open(name);
  const bool missing = !dead_letters ? dead_letters.error() == Errc::kNotFound
                                     : (*dead_letters)->header().state.load() != 0;
  if (!missing) return;
  add(object,
      "its dead-letter queue \"" + name + "\" does not exist: what was received too often stays",
      "create it (ringpost queue create " + name +
          "), or name another one, or none (ringpost queue "
          "set " +
          mapping.name() + " --dead-letter-queue \"\")");
}

/// 0 is nobody.
Verdict Doctor::judge_participant_of_task(std::uint64_t index, const char* doing) const {
  if (index == 0) return {};
  const std::string who = "participant " + std::to_string(index);
  const bool possible = index <= shm::kParticipantsMax;
  switch (possible ? roll_.standing(static_cast<std::uint32_t>(index)) : Roll::Standing::kNobody) {
    case Roll::Standing::kAlive:
      return {};
    case Roll::Standing::kDead:
      return Complaint{who + ", who is dead, is " + doing + " a message move task", {}};
    case Roll::Standing::kNobody:
      break;
  }
  return Complaint{who + ", whom nobody knows, is " + doing + " a message move task", kDeleteQueue};
}

void Doctor::examine_tasks(queue::QueueMapping& mapping, const std::string& object) {
  queue::TaskTable& table = mapping.tasks();
  const auto judge = [&](std::uint32_t index) -> Verdict {
    const queue::TaskRecord& record = table.records[index];
    const queue::LatestTask latest{table.latest.load(std::memory_order_acquire)};
    const queue::TaskState state{record.state.load(std::memory_order_acquire)};
    if (auto wrong = judge_participant_of_task(record.owner.load(), "preparing")) return wrong;
    if (auto wrong = judge_participant_of_task(record.worker.load(), "at work at")) return wrong;
    const bool is_latest = latest.number() != 0 && latest.record() == index;
    if (state.phase() > TaskPhase::kFailed || (is_latest && state.number() != latest.number()) ||
        (is_latest && state.phase() == TaskPhase::kNone)) {
      return Complaint{"its state makes no sense", kDeleteQueue};
    }
    if (state.active() && !is_latest) {
      return Complaint{"it runs, but another task has begun since", kDeleteQueue};
    }
    return {};
  };
  std::vector<std::uint32_t> suspects;
  for (std::uint32_t i = 0; i < queue::kTaskRecords; ++i) {
    if (judge(i)) suspects.push_back(i);
  }
  look_again(suspects, judge);
  report(
      object, suspects,
      [&](std::uint32_t index) { return object + ", task record " + std::to_string(index); },
      judge);
}

}  // namespace ringpost::client
