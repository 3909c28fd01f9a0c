// When a lease may have ended at the earliest, as far as the history knows.
#pragma once

#include <cstdint>

#include "process/history/message_table.hpp"

namespace ringpost::history {

struct LeaseEnd {
  /// On the bus's clock: before this nobody else may have the message.
  std::uint64_t earliest_ns = 0;
  /// The earliest end is a release; the death of the owner does not bring it forward.
  bool by_release = false;
};

/// The earliest end of the lease that `delivery` of `message` gave, as seen by somebody whose call
/// was over at ticket `seen_at`. Every release or extension that may have been the last one counts:
/// those that are certainly older than an accepted one do not.
[[nodiscard]] LeaseEnd earliest_end(const History& history, const Message& message,
                                    const Delivery& delivery, std::uint64_t seen_at);

/// The process may have been gone by then: its leases may end at once.
[[nodiscard]] bool owner_gone(const History& history, std::uint32_t owner, std::uint64_t seen_at);

/// The latest end of the lease that `delivery` of `message` gave, on the bus's clock, as far as it
/// was decided before `by` began; kNever if that is not known.
[[nodiscard]] std::uint64_t latest_end(const Message& message, const Delivery& delivery,
                                       const Settle& by);

}  // namespace ringpost::history
