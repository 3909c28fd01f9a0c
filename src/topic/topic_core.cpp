#include "topic/topic_core.hpp"

#include "sys/error.hpp"
#include "topic/settings.hpp"

namespace ringpost::detail {

using topic::LogEntry;
using topic::RecordKind;

Result<std::unique_ptr<TopicCore>> TopicCore::open(const queue::Membership& membership,
                                                   topic::TopicFile file) {
  std::unique_ptr<TopicCore> core(new TopicCore(membership, std::move(file)));
  if (core->file_.is_fifo()) {
    auto turn = core->file_.open_turn(membership.me);
    if (!turn) return Unexpected(turn.error());
    core->ordered_ = std::make_unique<topic::OrderedFanout>(membership, std::move(*turn));
  }
  if (auto read = core->file_.replay(*core); !read) return Unexpected(read.error());
  return core;
}

void TopicCore::begin_anew() {
  subscriptions_.clear();
  filters_.clear();
  routes_.clear();
}

void TopicCore::apply(const LogEntry& entry) {
  const Place place = subscriptions_.apply(entry);
  if (place == topic::Subscriptions::kNone) return;
  filters_.set(place, subscriptions_.at(place));
  if (place < routes_.size()) routes_[place] = {};
}

Errc TopicCore::usable() const noexcept {
  return member_.me.is_forked() ? Errc::kForked : Errc::kOk;
}

Result<void> TopicCore::change(const topic::TopicFile::Decide& decide) {
  if (const Errc code = usable(); code != Errc::kOk) {
    return sys::error(code, "topic \"" + file_.name() + "\"", message(code));
  }
  return file_.change(member_.me, *this, decide);
}

Result<SubscriptionInfo> TopicCore::subscribe(const std::string& queue,
                                              const SubscriptionSettings& settings) {
  if (auto given = topic::normalised(settings, false); !given) return Unexpected(given.error());
  const SubscriptionSettings wanted = topic::with_defaults(settings);
  const std::string object = "queue \"" + queue + "\"";
  member_.housekeeper.bring_back(queue);
  const auto found = member_.queues.open(queue);
  if (!found) return Unexpected(found.error());
  if ((*found)->header().state.load(std::memory_order_acquire) != 0) {
    return sys::error(Errc::kNotFound, object, "it was deleted");
  }
  const ring::RingKind kind = (*found)->kind();
  if (kind == ring::RingKind::kFair) {
    return sys::error(Errc::kInvalidArgument, object, "is a fair queue, which no topic takes yet");
  }
  if ((*found)->journal() != 0 && (file_.is_fifo() || kind == ring::RingKind::kFifo)) {
    return sys::error(Errc::kUnsupported, object,
                      "is durable: that only a standard topic and a standard queue may be");
  }
  if (kind == ring::RingKind::kFifo && !file_.is_fifo()) {
    return sys::error(Errc::kInvalidArgument, object,
                      "is a FIFO queue, which only a FIFO topic takes");
  }
  if (auto checked = topic::check(member_.queues, queue, kind, wanted); !checked) {
    return Unexpected(checked.error());
  }
  SubscriptionInfo made{.id = sys::unique_id(),
                        .queue = queue,
                        .queue_id = (*found)->queue_id(),
                        .settings = wanted,
                        .created = WallTime(std::chrono::duration_cast<WallTime::duration>(
                            Duration(member_.me.bus().time().wall_ns())))};
  auto done = change([&]() -> Result<std::vector<LogEntry>> {
    const SubscriptionInfo* existing = subscriptions_.of_queue(made.queue_id);
    if (existing == nullptr) return std::vector<LogEntry>{{RecordKind::kSet, made, 0}};
    if (topic::changed(existing->settings, settings) != existing->settings) {
      return sys::error(Errc::kExists, object,
                        "is subscribed with other settings: change or remove that subscription");
    }
    made = *existing;
    return std::vector<LogEntry>{};
  });
  if (!done) return Unexpected(done.error());
  return made;
}

Result<SubscriptionInfo> TopicCore::set_subscription(std::uint64_t id,
                                                     const SubscriptionSettings& changes) {
  SubscriptionInfo after;
  auto done = change([&]() -> Result<std::vector<LogEntry>> {
    const SubscriptionInfo* existing = subscriptions_.find(id);
    if (existing == nullptr) {
      return sys::error(Errc::kNotFound, "subscription", "the topic has none of this id");
    }
    after = *existing;
    const auto wanted = topic::normalised(changes, !existing->endpoint.empty());
    if (!wanted) return Unexpected(wanted.error());
    after.settings = topic::changed(existing->settings, *wanted);
    const auto kind = kind_of(after.queue);
    if (auto checked = topic::check(member_.queues, after.queue, kind, after.settings); !checked) {
      return Unexpected(checked.error());
    }
    if (after.settings == existing->settings) return std::vector<LogEntry>{};
    return std::vector<LogEntry>{{RecordKind::kSet, after, 0}};
  });
  if (!done) return Unexpected(done.error());
  return after;
}

Result<void> TopicCore::unsubscribe(std::uint64_t id) {
  std::string queue_of_endpoint;
  auto done = change([&]() -> Result<std::vector<LogEntry>> {
    const SubscriptionInfo* existing = subscriptions_.find(id);
    if (existing == nullptr) {
      return sys::error(Errc::kNotFound, "subscription", "the topic has none of this id");
    }
    if (!existing->endpoint.empty()) queue_of_endpoint = existing->queue;
    LogEntry gone;
    gone.kind = RecordKind::kRemove;
    gone.subscription.id = id;
    return std::vector<LogEntry>{std::move(gone)};
  });
  // After the subscription: a death in between leaves a queue that nothing comes into.
  if (done && !queue_of_endpoint.empty()) delete_endpoint_queue(queue_of_endpoint);
  return done;
}

Result<std::vector<SubscriptionInfo>> TopicCore::all() {
  if (auto read = file_.replay(*this); !read) return Unexpected(read.error());
  std::vector<SubscriptionInfo> found;
  found.reserve(subscriptions_.count());
  for (Place place = 0; place < subscriptions_.places(); ++place) {
    if (subscriptions_.at(place).id != 0) found.push_back(subscriptions_.at(place));
  }
  return found;
}

Result<TopicStats> TopicCore::stats() {
  if (auto read = file_.replay(*this); !read) return Unexpected(read.error());
  const auto of = [this](topic::Counter counter) { return topic::sum(file_.header(), counter); };
  return TopicStats{.published = of(topic::kPublished),
                    .published_bytes = of(topic::kPublishedBytes),
                    .delivered = of(topic::kDelivered),
                    .filtered_out = of(topic::kFilteredOut),
                    .dead_lettered = of(topic::kDeadLettered),
                    .dropped = of(topic::kDropped),
                    .refused = of(topic::kRefused),
                    .subscriptions = subscriptions_.count(),
                    .duplicates = of(topic::kDuplicates)};
}

}  // namespace ringpost::detail
