// Results for programs: one JSON object a row, one line each. bench/README.md lists the fields.
#pragma once

#include <string>

#include "harness/summary.hpp"
#include "report/machine.hpp"

namespace ringpost::bench {

/// No line break at the end.
std::string json_line(const Summary& summary, const Machine& machine);

}  // namespace ringpost::bench
