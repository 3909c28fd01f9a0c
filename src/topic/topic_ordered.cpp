// Publishing to a FIFO topic: its ids, and what its publishers are told.
#include "dedup/key.hpp"
#include "queue/attributes.hpp"
#include "sqs/charset.hpp"
#include "topic/envelope.hpp"
#include "topic/topic_core.hpp"

namespace ringpost::detail {

/// The group is required, and an id if the topic keeps ids and makes none of the content.
Errc TopicCore::check_ids(const PublishOptions& options) const noexcept {
  if (!sqs::is_id_text(options.group)) return Errc::kInvalidArgument;
  if (options.dedup_id.empty()) {
    return file_.dedup() == Dedup::kById ? Errc::kInvalidArgument : Errc::kOk;
  }
  return sqs::is_id_text(options.dedup_id) ? Errc::kOk : Errc::kInvalidArgument;
}

/// Duplicates are found before filters are asked: a message that nobody gets has its id, too.
Result<Published, Errc> TopicCore::publish_in_order(ByteSpan body, const PublishOptions& options) {
  if (const Errc code = check_ids(options); code != Errc::kOk) return Unexpected(code);
  topic::Order order{.group = options.group, .dedup_id = options.dedup_id};
  dedup::ContentId content;
  if (order.dedup_id.empty() && file_.dedup() == Dedup::kByContent) {
    content = dedup::content_id(body);
    order.dedup_id = {content.data(), content.size()};
  }
  if (!order.dedup_id.empty() && file_.dedup() != Dedup::kOff) {
    const bool by_group = file_.dedup_scope() == DedupScope::kGroup;
    order.key = dedup::key_of_id(file_.topic_id(), order.dedup_id, by_group ? options.group : "");
  }
  choose_targets(filters_.match(options.attributes, as_text(body)));
  std::string document;
  if (some_wrapped_) {
    if (!topic::is_utf8(as_text(body))) return Unexpected(Errc::kInvalidArgument);
    document = topic::envelope_text({.topic = file_.name(),
                                     .id = {},
                                     .subject = options.subject,
                                     .body = as_text(body),
                                     .attributes = options.attributes,
                                     .wall_ns = member_.me.bus().time().wall_ns(),
                                     .numbered = true});
    order.write_number = topic::number_envelope;
  }
  const topic::Message forms[] = {
      some_plain_ ? topic::Message{body, options.attributes} : topic::Message{},
      {as_bytes(document)}};
  const auto done = ordered_->publish(std::span(forms, some_wrapped_ ? 2 : 1), order, targets_,
                                      {.wait = options.wait});
  if (!done) {
    if (done.error() == Errc::kFull) file_.count(member_.me, topic::kRefused);
    return Unexpected(done.error());
  }
  Published published{.id = {file_.topic_id(), done->number},
                      .delivered = done->delivered,
                      .dead_letters = done->dead_lettered,
                      .dropped = done->refused,
                      .sequence = done->number,
                      .duplicate = done->duplicate};
  if (published.duplicate) {
    file_.count(member_.me, topic::kDuplicates);
  } else {
    count(published, body.size());
  }
  return published;
}

std::optional<ring::RingKind> TopicCore::kind_of(const std::string& queue) const {
  const auto found = member_.queues.open(queue);
  return found ? std::optional((*found)->kind()) : std::nullopt;
}

}  // namespace ringpost::detail
