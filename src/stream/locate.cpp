#include "stream/locate.hpp"

#include <algorithm>

namespace ringpost::stream {

std::uint64_t locate(const journal::JournalView& view, std::uint64_t position,
                     std::uint64_t frontier) noexcept {
  const auto lowest = [&view] { return view.hot().low.load(std::memory_order_acquire); };  // [low]
  position = std::max({position, lowest(), view.start()});
  // No record is longer than a lap: whoever says that the frontier is farther away is wrong.
  for (std::uint64_t steps = 0; position < frontier && steps < 2 * view.cells(); ++steps) {
    const journal::Descriptor seen{view.descriptor(position).load(std::memory_order_acquire)};
    const std::uint64_t lap = view.lap_of(position);
    if (seen.lap() == lap) return position;
    // Gone round: what is lower is gone too.
    position = seen.lap() > lap ? std::max(position + 1, lowest()) : position + 1;
  }
  return frontier;
}

}  // namespace ringpost::stream
