// What `ringpost work` was asked to do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "backoff.hpp"
#include "scaler.hpp"

namespace ringpost::cli {

/// What a handler reads on its standard input.
enum class HandlerInput {
  kBody,   ///< the body of its one message
  kLines,  ///< each body and a newline
  kNull,   ///< each body and a NUL byte
  kJson,   ///< each message as a line of JSON, as `receive --json` prints it
};

struct WorkPlan {
  std::string queue;
  std::vector<std::string> command;
  ScalePolicy scale;
  bool is_batch = false;  ///< handlers get several messages: no variables of one, but descriptor 3
  HandlerInput input = HandlerInput::kBody;
  Duration visibility_timeout{};
  Backoff backoff;
  std::optional<Duration> timeout;  ///< of one handler
  Duration kill_after = std::chrono::seconds(5);
  std::optional<Duration> drain_timeout;
  std::optional<std::uint64_t> messages_max;
  bool until_empty = false;

  /// Not only by a signal.
  [[nodiscard]] bool ends_by_itself() const { return until_empty || messages_max.has_value(); }
};

}  // namespace ringpost::cli
