#include "harness/placement.hpp"

namespace ringpost::bench {

Placement placement_of_all(std::span<const double> probes_ns) noexcept {
  if (probes_ns.empty()) return Placement::kMixed;
  const Placement first = placement_of(probes_ns.front());
  for (const double probe_ns : probes_ns) {
    if (placement_of(probe_ns) != first) return Placement::kMixed;
  }
  return first;
}

std::string_view to_string(Placement placement) noexcept {
  switch (placement) {
    case Placement::kSibling:
      return "sibling";
    case Placement::kNear:
      return "near";
    case Placement::kFar:
      return "far";
    case Placement::kMixed:
      return "mixed";
  }
  return "mixed";
}

}  // namespace ringpost::bench
