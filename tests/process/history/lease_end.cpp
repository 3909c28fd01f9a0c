#include "process/history/lease_end.hpp"

#include <algorithm>

namespace ringpost::history {

namespace {

bool moves_the_end(const Settle& settle, const Delivery& delivery) noexcept {
  return settle.action != Action::kAcknowledge && settle.outcome != Outcome::kRefused &&
         settle.receipt.receive_count == delivery.receipt.receive_count;
}

}  // namespace

bool owner_gone(const History& history, std::uint32_t owner, std::uint64_t seen_at) {
  const auto gone = history.gone.find(owner);
  return gone != history.gone.end() && gone->second < seen_at;
}

LeaseEnd earliest_end(const History& history, const Message& message, const Delivery& delivery,
                      std::uint64_t seen_at) {
  // Whatever was over before this ticket has certainly been replaced by a later one.
  std::uint64_t replaced_before = 0;
  for (const Settle& settle : message.settles) {
    if (moves_the_end(settle, delivery) && settle.outcome == Outcome::kDone) {
      replaced_before = std::max(replaced_before, settle.when.invoke);
    }
  }
  LeaseEnd end{kNever, false};
  const auto may_be = [&end](std::uint64_t ns, bool by_release) {
    if (ns < end.earliest_ns) end = {ns, by_release};
  };
  if (delivery.when.ret >= replaced_before) {
    const bool gone = owner_gone(history, delivery.process, seen_at);
    may_be(gone ? 0 : delivery.when.invoke_ns + delivery.timeout_ns, false);
  }
  for (const Settle& settle : message.settles) {
    if (!moves_the_end(settle, delivery) || settle.when.invoke > seen_at) continue;
    if (settle.when.ret < replaced_before) continue;
    const bool is_release = settle.action == Action::kRelease;
    // Whoever extends a lease owns it from then on; a release is nobody's.
    const bool gone = !is_release && owner_gone(history, settle.process, seen_at);
    may_be(gone ? 0 : settle.when.invoke_ns + settle.duration_ns, is_release);
  }
  return end.earliest_ns == kNever ? LeaseEnd{0, false} : end;
}

std::uint64_t latest_end(const Message& message, const Delivery& delivery, const Settle& by) {
  std::uint64_t replaced_before = 0;
  for (const Settle& settle : message.settles) {
    const bool counts = moves_the_end(settle, delivery) && settle.outcome == Outcome::kDone;
    if (counts && settle.when.over_before(by.when)) {
      replaced_before = std::max(replaced_before, settle.when.invoke);
    }
  }
  std::uint64_t latest_ns = 0;
  if (delivery.when.ret >= replaced_before) {
    latest_ns = delivery.when.return_ns + delivery.timeout_ns;
  }
  for (const Settle& settle : message.settles) {
    if (&settle == &by || !moves_the_end(settle, delivery)) continue;
    if (settle.when.ret < replaced_before || by.when.over_before(settle.when)) continue;
    if (!settle.when.returned()) return kNever;
    latest_ns = std::max(latest_ns, settle.when.return_ns + settle.duration_ns);
  }
  return latest_ns;
}

}  // namespace ringpost::history
