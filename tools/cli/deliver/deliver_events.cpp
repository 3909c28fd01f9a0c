#include "deliver_events.hpp"

#include <fmt/format.h>

#include "../support/message_text.hpp"
#include "../support/topic_text.hpp"
#include "../support/units.hpp"

namespace ringpost::cli {
namespace {

JsonObject event_of(const char* name) {
  return {{"event", name}, {"time", iso_time(std::chrono::system_clock::now())}};
}

std::string destination_of(const SubscriptionInfo& subscription) {
  return printable(subscription.endpoint);
}

std::string why(const AttemptResult& result) {
  if (result.status == 0 || result.response.starts_with("exit") ||
      result.response.starts_with("signal")) {
    return printable(result.response);
  }
  return fmt::format("{} {}", result.status, printable(result.response));
}

/// A line of Amazon's delivery status log: sns.md, X11.
JsonObject status_line(const DeliveryStatus& status) {
  const Facts& message = status.what.facts;
  const auto age = std::chrono::system_clock::now() - message.sent_at;
  JsonObject notification{{"messageMD5Sum", message.md5},
                          {"messageId", message.id},
                          {"topicArn", status.what.topic_arn},
                          {"timestamp", iso_time(message.sent_at)}};
  JsonObject delivery{
      {"deliveryId", message.delivery_id},
      {"destination", status.what.subscription.endpoint},
      {"providerResponse", printable(status.result.response)},
      {"dwellTimeMs", std::chrono::duration_cast<std::chrono::milliseconds>(age).count()},
      {"statusCode", status.result.status},
      {"attempts", message.attempt}};
  JsonObject line;
  line["notification"] = std::move(notification);
  line["delivery"] = std::move(delivery);
  line["status"] = status.ending == Ending::kDelivered ? "SUCCESS" : "FAILURE";
  return line;
}

JsonObject retry_event(const DeliveryStatus& status, const char* name) {
  JsonObject event = event_of(name);
  event["topic"] = status.what.topic;
  event["subscription"] = subscription_id_text(status.what.subscription.id);
  event["message_id"] = status.what.facts.id;
  event["attempts"] = status.what.facts.attempt;
  event["status_code"] = status.result.status;
  event["response"] = printable(status.result.response);
  event["delay_seconds"] = json_seconds(status.delay);
  event["seconds"] = json_seconds(status.took);
  return event;
}

/// "…: exit code 1; attempt 2, …"
std::string line_of(const DeliveryStatus& status) {
  const std::string head = fmt::format("message {} to {}", status.what.facts.id,
                                       destination_of(status.what.subscription));
  const std::string failed =
      fmt::format("{}: {}; attempt {}", head, why(status.result), status.what.facts.attempt);
  switch (status.ending) {
    case Ending::kDelivered:
      return fmt::format("{} delivered, attempt {}", head, status.what.facts.attempt);
    case Ending::kRetried:
      return fmt::format("{}, again in {}", failed, format_age(status.delay));
    case Ending::kDeadLettered:
      return fmt::format("{}, moved to queue {}", failed,
                         *status.what.subscription.settings.dead_letter_queue);
    case Ending::kDiscarded:
      return fmt::format("{}, discarded: there is no dead-letter queue", failed);
    case Ending::kKept:
      return fmt::format("{}, kept: queue {} takes nothing, again in {}", failed,
                         *status.what.subscription.settings.dead_letter_queue,
                         format_age(status.delay));
    case Ending::kLate:
      return fmt::format("{}, too late: its lease had ended", head);
  }
  return head;
}

}  // namespace

void DeliverEvents::tell(const std::string& line) {
  const std::lock_guard lock(mutex_);
  context_.note(line);
}

void DeliverEvents::tell(JsonObject event) {
  if (context_.globals.quiet) return;
  const std::lock_guard lock(mutex_);
  try {
    context_.out.line(json_line(event));
    context_.out.flush();
  } catch (const Interrupted&) {
    // The reader is slow and we are to end: the work is what matters.
  } catch (const std::exception&) {
    closed_.store(true);
  }
}

void DeliverEvents::started(std::size_t subscriptions) {
  if (is_json()) {
    JsonObject event = event_of("started");
    event["subscriptions"] = subscriptions;
    tell(std::move(event));
  } else {
    tell(fmt::format("delivering to {}", format_counted(subscriptions, "endpoint")));
  }
}

void DeliverEvents::began(const std::string& topic, const SubscriptionInfo& subscription) {
  if (is_json()) {
    JsonObject event = event_of("subscribed");
    event["topic"] = topic;
    event["subscription"] = subscription_id_text(subscription.id);
    event["destination"] = subscription.endpoint;
    tell(std::move(event));
  } else {
    tell(fmt::format("topic {} → {}", topic, destination_of(subscription)));
  }
}

void DeliverEvents::ended(const std::string& topic, const SubscriptionInfo& subscription,
                          const std::string& reason) {
  if (is_json()) {
    JsonObject event = event_of("unsubscribed");
    event["topic"] = topic;
    event["subscription"] = subscription_id_text(subscription.id);
    event["reason"] = reason;
    tell(std::move(event));
  } else {
    tell(fmt::format("topic {} → {} ended: {}", topic, destination_of(subscription), reason));
  }
}

void DeliverEvents::trouble(const std::string& what) {
  if (is_json()) {
    JsonObject event = event_of("trouble");
    event["reason"] = what;
    tell(std::move(event));
  } else {
    tell(what);
  }
}

void DeliverEvents::finished(const DeliveryStatus& status) {
  count(status.ending);
  const bool is_final = status.ending == Ending::kDelivered ||
                        status.ending == Ending::kDeadLettered ||
                        status.ending == Ending::kDiscarded;
  if (!is_json()) {
    if (verbose_ || status.ending != Ending::kDelivered) tell(line_of(status));
  } else if (is_final) {
    tell(status_line(status));
  } else if (verbose_ || status.ending != Ending::kRetried) {
    const char* const name = status.ending == Ending::kRetried ? "retry"
                             : status.ending == Ending::kKept  ? "kept"
                                                               : "late";
    tell(retry_event(status, name));
  }
}

void DeliverEvents::count(Ending ending) {
  const std::lock_guard lock(mutex_);
  ++totals_.attempts;
  switch (ending) {
    case Ending::kDelivered:
      ++totals_.delivered;
      break;
    case Ending::kRetried:
      ++totals_.retried;
      break;
    case Ending::kDeadLettered:
      ++totals_.dead_lettered;
      break;
    case Ending::kDiscarded:
      ++totals_.discarded;
      break;
    case Ending::kKept:
      ++totals_.kept;
      break;
    case Ending::kLate:
      ++totals_.late;
      break;
  }
}

void DeliverEvents::draining() {
  if (is_json()) {
    tell(event_of("draining"));
  } else {
    tell("interrupted: waiting for the attempts under way; again to end at once");
  }
}

void DeliverEvents::summary(Duration took) {
  if (is_json()) {
    JsonObject summary{{"attempts", totals_.attempts},   {"delivered", totals_.delivered},
                       {"retried", totals_.retried},     {"dead_lettered", totals_.dead_lettered},
                       {"discarded", totals_.discarded}, {"kept", totals_.kept},
                       {"late", totals_.late},           {"seconds", json_seconds(took)}};
    JsonObject line;
    line["summary"] = std::move(summary);
    tell(std::move(line));
    return;
  }
  std::string text = fmt::format("{} delivered", format_counted(totals_.delivered, "message"));
  const auto add = [&text](std::uint64_t count, const char* what) {
    if (count != 0) text += fmt::format(", {} {}", format_count(count), what);
  };
  add(totals_.retried, "to be tried again");
  add(totals_.dead_lettered, "moved to dead-letter queues");
  add(totals_.discarded, "discarded");
  add(totals_.kept, "kept for want of room");
  add(totals_.late, "late");
  tell(fmt::format("{} in {}, {}", text, format_counted(totals_.attempts, "attempt"),
                   format_age(took)));
}

}  // namespace ringpost::cli
