// Message move tasks: starting, running, listing and cancelling them, and carrying on those that
// nobody attends to.
#include "ringpost/move_task.hpp"

#include <algorithm>
#include <thread>

#include "client/durable_queues.hpp"
#include "client/member.hpp"
#include "queue/move_worker.hpp"
#include "queue/setting_change.hpp"
#include "shm/task_hint.hpp"
#include "sys/error.hpp"

namespace ringpost {

using queue::TaskPhase;

namespace {

using Mapping = std::shared_ptr<queue::QueueMapping>;

constexpr std::uint32_t kPerSecondMax = 500;
constexpr Duration kTryAgain = 100ms;

std::string quoted(const char* what, std::string_view name) {
  return std::string(what) + " \"" + std::string(name) + "\"";
}

Result<void> check(const client::Member& member) {
  if (!member.me().is_forked()) return {};
  return sys::error(Errc::kForked, "bus", message(Errc::kForked));
}

/// kNotFound also for one that is deleted by half.
Result<Mapping> open_existing(client::Member& member, const char* what, std::string_view name) {
  auto missing = [&] {
    return sys::error(Errc::kNotFound, quoted(what, name), "does not exist: list those there are");
  };
  if (auto usable = check(member); !usable) return Unexpected(usable.error());
  if (!shm::is_valid_name(name)) return missing();
  member.bring_back(std::string(name));
  auto mapping = member.context().queues.open(std::string(name));
  if (!mapping && mapping.error() == Errc::kNotFound) return missing();
  if (mapping && (*mapping)->header().state.load(std::memory_order_acquire) != 0) return missing();
  return mapping;
}

/// Every queue of the bus that can be opened. `all`: false if there may be others.
std::vector<Mapping> open_all(client::Member& member, bool& all) {
  std::vector<Mapping> found;
  const bool here = client::recover_all(member);
  const auto names = sys::names_in(member.files().queues());
  all = here && names.has_value();
  for (const std::string& name : names ? *names : std::vector<std::string>()) {
    auto mapping = member.context().queues.open(name);
    if (!mapping) {
      all = all && mapping.error() == Errc::kNotFound;
    } else if ((*mapping)->header().state.load(std::memory_order_acquire) == 0) {
      found.push_back(std::move(*mapping));
    }
  }
  return found;
}

std::vector<std::string> sources_of(client::Member& member, std::string_view dead_letter_queue) {
  bool all = false;
  std::vector<std::string> sources;
  for (const Mapping& each : open_all(member, all)) {
    if (queue::dead_letter_queue_of(each->header()) == dead_letter_queue) {
      sources.push_back(each->name());
    }
  }
  std::sort(sources.begin(), sources.end());
  return sources;
}

/// What the caller has given, and where it leads.
Result<void> fill_plan(client::Member& member, const Mapping& source, const MoveOptions& options,
                       queue::TaskPlan& plan) {
  if (options.per_second && (*options.per_second == 0 || *options.per_second > kPerSecondMax)) {
    return sys::error(Errc::kInvalidArgument, "per_second", "must be 1 to 500");
  }
  plan.per_second = options.per_second.value_or(0);
  if (!options.destination.empty()) {
    auto to = open_existing(member, "destination queue", options.destination);
    if (!to) return Unexpected(to.error());
    const std::string object = quoted("destination queue", options.destination);
    if ((*to)->queue_id() == source->queue_id()) {
      return sys::error(Errc::kInvalidArgument, object, "is the source itself: name another one");
    }
    if ((*to)->kind() != source->kind()) {
      return sys::error(Errc::kInvalidArgument, object,
                        "is of another kind than the source: name one of the same kind");
    }
    plan.destination_id = (*to)->queue_id();
    plan.destination = options.destination;
  }
  if (sources_of(member, source->name()).empty()) {
    return sys::error(Errc::kNotDeadLetterQueue, quoted("queue", source->name()),
                      message(Errc::kNotDeadLetterQueue));
  }
  return {};
}

std::string reason_of(const queue::TaskSnapshot& found) {
  const auto code = static_cast<Errc>(found.state.failure());
  if (found.state.phase() != TaskPhase::kFailed) return {};
  if (code != Errc::kDeleted) return message(code);
  if (!found.plan.destination.empty()) {
    return quoted("destination queue", found.plan.destination) +
           " was deleted: start again with another one";
  }
  return "the queue that a message came from was deleted: start again with a destination";
}

TaskStatus status_of(TaskPhase phase) noexcept {
  switch (phase) {
    case TaskPhase::kCancelling:
      return TaskStatus::kCancelling;
    case TaskPhase::kCancelled:
      return TaskStatus::kCancelled;
    case TaskPhase::kCompleted:
      return TaskStatus::kCompleted;
    case TaskPhase::kFailed:
      return TaskStatus::kFailed;
    case TaskPhase::kNone:
    case TaskPhase::kPreparing:
    case TaskPhase::kRunning:
      break;
  }
  return TaskStatus::kRunning;
}

std::optional<MoveTask> describe(queue::QueueMapping& source, std::uint64_t number) {
  const auto found = queue::read_task(source.tasks(), number);
  if (!found) return std::nullopt;
  MoveTask task;
  task.id = {source.queue_id(), number};
  task.status = status_of(found->state.phase());
  task.source = source.name();
  task.destination = found->plan.destination;
  if (found->plan.per_second != 0) {
    task.per_second = static_cast<std::uint32_t>(found->plan.per_second);
  }
  task.to_move = found->plan.to_move;
  task.moved = found->moved;
  task.started = WallTime(std::chrono::duration_cast<WallTime::duration>(
      Duration(static_cast<std::int64_t>(found->plan.started_wall_ns))));
  task.failure_reason = reason_of(*found);
  if (task.status == TaskStatus::kFailed) task.failure = static_cast<Errc>(found->state.failure());
  return task;
}

Unexpected<Error> no_task(const TaskId& id) {
  return sys::error(Errc::kNoTask, "task " + id.to_string(), message(Errc::kNoTask));
}

/// Ends it at once if nobody is at work just now.
Result<std::uint64_t> cancel_task(client::Member& member, queue::QueueMapping& source,
                                  const TaskId& id) {
  queue::TaskRecord* const record = queue::find_task(source.tasks(), id.number);
  if (record == nullptr) return no_task(id);
  if (!queue::cancel_task(*record, id.number)) {
    const auto task = describe(source, id.number);
    return sys::error(Errc::kNoTask, "task " + id.to_string(),
                      std::string("is not running: ") +
                          (task ? name(task->status) : "others have started since"));
  }
  const std::uint16_t me = member.me().index();
  if (queue::take_up(*record, me)) {
    queue::end_task(*record, id.number, TaskPhase::kCancelled);
    queue::put_down(*record, me);
  }
  return record->moved.load(std::memory_order_relaxed);
}

}  // namespace

std::string TaskId::to_string() const { return MessageId{queue, number}.to_string(); }

std::optional<TaskId> TaskId::parse(std::string_view text) noexcept {
  const auto parts = MessageId::parse(text);
  if (!parts) return std::nullopt;
  return TaskId{parts->ring, parts->position};
}

const char* name(TaskStatus status) noexcept {
  switch (status) {
    case TaskStatus::kRunning:
      return "RUNNING";
    case TaskStatus::kCancelling:
      return "CANCELLING";
    case TaskStatus::kCancelled:
      return "CANCELLED";
    case TaskStatus::kCompleted:
      return "COMPLETED";
    case TaskStatus::kFailed:
      return "FAILED";
  }
  return "";
}

struct MoveRunner::Impl {
  std::shared_ptr<client::Member> member;
  detail::MoveWorker worker;

