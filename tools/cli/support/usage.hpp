// Words for a command line that does not parse.
#pragma once

#include <CLI/CLI.hpp>

#include "failure.hpp"

namespace ringpost::cli {

/// What is wrong with the line, and the help or the verb that was probably meant.
Failure usage_failure_of(const CLI::App& app, const CLI::ParseError& error);

}  // namespace ringpost::cli
