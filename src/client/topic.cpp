#include "ringpost/topic.hpp"

#include "topic/topic_core.hpp"

namespace ringpost {

Topic::Topic() noexcept = default;
Topic::Topic(Topic&&) noexcept = default;
Topic& Topic::operator=(Topic&&) noexcept = default;
Topic::~Topic() = default;
Topic::Topic(std::unique_ptr<detail::TopicCore> core) noexcept : core_(std::move(core)) {}

Result<Published, Errc> Topic::publish(ByteSpan body, const PublishOptions& options) noexcept {
  return core_->publish(body, options);
}
Result<std::vector<Result<Published, Errc>>> Topic::publish_batch(
    std::span<const PublishEntry> entries, Duration wait) {
  return core_->publish_batch(entries, wait);
}
Result<SubscriptionInfo> Topic::subscribe(std::string_view queue,
                                          const SubscriptionSettings& settings) {
  return core_->subscribe(std::string(queue), settings);
}
Result<SubscriptionInfo> Topic::set_subscription(std::uint64_t id,
                                                 const SubscriptionSettings& changes) {
  return core_->set_subscription(id, changes);
}
Result<void> Topic::unsubscribe(std::uint64_t id) { return core_->unsubscribe(id); }
Result<std::vector<SubscriptionInfo>> Topic::subscriptions() { return core_->all(); }
const std::string& Topic::name() const noexcept { return core_->file().name(); }
TopicSettings Topic::settings() const { return core_->settings(); }
Result<void> Topic::set(const TopicSettings& changes) { return core_->set(changes); }
Result<Tags> Topic::tags() const { return core_->tags(); }
Result<void> Topic::set_tags(const Tags& tags) { return core_->set_tags(tags); }
Result<void> Topic::remove_tags(std::span<const std::string> keys) {
  return core_->remove_tags(keys);
}
Result<TopicStats> Topic::stats() { return core_->stats(); }

}  // namespace ringpost
