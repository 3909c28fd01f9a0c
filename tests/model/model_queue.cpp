#include "model/model_queue.hpp"

#include <algorithm>

namespace ringpost::model {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr Duration kVisibilityMax = hours(12);  // [R05, V05]
constexpr Duration kDelayMax = minutes(15);     // [S05]

std::uint64_t ns_of(Duration duration) { return static_cast<std::uint64_t>(duration.count()); }

bool is_visible(const ModelMessage& message, std::uint64_t now_ns) {
  return message.is_visible(now_ns);
}
bool is_in_flight(const ModelMessage& message, std::uint64_t now_ns) {
  return !message.is_visible(now_ns) && message.in_flight;
}
bool is_delayed(const ModelMessage& message, std::uint64_t now_ns) {
  return !message.is_visible(now_ns) && !message.in_flight;
}
bool is_there(const ModelMessage& /*message*/, std::uint64_t /*now_ns*/) { return true; }

}  // namespace

bool Answers::have(Errc code) const {
  return std::find(codes_.begin(), codes_.end(), code) != codes_.end();
}

std::string Answers::text() const {
  std::string text;
  for (const Errc code : codes_) text += (text.empty() ? "" : " or ") + std::string(name(code));
  return text;
}

/// [R15, S16] Counted from the send; never returned any more.
bool ModelQueue::is_over_age(const ModelMessage& message, std::uint64_t now_ns) const {
  return now_ns > message.sent_ns && now_ns - message.sent_ns > ns_of(settings_.retention);
}

Range ModelQueue::count_if(bool (*is_one)(const ModelMessage&, std::uint64_t),
                           std::uint64_t now_ns) const {
  Range range;
  for (const ModelMessage& message : messages_) {
    if (!is_one(message, now_ns)) continue;
    ++range.most;
    if (!is_over_age(message, now_ns)) ++range.least;
  }
  return range;
}

/// [S03, S05, S07-S11]; that a queue of fixed size can be full is ours. Positions that a sender
/// went past because a received message lay there are lost until the ring comes round.
Answers ModelQueue::may_send(const ModelSend& message, const Duration* delay,
                             std::uint64_t now_ns) const {
  Answers answers{};
  if (message.body_bytes + message.counted_bytes > settings_.message_bytes_max) {
    answers.allow(Errc::kTooLarge);
  }
  if (!message.attributes_are_valid) answers.allow(Errc::kInvalidArgument);
  if (type_.fifo) {
    if (!is_right_in_group(message, delay)) answers.allow(Errc::kInvalidArgument);
    if (answers.empty() && is_duplicate(message, now_ns)) return {Errc::kOk};
  } else if (delay != nullptr && (*delay < Duration::zero() || *delay > kDelayMax)) {
    answers.allow(Errc::kInvalidArgument);
  }
  const Range stored = count_if(is_there, now_ns);
  const bool may_be_full = capacity_ != 0 && stored.most + views_ + held_ >= capacity_;
  const bool must_be_full = capacity_ != 0 && stored.least >= capacity_;
  if (answers.empty() && !must_be_full) answers.allow(Errc::kOk);
  if (may_be_full) answers.allow(Errc::kFull);
  return answers;
}

const ModelMessage& ModelQueue::sent(const ModelSend& send, const Duration* delay, MessageId id,
                                     std::uint64_t now_ns) {
  const bool queues = delay == nullptr ||
                      (type_.fifo && flaw_ != Flaw::kFifoDelayMayBeGiven) ||  // [S06]
                      (flaw_ == Flaw::kZeroDelayIsTheQueues && *delay == Duration::zero());
  const Duration hidden = queues ? settings_.delay : *delay;  // [S05, T01]
  ModelMessage message;
  message.number = next_number_++;
  message.body_number = send.body_number;
  message.sender = send.sender;
  message.body_bytes = send.body_bytes;
  message.attributes = send.attributes;
  message.id = id;
  message.sent_ns = now_ns;  // [E12]
  if (flaw_ == Flaw::kDelayShiftsTheSend) message.sent_ns += ns_of(hidden);
  message.invisible_until_ns = now_ns + ns_of(hidden);  // [R16]
  message.was_delayed = hidden > Duration::zero();
  if (type_.fifo) remember(message, send, now_ns);
  messages_.push_back(message);
  // In a FIFO queue also a receive that gives nothing may take a message off the ring's order.
  held_ += message.was_delayed || type_.fifo ? 1 : 0;
  return messages_.back();
}

