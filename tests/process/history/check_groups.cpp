// Rules of a FIFO queue about the messages of one group. Nothing of a group is delivered while an
// earlier message of it is there, unless the same receive delivers that one first: whether it
// waits, is delayed or is in flight. So one rule holds the order and the lock.

#include <tuple>

#include "process/history/groups.hpp"
#include "process/history/lease_end.hpp"

namespace ringpost::history {

namespace {

std::string text(const Delivery& delivery) {
  return "delivery " + std::to_string(delivery.receipt.receive_count) + " to process " +
         std::to_string(delivery.process) + " at " + to_string(delivery.when);
}

bool of_one_receive(const Delivery& a, const Delivery& b) noexcept {
  return a.process == b.process && a.when.invoke == b.when.invoke;
}

/// The same receive had delivered `earlier` when it came to `delivery`.
bool delivered_before(const Message& earlier, const Delivery& delivery) noexcept {
  return std::any_of(earlier.deliveries.begin(), earlier.deliveries.end(), [&](const auto& each) {
    return of_one_receive(each, delivery) && each.place < delivery.place;
  });
}

bool in_flight_elsewhere(const Evidence& evidence, const Message& earlier,
                         const Delivery& delivery) {
  return std::any_of(
      earlier.deliveries.begin(), earlier.deliveries.end(), [&](const Delivery& each) {
        if (of_one_receive(each, delivery) || !each.when.over_before(delivery.when)) return false;
        const LeaseEnd end = earliest_end(evidence.history, earlier, each, delivery.when.ret);
        return delivery.when.return_ns + evidence.policy.slack_ns < end.earliest_ns;
      });
}

void check_delivery(const Evidence& evidence, std::span<const GroupMember> before,
                    std::span<const std::uint64_t> gone_by, const GroupMember& member,
                    const Delivery& delivery) {
  // From the back, until all that are left were certainly able to be gone.
  for (std::size_t i = before.size(); i > 0 && gone_by[i - 1] > delivery.when.ret; --i) {
    const Message& earlier = *before[i - 1].message;
    if (before[i - 1].gone_earliest <= delivery.when.ret) continue;
    if (delivered_before(earlier, delivery)) continue;
    const bool locked = in_flight_elsewhere(evidence, earlier, delivery);
    evidence.fail(locked ? Rule::kGroupNotLocked : Rule::kGroupOvertaken, *member.message,
                  text(delivery) + " while message " + to_string(earlier.key) + " of group " +
                      std::to_string(earlier.send->group) + " was there");
    return;
  }
}

void check_locks(const Evidence& evidence, std::span<const GroupMember> group) {
  std::vector<std::uint64_t> gone_by;  // everything up to here may have been gone
  for (std::size_t i = 0; i < group.size(); ++i) {
    for (const Delivery& delivery : group[i].message->deliveries) {
      check_delivery(evidence, group.first(i), gone_by, group[i], delivery);
    }
    const std::uint64_t before = gone_by.empty() ? 0 : gone_by.back();
    gone_by.push_back(std::max(before, group[i].gone_earliest));
  }
}

/// Of two messages the one whose send was over when the other's began has the lower number; of one
/// producer the one with the lower key.
void check_sequence(const Evidence& evidence, std::span<const GroupMember> group) {
  std::unordered_map<std::uint32_t, const Message*> next_of_producer;
  const Message* first_over = nullptr;  // of those with a higher number
  for (std::size_t i = group.size(); i-- > 0;) {
    const Message& message = *group[i].message;
    const bool repeated = i + 1 < group.size() && group[i].sequence == group[i + 1].sequence;
    const Message*& next = next_of_producer[message.key.producer];
    const Message* wrong = repeated ? group[i + 1].message : nullptr;
    if (next != nullptr && next->key < message.key) wrong = next;
    if (evidence.policy.one_order && first_over != nullptr &&
        first_over->send->when.over_before(message.send->when)) {
      wrong = first_over;
    }
    if (wrong != nullptr) {
      evidence.fail(Rule::kSequenceOrder, message,
                    "number " + std::to_string(group[i].sequence) + ", sent after message " +
                        to_string(wrong->key) + ", which has a higher one");
    }
    next = &message;
    if (first_over == nullptr || message.send->when.ret < first_over->send->when.ret) {
      first_over = &message;
    }
  }
}

/// For histories without an order: what one receive delivered of a group is in order.
void check_batches(const Evidence& evidence, std::span<const GroupMember> group) {
  struct Place {
    std::uint32_t process;
    std::uint64_t receive;
    std::uint32_t place;
    std::uint64_t sequence;
    bool lease_lasts;  ///< to the end of the receive: else it may get the group once more
    const Message* message;
  };
  std::vector<Place> places;
  for (const GroupMember& member : group) {
    for (const Delivery& delivery : member.message->deliveries) {
      const Interval& when = delivery.when;
      places.push_back({delivery.process, when.invoke, delivery.place, member.sequence,
                        when.invoke_ns + delivery.timeout_ns > when.return_ns, member.message});
    }
  }
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    return std::tie(a.process, a.receive, a.place) < std::tie(b.process, b.receive, b.place);
  });
  for (std::size_t i = 1; i < places.size(); ++i) {
    const Place& a = places[i - 1];
    const Place& b = places[i];
    if (a.process != b.process || a.receive != b.receive || a.sequence < b.sequence) continue;
    if (!a.lease_lasts) continue;
    evidence.fail(Rule::kGroupOvertaken, *b.message,
                  "in one batch behind message " + to_string(a.message->key));
  }
}

}  // namespace

void check_groups(const Evidence& evidence, const Groups& groups) {
  for (const Message& message : evidence.table.messages()) {
    for (const Delivery& delivery : message.deliveries) {
      if (delivery.group == message.send->group) continue;
      evidence.fail(Rule::kWrongGroup, message,
                    text(delivery) + ": " + std::to_string(delivery.group) + " instead of " +
                        std::to_string(message.send->group));
    }
  }
  for (const auto& group : groups.groups()) {
    check_sequence(evidence, group);
    if (evidence.policy.one_order) {
      check_locks(evidence, group);
    } else {
      check_batches(evidence, group);
    }
  }
}

}  // namespace ringpost::history
