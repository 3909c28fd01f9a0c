// What the participants of a case were told, and whether the promises hold for it.
//
// Operations note each step *after* the call returned (and begin_… before it), so a fiber that was
// killed or frozen inside a call has noted a beginning without an end: a "maybe".
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace ringpost::rig {

/// Promises judged: nothing invented, nothing altered, nothing refused is delivered, nothing that
/// was acknowledged is delivered again, no message overtakes one of the same sender, no two live
/// leases of one message, a stale receipt is refused, and after a drain every accepted message was
/// acknowledged.
class Ledger {
 public:
  static constexpr int kMessagesMax = 64;

  void clear() noexcept { *this = Ledger{}; }

  // Sending message `id`; of one sender's messages without a delay the order counts.
  void begin_send(int id);
  void begin_ordered_send(int id, int sender);
  void end_send(int id, bool accepted);

  /// Before a receive; pass the result to received().
  [[nodiscard]] std::uint32_t begin_receive() const noexcept { return now_; }
  /// `holder` was given message `id`, with its content as sent or not.
  void received(int holder, int id, bool intact, std::uint32_t began);
  /// The delivery noted last was the first of the message: one receiver gets the messages of one
  /// sender in the order in which they were sent.
  void first_delivery(int holder, int id);

  void begin_acknowledge(int holder, int id);
  void end_acknowledge(int holder, int id, bool accepted);
  void begin_release(int holder, int id);
  /// An extension or a release was refused as stale.
  void refused(int holder, int id);
  /// Removal by somebody who need not hold it: a purge.
  void begin_remove(int id);
  void end_remove(int id, bool removed);

  /// From now on leases may be over: a deadline passed, a holder died.
  void leases_may_end() noexcept;
  void lease_may_end(int id) noexcept;
  void holder_died(int holder) noexcept;

  /// After recovery and a drain through received(), which acknowledged what it got.
  void judge_drained();

  /// A promise that is broken in the scenario's own words.
  void broken(std::string what);
  /// The first broken promise; empty: none.
  [[nodiscard]] const std::string& verdict() const noexcept { return verdict_; }
  [[nodiscard]] int deliveries(int id) const { return message(id).deliveries; }

 private:
  enum class Send : std::uint8_t { kUnknown, kBegun, kAccepted, kRefused };
  struct Message {
    Send send = Send::kUnknown;
    int sender = -1;
    std::uint32_t sent_at = 0;
    int first_holder = -1;
    int deliveries = 0;
    int holder = -1;  ///< who was given it last
    bool lease_live = false;
    int acknowledging = 0;  ///< calls without an answer yet: it may be gone
    bool acknowledged = false;
    std::uint32_t acknowledged_at = 0;
  };
  [[nodiscard]] Message& message(int id);
  void gone(Message& it);
  [[nodiscard]] const Message& message(int id) const {
    return messages_[static_cast<std::size_t>(id)];
  }

  std::array<Message, kMessagesMax> messages_{};
  std::uint32_t now_ = 0;     ///< counts sends, acknowledgements and endings
  std::uint32_t ending_ = 0;  ///< when leases may have ended last
  std::string verdict_;
};

}  // namespace ringpost::rig