/// [R13, R14] At the limit a receive that does not wait fails; from a FIFO queue it gives nothing.
Answers ModelQueue::may_receive(std::uint64_t wanted, std::uint64_t now_ns) const {
  if (wanted == 0) return {Errc::kInvalidArgument};
  const Range in_flight = count_if(is_in_flight, now_ns);
  const bool limited = flaw_ != Flaw::kNoLimitInFlight;
  const bool fails = !type_.fifo || flaw_ == Flaw::kFifoLimitFails;
  const Errc over_limit = fails ? Errc::kOverLimit : Errc::kEmpty;
  Answers answers{};
  if (limited && in_flight.most >= settings_.in_flight_max) answers.allow(over_limit);
  if (limited && in_flight.least >= settings_.in_flight_max) return answers;
  const Range range = may_give(wanted, now_ns);
  if (range.most > 0) answers.allow(Errc::kOk);
  if (range.most == 0 || (type_.fifo && range.least == 0)) answers.allow(Errc::kEmpty);
  return answers;
}

/// [R01] As many as are visible, up to what is wanted and what the limit allows. A queue that has
/// grown may give those of its older rings alone.
Range ModelQueue::may_give(std::uint64_t wanted, std::uint64_t now_ns) const {
  const Range in_flight = count_if(is_in_flight, now_ns);
  const std::uint64_t limit = flaw_ == Flaw::kNoLimitInFlight ? ~0ull : settings_.in_flight_max;
  const auto room = [&](std::uint64_t taken) { return limit > taken ? limit - taken : 0; };
  if (type_.fifo) {
    const Range range = available(now_ns);
    return {std::min({wanted, range.least, room(in_flight.most)}),
            std::min({wanted, range.most, room(in_flight.least)})};
  }
  const std::uint64_t most = std::min(wanted, count_if(is_visible, now_ns).least);
  const std::uint64_t least = capacity_ == 0 ? std::min<std::uint64_t>(most, 1) : most;
  return {std::min(least, room(in_flight.most)), std::min(most, room(in_flight.least))};
}

bool ModelQueue::can_be_given(const ModelMessage& message, std::uint64_t now_ns) const {
  return message.is_visible(now_ns) && !is_over_age(message, now_ns) && !was_given(message);
}

bool ModelQueue::was_given(const ModelMessage& message) const {
  return std::find(given_.begin(), given_.end(), message.number) != given_.end();
}

const ModelMessage* ModelQueue::oldest_visible(std::uint64_t now_ns) const {
  const bool last = flaw_ == Flaw::kReturnedOnesGoLast;
  const ModelMessage* next = nullptr;
  for (const ModelMessage& message : messages_) {
    if (!can_be_given(message, now_ns)) continue;
    if (next == nullptr || (last && next->receive_count > 0 && message.receive_count == 0)) {
      next = &message;
    }
  }
  return next;
}

/// The order is kept for what comes for the first time and was not delayed; in a queue that grows,
/// where participants may send to two rings at once, for the messages of each. What lies behind the
/// cursors of its ring comes before that, and itself in order where one participant receives and
/// the ring has not gone round under it.
bool ModelQueue::may_come_early(const ModelMessage& message, std::uint64_t now_ns) const {
  if (message.was_delayed) return true;
  if (flaw_ == Flaw::kReturnedOnesGoLast) return false;
  if (!strict_ && message.receive_count > 0) return true;
  return capacity_ == 0 && std::none_of(messages_.begin(), messages_.end(), [&](const auto& each) {
           return each.number < message.number && each.sender == message.sender &&
                  can_be_given(each, now_ns);
         });
}

const ModelMessage* ModelQueue::receive(std::uint64_t number, MessageId id,
                                        const Duration* visibility_timeout, std::uint64_t now_ns) {
  for (ModelMessage& message : messages_) {
    if (message.number != number) continue;
    if (!can_be_given(message, now_ns)) return nullptr;
    given_.push_back(number);
    if (type_.fifo && (groups_given_.empty() || groups_given_.back() != message.group)) {
      groups_given_.push_back(message.group);
    }
    message.id = id;
    learn(message);
    ++message.receive_count;                                                 // [R08]
    if (message.first_received_ns == 0) message.first_received_ns = now_ns;  // [E13]
    if (flaw_ == Flaw::kReceiveRefreshesRetention) message.sent_ns = now_ns;
    const Duration timeout =
        visibility_timeout != nullptr ? *visibility_timeout : settings_.visibility_timeout;
    message.invisible_until_ns = now_ns + ns_of(timeout);  // [R05, R06]
    message.in_flight = true;
    held_ += message.receive_count == 1 && !type_.fifo ? 1 : 0;
    return &message;
  }
  return nullptr;
}

