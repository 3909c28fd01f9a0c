#include "job.hpp"

#include "handler_input.hpp"

namespace ringpost::cli {

HeldMessages::HeldMessages(Queue& queue, Leases& leases) : queue_(&queue) {
  held_.reserve(leases.size());
  settled_.reserve(leases.size());
  for (const Lease& lease : leases) held_.push_back({lease.id(), lease.receipt(), false});
}

HeldMessages::~HeldMessages() {
  // Stale: its lease ended before, so it is visible already.
  for (const Held& message : held_) static_cast<void>(queue_->release(message.receipt));
}

std::vector<MessageId> HeldMessages::extend(Duration timeout) {
  std::vector<MessageId> lost;
  for (Held& message : held_) {
    if (message.lost || queue_->extend(message.receipt, timeout) == Errc::kOk) continue;
    message.lost = true;
    lost.push_back(message.id);
  }
  return lost;
}

void HeldMessages::release_all() {
  for (const Held& message : held_) {
    note(message, queue_->release(message.receipt), Fate::kReleased, Duration::zero());
  }
  held_.clear();
}

void HeldMessages::settle(const std::vector<bool>& failed, const Backoff& backoff) {
  for (std::size_t i = 0; i < held_.size(); ++i) {
    const Receipt& receipt = held_[i].receipt;
    if (failed[i]) {
      const Duration delay = backoff.delay(receipt.receive_count);
      note(held_[i], queue_->release(receipt, delay), Fate::kReturned, delay);
    } else {
      note(held_[i], queue_->acknowledge(receipt), Fate::kAcknowledged, Duration::zero());
    }
  }
  held_.clear();
}

void HeldMessages::note(const Held& message, Errc code, Fate fate, Duration delay) {
  const Fate true_fate = code == Errc::kOk ? fate : Fate::kLate;
  settled_.push_back({message.id, message.receipt.receive_count, true_fate, delay});
}

std::vector<MessageId> HeldMessages::ids() const {
  std::vector<MessageId> ids;
  for (const Held& message : held_) ids.push_back(message.id);
  return ids;
}

Job start_job(const WorkPlan& plan, const HandlerEnvironment& common, Queue& queue, Leases& leases,
              bool output_to_errors) {
  HeldMessages messages(queue, leases);
  HandlerEnvironment environment = common;
  environment.set("RINGPOST_BATCH_SIZE", std::to_string(leases.size()));
  Descriptor failures;
  if (plan.is_batch) {
    environment.set("RINGPOST_FAILURES_FD", "3");
    failures = empty_memory_file();
  } else {
    environment.describe(leases.front());
  }
  const Descriptor input = handler_input(leases, plan.input, plan.queue);
  leases.clear();
  const auto now = WorkClock::now();
  HandlerProcess process(HandlerStart{plan.command, environment.entries(), input.number(),
                                      failures.number(), output_to_errors});
  Job job{
      std::move(messages), std::move(process), std::move(failures), now, now, std::nullopt, false};
  if (plan.timeout) job.signal_at = now + *plan.timeout;
  return job;
}

}  // namespace ringpost::cli
