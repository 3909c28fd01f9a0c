#include "process/history/message_table.hpp"

#include <algorithm>
#include <tuple>

namespace ringpost::history {

namespace {

Outcome outcome_at(const Send& send, std::uint32_t place) noexcept {
  if (send.outcome != Outcome::kDone) return send.outcome;
  return place < send.accepted ? Outcome::kDone : Outcome::kRefused;
}

/// Gives each message its stretch of `items`, which are sorted by key; what has no message goes to
/// `unknown`.
template <class Item>
void share_out(std::vector<Message>& messages, const std::vector<Item>& items,
               std::span<const Item> Message::*place, std::vector<Item>& unknown) {
  auto message = messages.begin();
  for (std::size_t i = 0; i < items.size();) {
    std::size_t end = i + 1;
    while (end < items.size() && items[end].key == items[i].key) ++end;
    while (message != messages.end() && message->key < items[i].key) ++message;
    const std::span<const Item> same(items.data() + i, end - i);
    if (message != messages.end() && message->key == items[i].key) {
      (*message).*place = same;
    } else {
      unknown.insert(unknown.end(), same.begin(), same.end());
    }
    i = end;
  }
}

}  // namespace

MessageTable::MessageTable(const History& history) {
  add_sends(history);
  add_deliveries(history);
  add_settles(history);
}

void MessageTable::add_sends(const History& history) {
  for (const Send& send : history.sends) {
    for (std::uint32_t place = 0; place < send.count; ++place) {
      Message message;
      message.key = {send.first.producer, send.first.number + place};
      message.send = &send;
      message.place = place;
      message.sent = outcome_at(send, place);
      messages_.push_back(message);
    }
  }
  std::sort(messages_.begin(), messages_.end(),
            [](const Message& a, const Message& b) { return a.key < b.key; });
  for (std::size_t i = 1; i < messages_.size(); ++i) {
    if (messages_[i].key == messages_[i - 1].key) reused_keys_.push_back(messages_[i].key);
  }
}

void MessageTable::add_deliveries(const History& history) {
  deliveries_ = history.deliveries;
  std::sort(deliveries_.begin(), deliveries_.end(), [](const Delivery& a, const Delivery& b) {
    return std::tie(a.key, a.receipt.receive_count, a.when.ret) <
           std::tie(b.key, b.receipt.receive_count, b.when.ret);
  });
  share_out(messages_, deliveries_, &Message::deliveries, unknown_deliveries_);
}

void MessageTable::add_settles(const History& history) {
  settles_ = history.settles;
  std::sort(settles_.begin(), settles_.end(), [](const Settle& a, const Settle& b) {
    return std::tie(a.key, a.when.invoke) < std::tie(b.key, b.when.invoke);
  });
  share_out(messages_, settles_, &Message::settles, unknown_settles_);
}

const Message* MessageTable::find(MessageKey key) const noexcept {
  const auto at = std::lower_bound(
      messages_.begin(), messages_.end(), key,
      [](const Message& message, MessageKey wanted) { return message.key < wanted; });
  return at != messages_.end() && at->key == key ? &*at : nullptr;
}

}  // namespace ringpost::history
