#include "work_pool.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include <sys/epoll.h>
#include <unistd.h>

#include <fmt/format.h>

#include "../support/interrupt.hpp"
#include "command_check.hpp"
#include "failure_report.hpp"
#include "handler_input.hpp"
#include "oldest_waiting.hpp"

namespace ringpost::cli {
namespace {

using namespace std::chrono_literals;

// Names of what epoll watches; a handler's is its pid.
constexpr std::uint64_t kSignals = 0;
constexpr std::uint64_t kArrivals = UINT64_MAX;

/// A receive that waits, however short, also clears up after consumers that died.
constexpr Duration kShortestWait = 1ns;
constexpr Duration kLookEvery = 1s;
constexpr Duration kLookAgainAfter = 100ms;
constexpr Duration kPause = 1s;
constexpr std::size_t kReportBytesMax = 64 * 1024;
/// Old messages that are looked at to find the oldest that nobody has.
constexpr std::uint64_t kPeekMax = 64;

bool is_want_of_messages(Errc code) {
  return code == Errc::kEmpty || code == Errc::kTimedOut || code == Errc::kOverLimit;
}

Duration look_interval(const ScalePolicy& policy) {
  return std::clamp<Duration>(policy.grow_interval, 10ms, kLookEvery);
}

}  // namespace

WorkPool::WorkPool(const Context& context, Queue& queue, const WorkPlan& plan, WorkEvents& events)
    : plan_(plan),
      context_(context),
      queue_(queue),
      events_(events),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      scaler_(plan.scale) {
  environment_.set("RINGPOST_BUS", context.globals.bus);
  environment_.set("RINGPOST_SHM_DIR", context.shm_dir());
  environment_.set("RINGPOST_QUEUE", plan.queue);
  queue_.set_waiting(Waiting::kPark);
  require(arrivals_.add(queue), context.subject("wait for messages", plan.queue));
  const auto arrivals = arrivals_.descriptor();
  require(arrivals, context.subject("wait for messages", plan.queue));
  // Edge: told once for each arrival, also while no worker is free to take it.
  watch(*arrivals, EPOLLIN | EPOLLET, kArrivals);
  watch(interrupt_descriptor(), EPOLLIN | EPOLLET, kSignals);
}

void WorkPool::watch(int descriptor, std::uint32_t events, std::uint64_t name) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = name;
  if (epoll_ctl(epoll_.number(), EPOLL_CTL_ADD, descriptor, &event) != 0) {
    throw Failure(ExitCode::kError, "System", "cannot wait for several things at once",
                  "raise the number of open files: ulimit -n 4096");
  }
}

void WorkPool::run() {
  while (true) {
    heed_signals();
    fill();
    if (is_over()) break;
    wait();
  }
  if (failure_) throw *failure_;
}

// Messages in.

bool WorkPool::may_take() const {
  return !is_draining_ && !is_full() && !paused_until_ &&
         totals_.received < plan_.messages_max.value_or(UINT64_MAX);
}

void WorkPool::fill() {
  while (true) {
    while (may_take() && take()) {
    }
    const auto now = WorkClock::now();
    if (!may_scale() || now < look_at_) return;
    scale(now);
  }
}

bool WorkPool::take() {
  ReceiveOptions options;
  const std::uint64_t left = plan_.messages_max.value_or(UINT64_MAX) - totals_.received;
  options.max_messages = static_cast<std::uint32_t>(std::min(plan_.scale.batch, left));
  options.visibility_timeout = plan_.visibility_timeout;
  options.wait = kShortestWait;
  const Errc code = queue_.receive(leases_, options);
  saw_empty_ = code != Errc::kOk && code != Errc::kOverLimit;
  if (code != Errc::kOk) {
    nothing_there(code);
    return false;
  }
  vain_arrivals_ = 0;
  rearm_at_.reset();
  start(leases_);
  return true;
}

