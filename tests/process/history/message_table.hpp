// Everything that a history says about each message, side by side.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "process/history/history.hpp"

namespace ringpost::history {

struct Message {
  MessageKey key;
  const Send* send = nullptr;
  std::uint32_t place = 0;  ///< in its batch
  Outcome sent = Outcome::kMaybe;
  std::span<const Delivery> deliveries;  ///< by receive count, then by return
  std::span<const Settle> settles;       ///< by invocation

  /// The delivery that found the message untouched; null when it is not in the history.
  [[nodiscard]] const Delivery* first_delivery() const noexcept {
    const bool known = !deliveries.empty() && deliveries.front().receipt.receive_count == 1;
    return known ? &deliveries.front() : nullptr;
  }
};

/// A view of `history`, which must outlive it.
class MessageTable {
 public:
  explicit MessageTable(const History& history);
  MessageTable(const MessageTable&) = delete;
  MessageTable& operator=(const MessageTable&) = delete;

  /// By producer and number.
  [[nodiscard]] std::span<const Message> messages() const noexcept { return messages_; }
  [[nodiscard]] const Message* find(MessageKey key) const noexcept;
  /// Deliveries and settlements of messages that no send names.
  [[nodiscard]] std::span<const Delivery> unknown_deliveries() const noexcept {
    return unknown_deliveries_;
  }
  [[nodiscard]] std::span<const Settle> unknown_settles() const noexcept {
    return unknown_settles_;
  }
  /// Numbers that more than one send used: the history is malformed.
  [[nodiscard]] std::span<const MessageKey> reused_keys() const noexcept { return reused_keys_; }

 private:
  void add_sends(const History& history);
  void add_deliveries(const History& history);
  void add_settles(const History& history);

  std::vector<Message> messages_;
  std::vector<Delivery> deliveries_;
  std::vector<Settle> settles_;
  std::vector<Delivery> unknown_deliveries_;
  std::vector<Settle> unknown_settles_;
  std::vector<MessageKey> reused_keys_;
};

}  // namespace ringpost::history
