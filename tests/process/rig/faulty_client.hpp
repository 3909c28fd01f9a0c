// FaultyClient: a client with one planted bug. What it breaks, the checker must find.
#pragma once

#include <memory>

#include "process/history/checker.hpp"
#include "process/rig/client.hpp"
#include "ringpost/clock.hpp"

namespace ringpost::rig {

enum class Bug : std::uint8_t {
  kDropsASend,         ///< says ok and sends nothing
  kDropsOneOfABatch,   ///< the last of a batch
  kDeliversTwice,      ///< gives a message out again under its old receipt
  kHoldsBackAMessage,  ///< gives it out one receive later
  kStaleReceiptSaysOk,
  kStaleReceiptActs,      ///< acknowledges the newer delivery instead
  kForgetsAnAcknowledge,  ///< says ok and leaves the message there
  kResurrects,            ///< sends an acknowledged message once more
  kIgnoresTheDelay,
  kIgnoresTheTimeout,  ///< leases end at once
  kDamagesABody,
  kFalseEmpty,  ///< says empty without looking
  kPurgesNothing,
  kRefusesAGoodReceipt,
  // Of FIFO queues.
  kUsesASecondLock,  ///< some messages of a group are locked and ordered apart from the others
  kReversesABatch,   ///< sends the last one first
  kSwapsInABatch,    ///< gives two messages of a group in the wrong order
  kNamesAnotherGroup,
  kReceiptOutlivesItsLease,
};
inline constexpr int kBugs = static_cast<int>(Bug::kReceiptOutlivesItsLease) + 1;
inline constexpr int kStandardBugs = static_cast<int>(Bug::kUsesASecondLock);

[[nodiscard]] const char* name(Bug bug) noexcept;
/// A rule that this bug breaks.
[[nodiscard]] history::Rule rule_broken_by(Bug bug) noexcept;

/// The bug strikes now and then: at every so many opportunities.
[[nodiscard]] std::unique_ptr<Client> make_faulty(std::unique_ptr<Client> inner, Bug bug);

}  // namespace ringpost::rig
