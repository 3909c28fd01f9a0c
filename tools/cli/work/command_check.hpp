// Whether a command can be run at all, before any message is taken for it.
#pragma once

#include <string>

#include "../support/failure.hpp"

namespace ringpost::cli {

/// The failure for a command that exec() refused with this errno.
[[nodiscard]] Failure cannot_execute(const std::string& command, int code);
/// Throws it when there is no such program in $PATH, or at the path that the word is.
void check_command(const std::string& command);

}  // namespace ringpost::cli
