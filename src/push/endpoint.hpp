// Endpoints that messages are pushed to: what they are called, and the queues that they have.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ringpost/result.hpp"

namespace ringpost::push {

/// Not the name of a queue, which has no colon.
[[nodiscard]] inline bool is_endpoint(std::string_view target) noexcept {
  return target.find(':') != std::string_view::npos;
}
/// kInvalidArgument: neither "exec:COMMAND" nor a URL of http or https.
[[nodiscard]] Result<void> check_endpoint(const std::string& endpoint);

/// "<topic>--<id of the subscription>"; of a long topic name only its beginning.
[[nodiscard]] std::string queue_name(std::string_view topic, std::uint64_t subscription);
/// What the names of a topic's queues begin with, and perhaps those of other topics too.
[[nodiscard]] std::string queue_prefix(std::string_view topic);

/// Tags of such a queue: whom it belongs to.
inline constexpr char kTopicTag[] = "ringpost:topic";
inline constexpr char kEndpointTag[] = "ringpost:endpoint";

}  // namespace ringpost::push
