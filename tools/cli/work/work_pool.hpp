// The worker pool: one thread, asleep until a message, a handler's end, a signal or a deadline.
//
//   queue ──receive──▶ job ──exit 0──▶ acknowledged
//                       │ └─ else ───▶ released after the back-off
//                       └ its leases are extended for as long as it runs
#pragma once

#include <map>
#include <optional>
#include <set>

#include "../support/context.hpp"
#include "job.hpp"
#include "ringpost/wait_set.hpp"
#include "scaler.hpp"
#include "stop_signals.hpp"
#include "work_events.hpp"
#include "work_plan.hpp"

namespace ringpost::cli {

class WorkPool {
 public:
  WorkPool(const Context& context, Queue& queue, const WorkPlan& plan, WorkEvents& events);

  /// Until it ends by itself or is told to, and no handler runs any more. Throws Failure when the
  /// command cannot be run or the queue fails; the messages in hand are visible again then.
  void run();

  [[nodiscard]] const WorkTotals& totals() const noexcept { return totals_; }
  /// Messages that came back and were not acknowledged later. Kept if the pool ends by itself.
  [[nodiscard]] std::size_t not_done() const noexcept { return not_done_.size(); }

 private:
  using TimePoint = WorkClock::time_point;
  struct ByPlace {
    bool operator()(const MessageId& a, const MessageId& b) const noexcept {
      return a.ring != b.ring ? a.ring < b.ring : a.position < b.position;
    }
  };

  // Messages in.
  void fill();
  /// False when there is none, or none may be taken.
  bool take();
  void nothing_there(Errc code);
  void start(Leases& leases);
  [[nodiscard]] bool may_take() const;
  [[nodiscard]] bool is_full() const { return jobs_.size() >= scaler_.wanted(); }

  // How many workers.
  [[nodiscard]] bool may_scale() const;
  void scale(TimePoint now);
  [[nodiscard]] Duration oldest_visible_age(const QueueStats& stats) const;

  // What is waited for.
  void wait();
  [[nodiscard]] TimePoint next_deadline() const;
  void watch(int descriptor, std::uint32_t events, std::uint64_t name);
  void heed_signals();
  void heed_deadlines(TimePoint now);
  void heed_timeout(Job& job, TimePoint now);

  // Messages out.
  void finish(pid_t pid);
  void settle(Job& job, HandlerRun& run);
  void count(const HandlerRun& run);

  // The end.
  [[nodiscard]] bool is_over() const;
  void drain(const std::string& why);
  void end_now();

  const WorkPlan& plan_;
  const Context& context_;
  Queue& queue_;
  WorkEvents& events_;
  HandlerEnvironment environment_;
  WaitSet arrivals_;
  Descriptor epoll_;
  Scaler scaler_;
  Leases leases_;
  std::map<pid_t, Job> jobs_;
  WorkTotals totals_;
  std::set<MessageId, ByPlace> not_done_;

  bool is_armed_ = true;   ///< the next arrival will be told
  int vain_arrivals_ = 0;  ///< in a row: told, and nothing was there
  std::optional<TimePoint> rearm_at_;
  std::optional<TimePoint> paused_until_;
  TimePoint look_at_{};     ///< when to look whether the number of workers is right
  bool saw_empty_ = false;  ///< the last receive found no message
  StopSignals signals_;
  bool is_draining_ = false;
  bool is_ending_ = false;
  std::optional<TimePoint> drain_until_;
  std::optional<Failure> failure_;  ///< why it drains, if that is an error
};

}  // namespace ringpost::cli
