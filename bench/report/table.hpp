// Results for people: a line a row, a line for each peer beside it.
#pragma once

#include <cstddef>
#include <string>

#include "harness/summary.hpp"
#include "report/machine.hpp"

namespace ringpost::bench {

/// "118 ns", "2.31 µs"; "31.2 M/s"; 3 digits.
std::string format_ns(double ns);
std::string format_rate(double per_second);
std::string format_value(double value, Unit unit);

std::string table_head(const Machine& machine, std::size_t name_width);
std::string table_row(const Summary& summary, std::size_t name_width);

}  // namespace ringpost::bench