void WorkPool::nothing_there(Errc code) {
  if (!is_want_of_messages(code)) {
    failure_ = failure_of(
        code, context_.subject(fmt::format("receive from queue {}", plan_.queue), plan_.queue));
    drain("the queue gives no more");
    return;
  }
  if (is_armed_) return;
  const auto now = WorkClock::now();
  if (!rearm_at_) {
    // What is told again and again is not for us: somebody else is faster, or a limit binds.
    const Duration pause = vain_arrivals_ > 1 ? 1ms * (1 << std::min(vain_arrivals_, 7)) : 0ms;
    rearm_at_ =
        now + (code == Errc::kOverLimit ? kLookAgainAfter : std::min(pause, kLookAgainAfter));
  }
  if (now < *rearm_at_) return;
  rearm_at_.reset();
  is_armed_ = true;
  arrivals_.rearm();
}

void WorkPool::start(Leases& leases) {
  const std::uint32_t count = leases.size();
  try {
    Job job = start_job(plan_, environment_, queue_, leases, context_.globals.json);
    job.extend_at = job.started_at + plan_.visibility_timeout / 3;
    const pid_t pid = job.process.pid();
    watch(job.process.descriptor(), EPOLLIN, static_cast<std::uint64_t>(pid));
    jobs_.emplace(pid, std::move(job));
    totals_.received += count;
    ++totals_.handlers;
    totals_.workers_most = std::max(totals_.workers_most, static_cast<std::uint32_t>(jobs_.size()));
  } catch (const CannotExecute& error) {
    leases.clear();
    failure_ = cannot_execute(plan_.command.front(), error.code().value());
    drain(failure_->text());
  } catch (const std::system_error& error) {
    leases.clear();
    events_.paused(error.what(), kPause);
    paused_until_ = WorkClock::now() + kPause;
  }
}

// How many workers.

/// Up when all are busy, down when there is somebody to send away.
bool WorkPool::may_scale() const {
  const std::uint32_t wanted = scaler_.wanted();
  return !is_draining_ && (wanted > plan_.scale.min || (is_full() && wanted < plan_.scale.max));
}

void WorkPool::scale(TimePoint now) {
  look_at_ = now + look_interval(plan_.scale);
  const QueueStats stats = queue_.stats();
  Load load;
  load.backlog = stats.visible;
  load.oldest_age = oldest_visible_age(stats);
  load.busy = static_cast<std::uint32_t>(jobs_.size());
  const std::uint32_t before = scaler_.wanted();
  const std::uint32_t after = scaler_.decide(load, now);
  if (after != before) events_.scaled(before, after, load);
}

/// QueueStats::oldest_age counts those in flight too.
Duration WorkPool::oldest_visible_age(const QueueStats& stats) const {
  if (stats.visible == 0) return Duration::zero();
  const std::uint64_t not_visible = stats.in_flight + stats.delayed;
  if (not_visible == 0) return stats.oldest_age;
  return oldest_waiting_age(queue_.peek(std::min(not_visible + 1, kPeekMax)));
}

// What is waited for.

WorkPool::TimePoint WorkPool::next_deadline() const {
  TimePoint next = WorkClock::now() + kLookEvery;
  const auto consider = [&next](const std::optional<TimePoint>& time) {
    if (time) next = std::min(next, *time);
  };
  if (may_take()) consider(rearm_at_);
  consider(paused_until_);
  consider(drain_until_);
  if (may_scale()) consider(look_at_);
  for (const auto& [pid, job] : jobs_) {
    consider(job.extend_at);
    consider(job.signal_at);
  }
  return next;
}

void WorkPool::wait() {
  const Duration left = std::max<Duration>(next_deadline() - WorkClock::now(), Duration::zero());
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  std::array<epoll_event, 64> events{};
  const int count = epoll_wait(epoll_.number(), events.data(), static_cast<int>(events.size()),
                               static_cast<int>(ms));
  for (int i = 0; i < count; ++i) {
    const std::uint64_t name = events[static_cast<std::size_t>(i)].data.u64;
    if (name == kArrivals) {
      is_armed_ = false;
      ++vain_arrivals_;
    } else if (name != kSignals) {
      finish(static_cast<pid_t>(name));
    }
  }
  heed_deadlines(WorkClock::now());
}

