#include "process/history/checker.hpp"

#include <unordered_map>

#include "process/history/evidence.hpp"
#include "process/history/groups.hpp"

namespace ringpost::history {

const char* name(Rule rule) noexcept {
  switch (rule) {
    case Rule::kMalformedLog:
      return "MalformedLog";
    case Rule::kUnexpectedResult:
      return "UnexpectedResult";
    case Rule::kInvented:
      return "Invented";
    case Rule::kDeliveredBeforeSent:
      return "DeliveredBeforeSent";
    case Rule::kRefusedSendDelivered:
      return "RefusedSendDelivered";
    case Rule::kLost:
      return "Lost";
    case Rule::kTwoLiveLeases:
      return "TwoLiveLeases";
    case Rule::kCountRepeated:
      return "CountRepeated";
    case Rule::kCountOrder:
      return "CountOrder";
    case Rule::kCountSkipped:
      return "CountSkipped";
    case Rule::kDeliveredAfterAcknowledge:
      return "DeliveredAfterAcknowledge";
    case Rule::kAcknowledgedTwice:
      return "AcknowledgedTwice";
    case Rule::kSettledAfterAcknowledge:
      return "SettledAfterAcknowledge";
    case Rule::kStaleReceiptActed:
      return "StaleReceiptActed";
    case Rule::kStaleWithoutReason:
      return "StaleWithoutReason";
    case Rule::kSettledUndelivered:
      return "SettledUndelivered";
    case Rule::kReceiptChanged:
      return "ReceiptChanged";
    case Rule::kSlotShared:
      return "SlotShared";
    case Rule::kIdChanged:
      return "IdChanged";
    case Rule::kDeliveredEarly:
      return "DeliveredEarly";
    case Rule::kOutOfOrder:
      return "OutOfOrder";
    case Rule::kSurvivedPurge:
      return "SurvivedPurge";
    case Rule::kFalseEmpty:
      return "FalseEmpty";
    case Rule::kTooManyInBatch:
      return "TooManyInBatch";
    case Rule::kViewChanged:
      return "ViewChanged";
    case Rule::kRemovedMoreThanSent:
      return "RemovedMoreThanSent";
    case Rule::kWrongGroup:
      return "WrongGroup";
    case Rule::kSequenceOrder:
      return "SequenceOrder";
    case Rule::kGroupOvertaken:
      return "GroupOvertaken";
    case Rule::kGroupNotLocked:
      return "GroupNotLocked";
    case Rule::kSettledAfterLease:
      return "SettledAfterLease";
  }
  return "unknown";
}

void Report::add(Rule rule, std::string what) {
  ++found;
  // A rule that is broken often must not hide the others.
  std::size_t of_this_rule = 0;
  for (const Violation& violation : violations) of_this_rule += violation.rule == rule ? 1u : 0u;
  if (of_this_rule < 5 && violations.size() < kKept) violations.push_back({rule, std::move(what)});
}

bool Report::has(Rule rule) const noexcept {
  return std::any_of(violations.begin(), violations.end(),
                     [rule](const Violation& violation) { return violation.rule == rule; });
}

std::string Report::to_string() const {
  std::string text = std::to_string(found) + " violations";
  for (const Violation& violation : violations) {
    text += "\n  " + std::string(history::name(violation.rule)) + ": " + violation.what;
  }
  return text;
}

Evidence::Evidence(const History& from, const MessageTable& by_message, const Policy& by_policy,
                   Report& into)
    : history(from), table(by_message), policy(by_policy), report(into) {
  for (const Receive& receive : history.receives) {
    if (receive.outcome != Outcome::kMaybe) continue;
    const std::uint32_t most =
        receive.max_messages - std::min(receive.recorded, receive.max_messages);
    // If its leases could end while it went on, it may have taken one message again and again.
    const auto died = history.dead_ns.find(receive.process);
    const std::uint64_t end_ns = died == history.dead_ns.end() ? kNever : died->second;
    const std::uint64_t lease_ends_ns = receive.when.invoke_ns + receive.timeout_ns;
    const bool again = lease_ends_ns <= end_ns || lease_ends_ns - end_ns <= policy.slack_ns;
    open_receives.insert(open_receives.end(), again ? std::max(most, 1u) : 1u, receive.when.invoke);
    open_receives_take_max += most;
  }
  std::unordered_map<std::uint64_t, std::uint32_t> short_of;  // by invocation: so many messages
  for (const Receive& receive : history.receives) {
    if (receive.returned >= receive.max_messages) continue;
    short_of.emplace(receive.when.invoke, receive.max_messages - receive.returned);
  }
  for (const Delivery& delivery : history.deliveries) {
    const auto found = short_of.find(delivery.when.invoke);
    if (delivery.group == 0 || delivery.place != 0 || found == short_of.end()) continue;
    // Its first lease was over before it returned: it gave back others of the group, by when
    // somebody else may have had them, with a count for each time.
    const std::uint64_t took_ns = delivery.when.return_ns - delivery.when.invoke_ns;
    if (took_ns + policy.slack_ns < delivery.timeout_ns) continue;
    open_receives.push_back(delivery.when.invoke);
    open_receives_take_max += found->second;
  }
  std::sort(open_receives.begin(), open_receives.end());
  for (const Other& other : history.others) {
    if (other.action != Action::kPurge || other.outcome == Outcome::kRefused) continue;
    purges.push_back(&other);
    if (other.outcome == Outcome::kDone) finished_purges.push_back(&other);
  }
  std::sort(purges.begin(), purges.end(),
            [](const Other* a, const Other* b) { return a->when.invoke < b->when.invoke; });
  std::sort(finished_purges.begin(), finished_purges.end(),
            [](const Other* a, const Other* b) { return a->when.ret < b->when.ret; });
  std::uint64_t latest = 0;
  for (const Other* purge : finished_purges) {
    latest = std::max(latest, purge->when.invoke);
    purge_invoked.push_back(latest);
  }
}

bool Evidence::may_be_purged(const Send& send, std::uint64_t before_ticket) const noexcept {
  // Purges are few: a run has a handful.
  return std::any_of(purges.begin(), purges.end(), [&](const Other* purge) {
    return purge->when.ret > send.when.invoke && purge->when.invoke < before_ticket;
  });
}

std::uint64_t Evidence::surely_purged_at(std::uint64_t sent_before) const noexcept {
  for (const Other* purge : finished_purges) {
    if (purge->when.invoke > sent_before) return purge->when.ret;
  }
  return kNever;
}

bool Evidence::surely_purged(const Send& send, std::uint64_t before_ticket) const noexcept {
  const auto end = std::lower_bound(
      finished_purges.begin(), finished_purges.end(), before_ticket,
      [](const Other* purge, std::uint64_t ticket) { return purge->when.ret < ticket; });
  if (end == finished_purges.begin()) return false;
  return purge_invoked[static_cast<std::size_t>(end - finished_purges.begin()) - 1] > send.when.ret;
}

Report check(const History& history, const Policy& policy) {
  Report report;
  const MessageTable table(history);
  const Evidence evidence(history, table, policy, report);
  check_logs(evidence);
  check_results(evidence);
  for (const Message& message : table.messages()) {
    check_deliveries(evidence, message);
    check_settles(evidence, message);
    if (policy.drained) check_not_lost(evidence, message);
  }
  check_slots(evidence);
  if (policy.ordered && policy.one_order) check_order(evidence);
  const Groups groups(evidence);
  check_groups(evidence, groups);
  if (policy.one_order) check_false_empty(evidence, groups);
  check_sums(evidence);
  return report;
}

}  // namespace ringpost::history
