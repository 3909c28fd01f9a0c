// Results as a picture: bars on a logarithmic axis, the peers of each row beneath it.
#pragma once

#include <string>
#include <vector>

#include "harness/summary.hpp"
#include "report/machine.hpp"

namespace ringpost::bench {

/// A complete SVG document: times, then rates. Follows the reader's light or dark colours.
std::string draw_bars(const std::vector<Summary>& rows, const Machine& machine);

}  // namespace ringpost::bench
