// Rules about the deliveries of one message.

#include "process/history/evidence.hpp"
#include "process/history/lease_end.hpp"

namespace ringpost::history {

namespace {

std::string text(const Delivery& delivery) {
  return "delivery " + std::to_string(delivery.receipt.receive_count) + " to process " +
         std::to_string(delivery.process) + " at " + to_string(delivery.when);
}

void check_origin(const Evidence& evidence, const Message& message, const Delivery& delivery) {
  const Send& send = *message.send;
  if (delivery.damaged) evidence.fail(Rule::kInvented, message, "damaged, " + text(delivery));
  if (message.sent == Outcome::kRefused) {
    evidence.fail(Rule::kRefusedSendDelivered, message, text(delivery));
  }
  const bool has_id = send.count == 1 && send.id != MessageId{};
  if (has_id && send.id != delivery.id) evidence.fail(Rule::kIdChanged, message, text(delivery));
  if (!evidence.policy.one_order) return;
  if (delivery.when.over_before(send.when)) {
    evidence.fail(Rule::kDeliveredBeforeSent, message, text(delivery));
  }
  if (delivery.when.return_ns + evidence.policy.slack_ns < send.when.invoke_ns + send.delay_ns) {
    evidence.fail(Rule::kDeliveredEarly, message, text(delivery));
  }
  if (evidence.surely_purged(send, delivery.when.invoke)) {
    evidence.fail(Rule::kSurvivedPurge, message, text(delivery));
  }
}

/// `later` has a higher receive count than `earlier`, with none known between.
void check_pair(const Evidence& evidence, const Message& message, const Delivery& earlier,
                const Delivery& later) {
  const std::string both = text(earlier) + ", " + text(later);
  const Receipt& a = earlier.receipt;
  const Receipt& b = later.receipt;
  if (a.queue != b.queue || a.ring != b.ring || a.slot != b.slot || a.lap != b.lap) {
    evidence.fail(Rule::kReceiptChanged, message, both);
  }
  if (earlier.id != later.id) evidence.fail(Rule::kIdChanged, message, both);
  if (a.receive_count == b.receive_count) {
    evidence.fail(Rule::kCountRepeated, message, both);
    return;
  }
  if (!evidence.policy.one_order) return;
  if (later.when.over_before(earlier.when)) evidence.fail(Rule::kCountOrder, message, both);
  const LeaseEnd end = earliest_end(evidence.history, message, earlier, later.when.ret);
  if (later.when.return_ns + evidence.policy.slack_ns < end.earliest_ns) {
    evidence.fail(Rule::kTwoLiveLeases, message,
                  both + ", " + std::to_string(end.earliest_ns - later.when.return_ns) +
                      " ns before the first lease ended");
  }
}

/// A receive count that nobody recorded was given to a receive that was broken off.
void check_gaps(const Evidence& evidence, const Message& message) {
  std::uint64_t missing = 0;
  std::uint64_t last = 0;
  for (const Delivery& delivery : message.deliveries) {
    const std::uint64_t count = delivery.receipt.receive_count;
    if (count > last + 1) {
      missing += count - last - 1;
      if (missing > evidence.open_receives_before(delivery.when.ret)) {
        evidence.fail(Rule::kCountSkipped, message, text(delivery));
        return;
      }
    }
    last = std::max(last, count);
  }
}

}  // namespace

void check_deliveries(const Evidence& evidence, const Message& message) {
  for (const Delivery& delivery : message.deliveries) {
    check_origin(evidence, message, delivery);
    if (delivery.receipt.receive_count == 0) {
      evidence.fail(Rule::kCountOrder, message, text(delivery));
    }
  }
  for (std::size_t i = 1; i < message.deliveries.size(); ++i) {
    check_pair(evidence, message, message.deliveries[i - 1], message.deliveries[i]);
  }
  check_gaps(evidence, message);
}

}  // namespace ringpost::history
