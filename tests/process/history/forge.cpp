#include "process/history/forge.hpp"

#include <utility>

namespace ringpost::history {

Forge& Forge::pass(std::uint64_t ns) {
  now_ns_ += ns;
  return *this;
}

Record Forge::stamped(std::uint32_t process, Event event, Action action) {
  Record record;
  record.ticket = ++ticket_;
  record.time_ns = ++now_ns_;
  record.process = process;
  record.event = event;
  record.action = action;
  return record;
}

Call Forge::begin(Record invoke) {
  invoke.operation = ++operations_[invoke.process];
  logs_[invoke.process].push_back(invoke);
  return {invoke.process, invoke};
}

Call Forge::begin_send(std::uint32_t process, SendTerms terms) {
  Record invoke = stamped(process, Event::kInvoke, Action::kSend);
  invoke.set_key({process, numbers_[process] + 1});
  invoke.count = terms.count;
  invoke.duration_ns = terms.delay_ns;
  invoke.group = terms.group;
  for (std::uint32_t i = 0; i < terms.count; ++i) {
    const MessageKey key{process, ++numbers_[process]};
    groups_[key] = terms.group;
    positions_.emplace(key, positions_.size());
  }
  return begin(invoke);
}

Call Forge::begin_receive(std::uint32_t process, ReceiveTerms terms) {
  Record invoke = stamped(process, Event::kInvoke, Action::kReceive);
  invoke.count = terms.max_messages;
  invoke.duration_ns = terms.timeout_ns;
  return begin(invoke);
}

Call Forge::begin_settle(std::uint32_t process, Action action, Taken taken, SettleTerms terms) {
  Record invoke = stamped(process, Event::kInvoke, action);
  invoke.set_key(taken.key);
  invoke.set_receipt(receipt_of(taken));
  invoke.duration_ns = terms.duration_ns;
  return begin(invoke);
}

Call Forge::begin_purge(std::uint32_t process) {
  return begin(stamped(process, Event::kInvoke, Action::kPurge));
}

void Forge::end(const Call& call, Errc result, std::uint32_t count) {
  Record record = stamped(call.process, Event::kReturn, call.invoke.action);
  record.operation = call.invoke.operation;
  record.result = static_cast<std::int16_t>(result);
  record.set_key(call.invoke.key());
  record.count = result == Errc::kOk ? count : 0;
  if (call.invoke.action == Action::kSend && count == 1) {
    record.set_id(id_of(call.invoke.key()));
  }
  if (call.invoke.action == Action::kPurge) record.number = std::exchange(record.count, 0u);
  logs_[call.process].push_back(record);
}

void Forge::end_receive(const Call& call, const std::vector<Taken>& taken, Errc result) {
  const Record stamp = stamped(call.process, Event::kReturn, Action::kReceive);
  std::uint32_t place = 0;
  for (const Taken& one : taken) {
    Record record = stamp;
    record.event = Event::kDelivery;
    record.operation = call.invoke.operation;
    record.duration_ns = call.invoke.duration_ns;
    record.set_key(one.key);
    record.set_receipt(receipt_of(one));
    record.set_id(id_of(one.key));
    const auto group = groups_.find(one.key);
    record.group = group != groups_.end() ? group->second : 0;
    record.count = place++;
    logs_[call.process].push_back(record);
  }
  Record record = stamp;
  record.operation = call.invoke.operation;
  record.result = static_cast<std::int16_t>(result);
  record.count = place;
  logs_[call.process].push_back(record);
}

MessageKey Forge::send(std::uint32_t process, SendTerms terms) {
  const Call call = begin_send(process, terms);
  end(call, terms.result, terms.count);
  return key_of(call);
}

std::vector<Taken> Forge::receive(std::uint32_t process, std::vector<Taken> taken,
                                  ReceiveTerms terms) {
  end_receive(begin_receive(process, terms), taken);
  return taken;
}

void Forge::receive_nothing(std::uint32_t process, Errc result) {
  end_receive(begin_receive(process), {}, result);
}

void Forge::settle(std::uint32_t process, Action action, Taken taken, SettleTerms terms) {
  end(begin_settle(process, action, taken, terms), terms.result, 0);
}

void Forge::purge(std::uint32_t process, std::uint64_t removed) {
  end(begin_purge(process), Errc::kOk, static_cast<std::uint32_t>(removed));
}

void Forge::kill(std::uint32_t process) {
  for (const Event event : {Event::kKilled, Event::kDead}) {
    Record record = stamped(kParent, event, Action::kNone);
    record.producer = process;
    logs_[kParent].push_back(record);
  }
}

void Forge::end_process(std::uint32_t process) {
  logs_[process].push_back(stamped(process, Event::kEnd, Action::kNone));
}

void Forge::view_changed(std::uint32_t process, MessageKey key) {
  Record record = stamped(process, Event::kViewChanged, Action::kNone);
  record.set_key(key);
  logs_[process].push_back(record);
}

MessageId Forge::id_of(MessageKey key) const {
  const auto position = positions_.find(key);
  return {7, position != positions_.end() ? position->second : 0};
}

Receipt Forge::receipt_of(Taken taken) {
  const auto slot = static_cast<std::uint32_t>(taken.key.producer * 1'000 + taken.key.number);
  return {42, 0, slot, 1, taken.receive_count};
}

History Forge::history() const {
  std::vector<Log> logs;
  for (const auto& [process, records] : logs_) logs.push_back({process, records, false, false});
  return assemble(logs);
}

}  // namespace ringpost::history
