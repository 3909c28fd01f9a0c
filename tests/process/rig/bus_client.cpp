#include "process/rig/bus_client.hpp"

#include <algorithm>

#include "ringpost/admin.hpp"

namespace ringpost::rig {

Result<std::unique_ptr<BusClient>> BusClient::open(const std::string& bus,
                                                   const BusOptions& options,
                                                   const QueueSettings& settings) {
  auto opened = Bus::open(bus, options);
  if (!opened) return Unexpected(opened.error());
  return over(*std::move(opened), settings);
}

Result<std::unique_ptr<BusClient>> BusClient::over(Bus bus, const QueueSettings& settings) {
  auto queue = bus.queue("work", settings);
  // Somebody may have changed the settings since: then it exists, and that will do.
  if (!queue && queue.error() == Errc::kExists) queue = bus.open_queue("work");
  if (!queue) return Unexpected(queue.error());
  return std::unique_ptr<BusClient>(new BusClient(std::move(bus), *std::move(queue)));
}

Sent BusClient::send(std::span<const OutMessage> messages, SendWay way,
                     const SendOptions& options) {
  if (way == SendWay::kBatch) {
    const auto sent = queue_.send_batch(messages, options);
    if (!sent) return {sent.error(), 0, {}};
    return {Errc::kOk, static_cast<std::uint32_t>(*sent), {}};
  }
  const ByteSpan body = messages.front().body;
  if (way == SendWay::kSingle) {
    const auto sent = queue_.send(body, options);
    return sent ? Sent{Errc::kOk, 1, *sent} : Sent{sent.error(), 0, {}};
  }
  // Asks for more than it needs, as one does who does not know the length yet.
  auto loan = queue_.loan(body.size() + 16);
  if (!loan) return {loan.error(), 0, {}};
  std::copy(body.begin(), body.end(), loan->bytes().begin());
  loan->shrink(body.size());
  const auto sent = queue_.send(*std::move(loan), options);
  return sent ? Sent{Errc::kOk, 1, *sent} : Sent{sent.error(), 0, {}};
}

Errc BusClient::receive(const ReceiveOptions& options, std::vector<Hand>& into) {
  const Errc result = queue_.receive(received_, options);
  for (Lease& lease : received_) {
    Hand hand;
    hand.receipt = lease.receipt();
    hand.id = lease.id();
    identify(hand, lease.body(), lease.attributes());
    hand.damaged |= hand.receipt.receive_count != lease.receive_count();
    hand.group = group_number(lease.group());
    hand.damaged |= hand.group != 0 && lease.sequence() != hand.id.position;
    hand.lease = std::move(lease);
    hand.has_lease = true;
    into.push_back(std::move(hand));
  }
  received_.clear();
  return result;
}

Errc BusClient::settle(Hand& hand, Action action, Duration duration) {
  if (!hand.has_lease) return settle(hand.receipt, action, duration);
  switch (action) {
    case Action::kAcknowledge:
      return hand.lease.acknowledge();
    case Action::kRelease:
      return hand.lease.release(duration);
    case Action::kExtend:
      return hand.lease.extend(duration);
    default:
      return Errc::kInvalidArgument;
  }
}

Errc BusClient::settle(const Receipt& receipt, Action action, Duration duration) {
  switch (action) {
    case Action::kAcknowledge:
      return queue_.acknowledge(receipt);
    case Action::kRelease:
      return queue_.release(receipt, duration);
    case Action::kExtend:
      return queue_.extend(receipt, duration);
    default:
      return Errc::kInvalidArgument;
  }
}

Errc BusClient::purge(std::uint64_t& removed) {
  const auto purged = queue_.purge();
  if (!purged) return purged.error().code;
  removed = *purged;
  return Errc::kOk;
}

Errc BusClient::set(const QueueSettings& changes) {
  const auto changed = queue_.set(changes);
  return changed ? Errc::kOk : changed.error().code;
}

std::vector<std::string> BusClient::peek(std::size_t count) {
  std::vector<std::string> bodies;
  for (PeekedMessage& message : queue_.peek(count)) bodies.push_back(std::move(message.body));
  return bodies;
}

Content BusClient::content() {
  const QueueStats stats = queue_.stats();
  return {stats.visible, stats.in_flight, stats.delayed};
}

Swept BusClient::sweep() {
  const Bus::Swept swept = bus_.sweep();
  return {swept.dead_participants, swept.leases_returned, swept.claims_voided, swept.elected};
}

std::vector<std::string> BusClient::examine() {
  std::vector<std::string> findings;
  for (const Finding& finding : ringpost::examine(bus_).findings) {
    findings.push_back(finding.object + ": " + finding.what);
  }
  return findings;
}

std::vector<std::string> BusClient::leaks() {
  std::vector<std::string> leaks;
  const BusInfo info = inspect(bus_);
  if (info.arena.blocks_used > 0) {
    leaks.push_back(std::to_string(info.arena.blocks_used) + " blocks of the arena");
  }
  for (const ParticipantInfo& participant : info.participants) {
    if (participant.alive) continue;
    leaks.push_back("entry of dead participant " + std::to_string(participant.index));
  }
  return leaks;
}

}  // namespace ringpost::rig
