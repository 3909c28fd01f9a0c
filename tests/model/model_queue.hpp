// ModelQueue: a standard queue as the paper of SQS semantics describes it, for one caller at a
// time. Written from the paper and to be obviously right: a list of messages in the order of their
// sends, looked through from the front. The ids in brackets are the paper's rules.
//
// The paper leaves some things open, and there the model takes whatever the queue did, within
// bounds: whether a message past its retention still counts (as stored, as in flight).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/errc.hpp"
#include "ringpost/types.hpp"

namespace ringpost::model {

/// A rule that is broken on purpose, to show that a difference is found.
enum class Flaw : std::uint8_t {
  kNone,
  kExtensionsAddUp,            ///< V04
  kReleaseForgetsTheCount,     ///< E10
  kReturnedOnesGoLast,         ///< V10, R12
  kZeroDelayIsTheQueues,       ///< S05
  kReceiveRefreshesRetention,  ///< S16
  kStaleReceiptsDelete,        ///< design P2
  kPurgeSparesTheReceived,     ///< P01
  kNoLimitInFlight,            ///< R13
  kDelayShiftsTheSend,         ///< E12
  kCountOf,
};

struct ModelSettings {
  Duration visibility_timeout{};
  Duration delay{};
  Duration retention{};
  std::uint64_t in_flight_max = 0;
  std::uint64_t message_bytes_max = 0;
};

/// A message as it was sent, and what became of it.
struct ModelMessage {
  std::uint64_t number = 0;  ///< of the send; the body is made of it
  std::uint32_t sender = 0;
  std::uint32_t body_bytes = 0;
  std::uint32_t attributes = 0;  ///< index of the set of attributes
  MessageId id;
  std::uint64_t sent_ns = 0;
  std::uint64_t first_received_ns = 0;
  std::uint64_t invisible_until_ns = 0;
  std::uint32_t receive_count = 0;
  bool in_flight = false;    ///< invisible because of a receive, and not of its delay
  bool was_delayed = false;  ///< invisible when it was sent

  [[nodiscard]] bool is_visible(std::uint64_t now_ns) const { return invisible_until_ns <= now_ns; }
};

/// What one receive gave the right to.
struct ModelReceipt {
  std::uint64_t number = 0;
  std::uint32_t receive_count = 0;
  std::uint64_t received_ns = 0;
};

/// How many there are, as far as the paper says.
struct Range {
  std::uint64_t least = 0;
  std::uint64_t most = 0;
  [[nodiscard]] bool has(std::uint64_t value) const { return value >= least && value <= most; }
};

struct ModelCounts {
  Range visible;
  Range in_flight;
  Range delayed;
};

/// Every answer that is right.
class Answers {
 public:
  Answers(std::initializer_list<Errc> codes) : codes_(codes) {}
  void allow(Errc code) { codes_.push_back(code); }
  [[nodiscard]] bool empty() const { return codes_.empty(); }
  [[nodiscard]] bool have(Errc code) const;
  [[nodiscard]] std::string text() const;

 private:
  std::vector<Errc> codes_;
};

/// A message about to be sent.
struct ModelSend {
  std::uint32_t sender = 0;  ///< which participant sends it
  std::uint32_t body_bytes = 0;
  std::uint32_t attributes = 0;
  std::uint64_t counted_bytes = 0;  ///< names, types and values of the attributes
  bool attributes_are_valid = true;
};

class ModelQueue {
 public:
  /// `capacity`: how many messages the queue holds; 0: it grows.
  /// `strict`: also messages that come a second time come in the order of their sends.
  explicit ModelQueue(std::uint64_t capacity, bool strict, Flaw flaw)
      : capacity_(capacity), strict_(strict), flaw_(flaw) {}

  /// What a send may answer.
  [[nodiscard]] Answers may_send(const ModelSend& message, const Duration* delay,
                                 std::uint64_t now_ns) const;
  /// The send was accepted and got this id.
  const ModelMessage& sent(const ModelSend& message, const Duration* delay, MessageId id,
                           std::uint64_t now_ns);

  /// What a receive of up to `wanted` may answer, and how many messages it may give.
  [[nodiscard]] Answers may_receive(std::uint64_t wanted, std::uint64_t now_ns) const;
  [[nodiscard]] Range may_give(std::uint64_t wanted, std::uint64_t now_ns) const;
  /// The message that should come next in a receive; null: none.
  [[nodiscard]] const ModelMessage* oldest_visible(std::uint64_t now_ns) const;
  /// It may come before older ones [R12: best effort].
  [[nodiscard]] bool may_come_early(const ModelMessage& message, std::uint64_t now_ns) const;
  /// Message `number` is given by a receive and in flight from now on; null: it is not visible.
  const ModelMessage* receive(std::uint64_t number, MessageId id,
                              const Duration* visibility_timeout, std::uint64_t now_ns);
  /// Ends a receive call: only now messages with a visibility timeout of 0 are visible again.
  void end_receive();

  [[nodiscard]] Answers may_settle(const ModelReceipt& receipt, std::uint64_t now_ns) const;
  [[nodiscard]] bool may_extend(const ModelReceipt& receipt, Duration timeout, bool knows_receive,
                                std::uint64_t now_ns) const;
  void acknowledge(const ModelReceipt& receipt);
  void release(const ModelReceipt& receipt);
  void extend(const ModelReceipt& receipt, Duration timeout, std::uint64_t now_ns);

  [[nodiscard]] Range may_purge(std::uint64_t now_ns) const;
  void purge();

  [[nodiscard]] ModelCounts counts(std::uint64_t now_ns) const;
  /// All that are not gone, in the order of their sends.
  [[nodiscard]] const std::vector<ModelMessage>& messages() const { return messages_; }
  [[nodiscard]] bool is_over_age(const ModelMessage& message, std::uint64_t now_ns) const;
  [[nodiscard]] ModelSettings& settings() { return settings_; }
  /// How many messages are being read in place, gone or not.
  [[nodiscard]] std::uint64_t& views() { return views_; }

 private:
  ModelMessage* find(const ModelReceipt& receipt);
  [[nodiscard]] const ModelMessage* find(const ModelReceipt& receipt) const;
  [[nodiscard]] Range count_if(bool (*is_one)(const ModelMessage&, std::uint64_t),
                               std::uint64_t now_ns) const;

  [[nodiscard]] bool can_be_given(const ModelMessage& message, std::uint64_t now_ns) const;

  const std::uint64_t capacity_;
  const bool strict_;
  const Flaw flaw_;
  ModelSettings settings_;
  std::vector<ModelMessage> messages_;
  std::uint64_t next_number_ = 1;
  std::uint64_t views_ = 0;
  std::uint64_t held_ = 0;  ///< messages that were received or delayed since there were none
  std::vector<std::uint64_t> given_;  ///< numbers of the messages that this receive has given
};

}  // namespace ringpost::model
