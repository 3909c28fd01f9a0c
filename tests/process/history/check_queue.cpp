// Rules about many messages at once: logs, results, slots, empty, sums.

#include <tuple>

#include "process/history/evidence.hpp"
#include "process/history/groups.hpp"

namespace ringpost::history {

namespace {

bool is_one_of(Errc result, std::initializer_list<Errc> allowed) noexcept {
  return std::find(allowed.begin(), allowed.end(), result) != allowed.end();
}

void check_result(const Evidence& evidence, Action action, const Interval& when, Errc result,
                  std::initializer_list<Errc> allowed) {
  if (is_one_of(result, allowed)) return;
  evidence.report.add(Rule::kUnexpectedResult, std::string(name(action)) + " at " +
                                                   to_string(when) + " gave " +
                                                   std::to_string(static_cast<int>(result)));
}

/// A stretch of time in which a message was certainly visible and untouched.
struct Visible {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  MessageKey key;
};

/// Messages without a delay are visible from their send, and from a release without a delay, until
/// the receive begins that delivers them next. With a group: while all before them are gone.
std::vector<Visible> visible_stretches(const Evidence& evidence, const Groups& groups) {
  std::vector<Visible> stretches;
  for (const Message& message : evidence.table.messages()) {
    const Delivery* first = message.first_delivery();
    const std::uint64_t unlocked = groups.unlocked_from(message);
    if (first != nullptr && message.sent == Outcome::kDone && message.send->delay_ns == 0) {
      stretches.push_back(
          {std::max(message.send->when.ret, unlocked), first->when.invoke, message.key});
    }
    for (std::size_t i = 1; i < message.deliveries.size(); ++i) {
      const Delivery& before = message.deliveries[i - 1];
      const Delivery& next = message.deliveries[i];
      if (next.receipt.receive_count != before.receipt.receive_count + 1) continue;
      const Settle* only = nullptr;
      int settles = 0;
      for (const Settle& settle : message.settles) {
        const bool same = settle.receipt.receive_count == before.receipt.receive_count;
        if (!same || settle.outcome == Outcome::kRefused) continue;
        ++settles;
        only = &settle;
      }
      const bool released = settles == 1 && only->action == Action::kRelease &&
                            only->outcome == Outcome::kDone && only->duration_ns == 0;
      if (!released) continue;
      stretches.push_back({std::max(only->when.ret, unlocked), next.when.invoke, message.key});
    }
  }
  return stretches;
}

}  // namespace

void check_logs(const Evidence& evidence) {
  for (const auto& what : evidence.history.malformed) {
    evidence.report.add(Rule::kMalformedLog, what);
  }
  for (const MessageKey key : evidence.table.reused_keys()) {
    evidence.report.add(Rule::kMalformedLog, "number used twice: " + to_string(key));
  }
  for (const auto& what : evidence.history.changed_views) {
    evidence.report.add(Rule::kViewChanged, what);
  }
  for (const Delivery& delivery : evidence.table.unknown_deliveries()) {
    evidence.report.add(Rule::kInvented, "message " + to_string(delivery.key) +
                                             " was never sent, delivered at " +
                                             to_string(delivery.when));
  }
  for (const Settle& settle : evidence.table.unknown_settles()) {
    if (settle.outcome != Outcome::kDone) continue;
    evidence.report.add(Rule::kSettledUndelivered,
                        "message " + to_string(settle.key) + " was never sent");
  }
}

void check_results(const Evidence& evidence) {
  const History& history = evidence.history;
  for (const Send& send : history.sends) {
    check_result(evidence, Action::kSend, send.when, send.result,
                 {Errc::kOk, Errc::kFull, Errc::kNoSpace, Errc::kTimedOut});
  }
  for (const Receive& receive : history.receives) {
    check_result(evidence, Action::kReceive, receive.when, receive.result,
                 {Errc::kOk, Errc::kEmpty, Errc::kTimedOut, Errc::kOverLimit, Errc::kHeld});
    const bool is_empty_success = receive.outcome == Outcome::kDone && receive.returned == 0;
    if (is_empty_success || (receive.outcome == Outcome::kRefused && receive.returned > 0)) {
      evidence.report.add(Rule::kUnexpectedResult,
                          "receive: result and number of messages contradict each other");
    }
    if (std::max(receive.recorded, receive.returned) > receive.max_messages) {
      evidence.report.add(Rule::kTooManyInBatch, "receive at " + to_string(receive.when));
    }
  }
  for (const Settle& settle : history.settles) {
    check_result(evidence, settle.action, settle.when, settle.result,
                 {Errc::kOk, Errc::kStaleReceipt});
  }
  for (const Other& other : history.others) {
    check_result(evidence, other.action, other.when, other.result, {Errc::kOk});
  }
}

void check_slots(const Evidence& evidence) {
  std::vector<const Delivery*> by_slot;
  for (const Delivery& delivery : evidence.history.deliveries) by_slot.push_back(&delivery);
  const auto slot = [](const Delivery* delivery) {
    const Receipt& receipt = delivery->receipt;
    return std::tie(receipt.queue, receipt.ring, receipt.slot, receipt.lap);
  };
  std::sort(by_slot.begin(), by_slot.end(),
            [&](const Delivery* a, const Delivery* b) { return slot(a) < slot(b); });
  for (std::size_t i = 1; i < by_slot.size(); ++i) {
    if (slot(by_slot[i - 1]) != slot(by_slot[i])) continue;
    if (by_slot[i - 1]->key == by_slot[i]->key) continue;
    evidence.report.add(Rule::kSlotShared, "messages " + to_string(by_slot[i - 1]->key) + " and " +
                                               to_string(by_slot[i]->key));
  }
}

void check_false_empty(const Evidence& evidence, const Groups& groups) {
  if (evidence.policy.limited && !groups.empty()) return;
  std::vector<Visible> visible = visible_stretches(evidence, groups);
  std::sort(visible.begin(), visible.end(),
            [](const Visible& a, const Visible& b) { return a.from < b.from; });
  std::vector<const Receive*> empty;
  for (const Receive& receive : evidence.history.receives) {
    const bool timed_out = receive.result == Errc::kTimedOut && !evidence.policy.limited;
    if (timed_out || receive.result == Errc::kEmpty) empty.push_back(&receive);
  }
  std::sort(empty.begin(), empty.end(),
            [](const Receive* a, const Receive* b) { return a->when.invoke < b->when.invoke; });
  std::size_t next = 0;
  Visible longest;
  for (const Receive* receive : empty) {
    for (; next < visible.size() && visible[next].from < receive->when.invoke; ++next) {
      if (visible[next].to > longest.to) longest = visible[next];
    }
    if (longest.to <= receive->when.ret) continue;
    evidence.report.add(Rule::kFalseEmpty, "receive at " + to_string(receive->when) +
                                               " while message " + to_string(longest.key) +
                                               " was visible from " + std::to_string(longest.from) +
                                               " to " + std::to_string(longest.to));
  }
}

void check_sums(const Evidence& evidence) {
  std::uint64_t sent_max = 0;
  std::uint64_t removed = 0;
  for (const Message& message : evidence.table.messages()) {
    sent_max += message.sent == Outcome::kRefused ? 0 : 1;
  }
  for (const Settle& settle : evidence.history.settles) {
    const bool removes = settle.action == Action::kAcknowledge;
    removed += removes && settle.outcome == Outcome::kDone ? 1u : 0u;
  }
  for (const Other* purge : evidence.finished_purges) removed += purge->number;
  std::uint64_t counts_missing = 0;
  for (const Message& message : evidence.table.messages()) {
    std::uint64_t highest = 0;
    for (const Delivery& delivery : message.deliveries) {
      const std::uint64_t count = delivery.receipt.receive_count;
      counts_missing += count > highest + 1 ? count - highest - 1 : 0;
      highest = std::max(highest, count);
    }
  }
  if (counts_missing > evidence.open_receives_take_max) {
    evidence.report.add(Rule::kCountSkipped, std::to_string(counts_missing) +
                                                 " in all, broken-off receives may have taken " +
                                                 std::to_string(evidence.open_receives_take_max));
  }
  if (removed > sent_max) {
    evidence.report.add(Rule::kRemovedMoreThanSent,
                        std::to_string(removed) + " of at most " + std::to_string(sent_max));
  }
}

}  // namespace ringpost::history
