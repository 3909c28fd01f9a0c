// Dead-letter policies: what they may say (semantics of SQS, T07, T08, L02, L03).
#pragma once

#include <string>

#include "queue/queue_mapping.hpp"
#include "ringpost/options.hpp"
#include "ringpost/result.hpp"

namespace ringpost::queue {

inline constexpr std::uint32_t kReceivesMax = 1'000;

/// By itself. kInvalidArgument says what to give instead.
[[nodiscard]] Result<void> check_form(const RedrivePolicy& policy);
[[nodiscard]] Result<void> check_form(const RedriveAllow& allow);

/// Whether the queue `name` may have the dead-letter queue that `given` wants: it exists, is of the
/// same kind, is another queue, and allows it. Errors kNotFound, kInvalidArgument.
[[nodiscard]] Result<void> check_redrive(QueueMappings& queues, const std::string& name, bool fifo,
                                         const QueueSettings& given);

/// The same, looked at from the dead-letter queue.
[[nodiscard]] bool allows(const RedriveAllow& allow, const std::string& source);

}  // namespace ringpost::queue
