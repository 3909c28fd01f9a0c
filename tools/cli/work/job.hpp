// A handler at work, with the messages in its hands.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "handler_environment.hpp"
#include "handler_process.hpp"
#include "ringpost/queue.hpp"
#include "work_events.hpp"
#include "work_plan.hpp"

namespace ringpost::cli {

using WorkClock = std::chrono::steady_clock;

/// The leases of some messages, by their receipts: their bytes need not stay in view.
class HeldMessages {
 public:
  HeldMessages(Queue& queue, Leases& leases);
  HeldMessages(HeldMessages&&) noexcept = default;
  HeldMessages& operator=(HeldMessages&&) = delete;
  /// Visible again at once, unless they were settled.
  ~HeldMessages();

  [[nodiscard]] std::size_t size() const noexcept { return held_.size(); }
  /// Moves the end of the leases to `timeout` from now. Gives the ids of those that are lost since
  /// the last time.
  std::vector<MessageId> extend(Duration timeout);

  void release_all();
  /// Those marked as failed return after the back-off, the others are acknowledged.
  void settle(const std::vector<bool>& failed, const Backoff& backoff);
  [[nodiscard]] std::vector<MessageId> ids() const;
  [[nodiscard]] const std::vector<SettledMessage>& settled() const noexcept { return settled_; }

 private:
  struct Held {
    MessageId id;
    Receipt receipt;
    bool lost = false;
  };
  void note(const Held& message, Errc code, Fate fate, Duration delay);

  Queue* queue_;
  std::vector<Held> held_;  ///< empty once they are settled
  std::vector<SettledMessage> settled_;
};

struct Job {
  HeldMessages messages;
  HandlerProcess process;
  Descriptor failures;  ///< the file of its descriptor 3
  WorkClock::time_point started_at;
  WorkClock::time_point extend_at;
  std::optional<WorkClock::time_point> signal_at;  ///< when its time is over, or its last respite
  bool timed_out = false;
};

/// Starts the command with these messages. Throws CannotExecute, std::system_error; the messages
/// are visible again then.
Job start_job(const WorkPlan& plan, const HandlerEnvironment& common, Queue& queue, Leases& leases,
              bool output_to_errors);

}  // namespace ringpost::cli
