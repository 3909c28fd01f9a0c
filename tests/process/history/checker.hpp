// The checker: does a history keep the promises of a standard queue (P1, P2, P3), and those of a
// FIFO queue for messages that have a group?
//
// It judges only what is certain. A call without a return is "maybe": it may have happened, then
// or never, so it can excuse something and never prove anything. O(n log n) in the calls.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "process/history/history.hpp"

namespace ringpost::history {

enum class Rule : std::uint8_t {
  kMalformedLog,               ///< the logs themselves make no sense
  kUnexpectedResult,           ///< a result that the call may not have
  kInvented,                   ///< a delivery that nobody sent, or with other bytes
  kDeliveredBeforeSent,        ///< delivered before its send began
  kRefusedSendDelivered,       ///< the send was refused, and yet
  kLost,                       ///< sent, and at the end neither acknowledged, purged nor there
  kTwoLiveLeases,              ///< delivered again before the lease before had ended
  kCountRepeated,              ///< two deliveries of a message with one receive count
  kCountOrder,                 ///< a higher receive count was over before a lower one began
  kCountSkipped,               ///< a receive count is missing that no broken-off receive explains
  kDeliveredAfterAcknowledge,  ///< a delivery that the acknowledge should have prevented
  kAcknowledgedTwice,          ///< two acknowledges of one message said ok
  kSettledAfterAcknowledge,    ///< a release or extension of a message that was gone said ok
  kStaleReceiptActed,          ///< a receipt acted although a newer delivery had been made
  kStaleWithoutReason,         ///< a receipt was refused although nobody else had the message
  kSettledUndelivered,         ///< a receipt that no delivery gave was accepted
  kReceiptChanged,             ///< two deliveries of one message name different slots or laps
  kSlotShared,                 ///< two messages with one slot and lap
  kIdChanged,                  ///< the message has another id than before
  kDeliveredEarly,             ///< before its delay was over
  kOutOfOrder,                 ///< a later message was first delivered before an earlier one
  kSurvivedPurge,              ///< sent before a purge, seen after it
  kFalseEmpty,                 ///< "empty" while a message was visible all the time
  kTooManyInBatch,             ///< more messages than the receive asked for
  kViewChanged,                ///< bytes changed while they were in hand
  kRemovedMoreThanSent,        ///< purges and acknowledges removed more than was ever sent
  kWrongGroup,                 ///< FIFO: the lease names another group than the send
  kSequenceOrder,              ///< FIFO: a later message of a group has a lower sequence number
  kGroupOvertaken,             ///< FIFO: delivered while an earlier one of its group waited
  kGroupNotLocked,             ///< FIFO: delivered while an earlier one of its group was in flight
  kSettledAfterLease,          ///< FIFO: a receipt acted although its lease was over
};
inline constexpr int kRules = static_cast<int>(Rule::kSettledAfterLease) + 1;

[[nodiscard]] const char* name(Rule rule) noexcept;

struct Policy {
  /// A deadline may be this much early: times in shared memory have units of 10 µs, one is lost in
  /// rounding the time of the receive and one in rounding the sum.
  std::uint64_t slack_ns = 20'000;
  /// The history ends with a drain that went on until the queue was empty.
  bool drained = true;
  /// First deliveries are in order of sending.
  bool ordered = true;
  /// Somebody set in_flight_max so low that a receive may have waited in vain for messages in
  /// flight to become fewer: its time-out then says nothing about what was visible. Nor does
  /// "empty" of a FIFO queue.
  bool limited = false;
  /// The bus's clock may be so much behind when a lease of a FIFO queue is settled.
  std::uint64_t lag_ns = 0;
  /// Tickets of different processes can be compared. If not, only rules without time are judged.
  bool one_order = true;
};

struct Violation {
  Rule rule = Rule::kMalformedLog;
  std::string what;
};

struct Report {
  static constexpr std::size_t kKept = 50;

  std::vector<Violation> violations;  ///< the first kKept
  std::uint64_t found = 0;            ///< all

  void add(Rule rule, std::string what);
  [[nodiscard]] bool ok() const noexcept { return found == 0; }
  [[nodiscard]] bool has(Rule rule) const noexcept;
  [[nodiscard]] std::string to_string() const;
};

[[nodiscard]] Report check(const History& history, const Policy& policy = {});

}  // namespace ringpost::history
