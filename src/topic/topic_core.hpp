// A participant's handle on a topic: its subscriptions as the log tells them, their filters, and
// the queues that they lead to.
#pragma once

#include <memory>
#include <vector>

#include "queue/queue_core.hpp"
#include "topic/fanout.hpp"
#include "topic/filters.hpp"
#include "topic/ordered_fanout.hpp"
#include "topic/topic_file.hpp"

namespace ringpost::detail {

class TopicCore final : private topic::LogReader {
 public:
  static Result<std::unique_ptr<TopicCore>> open(const queue::Membership& membership,
                                                 topic::TopicFile file);
  ~TopicCore() {
    if (member_.me.is_forked()) file_.disown_counts();
  }

  Result<Published, Errc> publish(ByteSpan body, const PublishOptions& options) noexcept;
  // topic_batch.cpp
  Result<std::vector<Result<Published, Errc>>> publish_batch(std::span<const PublishEntry> entries,
                                                             Duration wait);
  Result<SubscriptionInfo> subscribe(const std::string& queue,
                                     const SubscriptionSettings& settings);
  Result<SubscriptionInfo> subscribe_endpoint(const std::string& endpoint,
                                              const SubscriptionSettings& settings);
  Result<SubscriptionInfo> set_subscription(std::uint64_t id, const SubscriptionSettings& changes);
  Result<void> unsubscribe(std::uint64_t id);
  Result<std::vector<SubscriptionInfo>> all();
  /// By the holder of the topic's lock, who is about to delete it; also those that the dead left.
  void delete_endpoint_queues();
  // The topic itself: topic_settings.cpp
  TopicSettings settings();
  Result<Tags> tags();
  Result<void> set(const TopicSettings& changes);
  Result<void> set_tags(const Tags& tags);
  Result<void> remove_tags(std::span<const std::string> keys);
  Result<TopicStats> stats();
  [[nodiscard]] topic::TopicFile& file() noexcept { return file_; }

 private:
  using Place = topic::Subscriptions::Place;

  TopicCore(const queue::Membership& membership, topic::TopicFile file)
      : member_(membership), file_(std::move(file)), fanout_(member_) {}

  /// The way to the queue of one subscription, with what a publish needs to know of it. Null: the
  /// queue is gone, or not opened yet.
  struct Route {
    std::unique_ptr<QueueCore> queue;
    std::unique_ptr<QueueCore> dead_letters;
    bool has_dead_letters = false;
    bool raw = false;
    topic::WhenFull when_full = topic::WhenFull::kWait;
  };

  void begin_anew() override;
  void apply(const topic::LogEntry& entry) override;
  [[nodiscard]] const topic::Subscriptions& subscriptions() const noexcept override {
    return subscriptions_;
  }
  [[nodiscard]] Errc usable() const noexcept;
  Result<void> change(const topic::TopicFile::Decide& decide);
  using ChangeTopic = std::function<Result<topic::Changeable>(topic::Changeable)>;
  Result<void> change_topic(const ChangeTopic& what);

  // Endpoints: topic_endpoints.cpp
  Result<SubscriptionInfo> make_endpoint_queue(SubscriptionInfo subscription);
  void delete_endpoint_queue(const std::string& name);
  void delete_orphaned_queues();

  // Publishing: topic_publish.cpp
  Errc refresh();
  [[nodiscard]] Errc check(ByteSpan body, const PublishOptions& options) const noexcept;
  Route& route(Place place) {
    if (place < routes_.size()) [[likely]] {
      Route& way = routes_[place];
      if (is_open(way.queue) && (!way.has_dead_letters || is_open(way.dead_letters))) return way;
    }
    return open_route(place);
  }
  Route& open_route(Place place);
  [[nodiscard]] static bool is_open(const std::unique_ptr<QueueCore>& queue) noexcept {
    return queue != nullptr && queue->usable() == Errc::kOk;
  }
  std::unique_ptr<QueueCore> open_queue(const std::string& name, std::uint64_t queue_id);
  [[nodiscard]] bool takes_dead_letters(const QueueCore& queue) const noexcept;
  void choose_targets(const std::vector<Place>& places);
  Result<Published, Errc> deliver(ByteSpan body, const PublishOptions& options);
  void count(Published& published, std::size_t bytes);

  // FIFO topics: topic_ordered.cpp
  [[gnu::cold, gnu::noinline]] Result<Published, Errc> publish_in_order(
      ByteSpan body, const PublishOptions& options);
  [[nodiscard]] Errc check_ids(const PublishOptions& options) const noexcept;
  [[nodiscard]] std::optional<ring::RingKind> kind_of(const std::string& queue) const;

  queue::Membership member_;
  topic::TopicFile file_;
  topic::Subscriptions subscriptions_;
  topic::Filters filters_;
  topic::Fanout fanout_;
  std::unique_ptr<topic::OrderedFanout> ordered_;  ///< of a FIFO topic
  std::vector<Route> routes_;                      ///< by place
  // Of one publish, kept for their memory.
  std::vector<topic::Target> targets_;
  bool some_plain_ = false;     ///< of the targets get the message as it was published
  bool some_wrapped_ = false;   ///< get it as a JSON document
  bool some_stand_in_ = false;  ///< are dead-letter queues of deleted ones
  std::uint64_t lost_ = 0;      ///< deleted ones without
};

}  // namespace ringpost::detail
