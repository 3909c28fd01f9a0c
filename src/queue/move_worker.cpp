#include "queue/move_worker.hpp"

#include <algorithm>

#include "group/pick.hpp"
#include "queue/envelope.hpp"

namespace ringpost::detail {

using queue::Counter;
using queue::Lane;
using queue::TaskPhase;
using queue::TaskRecord;
using queue::TaskState;

namespace {

constexpr std::uint64_t kNsPerSecond = 1'000'000'000;
constexpr std::uint64_t kLeaseNs = 30 * kNsPerSecond;   // of a worker that is stopped
constexpr std::uint64_t kCreditNs = kNsPerSecond / 10;  // for whoever comes only so often

/// The lap of the message in `slot` that a task may move now; 0: none.
std::uint64_t movable(const ring::RingView& view, std::uint32_t slot, std::uint64_t now_ns,
                      std::uint64_t retention_ns) noexcept {
  const ring::SlotHead& head = view.slot(slot);
  const std::uint64_t lap = head.publish.load(std::memory_order_acquire);  // [publish]
  if (lap == 0 || lap > ring::kLapMask) return 0;  // FIFO: or marks beside it
  const ring::Lengths lengths{head.lengths.load(std::memory_order_relaxed)};
  const std::uint64_t sent_ns = head.sent_ns.load(std::memory_order_relaxed);
  const std::uint64_t age_ns = now_ns - sent_ns;  // below zero: see is_over_age()
  const bool over_age = age_ns > retention_ns && static_cast<std::int64_t>(age_ns) > 0;
  if (!lengths.moved_in() || over_age) return 0;
  // One that was sent there, and recovered after the loss of shared memory, is not a dead letter.
  if (queue::read_envelope(view, slot).source == 0) return 0;
  return ring::is_visible(view, slot, lap, now_ns / ring::kDeadlineUnitNs) ? lap : 0;
}

/// This process has run out of something: a later try, or another process, may succeed.
bool is_passing(Errc code) noexcept { return code == Errc::kSystem || code == Errc::kNoSpace; }

/// Puts the task down also when an exception ends the work.
class Turn {
 public:
  Turn(TaskRecord& record, std::uint16_t me) noexcept : record_(record), me_(me) {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() { queue::put_down(record_, me_); }

 private:
  TaskRecord& record_;
  const std::uint16_t me_;
};

}  // namespace

void MoveWorker::survey(QueueCore& source, queue::TaskPlan& plan) {
  source.refresh_lanes();
  const std::uint64_t now_ns = source.time_.precise_ns();
  const std::uint64_t retention_ns =
      source.header().settings.retention_ns.load(std::memory_order_relaxed);  // a setting
  for (const auto& lane : source.lanes_) {
    const ring::RingView& view = lane->ring.view;
    const bool newest = lane == source.lanes_.back();
    for (std::uint32_t slot = 0; slot < view.slots(); ++slot) {
      if (movable(view, slot, now_ns, retention_ns) != 0) ++plan.to_move;
      const std::uint64_t lap = view.slot(slot).publish.load(std::memory_order_acquire);
      if (!newest || lap == 0 || lap > ring::kLapMask) continue;
      plan.end_position = std::max(plan.end_position, view.position_of(slot, lap) + 1);
    }
    plan.end_ring = lane->number();
  }
}

Errc MoveWorker::work(std::uint64_t messages_max, bool attending, Stretch& stretch) {
  stretch = {};
  if (const Errc code = source_->usable(); code != Errc::kOk) return code;
  TaskRecord* const record = queue::find_task(source_->mapping().tasks(), number_);
  if (record == nullptr) return Errc::kNoTask;
  const std::uint16_t me = source_->member_.me.index();
  if (!queue::take_up(*record, me)) {
    stretch.hindrance = Errc::kBusy;
    return Errc::kOk;
  }
  const Turn turn(*record, me);
  if (attending) {
    record->attended_ns.store(source_->time_.precise_ns(), std::memory_order_relaxed);
  }
  work_on(*record, messages_max, stretch);
  return Errc::kOk;
}

void MoveWorker::work_on(TaskRecord& record, std::uint64_t messages_max, Stretch& stretch) {
  while (may_go_on(record, stretch) && stretch.moved < messages_max) {
    if (next_ == pass_.size()) {
      if (next_pass(record)) continue;
      queue::end_task(record, number_, TaskPhase::kCompleted);
      continue;
    }
    Errc why = Errc::kOk;
    switch (move_next(record, why)) {
      case Outcome::kMoved:
        ++next_;
        ++moved_in_pass_;
        ++stretch.moved;
        pace(record);
        record.moved.fetch_add(1, std::memory_order_relaxed);  // for people
        break;
      case Outcome::kPassed:
        ++next_;
        break;
      case Outcome::kHindered:
        stretch.hindrance = why;
        return;
      case Outcome::kFailed:
        queue::end_task(record, number_, TaskPhase::kFailed, why);
        break;
    }
  }
}

/// The state, looked at before each message, and the rate: up to a tenth of a second's worth at
/// once.
bool MoveWorker::may_go_on(TaskRecord& record, Stretch& stretch) {
  const TaskState state{record.state.load(std::memory_order_acquire)};  // [task]
  if (state.number() == number_ && state.phase() == TaskPhase::kCancelling) {
    queue::end_task(record, number_, TaskPhase::kCancelled);
  }
  stretch.ended = state.number() != number_ || state.phase() != TaskPhase::kRunning;
  if (stretch.ended) return false;
  const std::uint64_t per_second = record.per_second.load(std::memory_order_relaxed);
  if (per_second == 0) return true;
  const std::uint64_t now_ns = source_->time_.precise_ns();
  const std::uint64_t next_ns = record.next_ns.load(std::memory_order_relaxed);
  if (next_ns <= now_ns) return true;
  stretch.wait_ns = std::min(next_ns - now_ns, kNsPerSecond);  // shared memory may say anything
  return false;
}

void MoveWorker::pace(TaskRecord& record) const noexcept {
  const std::uint64_t per_second = record.per_second.load(std::memory_order_relaxed);
  if (per_second == 0) return;
  const std::uint64_t now_ns = source_->time_.precise_ns();
  const std::uint64_t from = std::max(record.next_ns.load(std::memory_order_relaxed),
                                      now_ns > kCreditNs ? now_ns - kCreditNs : 0);
  record.next_ns.store(from + kNsPerSecond / per_second, std::memory_order_relaxed);
}

/// False: the last one moved none, or there is nothing for another.
bool MoveWorker::next_pass(const TaskRecord& record) {
  if (passed_ && moved_in_pass_ == 0) return false;
  passed_ = true;
  moved_in_pass_ = 0;
  next_ = 0;
  pass_.clear();
  source_->refresh_lanes();
  const std::uint64_t now_ns = source_->time_.precise_ns();
  const std::uint64_t retention_ns =
      source_->header().settings.retention_ns.load(std::memory_order_relaxed);  // a setting
  const std::uint64_t end_ring = record.end_ring.load(std::memory_order_relaxed);
  const std::uint64_t end_position = record.end_position.load(std::memory_order_relaxed);
  for (const auto& lane : source_->lanes_) {
    if (lane->number() > end_ring) break;
    if (lane->fifo != nullptr) {  // each is in its group
      lane->fifo->receiver.place_all(
          {now_ns / ring::kDeadlineUnitNs, 0},
          source_->header().settings.delay_ns.load(std::memory_order_relaxed));  // a setting
    }
    const ring::RingView& view = lane->ring.view;
    const auto first = static_cast<std::ptrdiff_t>(pass_.size());
    for (std::uint32_t slot = 0; slot < view.slots(); ++slot) {
      const std::uint64_t lap = movable(view, slot, now_ns, retention_ns);
      if (lap == 0) continue;
      const std::uint64_t position = view.position_of(slot, lap);
      if (lane->number() < end_ring || position < end_position) {
        pass_.push_back({lane->number(), position});
      }
    }
    std::sort(pass_.begin() + first, pass_.end(),
              [](const Waiting& a, const Waiting& b) { return a.position < b.position; });
  }
  return !pass_.empty();
}

MoveWorker::Outcome MoveWorker::move_next(const TaskRecord& record, Errc& why) {
  const Waiting& wanted = pass_[next_];
  Lane* const lane = source_->lane(wanted.ring);
  if (lane == nullptr) return Outcome::kPassed;  // the ring is gone, and all that was in it
  ring::Taken taken;
  if (!pick(*lane, wanted.position, taken)) {
    why = Errc::kHeld;
    const bool held = source_->member_.me.hazards().available() == 0;
    return held ? Outcome::kHindered : Outcome::kPassed;
  }
  Outcome outcome = Outcome::kFailed;
  QueueCore* const to = destination_of(record, lane->ring.view, taken.slot, why);
  if (to != nullptr) {
    outcome = move_picked(*lane, taken, *to, why);
  } else if (is_passing(why)) {
    outcome = Outcome::kHindered;
  }
  if (outcome != Outcome::kMoved) put_back(*lane, taken);
  return outcome;
}

bool MoveWorker::pick(Lane& lane, std::uint64_t position, ring::Taken& taken) {
  const ring::RingView& view = lane.ring.view;
  const std::uint32_t slot = view.slot_of(position);
  const std::uint64_t lap = view.lap_of(position);
  const std::uint64_t now_ns = source_->time_.precise_ns();
  const ring::LeaseTimes times{now_ns / ring::kDeadlineUnitNs,
                               ring::deadline_from_ns(now_ns + kLeaseNs)};
  shm::Participant& me = source_->member_.me;
  std::uint64_t expired = 0;
  const bool picked =
      lane.fifo != nullptr
          ? group::pick(lane.ring, lane.fifo->groups, slot, lap, times, me.index(), me.hazards(),
                        taken, expired)
          : ring::pick(lane.ring, slot, lap, times, me.index(), me.hazards(), taken, expired);
  source_->counters_.add(Counter::kExpired, expired);
  return picked;
}

void MoveWorker::put_back(Lane& lane, const ring::Taken& taken) {
  shm::Participant& me = source_->member_.me;
  const ring::Delivery delivery{taken.slot, taken.lap, taken.word.count()};
  me.hazards().clear(taken.hazard);
  if (lane.fifo != nullptr) {
    group::put_back(lane.ring, lane.fifo->groups, delivery, me.index());
  } else {
    ring::put_back(lane.ring, delivery, me.index());
  }
}

MoveWorker::Outcome MoveWorker::move_picked(Lane& lane, const ring::Taken& taken, QueueCore& to,
                                            Errc& why) {
  why = source_->move(lane, taken, to, false);
  switch (why) {
    case Errc::kOk:
      return Outcome::kMoved;
    case Errc::kFull:
    case Errc::kNoSpace:
    case Errc::kSystem:
      return Outcome::kHindered;
    default:  // somebody else has it by now, or its bytes make no sense: it stays where it is
      return Outcome::kPassed;
  }
}

/// Null: `why` is kDeleted, or why it cannot be opened.
QueueCore* MoveWorker::destination_of(const TaskRecord& record, const ring::RingView& view,
                                      std::uint32_t slot, Errc& why) {
  const std::uint64_t fixed = record.destination_id.load(std::memory_order_relaxed);
  const std::uint64_t wanted = fixed != 0 ? fixed : queue::read_envelope(view, slot).source;
  auto& known = targets_[wanted];
  if (known == nullptr || known->usable() != Errc::kOk) {
    known.reset();
    const std::string name =
        fixed != 0 ? queue::load_name(record.destination) : source_->queue_name_of(wanted);
    known = open(wanted, name, why);
  }
  return known.get();
}

std::unique_ptr<QueueCore> MoveWorker::open(std::uint64_t queue_id, const std::string& name,
                                            Errc& why) {
  const queue::Membership& member = source_->member_;
  why = Errc::kDeleted;
  const auto has_id = [queue_id](const queue::QueueMapping& queue) {
    return queue.queue_id() == queue_id || queue.lasting_id() == queue_id;
  };
  if (has_id(*source_->mapping_) || name == QueueCore::kDeletedQueue) return nullptr;
  auto mapping = member.queues.open(name);
  if (!mapping) {
    if (!(mapping.error() == Errc::kNotFound)) why = mapping.error().code;
    return nullptr;
  }
  if (!has_id(**mapping) || (*mapping)->header().state.load(std::memory_order_acquire) != 0) {
    return nullptr;
  }
  why = Errc::kInvalidArgument;
  if ((*mapping)->kind() != source_->mapping_->kind()) return nullptr;
  auto core = QueueCore::open(member, std::move(*mapping));
  if (!core) {
    why = core.error().code;
    return nullptr;
  }
  why = Errc::kOk;
  return std::move(*core);
}

}  // namespace ringpost::detail