void ModelQueue::end_receive() {
  given_.clear();
  groups_given_.clear();
}

/// [R07] A receipt is good until the message is gone or received again; also when its lease is
/// over [V02, V07]. By design P2 and against V02 a stale one never acts on a later delivery.
const ModelMessage* ModelQueue::find(const ModelReceipt& receipt) const {
  const auto at = std::lower_bound(
      messages_.begin(), messages_.end(), receipt.number,
      [](const ModelMessage& message, std::uint64_t number) { return message.number < number; });
  if (at == messages_.end() || at->number != receipt.number) return nullptr;
  const bool any = flaw_ == Flaw::kStaleReceiptsDelete;
  return any || at->receive_count == receipt.receive_count ? &*at : nullptr;
}

ModelMessage* ModelQueue::find(const ModelReceipt& receipt) {
  return const_cast<ModelMessage*>(static_cast<const ModelQueue*>(this)->find(receipt));
}

Answers ModelQueue::may_settle(const ModelReceipt& receipt, std::uint64_t now_ns) const {
  const ModelMessage* message = find(receipt);
  if (message == nullptr) return {Errc::kStaleReceipt};
  const bool is_over = !message->in_flight || message->is_visible(now_ns);
  if (type_.fifo && is_over && flaw_ != Flaw::kFifoReceiptsOutliveLeases) {  // [V03]
    return {Errc::kStaleReceipt};
  }
  if (is_over_age(*message, now_ns)) return {Errc::kOk, Errc::kStaleReceipt};  // [R15]
  return {Errc::kOk};
}

/// [V05] 12 h in all since the receive, for whoever knows when that was.
bool ModelQueue::may_extend(const ModelReceipt& receipt, Duration timeout, bool knows_receive,
                            std::uint64_t now_ns) const {
  const std::uint64_t begun_ns = knows_receive ? receipt.received_ns : now_ns;
  return timeout >= Duration::zero() && timeout <= kVisibilityMax &&
         now_ns + ns_of(timeout) <= begun_ns + ns_of(kVisibilityMax);
}

void ModelQueue::acknowledge(const ModelReceipt& receipt) {  // [V01, V02]
  const ModelMessage* message = find(receipt);
  if (flaw_ == Flaw::kAcknowledgeForgetsTheId) ids_.erase(message->dedup_key);
  messages_.erase(messages_.begin() + (message - messages_.data()));
  if (messages_.empty()) held_ = views_;
}

void ModelQueue::release(const ModelReceipt& receipt) {  // [V06, E10]
  ModelMessage* message = find(receipt);
  message->invisible_until_ns = 0;
  if (flaw_ == Flaw::kReleaseForgetsTheCount) message->receive_count = 0;
}

void ModelQueue::extend(const ModelReceipt& receipt, Duration timeout, std::uint64_t now_ns) {
  ModelMessage* message = find(receipt);
  const bool adds = flaw_ == Flaw::kExtensionsAddUp && !message->is_visible(now_ns);
  message->invisible_until_ns =
      (adds ? message->invisible_until_ns : now_ns) + ns_of(timeout);  // [V04]
  message->in_flight = true;                                           // [V07]
}

Range ModelQueue::may_purge(std::uint64_t now_ns) const {  // [P01]
  if (flaw_ == Flaw::kPurgeSparesTheReceived) {
    const Range in_flight = count_if(is_in_flight, now_ns);
    const Range all = count_if(is_there, now_ns);
    return {all.least - in_flight.least, all.most - in_flight.most};
  }
  return count_if(is_there, now_ns);
}

void ModelQueue::purge() {
  messages_.clear();
  if (flaw_ != Flaw::kPurgeKeepsTheIds) ids_.clear();  // [D07]
  held_ = views_;
}

/// [T16-T18]
ModelCounts ModelQueue::counts(std::uint64_t now_ns) const {
  return {count_if(is_visible, now_ns), count_if(is_in_flight, now_ns),
          count_if(is_delayed, now_ns)};
}

}  // namespace ringpost::model
