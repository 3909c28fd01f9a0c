// Subscriptions of endpoints: each has a queue of its own, which lives as long as it does.
//
// The queue is made, and the subscription written, by the holder of the topic's lock. A death in
// between, or after the end of a subscription, leaves a queue without a subscription; the next one
// who subscribes an endpoint, or deletes the topic, finds it by its name and tags, and deletes it.
#include "push/endpoint.hpp"
#include "queue/settings.hpp"
#include "queue/tags.hpp"
#include "sys/error.hpp"
#include "topic/settings.hpp"
#include "topic/topic_core.hpp"

namespace ringpost::detail {

using topic::LogEntry;
using topic::RecordKind;

Result<SubscriptionInfo> TopicCore::subscribe_endpoint(const std::string& endpoint,
                                                       const SubscriptionSettings& settings) {
  if (auto checked = push::check_endpoint(endpoint); !checked) return Unexpected(checked.error());
  if (file_.is_fifo()) {
    return sys::error(Errc::kInvalidArgument, "endpoint \"" + endpoint.substr(0, 80) + "\"",
                      "a FIFO topic takes queues only");
  }
  const auto given = topic::normalised(settings, true);
  if (!given) return Unexpected(given.error());
  SubscriptionInfo made{.id = sys::unique_id(),
                        .queue = {},
                        .endpoint = endpoint,
                        .settings = topic::with_defaults(*given),
                        .created = WallTime(std::chrono::duration_cast<WallTime::duration>(
                            Duration(member_.me.bus().time().wall_ns())))};
  made.queue = push::queue_name(file_.name(), made.id);
  if (auto checked =
          topic::check(member_.queues, made.queue, ring::RingKind::kStandard, made.settings);
      !checked) {
    return Unexpected(checked.error());
  }
  bool has_queue = false;
  auto done = change([&]() -> Result<std::vector<LogEntry>> {
    const SubscriptionInfo* existing = subscriptions_.of_endpoint(endpoint);
    if (existing == nullptr) {
      delete_orphaned_queues();
      auto with_queue = make_endpoint_queue(made);
      if (!with_queue) return Unexpected(with_queue.error());
      has_queue = true;
      made = *with_queue;
      return std::vector<LogEntry>{{RecordKind::kSet, made, 0}};
    }
    if (topic::changed(existing->settings, *given) != existing->settings) {
      return sys::error(Errc::kExists, "endpoint \"" + endpoint.substr(0, 80) + "\"",
                        "is subscribed with other settings: change or remove that subscription");
    }
    made = *existing;
    return std::vector<LogEntry>{};
  });
  if (done) return made;
  if (has_queue) delete_endpoint_queue(made.queue);
  return Unexpected(done.error());
}

Result<SubscriptionInfo> TopicCore::make_endpoint_queue(SubscriptionInfo subscription) {
  constexpr std::size_t kTagBytesMax = 256;
  const Tags tags = {{push::kTopicTag, file_.name()},
                     {push::kEndpointTag, subscription.endpoint.substr(0, kTagBytesMax)}};
  // An endpoint that no tag can hold is not named there.
  const Tags fallback = {{push::kTopicTag, file_.name()}};
  const Tags& kept = queue::check_tags(tags) ? tags : fallback;
  const auto made =
      member_.queues.create(member_.me, subscription.queue, queue::with_defaults({}), kept);
  if (!made) return Unexpected(made.error());
  subscription.queue_id = (*made)->queue_id();
  return subscription;
}

void TopicCore::delete_endpoint_queue(const std::string& name) {
  const auto found = member_.queues.open(name);
  if (found) member_.housekeeper.delete_queue(**found);
}

void TopicCore::delete_endpoint_queues() {
  (void)file_.replay(*this);  // what others added before the lock was taken
  for (Place place = 0; place < subscriptions_.places(); ++place) {
    const SubscriptionInfo& each = subscriptions_.at(place);
    if (each.id != 0 && !each.endpoint.empty()) delete_endpoint_queue(each.queue);
  }
  delete_orphaned_queues();
}

/// By the holder of the lock: nobody makes one meanwhile.
void TopicCore::delete_orphaned_queues() {
  const auto names = sys::names_in(member_.me.bus().queues());
  if (!names) return;
  const std::string prefix = push::queue_prefix(file_.name());
  for (const std::string& name : *names) {
    if (!name.starts_with(prefix)) continue;
    const auto found = member_.queues.open(name);
    if (!found || subscriptions_.of_queue((*found)->queue_id()) != nullptr) continue;
    const auto tags = queue::read_tags(**found);
    if (!tags) continue;
    const auto tag = tags->find(push::kTopicTag);
    if (tag != tags->end() && tag->second == file_.name()) {
      member_.housekeeper.delete_queue(**found);
    }
  }
}

}  // namespace ringpost::detail
