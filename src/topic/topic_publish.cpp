// Publishing: which subscriptions get the message, and the way to their queues.
#include <new>
#include <span>
#include <utility>

#include "queue/attributes.hpp"
#include "topic/envelope.hpp"
#include "topic/topic_core.hpp"

namespace ringpost::detail {
namespace {

constexpr std::size_t kSubjectBytesMax = 100;

bool is_subject(std::string_view subject) noexcept {
  if (subject.size() > kSubjectBytesMax || !topic::is_utf8(subject)) return false;
  for (const char c : subject) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) return false;
  }
  return subject.empty() || subject.front() != ' ';
}

topic::WhenFull when_full_of(WhenFull setting) noexcept {
  switch (setting) {
    case WhenFull::kFail:
      return topic::WhenFull::kFail;
    case WhenFull::kDeadLetter:
      return topic::WhenFull::kRefuse;
    case WhenFull::kWait:
      break;
  }
  return topic::WhenFull::kWait;
}

constexpr std::uint32_t kPlain = 0;
constexpr std::uint32_t kWrapped = 1;

}  // namespace

Result<Published, Errc> TopicCore::publish(ByteSpan body, const PublishOptions& options) noexcept {
  try {
    if (const Errc code = refresh(); code != Errc::kOk) return Unexpected(code);
    if (const Errc code = check(body, options); code != Errc::kOk) return Unexpected(code);
    if (ordered_ != nullptr) [[unlikely]]
      return publish_in_order(body, options);
    if (!options.dedup_id.empty() || !options.group.empty())
      return Unexpected(Errc::kInvalidArgument);
    const auto& places = filters_.match(options.attributes, as_text(body));
    choose_targets(places);
    const auto published = deliver(body, options);
    if (!published && published.error() == Errc::kFull) file_.count(member_.me, topic::kRefused);
    return published;
  } catch (const std::bad_alloc&) {
    return Unexpected(Errc::kNoSpace);
  }
}

/// The subscriptions as they are now.
Errc TopicCore::refresh() {
  if (const Errc code = usable(); code != Errc::kOk) return code;
  if (!file_.has_news()) [[likely]]
    return Errc::kOk;
  const auto read = file_.replay(*this);
  return read ? Errc::kOk : read.error().code;
}

Errc TopicCore::check(ByteSpan body, const PublishOptions& options) const noexcept {
  if (body.empty() || !is_subject(options.subject)) return Errc::kInvalidArgument;
  std::size_t bytes = body.size();
  if (!options.attributes.empty()) {
    if (const Errc code = queue::check_attributes(options.attributes); code != Errc::kOk) {
      return code;
    }
    bytes += queue::counted_bytes(options.attributes);
  }
  return bytes <= file_.message_bytes_max() ? Errc::kOk : Errc::kTooLarge;
}

/// The way to the queue of one subscription, opened at its first message.
TopicCore::Route& TopicCore::open_route(Place place) {
  if (routes_.size() <= place) routes_.resize(subscriptions_.places());
  Route& way = routes_[place];
  const SubscriptionInfo& subscription = subscriptions_.at(place);
  const std::string& dead_letters = *subscription.settings.dead_letter_queue;
  way.raw = *subscription.settings.raw;
  way.when_full = when_full_of(*subscription.settings.when_full);
  way.has_dead_letters = !dead_letters.empty();
  if (!is_open(way.queue)) way.queue = open_queue(subscription.queue, subscription.queue_id);
  if (!is_open(way.dead_letters)) {
    way.dead_letters = way.has_dead_letters ? open_queue(dead_letters, 0) : nullptr;
    // It may have been made anew, of another kind.
    if (way.dead_letters != nullptr && !takes_dead_letters(*way.dead_letters)) {
      way.dead_letters = nullptr;
    }
  }
  return way;
}

bool TopicCore::takes_dead_letters(const QueueCore& queue) const noexcept {
  return queue.is_standard() || (ordered_ != nullptr && queue.is_fifo());
}

/// Null: it is not there any more. `queue_id` 0: whichever has the name.
std::unique_ptr<QueueCore> TopicCore::open_queue(const std::string& name, std::uint64_t queue_id) {
  auto mapping = member_.queues.open(name);
  if (!mapping || (*mapping)->header().state.load(std::memory_order_acquire) != 0) return nullptr;
  if (queue_id != 0 && (*mapping)->queue_id() != queue_id) return nullptr;
  auto core = QueueCore::open(member_, std::move(*mapping));
  return core ? std::move(*core) : nullptr;
}

/// A queue that was deleted gets nothing; its dead-letter queue takes its place.
void TopicCore::choose_targets(const std::vector<Place>& places) {
  targets_.clear();
  some_plain_ = false;
  some_wrapped_ = false;
  lost_ = 0;
  some_stand_in_ = false;
  for (const Place place : places) {
    const Route& way = route(place);
    if (way.queue == nullptr && way.dead_letters == nullptr) {
      ++lost_;
      continue;
    }
    topic::Target& target = targets_.emplace_back();
    target.queue = way.queue.get();
    target.dead_letters = way.dead_letters.get();
    target.when_full = way.when_full;
    target.form = way.raw ? kPlain : kWrapped;
    (way.raw ? some_plain_ : some_wrapped_) = true;
    if (target.queue != nullptr) continue;
    target.queue = std::exchange(target.dead_letters, nullptr);
    target.when_full = topic::WhenFull::kRefuse;
    target.stands_in = some_stand_in_ = true;
  }
}

Result<Published, Errc> TopicCore::deliver(ByteSpan body, const PublishOptions& options) {
  Published published{.id = {file_.topic_id(), file_.next_number()}};
  std::string document;
  if (some_wrapped_) {
    if (!topic::is_utf8(as_text(body))) return Unexpected(Errc::kInvalidArgument);
    document = topic::envelope_text({.topic = file_.name(),
                                     .id = published.id,
                                     .subject = options.subject,
                                     .body = as_text(body),
                                     .attributes = options.attributes,
                                     .wall_ns = member_.me.bus().time().wall_ns()});
  }
  const topic::Message forms[] = {
      some_plain_ ? topic::Message{body, options.attributes} : topic::Message{},
      {as_bytes(document)}};
  if (!targets_.empty()) {
    const auto done =
        fanout_.publish(std::span(forms, some_wrapped_ ? 2 : 1), targets_, {.wait = options.wait});
    if (!done) return Unexpected(done.error());
    published.delivered = done->delivered;
    published.dead_letters = done->dead_lettered;
    published.dropped = done->refused;
  }
  count(published, body.size());
  return published;
}

void TopicCore::count(Published& published, std::size_t bytes) {
  if (some_stand_in_) [[unlikely]] {
    for (const topic::Target& each : targets_) {
      if (!each.stands_in || each.outcome != Errc::kOk) continue;
      --published.delivered;
      ++published.dead_letters;
    }
  }
  published.dropped += lost_;
  const std::size_t chosen = targets_.size() + lost_;
  file_.count(member_.me, topic::kPublished);
  file_.count(member_.me, topic::kPublishedBytes, bytes);
  file_.count(member_.me, topic::kDelivered, published.delivered);
  if (chosen != subscriptions_.count()) {
    file_.count(member_.me, topic::kFilteredOut, subscriptions_.count() - chosen);
  }
  if (published.dead_letters != 0)
    file_.count(member_.me, topic::kDeadLettered, published.dead_letters);
  if (published.dropped != 0) file_.count(member_.me, topic::kDropped, published.dropped);
}

}  // namespace ringpost::detail
