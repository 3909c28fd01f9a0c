#include "process/history/rare_states.hpp"

#include <algorithm>
#include <cstring>

#include "process/history/lease_end.hpp"
#include "process/history/message_table.hpp"

namespace ringpost::history {

namespace {

template <class Calls, class Matches>
std::uint64_t number_of(const Calls& calls, const Matches& matches) {
  return static_cast<std::uint64_t>(std::count_if(calls.begin(), calls.end(), matches));
}

template <class Calls>
std::uint64_t with_result(const Calls& calls, Errc result) {
  return number_of(calls, [result](const auto& call) { return call.result == result; });
}

template <class Calls>
std::uint64_t broken_off(const Calls& calls) {
  return number_of(calls, [](const auto& call) { return call.outcome == Outcome::kMaybe; });
}

struct Redeliveries {
  std::uint64_t by_release = 0;
  std::uint64_t by_death = 0;
  std::uint64_t by_expiry = 0;
  std::uint64_t counts_missing = 0;
};

void add_redeliveries(const History& history, const Message& message, Redeliveries& sums) {
  for (std::size_t i = 1; i < message.deliveries.size(); ++i) {
    const Delivery& before = message.deliveries[i - 1];
    const Delivery& next = message.deliveries[i];
    if (next.receipt.receive_count != before.receipt.receive_count + 1) {
      ++sums.counts_missing;
      continue;
    }
    const bool released = earliest_end(history, message, before, next.when.ret).by_release;
    const bool gone = owner_gone(history, before.process, next.when.ret);
    ++(released ? sums.by_release : gone ? sums.by_death : sums.by_expiry);
  }
}

std::uint64_t late_acknowledges(const History& history, const Message& message) {
  return number_of(message.settles, [&](const Settle& settle) {
    if (settle.action != Action::kAcknowledge || settle.outcome != Outcome::kDone) return false;
    for (const Delivery& delivery : message.deliveries) {
      if (delivery.receipt.receive_count != settle.receipt.receive_count) continue;
      const LeaseEnd end = earliest_end(history, message, delivery, settle.when.invoke);
      return end.earliest_ns != 0 && end.earliest_ns < settle.when.invoke_ns;
    }
    return false;
  });
}

std::uint64_t settled_by_others(const Message& message) {
  return number_of(message.settles, [&](const Settle& settle) {
    if (settle.outcome != Outcome::kDone) return false;
    return std::any_of(message.deliveries.begin(), message.deliveries.end(),
                       [&](const Delivery& delivery) {
                         return delivery.receipt.receive_count == settle.receipt.receive_count &&
                                delivery.process != settle.process;
                       });
  });
}

/// Sends during which a message whose send began later was already delivered: its slot was passed.
std::uint64_t sends_overtaken(const MessageTable& table) {
  struct Seen {
    std::uint64_t sent;
    std::uint64_t delivered;
  };
  std::vector<Seen> seen;
  std::vector<const Send*> sends;
  for (const Message& message : table.messages()) {
    if (message.place == 0) sends.push_back(message.send);
    const Delivery* first = message.first_delivery();
    if (first != nullptr) seen.push_back({message.send->when.invoke, first->when.ret});
  }
  std::sort(seen.begin(), seen.end(), [](const Seen& a, const Seen& b) { return a.sent > b.sent; });
  std::sort(sends.begin(), sends.end(),
            [](const Send* a, const Send* b) { return a->when.invoke > b->when.invoke; });
  std::uint64_t earliest = kNever;
  std::uint64_t overtaken = 0;
  auto next = seen.begin();
  for (const Send* send : sends) {
    for (; next != seen.end() && next->sent > send->when.invoke; ++next) {
      earliest = std::min(earliest, next->delivered);
    }
    overtaken += send->when.returned() && earliest < send->when.ret ? 1u : 0u;
  }
  return overtaken;
}

void count_calls(const History& history, RareStates& states) {
  states.count("send refused: full", with_result(history.sends, Errc::kFull));
  states.count("send refused: no space", with_result(history.sends, Errc::kNoSpace));
  states.count("send batch accepted in part", number_of(history.sends, [](const Send& send) {
                 return send.outcome == Outcome::kDone && send.accepted < send.count;
               }));
  states.count("send broken off", broken_off(history.sends));
  states.count("receive empty", with_result(history.receives, Errc::kEmpty));
  states.count("receive timed out", with_result(history.receives, Errc::kTimedOut));
  states.count("receive refused: views held", with_result(history.receives, Errc::kHeld));
  states.count("receive refused: in flight", with_result(history.receives, Errc::kOverLimit));
  states.count("receive broken off", broken_off(history.receives));
  states.count("stale receipt refused", with_result(history.settles, Errc::kStaleReceipt));
  states.count("settlement broken off", broken_off(history.settles));
  std::uint64_t purged = 0;
  std::uint64_t dead = 0;
  std::uint64_t voided = 0;
  std::uint64_t sweeps_broken_off = 0;
  for (const Other& other : history.others) {
    if (other.action == Action::kPurge) purged += other.number;
    if (other.action != Action::kSweep) continue;
    dead += other.count;
    voided += other.number;
    sweeps_broken_off += other.outcome == Outcome::kMaybe ? 1u : 0u;
  }
  states.count("message purged", purged);
  states.count("dead participant swept", dead);
  states.count("claim of a dead sender voided", voided);
  states.count("sweep broken off", sweeps_broken_off);
}

}  // namespace

void RareStates::count(const char* state, std::uint64_t times) {
  for (Entry& entry : entries_) {
    if (std::strcmp(entry.name, state) == 0) {
      entry.count += times;
      return;
    }
  }
  entries_.push_back({state, times});
}

void RareStates::add(const RareStates& other) {
  for (const Entry& entry : other.entries_) count(entry.name, entry.count);
}

std::uint64_t RareStates::of(const char* state) const noexcept {
  for (const Entry& entry : entries_) {
    if (std::strcmp(entry.name, state) == 0) return entry.count;
  }
  return 0;
}

RareStates count_states(const History& history) {
  const MessageTable table(history);
  RareStates states;
  count_calls(history, states);
  Redeliveries redeliveries;
  std::uint64_t late = 0;
  std::uint64_t by_others = 0;
  std::uint64_t delayed = 0;
  for (const Message& message : table.messages()) {
    add_redeliveries(history, message, redeliveries);
    late += late_acknowledges(history, message);
    by_others += settled_by_others(message);
    delayed += message.send->delay_ns > 0 && !message.deliveries.empty() ? 1u : 0u;
  }
  states.count("redelivered after a release", redeliveries.by_release);
  states.count("redelivered after expiry", redeliveries.by_expiry);
  states.count("redelivered after death", redeliveries.by_death);
  states.count("delivery known to nobody alive", redeliveries.counts_missing);
  states.count("late acknowledge accepted", late);
  states.count("settled by another process", by_others);
  states.count("delayed message delivered", delayed);
  states.count("overtaken while being sent (awaited slot)", sends_overtaken(table));
  return states;
}

}  // namespace ringpost::history
