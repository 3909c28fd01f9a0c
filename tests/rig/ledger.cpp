#include "rig/ledger.hpp"

#include <utility>

namespace ringpost::rig {
namespace {
std::string named(int id) { return "message " + std::to_string(id); }
}  // namespace

void Ledger::broken(std::string what) {
  if (verdict_.empty()) verdict_ = std::move(what);
}

Ledger::Message& Ledger::message(int id) {
  if (id < 0 || id >= kMessagesMax) {
    broken(named(id) + " was never sent");
    id = kMessagesMax - 1;
  }
  return messages_[static_cast<std::size_t>(id)];
}

void Ledger::begin_send(int id) { message(id).send = Send::kBegun; }

void Ledger::begin_ordered_send(int id, int sender) {
  begin_send(id);
  message(id).sender = sender;
  message(id).sent_at = ++now_;
}

void Ledger::end_send(int id, bool accepted) {
  Message& it = message(id);
  it.send = accepted ? Send::kAccepted : Send::kRefused;
  if (!accepted && it.deliveries != 0) broken(named(id) + " was refused and yet delivered");
}

void Ledger::received(int holder, int id, bool intact, std::uint32_t began) {
  Message& it = message(id);
  if (it.send == Send::kUnknown) return broken(named(id) + " was never sent");
  if (!intact) return broken(named(id) + " was not received as it was sent");
  if (it.send == Send::kRefused) return broken(named(id) + " was refused and yet delivered");
  // A lease that ended before its holder could note it, and another one's that was acknowledged.
  const bool overtaken = it.acknowledged_at > began && ending_ > began;
  if (it.acknowledged && !overtaken) {
    return broken(named(id) + " was acknowledged and is delivered again");
  }
  // If leases ended since the call began, this one may be over already and another's later one
  // noted before it.
  const bool live = ending_ <= began;
  if (it.lease_live && live) {
    return broken(named(id) + " is leased by " + std::to_string(it.holder) + " and by " +
                  std::to_string(holder) + " at once");
  }
  ++it.deliveries;
  if (!live && (it.lease_live || it.deliveries > 1)) return;
  it.holder = holder;
  it.lease_live = live;
}

void Ledger::first_delivery(int holder, int id) {
  Message& it = message(id);
  it.first_holder = holder;
  if (it.sender < 0) return;
  for (const Message& other : messages_) {
    if (other.sender == it.sender && other.first_holder == holder && other.sent_at > it.sent_at) {
      return broken(named(id) + " is delivered after one that its sender sent later");
    }
  }
}

void Ledger::begin_acknowledge(int, int id) { ++message(id).acknowledging; }

void Ledger::end_acknowledge(int holder, int id, bool accepted) {
  Message& it = message(id);
  --it.acknowledging;
  if (!accepted) return refused(holder, id);
  if (it.lease_live && it.holder != holder) {
    return broken("a stale receipt of " + named(id) + " was accepted");
  }
  gone(it);
}

/// The lease must be somebody else's, or over, or the message may be gone.
void Ledger::refused(int holder, int id) {
  const Message& it = message(id);
  if (it.lease_live && it.holder == holder && it.acknowledging == 0) {
    broken("the receipt of " + named(id) + " was refused although its lease is live");
  }
}

void Ledger::gone(Message& it) {
  if (it.acknowledged) broken("a message went twice");
  it.acknowledged = true;
  it.acknowledged_at = ++now_;
  it.lease_live = false;
}

void Ledger::begin_remove(int id) {
  ++message(id).acknowledging;
  lease_may_end(id);
}

void Ledger::end_remove(int id, bool removed) {
  Message& it = message(id);
  --it.acknowledging;
  if (!removed) return;
  gone(it);
  ending_ = now_;  // of a lease that its holder has not noted yet
}

void Ledger::begin_release(int, int id) { lease_may_end(id); }

void Ledger::lease_may_end(int id) noexcept {
  ending_ = ++now_;
  message(id).lease_live = false;
}

void Ledger::leases_may_end() noexcept {
  ending_ = ++now_;
  for (Message& it : messages_) it.lease_live = false;
}

void Ledger::holder_died(int holder) noexcept {
  ending_ = ++now_;
  for (Message& it : messages_) {
    if (it.holder == holder) it.lease_live = false;
  }
}

void Ledger::judge_drained() {
  for (int id = 0; id < kMessagesMax; ++id) {
    const Message& it = message(id);
    if (it.send != Send::kAccepted || it.acknowledged || it.acknowledging > 0) continue;
    broken(named(id) + (it.deliveries == 0 ? " was accepted and is lost"
                                           : " was delivered, never acknowledged, and is lost"));
  }
}

}  // namespace ringpost::rig
