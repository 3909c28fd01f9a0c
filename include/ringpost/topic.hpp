// Topic: one publish, many queues. The rules are those of SNS.
//
//   publisher ──publish──▶ topic ──filter──▶ subscription ──▶ queue ──▶ consumer
//                                       └─▶ subscription ──▶ queue ──▶ consumer
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/message.hpp"
#include "ringpost/options.hpp"
#include "ringpost/result.hpp"
#include "ringpost/types.hpp"

namespace ringpost {

namespace detail {
class TopicCore;
}

/// Which part of a message a filter policy looks at.
enum class FilterScope : std::uint8_t { kAttributes, kBody };

/// What a publish does when the queue of a subscription takes no more.
enum class WhenFull : std::uint8_t {
  kWait,        ///< waits as long as its caller says, then goes on as kDeadLetter (default)
  kDeadLetter,  ///< that delivery goes to the dead-letter queue; without one it is dropped, counted
  kFail,        ///< the publish fails before anything is delivered to anybody
};

/// Settings of a topic. At creation an absent one takes its default; opening an existing topic
/// compares only those that are given. The first three may be changed while it is in use.
struct TopicSettings {
  std::optional<std::uint64_t> message_bytes_max{};  ///< 256 KiB; 1 KiB to 64 MiB
  std::optional<std::string> display_name{};         ///< ""; at most 100 bytes
  /// Of its endpoints: JSON, see TopicDeliveryPolicy::parse(); empty (default): none. It is kept
  /// with every field.
  std::optional<std::string> delivery_policy{};
  /// false; true: every queue gets the messages of a group in the order in which they were
  /// published. Takes FIFO queues and standard ones. This and what follows is fixed at creation.
  std::optional<bool> fifo{};
  std::optional<Dedup> dedup{};                  ///< FIFO: off
  std::optional<DedupScope> dedup_scope{};       ///< kQueue: within the whole topic
  std::optional<Duration> dedup_window{};        ///< 5 min; 1 s to 24 h
  std::optional<std::uint32_t> dedup_entries{};  ///< 65,536; 64 to 2^24; ids in a window
};

/// Settings of a subscription. At its creation an absent one takes its default.
struct SubscriptionSettings {
  /// true: the queue gets body and attributes as they were published; false: a JSON document that
  /// has them in it, as SNS sends it.
  std::optional<bool> raw{};
  std::optional<std::string> filter{};             ///< JSON: see docs/filters.md; empty: everything
  std::optional<FilterScope> filter_scope{};       ///< kAttributes
  std::optional<WhenFull> when_full{};             ///< kWait
  std::optional<std::string> dead_letter_queue{};  ///< of the same bus; empty: none
  /// Of an endpoint: JSON, see DeliveryPolicy::parse(); empty: as the topic says.
  std::optional<std::string> delivery_policy{};
  friend bool operator==(const SubscriptionSettings&, const SubscriptionSettings&) = default;
};

/// One subscription, as it stands in the topic.
struct SubscriptionInfo {
  std::uint64_t id = 0;    ///< unique for ever; 16 hexadecimal digits for people
  std::string queue;       ///< the name that its queue had
  std::string endpoint{};  ///< that `queue` is kept for: see Topic::subscribe(); empty: none
  std::uint64_t queue_id = 0;
  SubscriptionSettings settings;  ///< every one, with its value in force
  WallTime created{};
};

/// One message to all subscribers.
struct PublishOptions {
  AttributeList attributes{};
  std::string_view subject{};        ///< at most 100 characters; in JSON deliveries only
  Duration wait = Duration::zero();  ///< how long to wait, in all, for subscribers that are full
  std::string_view group{};          ///< FIFO: 1 to 128 letters, digits, punctuation
  std::string_view dedup_id{};       ///< FIFO: the same; by content it may be empty
};

/// One message of a batch.
struct PublishEntry {
  std::string_view id;  ///< 1 to 80 of A-Z a-z 0-9 - _, and no other's in the batch
  ByteSpan body;
  AttributeList attributes{};
  std::string_view subject{};  ///< this and what follows: as in PublishOptions
  std::string_view group{};
  std::string_view dedup_id{};
};

/// What became of a publish.
struct Published {
  MessageId id;                    ///< the topic, and a number that grows with each publish
  std::uint64_t delivered = 0;     ///< to so many queues
  std::uint64_t dead_letters = 0;  ///< to so many dead-letter queues instead
  std::uint64_t dropped = 0;       ///< deliveries to nobody: full or deleted, no dead-letter queue
  std::uint64_t sequence = 0;      ///< FIFO: grows with each publish
  bool duplicate = false;          ///< FIFO: id and sequence are the first one's, nobody got it
};

struct TopicStats {
  std::uint64_t published = 0;
  std::uint64_t published_bytes = 0;
  std::uint64_t delivered = 0;
  std::uint64_t filtered_out = 0;   ///< deliveries that filter policies kept away
  std::uint64_t dead_lettered = 0;  ///< deliveries to a dead-letter queue instead
  std::uint64_t dropped = 0;
  std::uint64_t refused = 0;  ///< publishes that failed because a queue was full
  std::uint64_t subscriptions = 0;
  std::uint64_t duplicates = 0;  ///< FIFO: publishes that were swallowed
};

/// A handle on a topic. Any number of processes and threads may have one each.
///
/// Threads     one thread at a time uses a Bus and what was opened from it.
/// Blocking    publish() only as long as options.wait says. What changes subscriptions may wait up
///             to two seconds for another process that is changing them and stands still: kBusy.
/// Crash       whoever dies at any instruction of publish() leaves a message that every
///             subscription has, or none. A change of subscriptions is made or is not.
class RINGPOST_API Topic {
 public:
  Topic() noexcept;
  Topic(Topic&&) noexcept;
  Topic& operator=(Topic&&) noexcept;
  ~Topic();

