// First deliveries are in order of sending, save for messages that a receive went past while they
// were being filled: nobody waits for their producer, and they are found again in any order.

#include <tuple>
#include <unordered_map>

#include "process/history/evidence.hpp"

namespace ringpost::history {

namespace {

/// Which sends may have been passed while they were being filled: those during which some receive
/// looked as far as their slot. A receive looks to the end of the queue if it got less than it
/// asked for; else it looks as far as the messages that it got.
class Passing {
 public:
  explicit Passing(const Evidence& evidence) {
    std::unordered_map<std::uint64_t, std::uint64_t> newest;  // by invocation of the receive
    for (const Message& message : evidence.table.messages()) {
      for (const Delivery& delivery : message.deliveries) {
        std::uint64_t& sent = newest[delivery.when.invoke];
        sent = std::max(sent, message.send->when.ret);
      }
    }
    for (const Receive& receive : evidence.history.receives) {
      std::uint64_t until = receive.when.ret;
      if (!receive.when.returned()) {
        const auto dead = evidence.history.dead.find(receive.process);
        if (dead != evidence.history.dead.end()) until = dead->second;
      } else if (receive.returned == receive.max_messages) {
        until = std::min(until, newest[receive.when.invoke]);
      }
      looks_.push_back({receive.when.invoke, until});
    }
    std::sort(looks_.begin(), looks_.end(),
              [](const Look& a, const Look& b) { return a.from < b.from; });
    std::uint64_t latest = 0;
    for (Look& look : looks_) look.until = latest = std::max(latest, look.until);
  }

  [[nodiscard]] bool may_have_passed(const Send& send) const noexcept {
    const auto end =
        std::lower_bound(looks_.begin(), looks_.end(), send.when.ret,
                         [](const Look& look, std::uint64_t ticket) { return look.from < ticket; });
    return end != looks_.begin() && std::prev(end)->until > send.when.invoke;
  }

 private:
  struct Look {
    std::uint64_t from;
    std::uint64_t until;  ///< after sorting: of this one and all that began before it
  };
  std::vector<Look> looks_;
};

/// The first delivery of a message that has a place in the order; else null. A message with a group
/// has its place there only: check_groups.cpp.
const Delivery* ordered_delivery(const Message& message) noexcept {
  const bool counts =
      message.sent == Outcome::kDone && message.send->delay_ns == 0 && message.send->group == 0;
  return counts ? message.first_delivery() : nullptr;
}

// For a message j, let i be an earlier one of the same producer whose send had returned before the
// receive of j began, and that nobody can have passed while it was being filled. Then i was visible
// all the time, and must not be received for the first time by a receive that began only after that
// of j was over. Sends of one producer return in order of number, so these i are among a prefix,
// and the latest first receive of a prefix is a running maximum.
void check_producer(const Evidence& evidence, const Passing& passing,
                    std::span<const Message> messages) {
  std::vector<std::uint64_t> sent_at;       // return of the send
  std::vector<std::uint64_t> latest_first;  // latest beginning of a first receive up to here
  for (const Message& message : messages) {
    const Delivery* first = ordered_delivery(message);
    if (first != nullptr) {
      const auto end = std::lower_bound(sent_at.begin(), sent_at.end(), first->when.invoke);
      const auto prefix = static_cast<std::size_t>(end - sent_at.begin());
      if (prefix > 0 && latest_first[prefix - 1] > first->when.ret) {
        evidence.fail(Rule::kOutOfOrder, message,
                      "first delivered at " + to_string(first->when) +
                          ", an earlier one of its producer not before " +
                          std::to_string(latest_first[prefix - 1]));
      }
    }
    const bool holds = first != nullptr && !passing.may_have_passed(*message.send);
    const std::uint64_t before = latest_first.empty() ? 0 : latest_first.back();
    sent_at.push_back(message.send->when.ret);
    latest_first.push_back(std::max(before, holds ? first->when.invoke : 0));
  }
}

void check_batches(const Evidence& evidence, const Passing& passing) {
  struct Placed {
    const Delivery* delivery;
    bool holds;  ///< must not stand behind a later one
  };
  std::vector<Placed> placed;
  for (const Message& message : evidence.table.messages()) {
    const Delivery* first = ordered_delivery(message);
    if (first == nullptr || message.send->when.ret >= first->when.invoke) continue;
    placed.push_back({first, !passing.may_have_passed(*message.send)});
  }
  const auto rank = [](const Placed& item) {
    const Delivery& delivery = *item.delivery;
    return std::tie(delivery.when.invoke, delivery.key.producer, delivery.place);
  };
  std::sort(placed.begin(), placed.end(),
            [&](const Placed& a, const Placed& b) { return rank(a) < rank(b); });
  MessageKey highest;
  std::uint64_t receive = 0;
  for (const Placed& item : placed) {
    const Delivery& delivery = *item.delivery;
    if (delivery.when.invoke != receive || delivery.key.producer != highest.producer) {
      receive = delivery.when.invoke;
      highest = delivery.key;
    } else if (highest < delivery.key) {
      highest = delivery.key;
    } else if (item.holds) {
      evidence.report.add(Rule::kOutOfOrder, "messages " + to_string(highest) + " and " +
                                                 to_string(delivery.key) + " in one batch at " +
                                                 to_string(delivery.when));
    }
  }
}

}  // namespace

void check_order(const Evidence& evidence) {
  const Passing passing(evidence);
  const auto messages = evidence.table.messages();
  for (std::size_t start = 0; start < messages.size();) {
    std::size_t end = start;
    while (end < messages.size() && messages[end].key.producer == messages[start].key.producer) {
      ++end;
    }
    check_producer(evidence, passing, messages.subspan(start, end - start));
    start = end;
  }
  check_batches(evidence, passing);
}

}  // namespace ringpost::history
