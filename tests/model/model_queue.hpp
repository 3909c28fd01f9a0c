// ModelQueue: a queue, standard or FIFO, as the paper of SQS semantics describes it, for one caller
// at a time. Written from the paper and to be obviously right: a list of messages in the order of
// their sends, looked through from the front. The ids in brackets are the paper's rules.
//
// The paper leaves some things open, and there the model takes whatever the queue did, within
// bounds: whether a message past its retention still counts (as stored, as in flight, as locking
// its group), and which groups a receive serves, in which order.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ringpost/errc.hpp"
#include "ringpost/options.hpp"
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
  kGroupsAreNotLocked,         ///< F03, F06
  kOneOfAGroupInABatch,        ///< F02
  kFifoReceiptsOutliveLeases,  ///< V03
  kFifoDelayMayBeGiven,        ///< S06
  kFifoLimitFails,             ///< R14
  kDuplicatesExtendTheWindow,  ///< D01
  kAcknowledgeForgetsTheId,    ///< D01
  kScopeIsTheOther,            ///< D03
  kContentIdWins,              ///< D05
  kPurgeKeepsTheIds,           ///< D07
  kCountOf,
};

struct ModelSettings {
  Duration visibility_timeout{};
  Duration delay{};
  Duration retention{};
  std::uint64_t in_flight_max = 0;
  std::uint64_t message_bytes_max = 0;
  Dedup dedup = Dedup::kOff;
  Duration dedup_window{};
};

/// A message as it was sent, and what became of it.
struct ModelMessage {
  std::uint64_t number = 0;       ///< of the send
  std::uint64_t body_number = 0;  ///< the body is made of it
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
  std::string group{};
  std::string dedup_id{};
  std::string dedup_key{};  ///< empty: its id is not remembered

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
  std::uint64_t body_number = 0;
  std::string_view group{};
  std::string dedup_id{};    ///< as given; may be empty
  std::string content_id{};  ///< that its body has
};

/// What is fixed when a queue is made.
struct ModelType {
  std::uint64_t capacity = 0;  ///< how many messages it holds; 0: it grows
  bool strict = false;         ///< also those that come a second time come in the order of sends
  bool fifo = false;
  DedupScope dedup_scope = DedupScope::kQueue;
};

class ModelQueue {
 public:
  ModelQueue(const ModelType& type, Flaw flaw)
      : type_(type), capacity_(type.capacity), strict_(type.strict), flaw_(flaw) {}

  /// What a send may answer.
  [[nodiscard]] Answers may_send(const ModelSend& message, const Duration* delay,
                                 std::uint64_t now_ns) const;
  /// The send was accepted and got this id.
  const ModelMessage& sent(const ModelSend& message, const Duration* delay, MessageId id,
                           std::uint64_t now_ns);
  /// FIFO: the send is one of a duplicate, so that nothing is sent.
  [[nodiscard]] bool is_duplicate(const ModelSend& message, std::uint64_t now_ns) const;
  /// It got this id. Whether it may: the id of the first message, if anybody knows that.
  bool duplicate_got(const ModelSend& message, MessageId id, std::uint64_t now_ns);

  /// What a receive of up to `wanted` may answer, and how many messages it may give.
  [[nodiscard]] Answers may_receive(std::uint64_t wanted, std::uint64_t now_ns) const;
  [[nodiscard]] Range may_give(std::uint64_t wanted, std::uint64_t now_ns) const;
  /// The message that should come next in a receive; null: none.
  [[nodiscard]] const ModelMessage* oldest_visible(std::uint64_t now_ns) const;
  /// It may come before older ones [R12: best effort].
  [[nodiscard]] bool may_come_early(const ModelMessage& message, std::uint64_t now_ns) const;
  /// FIFO: the message may come next in a receive: the first of its group that was not given yet,
  /// and of no other group than the one before as long as that has one [F02].
  [[nodiscard]] bool may_come_next(const ModelMessage& message, std::uint64_t now_ns) const;
  /// FIFO: a message with this id has a place between those of its group sent before and after it.
  [[nodiscard]] bool rises(const ModelMessage& message, MessageId id) const;
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
  [[nodiscard]] const ModelType& type() const { return type_; }
  [[nodiscard]] ModelSettings& settings() { return settings_; }
  /// How many messages are being read in place, gone or not.
  [[nodiscard]] std::uint64_t& views() { return views_; }

 private:
  ModelMessage* find(const ModelReceipt& receipt);
  [[nodiscard]] const ModelMessage* find(const ModelReceipt& receipt) const;
  [[nodiscard]] Range count_if(bool (*is_one)(const ModelMessage&, std::uint64_t),
                               std::uint64_t now_ns) const;

  [[nodiscard]] bool can_be_given(const ModelMessage& message, std::uint64_t now_ns) const;

  /// An id that is remembered.
  struct Id {
    std::uint64_t number = 0;  ///< of the message that was accepted with it
    MessageId id;              ///< if it is known
    std::uint64_t until_ns = 0;
  };
  [[nodiscard]] std::uint64_t window_ns() const {
    return static_cast<std::uint64_t>(settings_.dedup_window.count());
  }
  [[nodiscard]] std::string id_of(const ModelSend& message) const;
  [[nodiscard]] std::string key_of(const ModelSend& message) const;
  [[nodiscard]] bool is_right_in_group(const ModelSend& message, const Duration* delay) const;
  [[nodiscard]] Range available(std::uint64_t now_ns) const;
  [[nodiscard]] Range available_of(const std::string& group, std::uint64_t now_ns) const;
  void remember(ModelMessage& message, const ModelSend& send, std::uint64_t now_ns);
  void learn(const ModelMessage& message);
  [[nodiscard]] bool was_given(const ModelMessage& message) const;

  const ModelType type_;
  const std::uint64_t capacity_;
  const bool strict_;
  const Flaw flaw_;
  ModelSettings settings_;
  std::vector<ModelMessage> messages_;
  std::uint64_t next_number_ = 1;
  std::uint64_t views_ = 0;
  std::uint64_t held_ = 0;  ///< messages that were received or delayed since there were none
  std::vector<std::uint64_t> given_;       ///< numbers of the messages that this receive has given
  std::vector<std::string> groups_given_;  ///< in their order
  std::unordered_map<std::string, Id> ids_;
};

}  // namespace ringpost::model
