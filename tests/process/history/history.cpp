#include "process/history/history.hpp"

#include <optional>

namespace ringpost::history {

namespace {

Outcome outcome_of(Errc result) noexcept {
  return result == Errc::kOk ? Outcome::kDone : Outcome::kRefused;
}

/// Turns the records of one process into calls.
class Assembler {
 public:
  Assembler(History& history, const Log& log) : history_(history), log_(log) {}

  void run() {
    if (log_.damaged) return malformed("a complete record follows one that is not");
    for (const Record& record : log_.records) take(record);
    if (open_) close(nullptr);
  }

 private:
  void take(const Record& record) {
    switch (record.event) {
      case Event::kInvoke:
        if (open_) return malformed("a call begins before the one before it has returned");
        open_ = record;
        deliveries_.clear();
        break;
      case Event::kDelivery:
        if (!is_open(record)) return malformed("a delivery outside of a receive");
        deliveries_.push_back(record);
        break;
      case Event::kReturn:
        if (!is_open(record)) return malformed("a return without its call");
        close(&record);
        break;
      case Event::kViewChanged:
        history_.changed_views.push_back("process " + std::to_string(record.process) +
                                         ", message " + to_string(record.key()));
        break;
      case Event::kEnd:
        break;  // its leases go on to their ends
      case Event::kKilled:
        ++history_.kills;
        history_.gone.emplace(record.producer, record.ticket);
        break;
      case Event::kDead:
        history_.dead.emplace(record.producer, record.ticket);
        history_.dead_ns.emplace(record.producer, record.time_ns);
        break;
      case Event::kStopped:
        ++history_.stops;
        break;
      case Event::kContinued:
        break;
      case Event::kNone:
        malformed("a record without an event");
        break;
    }
  }

  bool is_open(const Record& record) const noexcept {
    return open_ && open_->operation == record.operation && open_->action == record.action;
  }

  void malformed(const char* what) {
    history_.malformed.push_back("log of process " + std::to_string(log_.process) + ": " + what);
  }

  Interval interval(const Record* last) const noexcept {
    Interval when{open_->ticket, kNever, open_->time_ns, kNever};
    if (last != nullptr) {
      when.ret = last->ticket;
      when.return_ns = last->time_ns;
    }
    return when;
  }

  void close(const Record* last) {
    const Errc result = last == nullptr ? Errc::kOk : static_cast<Errc>(last->result);
    const Outcome outcome = last == nullptr ? Outcome::kMaybe : outcome_of(result);
    switch (open_->action) {
      case Action::kSend:
        close_send(last, outcome, result);
        break;
      case Action::kReceive:
        close_receive(last, outcome, result);
        break;
      case Action::kAcknowledge:
      case Action::kRelease:
      case Action::kExtend:
        history_.settles.push_back({interval(last), open_->key(), open_->receipt(), open_->action,
                                    log_.process, open_->duration_ns, outcome, result});
        break;
      case Action::kPurge:
      case Action::kSet:
      case Action::kLook:
      case Action::kSweep:
        history_.others.push_back({interval(last), open_->action, log_.process, outcome, result,
                                   last == nullptr ? 0 : last->number,
                                   last == nullptr ? 0 : last->count});
        break;
      case Action::kNone:
        malformed("a call that is none");
        break;
    }
    open_.reset();
  }

  void close_send(const Record* last, Outcome outcome, Errc result) {
    Send send;
    send.when = interval(last);
    send.first = open_->key();
    send.process = log_.process;
    send.count = open_->count;
    send.delay_ns = open_->duration_ns;
    send.group = open_->group;
    send.outcome = outcome;
    send.result = result;
    if (last != nullptr) {
      send.accepted = last->count;
      send.id = last->id();
      if (last->count > open_->count) malformed("more messages accepted than were sent");
    }
    history_.sends.push_back(send);
  }

  // A process that is killed while it notes its deliveries has received them all the same: each
  // carries the ticket that was taken when the call had returned.
  void close_receive(const Record* last, Outcome outcome, Errc result) {
    Receive receive;
    receive.when = interval(last);
    receive.process = log_.process;
    receive.max_messages = open_->count;
    receive.timeout_ns = open_->duration_ns;
    receive.recorded = static_cast<std::uint32_t>(deliveries_.size());
    receive.returned = last == nullptr ? 0 : last->count;
    receive.outcome = outcome;
    receive.result = result;
    history_.receives.push_back(receive);
    if (last != nullptr && last->count != deliveries_.size()) {
      malformed("a receive with more or fewer deliveries than it says");
    }
    for (const Record& record : deliveries_) {
      Delivery delivery;
      delivery.when = {open_->ticket, record.ticket, open_->time_ns, record.time_ns};
      delivery.key = record.key();
      delivery.receipt = record.receipt();
      delivery.id = record.id();
      delivery.process = log_.process;
      delivery.place = record.count;
      delivery.timeout_ns = record.duration_ns;
      delivery.group = record.group;
      delivery.damaged = (record.flags & kBodyDamaged) != 0;
      history_.deliveries.push_back(delivery);
    }
  }

  History& history_;
  const Log& log_;
  std::optional<Record> open_;
  std::vector<Record> deliveries_;
};

}  // namespace

History assemble(std::span<const Log> logs) {
  History history;
  for (const Log& log : logs) Assembler(history, log).run();
  return history;
}

std::string to_string(MessageKey key) {
  return std::to_string(key.producer) + ":" + std::to_string(key.number);
}

std::string to_string(const Interval& when) {
  return "[" + std::to_string(when.invoke) + ", " +
         (when.returned() ? std::to_string(when.ret) : "never") + "]";
}

const char* name(Action action) noexcept {
  switch (action) {
    case Action::kNone:
      return "none";
    case Action::kSend:
      return "send";
    case Action::kReceive:
      return "receive";
    case Action::kAcknowledge:
      return "acknowledge";
    case Action::kRelease:
      return "release";
    case Action::kExtend:
      return "extend";
    case Action::kPurge:
      return "purge";
    case Action::kSet:
      return "set";
    case Action::kLook:
      return "look";
    case Action::kSweep:
      return "sweep";
  }
  return "unknown";
}

}  // namespace ringpost::history