  [[nodiscard]] queue::QueueMapping& source() { return worker.source().mapping(); }
  [[nodiscard]] TaskId id() { return {source().queue_id(), worker.number()}; }
};

MoveRunner::MoveRunner(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
MoveRunner::MoveRunner(MoveRunner&&) noexcept = default;
MoveRunner& MoveRunner::operator=(MoveRunner&&) noexcept = default;
MoveRunner::~MoveRunner() = default;

TaskId MoveRunner::id() const noexcept { return impl_->id(); }

Result<MoveRunner::Step> MoveRunner::step(std::uint64_t messages_max) {
  detail::MoveWorker::Stretch stretch;
  if (const Errc code = impl_->worker.work(messages_max, true, stretch); code != Errc::kOk) {
    return sys::error(code, quoted("queue", impl_->source().name()), message(code));
  }
  Step step{stretch.moved, stretch.ended, Duration(static_cast<std::int64_t>(stretch.wait_ns)),
            stretch.hindrance};
  if (step.hindrance != Errc::kOk) {
    step.wait = kTryAgain;
    impl_->member->clear_up();  // the dead may hold the task, or slots of the destination
  }
  return step;
}

Result<MoveTask> MoveRunner::run() {
  for (;;) {
    const auto done = step();
    if (!done) return Unexpected(done.error());
    if (done->ended) return info();
    if (done->wait > Duration::zero()) std::this_thread::sleep_for(std::min(done->wait, kTryAgain));
  }
}

Result<MoveTask> MoveRunner::info() const {
  auto task = describe(impl_->source(), impl_->worker.number());
  if (!task) return no_task(impl_->id());
  return std::move(*task);
}

Result<std::uint64_t> MoveRunner::cancel() {
  if (auto usable = check(*impl_->member); !usable) return Unexpected(usable.error());
  return cancel_task(*impl_->member, impl_->source(), impl_->id());
}

Result<std::vector<std::string>> Bus::dead_letter_sources(std::string_view name) const {
  auto mapping = open_existing(*impl_->member, "queue", name);
  if (!mapping) return Unexpected(mapping.error());
  return sources_of(*impl_->member, name);
}

Result<MoveRunner> Bus::start_move(std::string_view source, const MoveOptions& options) {
  client::Member& member = *impl_->member;
  auto mapping = open_existing(member, "queue", source);
  if (!mapping) return Unexpected(mapping.error());
  queue::TaskPlan plan;
  if (auto done = fill_plan(member, *mapping, options, plan); !done) {
    return Unexpected(done.error());
  }
  auto core = detail::QueueCore::open(member.membership(), *mapping);
  if (!core) return Unexpected(core.error());
  const base::TimeSource& time = member.files().time();
  plan.now_ns = time.precise_ns();
  plan.started_wall_ns = time.wall_ns();
  detail::MoveWorker::survey(**core, plan);
  std::uint64_t number = 0;
  const shm::TaskHint hint(member.files().header().tasks);
  const Errc code = queue::start_task((*mapping)->tasks(), plan, member.me().index(), hint, number);
  if (code == Errc::kBusy) {
    return sys::error(code, quoted("queue", source), "others start tasks and do not get on");
  }
  if (code != Errc::kOk) return sys::error(code, quoted("queue", source), message(code));
  return MoveRunner(std::unique_ptr<MoveRunner::Impl>(
      new MoveRunner::Impl{impl_->member, {std::move(*core), number}}));
}

Result<std::vector<MoveTask>> Bus::move_tasks(std::string_view source) const {
  auto mapping = open_existing(*impl_->member, "queue", source);
  if (!mapping) return Unexpected(mapping.error());
  std::vector<MoveTask> tasks;
  for (const std::uint64_t number : queue::kept_tasks((*mapping)->tasks())) {
    if (auto task = describe(**mapping, number)) tasks.push_back(std::move(*task));
  }
  return tasks;
}

Result<std::uint64_t> Bus::cancel_move(const TaskId& id) {
  if (auto usable = check(*impl_->member); !usable) return Unexpected(usable.error());
  bool all = false;
  for (const Mapping& each : open_all(*impl_->member, all)) {
    if (each->queue_id() == id.queue) return cancel_task(*impl_->member, *each, id);
  }
  return no_task(id);
}

}  // namespace ringpost

namespace ringpost::client {
namespace {

constexpr std::uint64_t kUnattendedNs = 1'000'000'000;  // then others take it up
constexpr std::uint64_t kRelievedMessages = 1'000;      // in passing, at a time

/// Whether somebody else may work at the task now without being in its starter's way.
bool is_unattended(const queue::TaskRecord& record, std::uint64_t now_ns) noexcept {
  const std::uint64_t attended_ns = record.attended_ns.load(std::memory_order_relaxed);
  return record.worker.load(std::memory_order_relaxed) == 0 && now_ns > attended_ns &&
         now_ns - attended_ns >= kUnattendedNs &&
         record.next_ns.load(std::memory_order_relaxed) <= now_ns;
}

}  // namespace

std::uint64_t Member::carry_on_tasks() {
  const shm::TaskHint hint(files().header().tasks);
  const std::uint64_t seen = hint.look();
  if (!shm::TaskHint::is_raised(seen)) return 0;
  bool all = false;
  bool any = false;
  std::uint64_t moved = 0;
  for (const auto& each : open_all(*this, all)) {
    queue::TaskTable& table = each->tasks();
    if (const auto* const record = queue::active_task(table); record != nullptr) {
      const std::uint64_t number = queue::TaskState{record->state.load()}.number();
      auto core = detail::QueueCore::open(membership(), each);
      if (!core) continue;
      detail::MoveWorker worker(std::move(*core), number);
      detail::MoveWorker::Stretch stretch;
      static_cast<void>(worker.work(~std::uint64_t{0}, false, stretch));
      moved += stretch.moved;
    }
    any = any || queue::may_have_task(table);
  }
  if (all && !any) hint.clear(seen);
  return moved;
}

/// Once a second, and at each call as long as there is work for me. As a participant of its own:
/// this one may be in the middle of a call, in another thread.
void Member::relieve_tasks() noexcept {
  const shm::TaskHint hint(files().header().tasks);
  const std::uint64_t seen = hint.look();
  if (!shm::TaskHint::is_raised(seen)) return;
  const std::uint64_t now_ns = files().time().precise_ns();
  std::uint64_t last_ns = tasks_looked_ns_.load(std::memory_order_relaxed);
  const bool due = relieving_.load(std::memory_order_relaxed) || now_ns >= last_ns + kUnattendedNs;
  if (!due || !tasks_looked_ns_.compare_exchange_strong(last_ns, now_ns)) return;
  bool all = false;
  bool any = false;
  bool worked = false;
  for (const auto& each : open_all(*this, all)) {
    queue::TaskTable& table = each->tasks();
    any = queue::may_have_task(table) || any;
    const auto* const record = queue::active_task(table);
    if (record == nullptr || !is_unattended(*record, now_ns)) continue;
    const std::uint64_t number = queue::TaskState{record->state.load()}.number();
    const auto reliever = attach(context_);
    if (!reliever) break;
    auto core = detail::QueueCore::open((*reliever)->membership(), each);
    if (!core) continue;
    detail::MoveWorker worker(std::move(*core), number);
    detail::MoveWorker::Stretch stretch;
    static_cast<void>(worker.work(kRelievedMessages, false, stretch));
    worked = true;
  }
  relieving_.store(worked, std::memory_order_relaxed);
  if (all && !any) hint.clear(seen);
}

}  // namespace ringpost::client
