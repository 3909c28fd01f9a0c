// A participant's handle on a topic: its subscriptions as the log tells them, their filters, and
// the queues that they lead to.
#pragma once

#include <memory>
#include <vector>

#include "queue/queue_core.hpp"
#include "topic/filters.hpp"
#include "topic/topic_file.hpp"

namespace ringpost::detail {

class TopicCore final : private topic::LogReader {
 public:
  static Result<std::unique_ptr<TopicCore>> open(const queue::Membership& membership,
                                                 topic::TopicFile file);

  Result<Published, Errc> publish(ByteSpan body, const PublishOptions& options) noexcept;
  Result<SubscriptionInfo> subscribe(const std::string& queue,
                                     const SubscriptionSettings& settings);
  Result<SubscriptionInfo> set_subscription(std::uint64_t id, const SubscriptionSettings& changes);
  Result<void> unsubscribe(std::uint64_t id);
  Result<std::vector<SubscriptionInfo>> all();
  Result<TopicStats> stats();
  [[nodiscard]] topic::TopicFile& file() noexcept { return file_; }

 private:
  using Place = topic::Subscriptions::Place;

  TopicCore(const queue::Membership& membership, topic::TopicFile file)
      : member_(membership), file_(std::move(file)) {}

  void begin_anew() override;
  void apply(const topic::LogEntry& entry) override;
  [[nodiscard]] const topic::Subscriptions& subscriptions() const noexcept override {
    return subscriptions_;
  }
  [[nodiscard]] Errc usable() const noexcept;
  Result<void> change(const topic::TopicFile::Decide& decide);

  queue::Membership member_;
  topic::TopicFile file_;
  topic::Subscriptions subscriptions_;
  topic::Filters filters_;
};

}  // namespace ringpost::detail
