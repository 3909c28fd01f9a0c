// Rules about acknowledges, releases and extensions of one message, and about its end.

#include "process/history/evidence.hpp"
#include "process/history/lease_end.hpp"

namespace ringpost::history {

namespace {

std::string text(const Settle& settle) {
  return std::string(name(settle.action)) + " of delivery " +
         std::to_string(settle.receipt.receive_count) + " by process " +
         std::to_string(settle.process) + " at " + to_string(settle.when);
}

const Delivery* delivery_of(const Message& message, const Settle& settle) noexcept {
  for (const Delivery& delivery : message.deliveries) {
    if (delivery.receipt == settle.receipt) return &delivery;
  }
  return nullptr;
}

const Delivery* newest(const Message& message) noexcept {
  return message.deliveries.empty() ? nullptr : &message.deliveries.back();
}

/// A receipt of a FIFO queue is void once its lease is over, also if nobody else has the message.
void check_in_time(const Evidence& evidence, const Message& message, const Settle& settle) {
  const Delivery* delivery = delivery_of(message, settle);
  if (delivery == nullptr) return;
  const std::uint64_t end_ns = latest_end(message, *delivery, settle);
  const std::uint64_t slack_ns = evidence.policy.slack_ns + evidence.policy.lag_ns;
  if (end_ns == kNever || end_ns + slack_ns >= settle.when.invoke_ns) return;
  evidence.fail(Rule::kSettledAfterLease, message,
                text(settle) + ", " + std::to_string(settle.when.invoke_ns - end_ns) +
                    " ns after the lease had ended");
}

void check_accepted(const Evidence& evidence, const Message& message, const Settle& settle) {
  if (delivery_of(message, settle) == nullptr) {
    evidence.fail(Rule::kSettledUndelivered, message, text(settle));
  }
  if (!evidence.policy.one_order) return;
  for (const Delivery& delivery : message.deliveries) {
    if (delivery.receipt.receive_count <= settle.receipt.receive_count) continue;
    if (delivery.when.over_before(settle.when)) {
      evidence.fail(Rule::kStaleReceiptActed, message, text(settle));
      return;
    }
  }
  if (message.send->group != 0) check_in_time(evidence, message, settle);
  if (evidence.surely_purged(*message.send, settle.when.invoke)) {
    evidence.fail(Rule::kSurvivedPurge, message, text(settle));
  }
}

/// An accepted acknowledge of delivery n means that delivery n + 1 can never be: it would have had
/// to be made before, and then the receipt would have been stale.
void check_acknowledged(const Evidence& evidence, const Message& message, const Settle& settle) {
  const bool in_order = evidence.policy.one_order;
  const Delivery* last = newest(message);
  const bool delivered_later =
      last != nullptr && (last->receipt.receive_count > settle.receipt.receive_count ||
                          (in_order && settle.when.over_before(last->when)));
  if (delivered_later && !(in_order && last->when.over_before(settle.when))) {
    evidence.fail(Rule::kDeliveredAfterAcknowledge, message,
                  text(settle) + ", delivered at " + to_string(last->when));
  }
  for (const Settle& other : message.settles) {
    if (&other == &settle || other.outcome != Outcome::kDone) continue;
    if (other.action == Action::kAcknowledge) {
      if (&other > &settle) {
        evidence.fail(Rule::kAcknowledgedTwice, message, text(settle) + ", " + text(other));
      }
    } else if (in_order && settle.when.over_before(other.when)) {
      evidence.fail(Rule::kSettledAfterAcknowledge, message, text(settle) + ", " + text(other));
    }
  }
}

bool somebody_else_may_have_it(const Evidence& evidence, const Message& message,
                               const Settle& settle) {
  if (evidence.open_receives_before(settle.when.ret) > 0) return true;
  for (const Delivery& delivery : message.deliveries) {
    if (delivery.receipt.receive_count > settle.receipt.receive_count &&
        delivery.when.invoke < settle.when.ret) {
      return true;
    }
  }
  for (const Settle& other : message.settles) {
    if (&other == &settle || other.when.invoke >= settle.when.ret) continue;
    if (other.action == Action::kAcknowledge && other.outcome != Outcome::kRefused) return true;
  }
  return evidence.may_be_purged(*message.send, settle.when.ret);
}

/// "Stale" says that the message is gone or that somebody else has it by now. A release or an
/// extension may also be refused because the lease is over; in a FIFO queue an acknowledge, too.
void check_refused(const Evidence& evidence, const Message& message, const Settle& settle) {
  if (somebody_else_may_have_it(evidence, message, settle)) return;
  if (settle.action != Action::kAcknowledge || message.send->group != 0) {
    const Delivery* delivery = delivery_of(message, settle);
    if (delivery == nullptr) return;
    const LeaseEnd end = earliest_end(evidence.history, message, *delivery, settle.when.ret);
    if (end.earliest_ns <= settle.when.return_ns + evidence.policy.slack_ns) return;
  }
  evidence.fail(Rule::kStaleWithoutReason, message, text(settle));
}

}  // namespace

void check_settles(const Evidence& evidence, const Message& message) {
  for (const Settle& settle : message.settles) {
    if (settle.outcome == Outcome::kDone) {
      check_accepted(evidence, message, settle);
      if (settle.action == Action::kAcknowledge) check_acknowledged(evidence, message, settle);
    }
    const bool refused = settle.result == Errc::kStaleReceipt && evidence.policy.one_order;
    if (refused) check_refused(evidence, message, settle);
  }
}

void check_not_lost(const Evidence& evidence, const Message& message) {
  if (message.sent != Outcome::kDone) return;
  for (const Settle& settle : message.settles) {
    if (settle.action == Action::kAcknowledge && settle.outcome != Outcome::kRefused) return;
  }
  if (evidence.may_be_purged(*message.send, kNever)) return;
  const Delivery* last = newest(message);
  evidence.fail(Rule::kLost, message,
                last == nullptr ? "sent at " + to_string(message.send->when) + ", never delivered"
                                : "last delivered at " + to_string(last->when));
}

}  // namespace ringpost::history