void WorkPool::heed_signals() {
  char numbers[16];
  const ssize_t got = read(interrupt_descriptor(), numbers, sizeof numbers);
  for (ssize_t i = 0; i < got; ++i) {
    switch (signals_.note(numbers[i], WorkClock::now())) {
      case StopSignals::Meaning::kDrain:
        if (!is_draining_) drain("interrupted");
        break;
      case StopSignals::Meaning::kEndNow:
        if (!is_ending_) end_now();
        break;
      case StopSignals::Meaning::kEcho:
        break;
    }
  }
}

void WorkPool::heed_deadlines(TimePoint now) {
  if (paused_until_ && now >= *paused_until_) paused_until_.reset();
  if (drain_until_ && now >= *drain_until_) end_now();
  for (auto& [pid, job] : jobs_) {
    if (now >= job.extend_at) {
      job.extend_at = now + plan_.visibility_timeout / 3;
      for (const MessageId& id : job.messages.extend(plan_.visibility_timeout)) {
        events_.lease_lost(id);
      }
    }
    if (job.signal_at && now >= *job.signal_at) heed_timeout(job, now);
  }
}

void WorkPool::heed_timeout(Job& job, TimePoint now) {
  const int number = job.timed_out ? SIGKILL : SIGTERM;
  if (!job.timed_out) ++totals_.timed_out;
  job.timed_out = true;
  job.signal_at = number == SIGTERM ? std::optional(now + plan_.kill_after) : std::nullopt;
  job.process.signal(number);
  events_.timed_out(job.process.pid(), now - job.started_at, number);
}

// Messages out.

void WorkPool::finish(pid_t pid) {
  Job job = std::move(jobs_.extract(pid).mapped());
  HandlerRun run;
  run.end = job.process.wait();
  run.timed_out = job.timed_out;
  run.took = WorkClock::now() - job.started_at;
  settle(job, run);
  run.messages = job.messages.settled();
  count(run);
  events_.finished(run);
}

void WorkPool::settle(Job& job, HandlerRun& run) {
  const std::vector<MessageId> ids = job.messages.ids();
  const bool is_success = run.end.is_success() && !run.timed_out;
  if (!is_success && is_ending_) {
    job.messages.release_all();
    return;
  }
  std::vector<bool> failed(ids.size(), !is_success);
  if (is_success && plan_.is_batch) {
    const auto named = failed_in_report(content_of(job.failures, kReportBytesMax), ids);
    run.bad_report = !named.has_value();
    failed = named.value_or(std::vector<bool>(ids.size(), true));
  }
  job.messages.settle(failed, plan_.backoff);
}

void WorkPool::count(const HandlerRun& run) {
  for (const SettledMessage& message : run.messages) {
    switch (message.fate) {
      case Fate::kAcknowledged:
        ++totals_.acknowledged;
        not_done_.erase(message.id);
        break;
      case Fate::kReturned:
        ++totals_.returned;
        if (plan_.ends_by_itself()) not_done_.insert(message.id);
        break;
      case Fate::kReleased:
        ++totals_.released;
        break;
      case Fate::kLate:
        ++totals_.late;
        if (plan_.ends_by_itself()) not_done_.insert(message.id);
        break;
    }
  }
}

// The end.

bool WorkPool::is_over() const {
  if (!jobs_.empty()) return false;
  return is_draining_ || (plan_.until_empty && saw_empty_) ||
         totals_.received >= plan_.messages_max.value_or(UINT64_MAX);
}

void WorkPool::drain(const std::string& why) {
  is_draining_ = true;
  if (plan_.drain_timeout) drain_until_ = WorkClock::now() + *plan_.drain_timeout;
  events_.draining(why, jobs_.size());
}

void WorkPool::end_now() {
  is_ending_ = true;
  drain_until_.reset();
  events_.ending(jobs_.size());
  for (const auto& [pid, job] : jobs_) job.process.signal(SIGKILL);
}

}  // namespace ringpost::cli
