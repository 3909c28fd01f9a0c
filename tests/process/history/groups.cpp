#include "process/history/groups.hpp"

#include <map>

namespace ringpost::history {

namespace {

std::optional<std::uint64_t> sequence_of(const Message& message) noexcept {
  const Send& send = *message.send;
  if (send.count == 1 && send.id != MessageId{}) return send.id.position;
  if (message.deliveries.empty()) return std::nullopt;
  return message.deliveries.front().id.position;
}

/// Ticket after which nobody can publish a message of this send any more.
std::uint64_t end_of(const History& history, const Send& send) noexcept {
  if (send.when.returned()) return send.when.ret;
  const auto dead = history.dead.find(send.process);
  return dead != history.dead.end() ? dead->second : kNever;
}

GroupMember member_of(const Evidence& evidence, const Message& message, std::uint64_t sequence) {
  GroupMember member{&message, sequence};
  for (const Settle& settle : message.settles) {
    if (settle.action != Action::kAcknowledge || settle.outcome == Outcome::kRefused) continue;
    member.gone_earliest = std::min(member.gone_earliest, settle.when.invoke);
    member.gone_latest = std::min(member.gone_latest, settle.when.ret);
  }
  for (const Other* purge : evidence.purges) {
    if (purge->when.ret < message.send->when.invoke) continue;
    member.gone_earliest = std::min(member.gone_earliest, purge->when.invoke);
  }
  const std::uint64_t sent = end_of(evidence.history, *message.send);
  member.gone_latest = std::min(member.gone_latest, evidence.surely_purged_at(sent));
  return member;
}

bool has_delivery_in(const Message& message, const Delivery& receive) noexcept {
  return std::any_of(message.deliveries.begin(), message.deliveries.end(), [&](const auto& each) {
    return each.process == receive.process && each.when.invoke == receive.when.invoke;
  });
}

/// Whoever received a later message, and not this one with it, shows that this one was gone.
void conclude_from_later(std::span<GroupMember> group) {
  for (std::size_t i = 0; i + 1 < group.size(); ++i) {
    if (group[i].gone_latest != kNever) continue;
    for (const Delivery& later : group[i + 1].message->deliveries) {
      if (has_delivery_in(*group[i].message, later)) continue;
      group[i].gone_latest = std::min(group[i].gone_latest, later.when.ret);
    }
  }
}

}  // namespace

Groups::Groups(const Evidence& evidence) {
  struct Group {
    std::vector<GroupMember> members;
    std::vector<const Message*> placeless;
  };
  std::map<std::uint32_t, Group> by_number;
  for (const Message& message : evidence.table.messages()) {
    if (message.send->group == 0 || message.sent == Outcome::kRefused) continue;
    Group& group = by_number[message.send->group];
    const auto sequence = sequence_of(message);
    if (sequence) {
      group.members.push_back(member_of(evidence, message, *sequence));
    } else if (!evidence.policy.drained || evidence.may_be_purged(*message.send, kNever)) {
      group.placeless.push_back(&message);  // else it was never there, or it is lost
    }
  }
  for (auto& [number, group] : by_number) {
    std::sort(group.members.begin(), group.members.end(),
              [](const auto& a, const auto& b) { return a.sequence < b.sequence; });
    conclude_from_later(group.members);
    unlock(evidence, group.placeless, group.members);
    groups_.push_back(std::move(group.members));
  }
}

/// A message without a known place may stand before each one whose send was not over when its own
/// began.
void Groups::unlock(const Evidence& evidence, std::span<const Message* const> placeless,
                    std::span<GroupMember> group) {
  struct Obstacle {
    std::uint64_t from;
    std::uint64_t to;  ///< after sorting: of this one and all before it
  };
  std::vector<Obstacle> obstacles;
  for (const Message* message : placeless) {
    const std::uint64_t sent = end_of(evidence.history, *message->send);
    obstacles.push_back({message->send->when.invoke, evidence.surely_purged_at(sent)});
  }
  std::sort(obstacles.begin(), obstacles.end(),
            [](const auto& a, const auto& b) { return a.from < b.from; });
  std::uint64_t latest = 0;
  for (Obstacle& each : obstacles) each.to = latest = std::max(latest, each.to);
  std::uint64_t unlocked = 0;
  for (const GroupMember& member : group) {
    const std::uint64_t sent = member.message->send->when.ret;
    const auto end =
        std::lower_bound(obstacles.begin(), obstacles.end(), sent,
                         [](const auto& each, std::uint64_t ticket) { return each.from < ticket; });
    const std::uint64_t in_the_way = end == obstacles.begin() ? 0 : std::prev(end)->to;
    unlocked_from_[member.message] = std::max(unlocked, in_the_way);
    unlocked = std::max(unlocked, member.gone_latest);
  }
}

std::uint64_t Groups::unlocked_from(const Message& message) const noexcept {
  if (message.send->group == 0) return 0;
  const auto found = unlocked_from_.find(&message);
  return found != unlocked_from_.end() ? found->second : kNever;
}

}  // namespace ringpost::history
