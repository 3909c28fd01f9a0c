// Working at a message move task: out of a dead-letter queue, back to where its messages came from
// or to one other queue.
//
// One pass after the other through the source's rings: notes which messages came through redrive,
// were there when the task started, and are visible, from the oldest on; then picks and moves one
// by one. A pass that moved none was the last. What others have in flight is left alone, and so is
// what was sent to the source: it is never leased, so it stays visible and is not counted.
// In a FIFO queue either of these holds back what is behind it in its group.
//
// Threads   one at a time, the thread of the participant.
// Crash     a message is moved or still there, see ring/move.hpp; one that was moved may be missing
//           in the count. The sweeper puts the task down; whoever looks for tasks takes it up.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "queue/queue_core.hpp"
#include "queue/task_table.hpp"

namespace ringpost::detail {

class MoveWorker {
 public:
  /// What one stretch of work came to.
  struct Stretch {
    std::uint64_t moved = 0;
    std::uint64_t wait_ns = 0;   ///< until the rate lets the next message through
    Errc hindrance = Errc::kOk;  ///< why not now: kBusy (another one is at work), kFull, …
    bool ended = false;
  };

  MoveWorker(std::unique_ptr<QueueCore> source, std::uint64_t number) noexcept
      : source_(std::move(source)), number_(number) {}

  /// What there is to move now, for a task that starts now.
  static void survey(QueueCore& source, queue::TaskPlan& plan);

  /// Moves up to `messages_max`. `attending`: for whoever started the task, so that others leave it
  /// to him. Errors: kDeleted (the source), kNoTask (it is not kept any more), kForked.
  Errc work(std::uint64_t messages_max, bool attending, Stretch& stretch);

  [[nodiscard]] QueueCore& source() noexcept { return *source_; }
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }

 private:
  enum class Outcome : std::uint8_t { kMoved, kPassed, kHindered, kFailed };
  struct Waiting {
    std::uint64_t ring = 0;
    std::uint64_t position = 0;
  };

  void work_on(queue::TaskRecord& record, std::uint64_t messages_max, Stretch& stretch);
  bool may_go_on(queue::TaskRecord& record, Stretch& stretch);
  bool next_pass(const queue::TaskRecord& record);
  Outcome move_next(const queue::TaskRecord& record, Errc& why);
  Outcome move_picked(queue::Lane& lane, const ring::Taken& taken, QueueCore& to, Errc& why);
  bool pick(queue::Lane& lane, std::uint64_t position, ring::Taken& taken);
  void put_back(queue::Lane& lane, const ring::Taken& taken);
  QueueCore* destination_of(const queue::TaskRecord& record, const ring::RingView& view,
                            std::uint32_t slot, Errc& why);
  std::unique_ptr<QueueCore> open(std::uint64_t queue_id, const std::string& name, Errc& why);
  void pace(queue::TaskRecord& record) const noexcept;

  std::unique_ptr<QueueCore> source_;
  const std::uint64_t number_;
  std::vector<Waiting> pass_;  ///< oldest first
  std::size_t next_ = 0;
  std::uint64_t moved_in_pass_ = 0;
  bool passed_ = false;                                                    ///< one pass has begun
  std::unordered_map<std::uint64_t, std::unique_ptr<QueueCore>> targets_;  ///< by queue id
};

}  // namespace ringpost::detail
