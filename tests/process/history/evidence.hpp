// What the rules of the checker share; private to it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "process/history/checker.hpp"
#include "process/history/message_table.hpp"

namespace ringpost::history {

class Groups;

struct Evidence {
  Evidence(const History& from, const MessageTable& by_message, const Policy& by_policy,
           Report& into);

  const History& history;
  const MessageTable& table;
  const Policy& policy;
  Report& report;

  /// Invocations of receives that never returned, or that gave back messages of a group, in order:
  /// each may have taken messages that nobody recorded. As often as it may have taken one of them.
  std::vector<std::uint64_t> open_receives;
  std::uint64_t open_receives_take_max = 0;   ///< messages that all of them may have taken
  std::vector<const Other*> purges;           ///< done or maybe, by invocation
  std::vector<const Other*> finished_purges;  ///< done, by return
  std::vector<std::uint64_t> purge_invoked;   ///< latest invocation of finished_purges[0 … i]

  /// Receives without a return that began before `ticket`.
  [[nodiscard]] std::uint64_t open_receives_before(std::uint64_t ticket) const noexcept {
    const auto end = std::lower_bound(open_receives.begin(), open_receives.end(), ticket);
    return static_cast<std::uint64_t>(end - open_receives.begin());
  }
  /// Some purge may have removed a message of `send` before `ticket`.
  [[nodiscard]] bool may_be_purged(const Send& send, std::uint64_t before_ticket) const noexcept;
  /// Ticket at which the first purge was over that certainly removed what was sent before
  /// `sent_before`; kNever if there is none.
  [[nodiscard]] std::uint64_t surely_purged_at(std::uint64_t sent_before) const noexcept;
  /// A purge that began after `send` had returned was over before `ticket`.
  [[nodiscard]] bool surely_purged(const Send& send, std::uint64_t before_ticket) const noexcept;

  void fail(Rule rule, const Message& message, const std::string& what) const {
    report.add(rule, "message " + to_string(message.key) + ": " + what);
  }
};

void check_logs(const Evidence& evidence);
void check_results(const Evidence& evidence);
void check_deliveries(const Evidence& evidence, const Message& message);
void check_settles(const Evidence& evidence, const Message& message);
void check_not_lost(const Evidence& evidence, const Message& message);
void check_slots(const Evidence& evidence);
void check_order(const Evidence& evidence);
void check_groups(const Evidence& evidence, const Groups& groups);
void check_false_empty(const Evidence& evidence, const Groups& groups);
void check_sums(const Evidence& evidence);

}  // namespace ringpost::history
