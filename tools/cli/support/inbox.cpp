#include "inbox.hpp"

#include <algorithm>

#include <unistd.h>

#include <fmt/format.h>

#include "interrupt.hpp"

namespace ringpost::cli {
namespace {

/// Few enough to be shown well before their leases end, also when the reader is slow.
constexpr std::uint64_t kBatchMax = 32;

bool is_want_of_messages(Errc code) {
  return code == Errc::kEmpty || code == Errc::kTimedOut || code == Errc::kOverLimit;
}

}  // namespace

Inbox::Inbox(Context& context, Queue& queue, InboxOptions options)
    : context_(context),
      queue_(queue),
      options_(options),
      progress_("received",
                !context.globals.quiet && !context.globals.json && !is_terminal(STDOUT_FILENO),
                options.count_max == UINT64_MAX ? std::nullopt : std::optional(options.count_max)) {
}

Inbox::~Inbox() {
  for (const Receipt& receipt : to_release_) {
    // Stale: its lease ended before, so it is visible already.
    static_cast<void>(queue_.release(receipt));
  }
}

void Inbox::run(const Show& show) {
  Leases leases;
  while (progress_.count() < options_.count_max && receive_some(leases)) {
    show_all(leases, show);
    settle_all(leases);
    if (!options_.attempt_id.empty()) return;  // the same would come again
  }
}

bool Inbox::receive_some(Leases& leases) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  ReceiveOptions receive;
  receive.max_messages =
      static_cast<std::uint32_t>(std::min(kBatchMax, options_.count_max - progress_.count()));
  receive.visibility_timeout = options_.visibility_timeout;
  receive.attempt_id = options_.attempt_id;
  while (true) {
    stop_if_interrupted();
    const auto spent = std::chrono::duration_cast<Duration>(Clock::now() - begin);
    receive.wait = std::clamp(options_.wait - spent, Duration::zero(), kInterruptSlice);
    const Errc code = queue_.receive(leases, receive);
    if (code == Errc::kOk) return true;
    if (!is_want_of_messages(code)) {
      progress_.clear();
      if (code == Errc::kBusy) {
        throw Failure(ExitCode::kError, name(code),
                      "another receive with this --attempt-id is under way",
                      "try again: then it gives what that one received");
      }
      throw failure_of(code, context_.subject(fmt::format("receive from queue {}", queue_.name()),
                                              queue_.name()));
    }
    ended_by_ = code == Errc::kOverLimit ? Errc::kOverLimit : Errc::kEmpty;
    if (spent >= options_.wait) return false;
    // A limit on what is in flight is answered at once, not after the wait.
    if (code == Errc::kOverLimit) sleep_or_stop(*receive.wait);
  }
}

void Inbox::show_all(Leases& leases, const Show& show) {
  try {
    for (const Lease& lease : leases) show(lease);
    context_.out.flush();
  } catch (...) {
    for (Lease& lease : leases) static_cast<void>(lease.release());
    throw;
  }
  ended_by_ = Errc::kOk;
}

void Inbox::settle_all(Leases& leases) {
  for (Lease& lease : leases) {
    const std::uint64_t bytes = lease.body().size();
    switch (options_.settle) {
      case Settle::kAcknowledge:
        if (lease.acknowledge() != Errc::kOk) ++late_;
        break;
      case Settle::kLeave:
        break;
      case Settle::kRelease:
        to_release_.push_back(lease.receipt());
        break;
    }
    progress_.add(1, bytes, 1);
  }
  leases.clear();
}

}  // namespace ringpost::cli
