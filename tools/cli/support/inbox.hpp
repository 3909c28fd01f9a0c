// Receives messages, shows them, and only then settles them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "context.hpp"
#include "progress.hpp"
#include "ringpost/queue.hpp"

namespace ringpost::cli {

/// What becomes of a message once it is shown.
enum class Settle {
  kAcknowledge,  ///< gone for ever
  kLeave,        ///< stays in flight until its visibility timeout; its receipt is good until then
  kRelease,      ///< visible again when the command ends
};

struct InboxOptions {
  std::uint64_t count_max = 1;
  Duration wait = Duration::zero();  ///< for each next message
  std::optional<Duration> visibility_timeout;
  std::string attempt_id;  ///< not empty: one receive under this id
  Settle settle = Settle::kAcknowledge;
};

class Inbox {
 public:
  /// Puts one message into Context::out.
  using Show = std::function<void(const Lease&)>;

  Inbox(Context& context, Queue& queue, InboxOptions options);
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;
  /// Gives back what is to be released, also when an exception ended the work.
  ~Inbox();

  /// Until count_max messages were shown, or none came for as long as the wait; under an id once.
  /// Throws Failure, Interrupted, ClosedPipe; a message that could not be shown is visible again
  /// afterwards.
  void run(const Show& show);

  [[nodiscard]] Progress& progress() noexcept { return progress_; }
  /// Messages whose lease had ended before they were settled: they come again.
  [[nodiscard]] std::uint64_t late() const noexcept { return late_; }
  /// Why it ended, if for want of messages: kEmpty or kOverLimit; else kOk.
  [[nodiscard]] Errc ended_by() const noexcept { return ended_by_; }

 private:
  /// False when the time to wait is over.
  bool receive_some(Leases& leases);
  void show_all(Leases& leases, const Show& show);
  void settle_all(Leases& leases);

  Context& context_;
  Queue& queue_;
  InboxOptions options_;
  Progress progress_;
  std::vector<Receipt> to_release_;
  std::uint64_t late_ = 0;
  Errc ended_by_ = Errc::kOk;
};

}  // namespace ringpost::cli
