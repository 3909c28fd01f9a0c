#include "process/rig/session.hpp"

#include <algorithm>

#include "process/history/body.hpp"

namespace ringpost::rig {

using history::Event;
using history::Record;

namespace {

std::uint64_t ns_of(Duration duration) noexcept {
  return static_cast<std::uint64_t>(duration.count());
}

}  // namespace

void identify(Hand& hand, ByteSpan body, AttributeView attributes) {
  const auto content = history::read_body(body);
  hand.damaged = !content.has_value();
  if (!content) return;
  hand.key = content->key;
  const auto attribute = attributes.find("producer");
  const bool as_sent = content->has_attribute
                           ? attribute && attribute->value == std::to_string(hand.key.producer)
                           : !attribute;
  hand.damaged = !as_sent;
}

std::string group_name(std::uint32_t number) {
  if (number == 0) return {};
  return "group." + std::to_string(number) + std::string(number % 8 == 0 ? 100 : number % 8, '+');
}

std::uint32_t group_number(std::string_view name) {
  std::uint32_t number = 0;
  for (const char digit : name.substr(std::min<std::size_t>(6, name.size()))) {
    if (digit < '0' || digit > '9' || number > 100'000) break;
    number = number * 10 + static_cast<std::uint32_t>(digit - '0');
  }
  return group_name(number) == name ? number : 0;
}

Record Session::begin(Action action, Record record) {
  const auto stamp = journal_.stamper.before_call();
  record.ticket = stamp.ticket;
  record.time_ns = stamp.time_ns;
  record.event = Event::kInvoke;
  record.action = action;
  record.operation = ++operation_;
  journal_.recorder->append(record);
  return record;
}

void Session::finish(const Record& invoke, Errc result, Record record) {
  if (record.ticket == 0) {
    const auto stamp = journal_.stamper.after_call();
    record.ticket = stamp.ticket;
    record.time_ns = stamp.time_ns;
  }
  record.event = Event::kReturn;
  record.action = invoke.action;
  record.operation = invoke.operation;
  record.result = static_cast<std::int16_t>(result);
  journal_.recorder->append(record);
}

void Session::compose(const SendPlan& plan) {
  std::size_t all = 0;
  for (const auto bytes : plan.body_bytes) all += bytes;
  bytes_.resize(all);
  messages_.clear();
  group_ = group_name(plan.group);
  attribute_value_ = std::to_string(journal_.recorder->process());
  attribute_ = {"producer", attribute_value_, "Number"};
  const AttributeList attributes{std::span<const Attribute>(&attribute_, 1)};
  std::size_t at = 0;
  for (const auto bytes : plan.body_bytes) {
    const std::span<std::byte> body(bytes_.data() + at, bytes);
    at += bytes;
    const MessageKey key{journal_.recorder->process(), next_number_++};
    history::write_body(body, key, plan.with_attribute);
    messages_.push_back({body, plan.with_attribute ? attributes : AttributeList{}, group_});
  }
}

Errc Session::send(const SendPlan& plan) {
  Record record;
  record.set_key({journal_.recorder->process(), next_number_});
  compose(plan);
  record.count = static_cast<std::uint32_t>(messages_.size());
  record.duration_ns = ns_of(plan.delay);
  record.group = plan.group;
  record.flags = plan.way == SendWay::kBatch  ? history::kBatch
                 : plan.way == SendWay::kLoan ? history::kLoaned
                                              : 0u;
  SendOptions options;
  if (plan.group == 0) options.delay = plan.delay;  // FIFO: the queue's
  options.wait = plan.wait;
  if (plan.way != SendWay::kBatch) options.attributes = messages_.front().attributes;
  if (plan.way != SendWay::kBatch) options.group = group_;
  const Record invoke = begin(Action::kSend, record);
  const Sent sent = client_.send(messages_, plan.way, options);
  record.count = sent.accepted;
  record.set_id(sent.id);
  finish(invoke, sent.result, record);
  return sent.result;
}

Errc Session::receive(const ReceiveOptions& options, std::vector<Hand>& into) {
  Record record;
  record.count = options.max_messages;
  record.duration_ns = ns_of(*options.visibility_timeout);
  const std::size_t had = into.size();
  const Record invoke = begin(Action::kReceive, record);
  const Errc result = client_.receive(options, into);
  const auto stamp = journal_.stamper.after_call();
  record.ticket = stamp.ticket;
  record.time_ns = stamp.time_ns;
  record.operation = invoke.operation;
  for (std::size_t i = had; i < into.size(); ++i) {
    const Hand& hand = into[i];
    Record delivery = record;
    delivery.event = Event::kDelivery;
    delivery.action = Action::kReceive;
    delivery.set_key(hand.key);
    delivery.set_receipt(hand.receipt);
    delivery.set_id(hand.id);
    delivery.group = hand.group;
    delivery.count = static_cast<std::uint32_t>(i - had);
    delivery.flags = hand.damaged ? history::kBodyDamaged : 0u;
    journal_.recorder->append(delivery);
  }
  record.count = static_cast<std::uint32_t>(into.size() - had);
  finish(invoke, result, record);
  return result;
}

Errc Session::settle(Hand& hand, Action action, Duration duration) {
  Record record;
  record.set_key(hand.key);
  record.set_receipt(hand.receipt);
  record.duration_ns = ns_of(duration);
  const Record invoke = begin(action, record);
  const Errc result = client_.settle(hand, action, duration);
  finish(invoke, result, record);
  return result;
}

Errc Session::settle(MessageKey key, const Receipt& receipt, Action action, Duration duration) {
  Record record;
  record.set_key(key);
  record.set_receipt(receipt);
  record.duration_ns = ns_of(duration);
  record.flags = history::kByReceipt;
  const Record invoke = begin(action, record);
  const Errc result = client_.settle(receipt, action, duration);
  finish(invoke, result, record);
  return result;
}

void Session::purge() {
  const Record invoke = begin(Action::kPurge, {});
  Record record;
  const Errc result = client_.purge(record.number);
  finish(invoke, result, record);
}

void Session::set(const QueueSettings& changes) {
  const Record invoke = begin(Action::kSet, {});
  const Errc result = client_.set(changes);
  finish(invoke, result, {});
}

void Session::look() {
  const Record invoke = begin(Action::kLook, {});
  bool damaged = false;
  for (const std::string& body : client_.peek(5)) {
    damaged |= !history::read_body(as_bytes(body)).has_value();
  }
  (void)client_.content();
  finish(invoke, damaged ? Errc::kCorrupt : Errc::kOk, {});
}

Swept Session::sweep() {
  const Record invoke = begin(Action::kSweep, {});
  const Swept swept = client_.sweep();
  Record record;
  record.count = swept.dead;
  record.number = swept.claims_voided;
  record.duration_ns = swept.leases_returned;
  finish(invoke, Errc::kOk, record);
  return swept;
}

void Session::check_view(const Hand& hand) {
  if (!hand.has_lease) return;
  Hand again;
  identify(again, hand.lease.body(), hand.lease.attributes());
  if (!again.damaged && again.key == hand.key) return;
  Record record;
  record.event = Event::kViewChanged;
  record.set_key(hand.key);
  record.ticket = journal_.stamper.after_call().ticket;
  journal_.recorder->append(record);
}

void Session::end() {
  Record record;
  const auto stamp = journal_.stamper.before_call();
  record.ticket = stamp.ticket;
  record.time_ns = stamp.time_ns;
  record.event = Event::kEnd;
  journal_.recorder->append(record);
}

bool Session::has_room() const noexcept {
  // A batch of leases, its two ends, a changed view for each, and the end of the process.
  return journal_.recorder->has_room(3 * Leases::kCapacity);
}

}  // namespace ringpost::rig