  /// Delivers to every subscription that there is and whose filter accepts the message. The payload
  /// is stored once. Errors: kFull (a subscription that says so is full; nobody got anything),
  /// kTooLarge, kInvalidArgument (empty body, attribute rules), kNoSpace, kDeleted, kForked,
  /// kCorrupt. FIFO: kInvalidArgument also of group and dedup_id; kTooManyIds. Durable subscribers
  /// have it on disk when this returns; kTimedOut, kLogFailed, kNoSpace (disk) of one of them: all
  /// have got it, and after the loss of power maybe not that one.
  Result<Published, Errc> publish(ByteSpan body, const PublishOptions& options = {}) noexcept;
  Result<Published, Errc> publish(std::string_view body,
                                  const PublishOptions& options = {}) noexcept {
    return publish(as_bytes(body), options);
  }

  /// Publishes each, in order; up to 10, which are together no larger than one message may be.
  /// Returns for each, in their order, what became of it: one that fails does not keep the others
  /// from being published. `wait`: as in PublishOptions, of all together. Errors, of the batch
  /// as a whole, and nothing is published: kInvalidArgument (no entries or too many, ids, attribute
  /// rules, in a FIFO topic all rules: says which), kTooLarge, kDeleted, kForked, kCorrupt.
  Result<std::vector<Result<Published, Errc>>> publish_batch(std::span<const PublishEntry> entries,
                                                             Duration wait = Duration::zero());

  /// Subscribes a queue of the bus from the next publish on. A queue that is subscribed already
  /// with the same settings is left as it is; with others: kExists. Errors kNotFound (no such queue
  /// or dead-letter queue), kInvalidArgument (filter policy: says what is wrong with it), kBusy.
  ///
  /// Or an endpoint: "exec:COMMAND", "http://…", "https://…". It is given a queue of its own, which
  /// exists as long as the subscription, and which `ringpost deliver` empties: docs/push.md.
  Result<SubscriptionInfo> subscribe(std::string_view queue_or_endpoint,
                                     const SubscriptionSettings& settings = {});
  /// Changes what is given. Errors kNotFound, kInvalidArgument, kBusy.
  Result<SubscriptionInfo> set_subscription(std::uint64_t id, const SubscriptionSettings& changes);
  /// The queue of an endpoint goes with it, and what is in that. Of a subscription that is gone, or
  /// never was: kNotFound.
  Result<void> unsubscribe(std::uint64_t id);
  /// All, in no particular order.
  Result<std::vector<SubscriptionInfo>> subscriptions();

  [[nodiscard]] const std::string& name() const noexcept;
  /// Its name in Amazon's form.
  [[nodiscard]] std::string arn() const;
  /// Every setting, with its value in force.
  [[nodiscard]] TopicSettings settings() const;
  /// Changes the settings that are given, all or none, from the next publish of every process on.
  /// Errors kInvalidArgument (a value out of its limits, one that is fixed at creation), kBusy,
  /// kDeleted, kNoSpace.
  Result<void> set(const TopicSettings& changes);

  /// In the order of their keys.
  [[nodiscard]] Result<Tags> tags() const;
  /// Adds these, in place of those of the same key; all or none. Errors kInvalidArgument (a tag out
  /// of its limits, more than 50 with those that are there), kBusy, kDeleted, kNoSpace.
  Result<void> set_tags(const Tags& tags);
  /// Removes those of these keys, and knows nothing of keys that are not there. As set_tags().
  Result<void> remove_tags(std::span<const std::string> keys);

  [[nodiscard]] Result<TopicStats> stats();

 private:
  friend class Bus;
  explicit Topic(std::unique_ptr<detail::TopicCore> core) noexcept;
  std::unique_ptr<detail::TopicCore> core_;
};

}  // namespace ringpost
