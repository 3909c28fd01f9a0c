#include "attempt.hpp"

#include <csignal>

#include <fmt/format.h>
#include <poll.h>
#include <boost/json/parse.hpp>

#include "../support/failure.hpp"
#include "../support/topic_text.hpp"
#include "../work/handler_input.hpp"
#include "../work/handler_process.hpp"
#include "ringpost/sqs.hpp"

namespace ringpost::cli {
namespace {

constexpr std::string_view kExec = "exec:";

push::HttpClient client_of(const push::HttpOptions& options) {
  auto client = push::HttpClient::make(options);
  if (client) return std::move(*client);
  throw Failure(ExitCode::kUsage, "InvalidArgument", client.error().what,
                "--ca names a PEM file of certificates");
}

/// False: the time was over.
bool ends_in_time(const HandlerProcess& process, Duration timeout) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + timeout;
  pollfd waiter{process.descriptor(), POLLIN, 0};
  while (true) {
    const auto left = std::max<Duration>(end - Clock::now(), Duration::zero());
    const timespec time{left.count() / 1'000'000'000, left.count() % 1'000'000'000};
    const int ready = ppoll(&waiter, 1, &time, nullptr);
    if (ready > 0) return true;
    if (ready == 0) return false;
  }
}

AttemptResult result_of(const HandlerEnd& end) {
  if (end.is_success()) return {push::Verdict::kDelivered, 0, ""};
  if (end.signal) {
    return {push::Verdict::kFailed, 128 + *end.signal, fmt::format("signal {}", *end.signal)};
  }
  const int code = end.exit_code.value_or(-1);
  return {push::Verdict::kFailed, code, fmt::format("exit code {}", code)};
}

/// The one in the JSON document; of a plain delivery that of the delivery.
std::string message_id_of(const Lease& message, const SubscriptionInfo& subscription) {
  if (*subscription.settings.raw) return message.id().to_string();
  boost::json::error_code failed;
  const std::string_view text = message.text();
  const auto document = boost::json::parse({text.data(), text.size()}, failed);
  const boost::json::value* const id =
      document.is_object() ? document.get_object().if_contains("MessageId") : nullptr;
  if (id == nullptr || !id->is_string()) return message.id().to_string();
  return std::string(id->get_string());
}

}  // namespace

Facts::Facts(const Lease& message, const SubscriptionInfo& subscription)
    : id(message_id_of(message, subscription)),
      delivery_id(message.id().to_string()),
      md5(sqs::md5_of_body(message.body())),
      sent_at(message.sent_at()),
      attempt(message.receive_count()) {}

std::string subscription_arn(const std::string& topic_arn, const SubscriptionInfo& subscription) {
  return topic_arn + ":" + subscription_id_text(subscription.id);
}

Attempts::Attempts(const AttemptOptions& options)
    : options_(options), client_(client_of(options.http)) {
  environment_.set("RINGPOST_BUS", options.bus);
  environment_.set("RINGPOST_SHM_DIR", options.shm_dir);
}

AttemptResult Attempts::make(const Outgoing& what) {
  return what.subscription.endpoint.starts_with(kExec) ? run_command(what) : post(what);
}

AttemptResult Attempts::run_command(const Outgoing& what) {
  HandlerEnvironment environment = environment_;
  environment.describe(what.message);
  environment.set("RINGPOST_MESSAGE_ID", what.facts.id);
  environment.set("RINGPOST_TOPIC", what.topic);
  environment.set("RINGPOST_TOPIC_ARN", what.topic_arn);
  environment.set("RINGPOST_SUBSCRIPTION", subscription_id_text(what.subscription.id));
  environment.set("RINGPOST_ATTEMPT", std::to_string(what.facts.attempt));
  const std::vector<std::string> command = {"/bin/sh", "-c",
                                            what.subscription.endpoint.substr(kExec.size())};
  try {
    const Descriptor input = handler_input(what.message.text());
    HandlerProcess process(
        {command, environment.entries(), input.number(), -1, options_.output_to_errors});
    const bool in_time = ends_in_time(process, options_.http.timeout);
    if (!in_time) process.signal(SIGKILL);
    const HandlerEnd end = process.wait();
    return in_time ? result_of(end) : AttemptResult{push::Verdict::kFailed, 0, "timed out"};
  } catch (const std::system_error& error) {
    return {push::Verdict::kFailed, 0, error.what()};
  }
}

AttemptResult Attempts::post(const Outgoing& what) {
  const std::string arn = subscription_arn(what.topic_arn, what.subscription);
  const push::HttpAnswer answer =
      client_.post(what.subscription.endpoint,
                   push::notification_headers({.topic_arn = what.topic_arn,
                                               .subscription_arn = arn,
                                               .message_id = what.facts.id,
                                               .content_type = what.policy.content_type,
                                               .raw = *what.subscription.settings.raw}),
                   what.message.text());
  return {push::verdict_of(answer.status, options_.lenient), static_cast<int>(answer.status),
          answer.text};
}

}  // namespace ringpost::cli
