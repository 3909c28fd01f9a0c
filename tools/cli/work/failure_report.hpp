// What a handler of a batch says about it: the ids of the messages that failed.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "ringpost/types.hpp"

namespace ringpost::cli {

/// For each message of the batch whether the report names it: one id a line, blanks and empty lines
/// do not count. Nothing when the report names a message that is not in the batch: then nobody
/// knows what it means, and the whole batch has failed.
[[nodiscard]] std::optional<std::vector<bool>> failed_in_report(std::string_view report,
                                                                std::span<const MessageId> batch);

}  // namespace ringpost::cli
