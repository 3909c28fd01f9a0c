// One attempt to deliver a message to its endpoint.
#pragma once

#include <memory>
#include <string>

#include "../work/handler_environment.hpp"
#include "http/notification.hpp"
#include "ringpost/delivery_policy.hpp"
#include "ringpost/message.hpp"
#include "ringpost/topic.hpp"

namespace ringpost::cli {

/// What is the same for all attempts of a deliverer.
struct AttemptOptions {
  push::HttpOptions http;  ///< the timeout is that of commands too
  bool lenient = false;    ///< redirects and 4xx count as delivered
  bool output_to_errors = false;
  std::string bus;
  std::string shm_dir;
};

/// Of a message, for its attempt and for what is told of it when the message is settled.
struct Facts {
  std::string id;           ///< that the subscriber sees: of the publish, if it is in the message
  std::string delivery_id;  ///< of the message in the queue
  std::string md5;          ///< of the body
  WallTime sent_at{};
  std::uint32_t attempt = 1;  ///< from 1; those count in which a deliverer died
  Facts() = default;
  Facts(const Lease& message, const SubscriptionInfo& subscription);
};

/// A message on its way to an endpoint. Refers to what outlives the attempt.
struct Outgoing {
  const Lease& message;  ///< its bytes end when it is settled
  const Facts& facts;
  const SubscriptionInfo& subscription;
  const DeliveryPolicy& policy;
  const std::string& topic;
  const std::string& topic_arn;
};

[[nodiscard]] std::string subscription_arn(const std::string& topic_arn,
                                           const SubscriptionInfo& subscription);

struct AttemptResult {
  push::Verdict verdict = push::Verdict::kFailed;
  int status = 0;        ///< of the answer, or the exit code; 0 of HTTP: no answer
  std::string response;  ///< the reason in the answer, or why there is none
};

/// Threads   one at a time.
/// Blocking  up to the timeout.
class Attempts {
 public:
  /// Throws Failure when the certificates cannot be read.
  explicit Attempts(const AttemptOptions& options);
  [[nodiscard]] AttemptResult make(const Outgoing& what);

 private:
  AttemptResult run_command(const Outgoing& what);
  AttemptResult post(const Outgoing& what);

  const AttemptOptions& options_;
  HandlerEnvironment environment_;
  push::HttpClient client_;
};

}  // namespace ringpost::cli
